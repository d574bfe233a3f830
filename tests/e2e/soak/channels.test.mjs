// SPDX-License-Identifier: LGPL-2.1-or-later
// Twenty channels at once, made by the API, on the air by headless publishers, and deleted; again and again. Nothing
// is left behind: no process, port, file or descriptor, and no memory that grows. CHANNELS=N for fewer.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, readlink, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { startChannelServer } from '../lib/live_server.mjs';
import { mediaPlaylistUrl } from '../lib/live_sinks.mjs';
import { eventually, mapFew } from '../lib/process.mjs';
import { publishHeadless } from '../lib/publisher.mjs';
import { findFaults, segmentsOf } from '../lib/segments.mjs';

const kChannels = Number(process.env.CHANNELS ?? 20);
const kRounds = 4;
const kSegments = 10; // of a second, that each channel makes in a round
// What a heap may keep for the next time. A channel that was never given back would be more.
const kMostGrowth = 1024; // KiB in a round, on average behind the first one
const kRequest = {
  hls: [{ video: { width: 160, height: 120, fps: 15, bps: 100_000 }, audio: { bps: 64_000 } }],
  low_latency: false,
};

// A process of ours, by what stands in its command line.
async function processesWith(text) {
  const found = [];
  for (const name of (await readdir('/proc')).filter((one) => /^\d+$/.test(one))) {
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.split('\0').some((word) => word.includes(text)))
      found.push({ pid: Number(name), program: path.basename(line.split('\0')[0]) });
  }
  return found;
}

async function socketsOf(pid) {
  const names = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(names.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  return { descriptors: names.length, sockets: links.filter((link) => link.startsWith('socket:')).length };
}

async function measure(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]);
  return { memory: field('VmRSS'), threads: field('Threads'), ...await socketsOf(pid) };
}

// On the air all at once, until each has made what is wanted.
async function round(server, dir, t) {
  const channels = [];
  for (let i = 0; i < kChannels; i += 1) {
    const { status, json } = await server.ask('POST', '/v1/channels', kRequest);
    assert.equal(status, 201, JSON.stringify(json));
    channels.push(json);
  }
  const began = Date.now();
  let publishers;
  try {
    publishers = await publishHeadless(channels);
    t.diagnostic(`all connected after ${Date.now() - began} ms`);
    const files = (channel) => segmentsOf(path.join(dir, 'hls', channel.id)).catch(() => []); // none yet
    await eventually('segments of all', async () =>
      (await Promise.all(channels.map(async (one) => (await files(one)).length))).every((count) => count > kSegments),
    120_000);
    const states = await Promise.all(channels.map(async (one) => (await server.channel(one.id)).state));
    assert.deepEqual([...new Set(states)], ['running']);
    await Promise.all(channels.map(async (one) => {
      const text = await (await fetch(await mediaPlaylistUrl(one.playlist_url))).text();
      assert.match(text, /^#EXTM3U/);
      assert.doesNotMatch(text, /^#EXT-X-(DISCONTINUITY|GAP)$/m, text);
    }));
    assert.equal((await publishers.stop()).code, 0);
    await eventually('all are idle', async () => (await Promise.all(
      channels.map(async (one) => (await server.channel(one.id)).state))).every((state) => state === 'idle'), 60_000);
    const faults = await mapFew(channels, async (one) => findFaults((await files(one)).slice(0, -1)));
    assert.deepEqual(faults.flat(), []);
  } finally {
    await publishers?.stop();
    await Promise.all(channels.map(({ id }) => server.ask('DELETE', `/v1/channels/${id}`)));
  }
  await eventually('no process is left', async () => (await server.workers()).size === 0, 60_000);
  assert.deepEqual(await readdir(path.join(dir, 'channels')), []);
  assert.deepEqual(await readdir(path.join(dir, 'hls')), []);
}

test(`${kChannels} channels come and go, and nothing stays`, { timeout: 1_200_000 }, async (t) => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-many-'));
  const server = await startChannelServer(dir);
  try {
    const [{ pid }] = (await processesWith(dir)).filter(({ program }) => program === 'onair-live-server');
    const after = [];
    for (let i = 0; i < kRounds; i += 1) {
      await round(server, dir, t);
      after.push(await measure(pid));
      t.diagnostic(JSON.stringify(after.at(-1)));
    }
    const [first, last] = [after[0], after.at(-1)];
    // GLib's pool keeps idle ones for a while.
    assert.ok(last.threads <= first.threads + 2, `${last.threads} threads after ${first.threads}`);
    assert.ok(last.descriptors <= first.descriptors, `${last.descriptors} descriptors after ${first.descriptors}`);
    const growth = (last.memory - first.memory) / (kRounds - 1);
    assert.ok(growth < kMostGrowth, `${growth.toFixed(0)} KiB more in each round`);
  } finally {
    await server.program.stop();
    await rm(dir, { recursive: true, force: true });
  }
  assert.deepEqual(await processesWith(dir), []);
});
