// SPDX-License-Identifier: LGPL-2.1-or-later
// One origin, and a writer in another process that is killed and replaced while viewers wait for what comes next.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { openBrowser, openPage } from './lib/browser.mjs';
import { mediaPlaylistUrl } from './lib/live_sinks.mjs';
import { servePublishPage } from './lib/page_server.mjs';
import { Program, eventually } from './lib/process.mjs';
import { assertGoesOn, follow, nextSequence } from './lib/follow.mjs';
import { environment } from './lib/sync_chain.mjs';

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

const launch = (line) =>
  new Program('gst-launch-1.0', ['-v', ...line.split(' ')], { env: environment });

async function startOrigin(dir) {
  const program = launch(`hlsorigin location=${dir} address=127.0.0.1 port=0`);
  const [, port] = await program.says(/hlsorigin0: current-port = (\d+)/, 20_000);
  return { program, url: `http://127.0.0.1:${port}` };
}

const startWriter = (dir) => launch(
  `hlslivesink name=hls location=${dir} location-served=true target-duration=1000000000 ` +
  'videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! ' +
  'x264enc tune=zerolatency speed-preset=ultrafast bitrate=300 key-int-max=100000 ! ' +
  'video/x-h264,profile=constrained-baseline ! h264parse ! queue ! hls.video_0 ' +
  'audiotestsrc is-live=true samplesperbuffer=1024 ! audio/x-raw,rate=48000 ! ' +
  'avenc_aac ! aacparse ! queue ! hls.audio_0');

test('a writer that is killed is replaced without a viewer losing the channel', { timeout: 120_000 }, async (t) => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-replaced-'));
  const channel = path.join(dir, 'live', 'one');
  const stops = [() => rm(dir, { recursive: true, force: true })];
  const start = (program) => {
    stops.unshift(() => program.stop('SIGKILL'));
    return program;
  };
  try {
    // The directory is not even there yet.
    const origin = await startOrigin(path.join(dir, 'live'));
    start(origin.program);
    const writer = start(startWriter(channel));
    const master = `${origin.url}/one/master.m3u8`;
    const media = await eventually('a playlist', () => mediaPlaylistUrl(master), 20_000);
    await eventually('four segments', async () =>
      nextSequence(await (await fetch(media)).text()) >= 4, 20_000);

    const pages = await servePublishPage(0);
    stops.unshift(() => pages.close());
    const context = await browser.newContext();
    stops.unshift(() => context.close());
    const page = await openPage(context, pages.players);
    await page.evaluate((url) => window.players.add('viewer', { kind: 'hls.js', url }), master);
    const report = () => page.evaluate(() => window.players.report('viewer'));
    await eventually('it plays', async () => (await report()).time > 1, 20_000);
    const viewer = follow(media);
    const newest = () => nextSequence(viewer.seen.texts.at(-1));
    await eventually('two segments more', () => viewer.seen.texts.length && newest() >= 8, 20_000);

    const before = newest();
    const killedAt = Date.now();
    await writer.stop('SIGKILL');
    const mastersBetween = await Promise.all([fetch(master), fetch(media)]);
    assert.deepEqual(mastersBetween.map(({ status }) => status), [200, 200]);
    start(startWriter(channel));
    await eventually('eight segments of the next writer', () => newest() >= before + 8, 40_000);
    const played = await report();
    await viewer.stop();

    const { refusals, waits, files } = viewer.seen;
    t.diagnostic(`${waits} blocking reloads, refusals: ${refusals}, ${files.size} files`);
    assert.ok(waits > 30, `${waits} reloads`);
    assert.equal(assertGoesOn(viewer.seen), 1, 'a discontinuity between the two');

    // The picture stood still while there was none, and went on.
    const shown = played.readings.map(({ at }) => at);
    const behind = shown.filter((at) => at > killedAt);
    const still = Math.max(...shown.slice(1).map((at, i) => at - shown[i])) / 1000;
    t.diagnostic(`the picture stood still for ${still.toFixed(2)} s; ` +
      `${played.errors.map(({ details }) => details).join(' ') || 'no errors'}`);
    assert.deepEqual(played.errors.filter(({ fatal }) => fatal), []);
    assert.deepEqual(played.errors.filter(({ status }) => status === 404), []);
    assert.ok(behind.at(-1) - killedAt > 6000 && played.at - behind.at(-1) < 1500, 'it plays on');
    assert.ok(still < 8, `the picture stood still for ${still} s`);
    assert.deepEqual(page.problems, []);
  } finally {
    for (const stop of stops) await stop();
  }
});
