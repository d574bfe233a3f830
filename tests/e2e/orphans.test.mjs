// SPDX-License-Identifier: LGPL-2.1-or-later
// A server that is killed and never comes back: its workers give it half a minute, and end what they have begun.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { nextSequence } from './lib/follow.mjs';
import { followEvents, startChannelServer } from './lib/live_server.mjs';
import { eventually } from './lib/process.mjs';
import { publishHeadless } from './lib/publisher.mjs';
import { findFaults, segmentsOf } from './lib/segments.mjs';

const kRequest = {
  hls: [{ video: { width: 160, height: 120, fps: 15, bps: 100_000 }, audio: { bps: 64_000 } }],
  hold_seconds: 2,
};

test('workers whose server stays away end their broadcasts', { timeout: 180_000 }, async (t) => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-orphans-'));
  let server = await startChannelServer(dir);
  const channels = [await server.make(kRequest), await server.make(kRequest)];
  const folder = ({ id }) => path.join(dir, 'hls', id);
  const playlist = (channel) => readFile(path.join(folder(channel), '0.m3u8'), 'utf8').catch(() => '#EXTM3U\n'); // none yet
  const each = async (what, probe, timeoutMs) => {
    for (const channel of channels) await eventually(what, () => probe(channel), timeoutMs);
  };
  let publishers;
  try {
    publishers = await publishHeadless(channels);
    await each('three segments', async (one) => nextSequence(await playlist(one)) >= 3, 30_000);
    const killedAt = Date.now();
    await server.program.stop('SIGKILL');
    await each('it goes on without a server', async (one) => nextSequence(await playlist(one)) >= 8, 20_000);
    await eventually('the workers are gone', async () => (await server.workers()).size === 0, 60_000);
    t.diagnostic(`they ended ${Date.now() - killedAt} ms after their server`);
    for (const channel of channels) {
      assert.match(await playlist(channel), /^#EXT-X-ENDLIST$/m);
      assert.deepEqual(await findFaults(await segmentsOf(folder(channel))), []);
    }

    // For the next server they have ended, and somebody can publish to them again.
    server = await startChannelServer(dir, { port: server.port });
    const events = followEvents(server);
    for (const channel of channels) {
      await eventually('it has its channels', server.isState(channel, 'idle'), 5000);
      assert.match(await (await fetch(`${path.posix.dirname(channel.playlist_url)}/0.m3u8`)).text(), /^#EXT-X-ENDLIST$/m);
    }
    await publishers.stop();
    publishers = await publishHeadless(channels);
    await each('it is on the air again', async (one) => (await server.isState(one, 'running')()) &&
      !(await playlist(one)).includes('#EXT-X-ENDLIST'), 30_000);

    // Who vanishes and does not come back has left once.
    await publishers.kill();
    await each('he is not waited for any more', async (one) => (await playlist(one)).includes('#EXT-X-ENDLIST'), 30_000);
    await each('nobody is there', (one) => server.isState(one, 'idle')(), 10_000);
    assert.equal((await server.channel(channels[0].id)).message, 'The broadcaster has not come back.');
    await events.stop();
    for (const { id } of channels) {
      const states = events.seen.filter(({ event, data }) => event === 'channel' && data.id === id)
        .map(({ data }) => data.state).filter((state, i, all) => state !== all[i - 1]);
      assert.deepEqual(states.filter((state) => state !== 'starting'),
        ['creating', 'idle', 'running', 'reconnecting', 'idle'], `${states}`);
    }
  } finally {
    await publishers?.stop();
    await server.program.stop();
    await rm(dir, { recursive: true, force: true });
  }
});
