// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes wrong on an ordinary evening: paths change, cameras go dark, disks fill up.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { holdBack, onair, openBrowser, openPage, publishUrl } from './lib/browser.mjs';
import { startLiveServer, status } from './lib/live_server.mjs';
import { eventually } from './lib/process.mjs';
import { assertOnGrid, assertTogether, beginningsOf, entriesOf, findBeeps, findFaults, findFlashes, join,
         median, parsePlaylist, segmentsOf, skews, streamsOf } from './lib/segments.mjs';

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

// A server and a publisher on it, both gone afterwards.
async function withBroadcast(options, work) {
  const dir = options.dir ?? (await mkdtemp(path.join(os.tmpdir(), 'onair-fault-')));
  const server = await startLiveServer(dir, ['--target-duration', '1']);
  const context = await browser.newContext();
  try {
    await options.prepare?.(context);
    const page = await openPage(context, publishUrl(server.publish, options.publish));
    await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);
    await work({ server, page, dir, context });
  } catch (error) {
    throw new Error(`${error.message}\n${server.program.output}`, { cause: error });
  } finally {
    await context.close();
    await server.program.stop();
    if (!options.dir) await rm(dir, { recursive: true, force: true });
  }
}

const isOnAir = async (server) => (await status(server)).state === 'live';

async function waitForSegments(dir, count, timeoutMs = 20_000) {
  return eventually(`${count} segments`, async () => {
    const files = await segmentsOf(dir);
    return files.length >= count && files;
  }, timeoutMs);
}

// All that has been written so far, without the one that is being written. Where no picture is near a
// boundary the segment begins with the next one, `within` so many seconds, and the one behind it is shorter.
async function assertExact(files, within) {
  const beginnings = await beginningsOf(files.slice(0, -1));
  assertTogether(beginnings);
  const entries = entriesOf(beginnings);
  assertOnGrid({ entries }, 1, within);
  const sum = entries.slice(0, -1).reduce((total, { duration }) => total + duration, 0);
  assert.ok(Math.abs(sum - (entries.length - 1)) <= 0.012 + 1e-6, `${sum} s in the end`);
}

test('an ICE restart repairs the path without ending the broadcast', async () => {
  await withBroadcast({}, async ({ server, page, dir }) => {
    await eventually('on the air', () => isOnAir(server), 20_000);
    const before = await status(server);
    const restarted = page.waitForResponse((response) =>
      response.request().method() === 'PATCH' && response.status() === 200);
    await page.evaluate(() => window.dispatchEvent(new Event('online'))); // as a phone that changes network
    const response = await restarted;
    assert.match(response.headers()['content-type'], /application\/trickle-ice-sdpfrag/);
    const { length } = await segmentsOf(dir);
    await waitForSegments(dir, length + 4);
    assert.equal((await status(server)).broadcast, before.broadcast);
    assert.equal((await onair(page)).state, 'live');
    assert.deepEqual(await findFaults((await segmentsOf(dir)).slice(0, -1)), []);
  });
});

test('a publisher without a microphone makes segments of picture alone', async () => {
  await withBroadcast({ publish: { source: 'camera', microphone: 0 } }, async ({ server, dir }) => {
    const files = await waitForSegments(dir, 6);
    const streams = await streamsOf(files[0]);
    assert.deepEqual(streams.map((stream) => stream.codec_name), ['h264']);
    assert.deepEqual(await findFaults(files.slice(0, -1), { hasAudio: false }), []);
    // Where no frames of sound are in the way, each is exact.
    assertOnGrid(parsePlaylist(await (await fetch(server.media)).text()), 1, 0);
  });
});

test('a publisher without a camera makes segments of sound alone', async () => {
  const prepare = (context) => context.addInitScript(() => {
    const { mediaDevices } = navigator;
    const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = ({ audio }) => getUserMedia({ audio });
  });
  await withBroadcast({ publish: { source: 'camera' }, prepare }, async ({ server, dir }) => {
    const files = await waitForSegments(dir, 6);
    const streams = await streamsOf(files[0]);
    assert.deepEqual(streams.map((stream) => stream.codec_name), ['aac']);
    assert.deepEqual(await findFaults(files.slice(0, -1), { hasVideo: false }), []);
    assertOnGrid(parsePlaylist(await (await fetch(server.media)).text()), 1);
  });
});

