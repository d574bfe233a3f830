// SPDX-License-Identifier: LGPL-2.1-or-later
// A publisher who vanishes: the broadcast goes on with the last picture and silence, and who comes back in time goes
// on in it, so that viewers see one programme.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { holdBack, onair, openBrowser, openPage, publishUrl } from './lib/browser.mjs';
import { startLiveServer, status } from './lib/live_server.mjs';
import { servePublishPage } from './lib/page_server.mjs';
import { artefacts, eventually } from './lib/process.mjs';
import { assertOnGrid, decode, findBeeps, findFaults, findFlashes, join, median, parsePlaylist, segmentsOf,
         skews, streamsOf } from './lib/segments.mjs';

let browser;
before(async () => {
  await mkdir(artefacts, { recursive: true });
  browser = await openBrowser();
});
after(() => browser?.close());

const kHoldSeconds = 6;

// A server, a viewer by hls.js and whoever reads the playlist all the time.
async function onAir(t, name, work, options = []) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-hold-'));
  const server = await startLiveServer(dir, ['--hold-seconds', String(kHoldSeconds), ...options]);
  const pages = await servePublishPage(0);
  const viewing = await browser.newContext();
  const follower = followPlaylist(server.media);
  try {
    const page = await openPage(viewing, pages.players);
    const watch = async () => {
      await eventually('enough to be behind', () => follower.listed.size >= 6, 20_000);
      // Some segments behind the end: with parts players are so close to it that the second which it takes to notice
      // is a stall.
      await page.evaluate((url) => window.players.add('viewer', {
        kind: 'hls.js', url, config: { lowLatencyMode: false, liveSyncDuration: 4 } }), server.hls);
      await eventually('it is watched', async () => (await report()).time > 1, 20_000);
    };
    const report = () => page.evaluate(() => window.players.report('viewer'));
    await work({ server, dir, follower, watch, report });
    assert.deepEqual(page.problems, []);
  } finally {
    follower.stop();
    await viewing.close();
    await pages.close();
    await server.program.stop();
    await writeFile(path.join(artefacts, `hold-${name}.log`), server.program.output);
    await rm(dir, { recursive: true, force: true });
  }
}

// When each segment was listed first, and what was listed last.
function followPlaylist(media) {
  const listed = new Map();
  const seen = { listed, playlist: null, problems: [], stop: () => clearInterval(timer) };
  const look = async () => {
    const response = await fetch(media);
    if (!response.ok) return;
    seen.playlist = parsePlaylist(await response.text());
    for (const { uri } of seen.playlist.entries) if (!listed.has(uri)) listed.set(uri, Date.now());
  };
  const timer = setInterval(() => look().catch((error) => seen.problems.push(String(error))), 50);
  return seen;
}

// How long players had to wait for each new segment, in seconds.
const waitsOf = ({ listed }) => {
  const times = [...listed.values()];
  return times.slice(1).map((at, i) => (at - times[i]) / 1000);
};

async function publish(server, prepare = () => {}, options = {}) {
  const context = await browser.newContext();
  await prepare(context);
  const page = await openPage(context, publishUrl(server.publish, options));
  await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);
  return page;
}

// As a crash or a dead battery does it.
async function sayNoGoodbye(page) {
  await page.evaluate(() => {
    const { fetch } = window;
    window.fetch = (what, options) =>
      options?.method === 'DELETE' ? new Promise(() => {}) : fetch(what, options);
  });
}
async function vanish(page) {
  await sayNoGoodbye(page);
  await page.context().close();
}

const isState = (server, state) => async () => (await status(server)).state === state;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What everybody got: every segment, sound without a hole, a picture throughout; `steady` segments begin where they
// should. (Where a browser begins to send, there may be no picture near a boundary.)
async function assertWhole({ dir, follower, server }, steady) {
  const files = await segmentsOf(dir);
  const { entries, discontinuities } = follower.playlist;
  assert.deepEqual(entries.map(({ uri }) => path.join(dir, uri)), files, 'every file is listed, in order');
  assert.equal(discontinuities, 0);
  assert.deepEqual(follower.problems, []);
  assertOnGrid({ entries: entries.slice(0, steady) }, 1);
  assertOnGrid({ entries }, 1, 1);
  assert.deepEqual(await findFaults(files), []);
  const all = await join(files, path.join(dir, 'all.ts'));
  const { errors, stills, silences } = await decode(all);
  assert.equal(errors, '');
  const flashes = await findFlashes(all);
  const beeps = await findBeeps(all);
  await rm(all);
  const { segments } = await status(server);
  assert.equal(segments.missed ?? 0, 0);
  return { files, stills, silences, flashes, beeps };
}

