// SPDX-License-Identifier: LGPL-2.1-or-later
// What the watch page measures with, by sound whose place is known.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openBrowser, openPage } from './lib/browser.mjs';
import { servePublishPage } from './lib/page_server.mjs';
import { run } from './lib/process.mjs';

let browser;
let pages;

before(async () => {
  pages = await servePublishPage(0);
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await pages?.close();
});

const kSeconds = 8;
// FFmpeg's encoder begins with a frame of nothing, and here nobody takes it off.
const kDelayMs = 1024 / 48;

// Fragments as hls.js hands them over: the first is the init segment.
async function fragmentsOf(soundLateMs, fragmentMs) {
  const beep = `between(mod(t-${soundLateMs / 1000}+1\\,1)\\,0\\,0.1)`;
  const file = await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i',
    `aevalsrc=0.5*sin(2*PI*1000*(t-${soundLateMs / 1000}))*${beep}+0.001*sin(2*PI*440*t):s=48000:d=${kSeconds}`,
    '-c:a', 'aac', '-b:a', '128k', '-use_editlist', '0', '-frag_duration', String(fragmentMs * 1000),
    '-movflags', '+empty_moov+default_base_moof', '-f', 'mp4', 'pipe:1']);
  const fragments = [];
  let piece = [];
  for (let at = 0; at < file.length;) {
    const size = file.readUInt32BE(at);
    const name = file.toString('latin1', at + 4, at + 8);
    piece.push(file.subarray(at, at + size));
    if (name === 'moov' || name === 'mdat') fragments.push(Buffer.concat(piece.splice(0)));
    at += size;
  }
  return fragments.map((fragment) => fragment.toString('base64'));
}

// The pictures' time code says that the film began with a whole second.
const measure = (page, fragments) => page.evaluate(async (texts) => {
  const { LipSyncMeter } = await import('/assets/lip-sync-meter.js');
  const began = 1_800_000_000_000;
  const meter = new LipSyncMeter(() => ({ at: began + 2_500, lastMs: 500, mediaTime: 2 }));
  for (const text of texts)
    await meter.take(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
  return meter.latest;
}, fragments);

// Fragments that begin with a second, and such as do not.
for (const [soundLateMs, fragmentMs] of [[0, 170], [45, 170], [-80, 200], [120, 1000], [-3, 333]]) {
  test(`lip-sync: sound ${soundLateMs} ms late in fragments of ${fragmentMs} ms`, async () => {
    const page = await openPage(await browser.newContext(), pages.url);
    const measured = await measure(page, await fragmentsOf(soundLateMs, fragmentMs));
    assert.ok(measured?.beeps >= kSeconds - 3, JSON.stringify(measured));
    assert.ok(Math.abs(measured.soundLateMs - kDelayMs - soundLateMs) < 3, `${measured.soundLateMs} ms`);
  });
}

test('lip-sync: nothing is measured of what is no MP4', async () => {
  const page = await openPage(await browser.newContext(), pages.url);
  const [init] = await fragmentsOf(0, 170);
  assert.equal(await measure(page, [init, ...['nonsense', 'more of it', ''].map((text) => btoa(text))]), null);
});