for (const [kind, name, until] of [['audio', 'sound', 'silence'], ['video', 'a picture', 'black']]) {
  test(`${name} that comes late is ${until} until then`, async (t) => {
    const prepare = (context) => holdBack(context, kind);
    await withBroadcast({ prepare }, async ({ server, page, dir }) => {
      const early = await waitForSegments(dir, 5);
      assert.deepEqual((await streamsOf(early[0])).map((stream) => stream.codec_name).sort(),
                       ['aac', 'h264']);
      await page.evaluate(() => window.give());
      const files = await waitForSegments(dir, early.length + 12, 30_000);
      assert.equal((await status(server)).broadcast, 1);
      assert.deepEqual(await findFaults(files.slice(0, -1)), []);
      // A browser that begins to send leaves half a second between its first pictures now and then.
      await assertExact(files, kind === 'video' ? 1 : undefined);
      const last = await join(files.slice(-7, -1), path.join(dir, 'last.ts'));
      const skew = skews(await findBeeps(last), await findFlashes(last));
      t.diagnostic(`sound late by ${skew.map((ms) => ms.toFixed(1)).join(', ')} ms`);
      assert.ok(skew.length >= 4, 'both are heard and seen');
      assert.ok(Math.abs(median(skew)) < 60, 'together, a flash being known to a frame');
      await page.getByRole('button', { name: 'Stop' }).click();
      await server.program.says(/the playlist has ended/, 10_000);
    });
  });
}

test('a broadcast of which a half never came ends by itself', async () => {
  const prepare = (context) => holdBack(context, 'audio');
  await withBroadcast({ prepare }, async ({ server, page, dir }) => {
    await waitForSegments(dir, 2);
    await page.getByRole('button', { name: 'Stop' }).click();
    await server.program.says(/the playlist has ended/, 10_000);
  });
});

test('a camera that is off for 5 s does not end the broadcast, and the sound has no hole', async () => {
  await withBroadcast({}, async ({ server, page, dir }) => {
    await waitForSegments(dir, 3);
    await page.getByRole('button', { name: 'Turn the picture off' }).click();
    await page.waitForTimeout(5000); // the length of the darkness
    await page.getByRole('button', { name: 'Picture is off' }).click();
    // To an encoder each change from black to the picture is another scene, in the midst of segments.
    for (let i = 0; i < 6; i += 1) {
      await page.waitForTimeout(370);
      await page.getByRole('button', { name: i % 2 ? 'Picture is off' : 'Turn the picture off' }).click();
    }
    const files = await waitForSegments(dir, 14, 30_000);
    assert.equal((await status(server)).broadcast, 1);
    assert.deepEqual(await findFaults(files.slice(0, -1)), []);
    await assertExact(files);
  });
});

test('sound that stops for 4 s and a picture that stops leave each segment in its place', async () => {
  const prepare = (context) => context.addInitScript(() => {
    const add = RTCPeerConnection.prototype.addTransceiver;
    const senders = {};
    RTCPeerConnection.prototype.addTransceiver = function addTransceiver(track, options) {
      const transceiver = add.call(this, track, options);
      senders[track.kind] = transceiver.sender;
      return transceiver;
    };
    window.hold = async (kind, ms) => { // no packet leaves
      const { track } = senders[kind];
      await senders[kind].replaceTrack(null);
      await new Promise((resolve) => setTimeout(resolve, ms));
      await senders[kind].replaceTrack(track);
    };
  });
  await withBroadcast({ prepare }, async ({ server, page, dir }) => {
    const before = await waitForSegments(dir, 3);
    for (const kind of ['audio', 'video']) await page.evaluate((held) => window.hold(held, 4000), kind);
    const files = await waitForSegments(dir, before.length + 12, 30_000);
    assert.equal((await status(server)).broadcast, 1);
    assert.deepEqual(await findFaults(files.slice(0, -1)), []);
    await assertExact(files);
  });
});

test('a full disk is told of and leaves gaps, and the broadcast goes on when there is room', async (t) => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir], { stdio: 'pipe' });
  } catch {
    await rm(dir, { recursive: true });
    t.skip('a small file system cannot be mounted here');
    return;
  }
  try {
    await withBroadcast({ dir }, async ({ server }) => {
      const { broadcast } = await eventually('it is on the air', async () => {
        const now = await status(server);
        return now.state === 'live' && now;
      }, 20_000);
      await server.program.says(/warning: cannot .*No space left on device/, 40_000);
      const read = async () => (await fetch(server.media)).text();
      await eventually('a gap', async () => /^#EXT-X-GAP$/m.test(await read()), 20_000);
      execFileSync('mount', ['-o', 'remount,size=64m', dir]); // somebody makes room
      await eventually('three whole segments behind the gaps', async () => {
        const { entries } = parsePlaylist((await read()).split('#EXT-X-GAP').at(-1));
        return entries.length > 3; // the first one is the last gap
      }, 20_000);
      assert.equal((await status(server)).broadcast, broadcast);
    });
  } finally {
    execFileSync('umount', ['-l', dir]);
    await rm(dir, { recursive: true, force: true });
  }
});
