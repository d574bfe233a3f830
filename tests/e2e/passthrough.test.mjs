// SPDX-License-Identifier: LGPL-2.1-or-later
// examples/launch/whip-simulcast.sh: Chromium's three layers become three renditions, and nothing is encoded anew.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { openBrowser } from './lib/browser.mjs';
import { freePorts } from './lib/live_server.mjs';
import { Program, eventually, root } from './lib/process.mjs';
import { beginsWithKeyFrame, parsePlaylist, segmentsOf, streamsOf } from './lib/segments.mjs';
import { publishLayers, setActive } from './lib/simulcast.mjs';

const layers = [
  { rid: 'h' },
  { rid: 'm', scaleResolutionDownBy: 2 },
  { rid: 'l', scaleResolutionDownBy: 4 },
];
const patience = 40_000;
let browser;
let context;
let dir;
let page;
let pipeline;

before(async () => {
  browser = await openBrowser();
  const port = await freePorts();
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-passthrough-'));
  const env = { ...process.env, DIR: dir, PORT: String(port), TARGET_DURATION: '1000000000', PLAYLIST_LENGTH: '0' };
  pipeline = new Program(path.join(root, 'examples/launch/whip-simulcast.sh'), [], { env });
  await pipeline.says(/Setting pipeline to PLAYING|New clock/, 10_000);
  context = await browser.newContext();
  page = await publishLayers(context, `http://127.0.0.1:${port}/whip`, layers);
});
after(async () => {
  await browser?.close();
  await pipeline?.stop('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

const playlist = async (rendition) => parsePlaylist(await readFile(path.join(dir, `${rendition}.m3u8`), 'utf8'));
const count = async () => (existsSync(path.join(dir, '0.m3u8')) ? (await playlist(0)).entries.length : 0);
async function videoOf(rendition, segment) {
  const streams = await streamsOf(path.join(dir, `${rendition}-${segment}.ts`));
  return streams.find((stream) => stream.codec_name === 'h264');
}
// The first segment from this one on of whose pictures' widths that is true. How large a layer is depends on the
// machine: browsers shrink all of them when they can't keep up.
function segmentWith(what, from, isTrue) {
  let seen = [];
  return eventually(what, async () => {
    seen = [];
    for (let segment = from; segment < await count(); ++segment) {
      const videos = await Promise.all([0, 1, 2].map((rendition) => videoOf(rendition, segment)));
      seen.push(videos.map((video) => video?.width));
      if (videos.every(Boolean) && isTrue(...seen.at(-1))) return { segment };
    }
    return null;
  }, patience).catch((error) => { throw new Error(`${error.message}\n${JSON.stringify(seen)}\n${pipeline.output}`); });
}

test('layers become renditions that are cut at the same instants', async () => {
  await segmentWith('three sizes', 0, (h, m, l) => h > m && m > l);
  const begun = await count();
  await eventually('four more segments', async () => await count() >= begun + 4, patience);
  const all = await Promise.all([0, 1, 2].map(playlist));
  const least = Math.min(...all.map(({ entries }) => entries.length));
  const lengths = all.map(({ entries }) => entries.slice(0, least).map(({ duration }) => duration));
  assert.deepEqual(lengths[1], lengths[0]);
  assert.deepEqual(lengths[2], lengths[0]);
  const master = await readFile(path.join(dir, 'master.m3u8'), 'utf8');
  assert.equal(master.match(/#EXT-X-STREAM-INF/g).length, 3);
});

test('a rendition whose layer the browser stops repeats the next one, and has its own again', async () => {
  await setActive(page, 'h', false);
  const { segment } = await segmentWith('the next layer', await count(), (h, m, l) => h === m && m > l);
  await setActive(page, 'h', true);
  await segmentWith('its own layer', segment, (h, m, l) => h > m && m > l);
});

// A layer that has never come has no end either, and then the pipeline has none.
test('the playlists end with the publisher', { timeout: 60_000 }, async () => {
  await page.close();
  await context.close();
  assert.equal((await pipeline.exited).code, 0, pipeline.output);
  for (const rendition of [0, 1, 2]) assert.equal((await playlist(rendition)).isEnded, true);
  assert.doesNotMatch(pipeline.output, /ERROR/);
});

// A browser on a busy machine may answer later than a segment waits for its key frame.
const kMostDependent = 2;
test('segments begin with key frames, where layers come and go too', async (t) => {
  const dependent = [];
  const files = (await Promise.all([0, 1, 2].map((rendition) => segmentsOf(dir, rendition)))).flat();
  for (const file of files) {
    if (await beginsWithKeyFrame(file) === false) dependent.push(path.basename(file));
  }
  t.diagnostic(`${dependent.length} of ${files.length} segments do not: ${dependent.join(' ')}`);
  assert.ok(dependent.length <= kMostDependent);
});