function assertSeenThroughout(t, { stalls, errors, frames }, since) {
  t.diagnostic(`viewer: ${stalls.length} stalls, ${frames} frames, ` +
    `${errors.map(({ details, at }) => `${details} (${at - since} ms)`).join(' ') || 'no errors'}`);
  assert.deepEqual(errors.filter(({ fatal }) => fatal), []);
  assert.deepEqual(stalls.filter((at) => at > since), [], 'no stall');
}

for (const [name, comeBack] of [
  ['another page', async (server, page) => {
    await vanish(page);
    await pause(4000);
    return publish(server);
  }],
  ['the page, reloaded', async (server, page) => {
    await sayNoGoodbye(page);
    await page.goto('about:blank');
    await pause(4000);
    await page.goto(publishUrl(server.publish));
    await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);
    return page;
  }],
]) {
  test(`who vanishes for 4 s is back in the same broadcast: ${name}`, { timeout: 180_000 }, async (t) => {
    await onAir(t, name.replace(/\W+/g, '-'), async ({ server, dir, follower, watch, report }) => {
      const first = await publish(server);
      await eventually('on the air', isState(server, 'live'), 20_000);
      await watch();
      await pause(4000);
      const goneAt = Date.now();
      const coming = comeBack(server, first);
      await eventually('the server says so', isState(server, 'away'), 4000);
      assert.match((await status(server)).message, /away and may come back/);
      const second = await coming;
      await server.program.says(/broadcast 1 goes on with sound and picture/, 30_000);
      const backAt = Date.now();
      const steady = follower.listed.size;
      t.diagnostic(`away for ${((backAt - goneAt) / 1000).toFixed(1)} s`);
      await pause(12_000);
      const { broadcast } = await status(server);
      assert.equal(broadcast, 1);
      assertSeenThroughout(t, await report(), goneAt);
      await second.getByRole('button', { name: 'Stop' }).click();
      await eventually('the playlist ends', () => follower.playlist.isEnded, 10_000);
      const waits = waitsOf(follower);
      const { files, stills, silences, flashes, beeps } = await assertWhole({ dir, follower, server }, steady);
      t.diagnostic(`${files.length} segments, which came after ${waits.map((s) => s.toFixed(2)).join(' ')} s`);
      t.diagnostic(`stills ${stills.map((s) => s.toFixed(1))}, silences ${silences.map((s) => s.toFixed(1))}`);
      assert.ok(Math.max(...waits) < 2.7, 'viewers have more ahead');
      const away = beeps.findIndex((beep, i) => i > 0 && beep - beeps[i - 1] > 2.5);
      const [before, behind] = [beeps.slice(0, away), beeps.slice(away)].map((some) => skews(some, flashes));
      t.diagnostic(`sound late by ${median(before)?.toFixed(1)} ms before, ${median(behind)?.toFixed(1)} ms behind: ` +
        behind.map((ms) => ms.toFixed(0)).join(' '));
      assert.ok(before.length >= 4 && behind.length >= 8, `${before.length}, ${behind.length} beeps and flashes`);
      // Single ones are late where the page has been kept from drawing.
      for (const skew of [before, behind].map(median)) assert.ok(Math.abs(skew) <= 40, `${skew} ms`);
    });
  });
}

test('sound alone, and another size, go on in the broadcast that there is', { timeout: 180_000 }, async (t) => {
  await onAir(t, 'other-streams', async ({ server, dir, follower }) => {
    const first = await publish(server);
    await eventually('on the air', isState(server, 'live'), 20_000);
    await pause(3000);
    await vanish(first);
    const second = await publish(server, (context) => holdBack(context, 'video', { isOffered: false }));
    await server.program.says(/broadcast 1 goes on with sound only/, 30_000);
    const steady = follower.listed.size;
    await pause(5000);
    await vanish(second);
    const third = await publish(server, undefined, { width: 320, height: 180 });
    await server.program.says(/broadcast 1 goes on with sound and picture/, 30_000);
    await pause(6000);
    await third.getByRole('button', { name: 'Stop' }).click();
    await eventually('the playlist ends', () => follower.playlist.isEnded, 10_000);
    const { files, stills, silences, flashes, beeps } = await assertWhole({ dir, follower, server }, steady);
    t.diagnostic(`stills ${stills.map((s) => s.toFixed(1))}, silences ${silences.map((s) => s.toFixed(1))}`);
    for (const file of [files[1], files.at(-2)]) {
      const { width, height } = (await streamsOf(file)).find((stream) => stream.codec_name === 'h264');
      assert.deepEqual([width, height], [640, 360]);
    }
    const unseen = beeps.filter((beep) => !flashes.some((flash) => Math.abs(flash - beep) < 0.4));
    assert.ok(unseen.length >= 3, `${unseen.length} beeps without a picture`);
    assert.ok(skews(beeps.slice(-4), flashes).length >= 3, 'and there is a picture again');
  });
});

