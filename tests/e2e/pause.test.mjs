// SPDX-License-Identifier: LGPL-2.1-or-later
// Channels of several publishers, and those that an SFU feeds, are paused and resumed, by the next server too; that of a
// browser is in channels.test.mjs.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';

import { startChannelServer } from './lib/live_server.mjs';
import { Program, eventually } from './lib/process.mjs';
import { publishHeadless } from './lib/publisher.mjs';

const kPaused = 'The channel is paused: nobody can publish until it is resumed.';
const kAudio = { durationSeconds: 1, audio: { bps: 64_000 } };

let dir;
let server;

before(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-pause-'));
  server = await startChannelServer(dir);
});
after(async () => {
  await server?.program.stop();
  await rm(dir, { recursive: true, force: true });
});

const act = async ({ id }, what) => {
  const { status, json } = await server.ask('POST', `/v1/channels/${id}/${what}`);
  assert.equal(status, 202);
  assert.equal(json.paused, what === 'pause');
};
const playlist = (id) => readFile(path.join(dir, 'hls', id, '0.m3u8'), 'utf8');
const noWorkers = () => eventually('no process is left', async () => (await server.workers()).size === 0, 15_000);

test('of several publishers all are let go, and nobody gets a connection', { timeout: 120_000 }, async (t) => {
  const channel = await server.make({ multi: true,
    hls: [{ ...kAudio, video: { width: 160, height: 120, fps: 15, bps: 100_000 } }] });
  const states = async () => (await server.channel(channel.id)).playlists.map(({ state }) => state);
  let publishers = await publishHeadless([channel, channel]);
  t.after(() => publishers.stop());
  await eventually('both are on the air', async () => `${await states()}` === 'running,running', 30_000);
  await act(channel, 'pause');
  await eventually('both have ended', async () => `${await states()}` === 'ended,ended', 15_000);
  const { state, message, playlists } = await server.channel(channel.id);
  assert.deepEqual({ state, message }, { state: 'idle', message: kPaused });
  for (const { connection_id: connection } of playlists)
    assert.match(await playlist(`${channel.id}-${connection}`), /^#EXT-X-ENDLIST$/m);
  await noWorkers();
  const refused = await fetch(channel.whip_url, { method: 'POST', body: 'v=0',
    headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${channel.publish_token}` } });
  assert.equal(refused.status, 503);
  assert.equal((await refused.json()).detail, kPaused);
  assert.equal((await states()).length, 2);
  await act(channel, 'resume');
  await publishers.stop();
  publishers = await publishHeadless([channel]);
  await eventually('there is another', async () => `${await states()}` === 'ended,ended,running', 30_000);
  await server.ask('DELETE', `/v1/channels/${channel.id}`);
  await noWorkers();
});

test('what an SFU goes on sending wakes nobody, under the next server either', { timeout: 120_000 }, async (t) => {
  const channel = await server.make({ hls: [kAudio], rtp: { audio: {} } });
  const sender = new Program('gst-launch-1.0', ['audiotestsrc', 'is-live=true', '!', 'opusenc', '!', 'rtpopuspay', 'pt=111', '!',
    'udpsink', 'host=127.0.0.1', `port=${channel.rtp.audio.port}`]);
  t.after(() => sender.stop());
  const isState = (state) => server.isState(channel, state)();
  await eventually('it is on the air', () => isState('running'), 30_000);
  await act(channel, 'pause');
  await eventually('it is idle', () => isState('idle'), 15_000);
  assert.match(await playlist(channel.id), /^#EXT-X-ENDLIST$/m);
  await noWorkers();
  const isLeftAlone = async () => {
    await pass(2000); // a hundred packets
    assert.equal((await server.workers()).size, 0);
    const { state, paused, message } = await server.channel(channel.id);
    assert.deepEqual({ state, paused, message }, { state: 'idle', paused: true, message: kPaused });
  };
  await isLeftAlone();
  await server.program.stop();
  server = await startChannelServer(dir, { port: server.port });
  await isLeftAlone();
  await act(channel, 'resume');
  await eventually('it is on the air again', () => isState('running'), 30_000);
  assert.doesNotMatch(await playlist(channel.id), /^#EXT-X-ENDLIST$/m);
});