test('a picture that the broadcast never had begins behind a discontinuity', { timeout: 180_000 }, async (t) => {
  await onAir(t, 'more-streams', async ({ server, dir, follower }) => {
    const first = await publish(server, (context) => holdBack(context, 'video', { isOffered: false }));
    await server.program.says(/broadcast 1 begins with sound only/, 30_000);
    await eventually('three segments', () => follower.listed.size >= 3, 20_000);
    await vanish(first);
    const second = await publish(server);
    await server.program.says(/broadcast 1 goes on with sound and picture/, 30_000);
    const { size } = follower.listed;
    await eventually('three segments more', () => follower.listed.size >= size + 3, 20_000);
    await second.getByRole('button', { name: 'Stop' }).click();
    await eventually('the playlist ends', () => follower.playlist.isEnded, 10_000);
    const { entries, discontinuities } = follower.playlist;
    const files = await segmentsOf(dir);
    assert.deepEqual(entries.map(({ uri }) => path.join(dir, uri)), files);
    assert.equal(discontinuities, 1);
    assert.deepEqual(follower.problems, []);
    const kinds = async (file) => (await streamsOf(file)).map((stream) => stream.codec_name).sort();
    assert.deepEqual(await kinds(files[0]), ['aac']);
    assert.deepEqual(await kinds(files.at(-2)), ['aac', 'h264']);
  });
});

test('without a hold, who vanished has ended the broadcast', { timeout: 120_000 }, async (t) => {
  await onAir(t, 'none', async ({ server, follower }) => {
    const first = await publish(server);
    await eventually('three segments', () => follower.listed.size >= 3, 20_000);
    await vanish(first);
    await publish(server);
    await server.program.says(/the playlist has ended[^]*broadcast 2 begins with sound and picture/, 30_000);
  }, ['--hold-seconds', '0']);
});

test('who does not come back is waited for, and then the playlist ends', { timeout: 180_000 }, async (t) => {
  await onAir(t, 'for-good', async ({ server, dir, follower, watch, report }) => {
    const first = await publish(server);
    await eventually('on the air', isState(server, 'live'), 20_000);
    await watch();
    await pause(3000);
    const goneAt = Date.now();
    await vanish(first);
    await eventually('the server says so', isState(server, 'away'), 4000);
    await server.program.says(new RegExp(`waiting ${kHoldSeconds} s for the publisher`), 20_000);
    const heldFrom = Date.now();
    assert.equal(follower.playlist.isEnded, false);
    await eventually('the playlist ends', () => follower.playlist.isEnded, 20_000);
    const held = (Date.now() - heldFrom) / 1000;
    const atEnd = await report();
    t.diagnostic(`gone for ${((Date.now() - goneAt) / 1000).toFixed(1)} s, held for ${held.toFixed(1)} s`);
    assert.ok(held > kHoldSeconds - 1 && held < kHoldSeconds + 4, `${held} s`);
    await eventually('the server is idle', isState(server, 'idle'), 5000);
    const waits = waitsOf(follower);
    const steady = follower.listed.size;
    const { files, stills, silences } = await assertWhole({ dir, follower, server }, steady);
    t.diagnostic(`${files.length} segments, which came after ${waits.map((s) => s.toFixed(2)).join(' ')} s`);
    t.diagnostic(`stills ${stills.map((s) => s.toFixed(1))}, silences ${silences.map((s) => s.toFixed(1))}`);
    assertSeenThroughout(t, atEnd, goneAt);
    assert.ok(Math.max(...waits) < 2.7, 'viewers have more ahead');
    assert.ok(silences.at(-1) > 14, 'ten seconds until the session is given up, and those of the hold');
    // Whoever comes now begins anew.
    await publish(server);
    await server.program.says(/broadcast 2 begins with sound and picture/, 20_000);
  });
});

test('SIGTERM while the publisher is away ends the playlist at once', { timeout: 120_000 }, async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-hold-'));
  const server = await startLiveServer(dir, ['--hold-seconds', '600']);
  try {
    const first = await publish(server);
    await eventually('on the air', isState(server, 'live'), 20_000);
    await vanish(first);
    await server.program.says(/waiting 600 s for the publisher/, 30_000);
    assert.deepEqual(await server.program.stop('SIGTERM'), { code: 0, signal: null }, server.program.output);
    const playlist = parsePlaylist(await readFile(path.join(dir, '0.m3u8'), 'utf8'));
    assert.equal(playlist.isEnded, true);
    const files = await segmentsOf(dir);
    assert.deepEqual(playlist.entries.map(({ uri }) => path.join(dir, uri)), files);
    assert.deepEqual(await findFaults(files), []);
  } finally {
    await server.program.stop('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});
