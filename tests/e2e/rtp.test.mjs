// SPDX-License-Identifier: LGPL-2.1-or-later
// Channels that an SFU feeds: a browser publishes to Janus, which forwards plain RTP.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { onair, openBrowser, openPage } from './lib/browser.mjs';
import { assertGoesOn, follow, nextSequence } from './lib/follow.mjs';
import { lacksJanus, publishToJanus, startJanus } from './lib/janus.mjs';
import { startChannelServer } from './lib/live_server.mjs';
import { mediaPlaylistUrl } from './lib/live_sinks.mjs';
import { servePublishPage } from './lib/page_server.mjs';
import { artefacts, eventually } from './lib/process.mjs';

const kHls = [{ video: { width: 640, height: 360, fps: 30, bps: 1_000_000 }, audio: { bps: 64_000 } }];

let browser;
let dir; // of everything
let server;
let janus;
let pages;

before(async () => {
  await mkdir(artefacts, { recursive: true });
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-rtp-'));
  server = await startChannelServer(path.join(dir, 'data'));
  if (!lacksJanus) janus = await startJanus(dir);
  pages = await servePublishPage(0);
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await pages?.close();
  await janus?.stop();
  await server?.program.stop();
  await writeFile(path.join(artefacts, 'rtp.log'), server?.program.output ?? '');
  await writeFile(path.join(artefacts, 'janus.log'), janus?.program.output ?? '');
  await rm(dir, { recursive: true, force: true });
});

// A browser in a room of Janus.
async function openStudio(keyFrameSeconds) {
  const context = await browser.newContext();
  const page = await openPage(context, pages.players);
  const publisher = await publishToJanus(janus, page, { keyFrameSeconds });
  return { ...publisher, page, stop: async () => { await publisher.leave(); await context.close(); } };
}

const streamsOf = ({ rtp }) => ['audio', 'video'].filter((kind) => rtp[kind])
  .map((kind) => ({ kind, port: rtp[kind].port, rtcpPort: rtp[kind].rtcp_port }));

async function watch(channel) {
  const context = await browser.newContext();
  const page = await openPage(context, server.watch(channel));
  await eventually('it is watched', async () => (await onair(page)).time > 1, 30_000);
  return { page, stop: () => context.close() };
}

const newestOf = ({ seen }) => (seen.texts.length ? nextSequence(seen.texts.at(-1)) : 0);

for (const hasRtcp of [true, false]) {
  const how = hasRtcp ? 'with RTCP' : 'without RTCP';
  test(`what Janus forwards ${how} is on the air`, { timeout: 120_000, skip: lacksJanus }, async (t) => {
    const channel = await server.make({
      hls: kHls, rtp: { audio: {}, video: hasRtcp ? { rtcp_port: 0 } : {} }, hold_seconds: 5,
    });
    assert.equal(channel.whip_url, undefined);
    assert.equal(channel.rtp.address, '127.0.0.1');
    await eventually('it is idle', server.isState(channel, 'idle'), 3000);
    const stranger = dgram.createSocket('udp4');
    for (const noise of ['hello', '', '\x80\x60', '\x80'.repeat(1500)])
      await new Promise((resolve) => stranger.send(noise, channel.rtp.audio.port, '127.0.0.1', resolve));
    stranger.close();
    assert.equal(await server.workerOf(channel), undefined, 'it costs no process');

    // Where RTCP is possible Janus passes our requests on; else it asks for key frames by itself.
    const studio = await openStudio(hasRtcp ? 0 : 2);
    const begin = Date.now();
    const stopForwarding = await studio.forward(streamsOf(channel));
    await eventually('it runs', server.isState(channel, 'running'), 20_000);
    t.diagnostic(`on the air ${Date.now() - begin} ms after Janus began to forward`);
    const viewer = await watch(channel);
    // Janus forwards no sender reports: how long the browser's encoders take can't be known here, and on a busy machine
    // that of the picture takes a tenth of a second and more, at first above all.
    const measured = await eventually('lips are in sync', async () => {
      const its = (await onair(viewer.page)).measured;
      return its.latencyMs !== null && its.soundLateMs !== null && Math.abs(its.soundLateMs) < 125 ? its : null;
    }, 40_000);
    const { stats } = await server.channel(channel.id);
    t.diagnostic(`${measured.latencyMs.toFixed(0)} ms behind, sound ${measured.soundLateMs.toFixed(1)} ms late; ` +
      `placed by ${stats.alignment?.source}, ${JSON.stringify(stats.streams)}`);
    assert.equal(stats.segments.missed, 0);

    // No more, and after a while it is over; then the next packet wakes another process.
    const client = follow(await mediaPlaylistUrl(channel.playlist_url));
    await stopForwarding();
    await eventually('he is waited for', server.isState(channel, 'reconnecting'), 5000);
    await eventually('it is over', server.isState(channel, 'idle'), 40_000);
    await client.stop();
    await eventually('its process goes', async () => !(await server.workerOf(channel)), 15_000);
    assert.equal(assertGoesOn(client.seen), 0);
    await studio.forward(streamsOf(channel));
    await eventually('it runs again', server.isState(channel, 'running'), 20_000);
    assert.equal((await server.channel(channel.id)).stats.broadcast, 2);
    assert.deepEqual(studio.page.problems, []);
    assert.deepEqual(viewer.page.problems, []);
    await viewer.stop();
    await studio.stop();
    assert.equal((await server.ask('DELETE', `/v1/channels/${channel.id}`)).status, 204);
    await eventually('no process is left', async () => (await server.workers()).size === 0, 15_000);
    const socket = dgram.createSocket('udp4');
    await new Promise((resolve) => socket.bind(channel.rtp.audio.port, '127.0.0.1', resolve));
    socket.close(); // nobody has the port any more
  });
}

test('forwarding goes on through whatever is killed', { timeout: 180_000, skip: lacksJanus }, async (t) => {
  const channel = await server.make({ hls: kHls, rtp: { audio: {}, video: {} }, hold_seconds: 30 });
  const studio = await openStudio(2);
  let stopForwarding = await studio.forward(streamsOf(channel));
  await eventually('it runs', server.isState(channel, 'running'), 20_000);
  const media = await mediaPlaylistUrl(channel.playlist_url);
  let client = follow(media);
  await eventually('three segments', () => newestOf(client) >= 3, 20_000);

  // Who forwards to it is back within the time that he is waited for: the broadcast goes on.
  await stopForwarding();
  await eventually('he is waited for', server.isState(channel, 'reconnecting'), 5000);
  stopForwarding = await studio.forward(streamsOf(channel));
  await eventually('he is back', server.isState(channel, 'running'), 20_000);
  const returned = newestOf(client);
  await eventually('three segments more', () => newestOf(client) >= returned + 3, 20_000);
  await client.stop();
  assert.equal(assertGoesOn(client.seen), 0, 'no discontinuity');

  client = follow(media);
  const victim = await server.workerOf(channel);
  const killedAt = Date.now();
  process.kill(victim, 'SIGKILL');
  await eventually('another one', async () => ![undefined, victim].includes(await server.workerOf(channel)), 5000);
  await eventually('it runs again', server.isState(channel, 'running'), 20_000);
  t.diagnostic(`on the air again ${Date.now() - killedAt} ms after its process was killed`);
  const again = newestOf(client);
  await eventually('three segments more', () => newestOf(client) >= again + 3, 20_000);
  await client.stop();
  assert.ok(assertGoesOn(client.seen) <= 1, 'at most one discontinuity');

  // The process goes on with the sockets; when that is killed too, the next server has the ports.
  const worker = await server.workerOf(channel);
  await server.program.stop('SIGKILL');
  server = await startChannelServer(server.data, { port: server.port });
  await eventually('it is taken over', server.isState(channel, 'running'), 5000);
  assert.equal(await server.workerOf(channel), worker);
  assert.deepEqual((await server.channel(channel.id)).rtp, channel.rtp);
  process.kill(worker, 'SIGKILL');
  await eventually('another one', async () => ![undefined, worker].includes(await server.workerOf(channel)), 5000);
  await eventually('it runs again', server.isState(channel, 'running'), 20_000);
  await studio.stop();
  await server.ask('POST', `/v1/channels/${channel.id}/stop`);
  await eventually('it has ended', server.isState(channel, 'ended'), 15_000);
  assert.match(await (await fetch(media)).text(), /^#EXT-X-ENDLIST$/m);
  assert.equal((await server.ask('DELETE', `/v1/channels/${channel.id}`)).status, 204);
});

test('a port that somebody else has is refused by name', async () => {
  const socket = dgram.createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const { status, json } = await server.ask('POST', '/v1/channels', { hls: kHls, rtp: { video: { port } } });
  socket.close();
  assert.equal(status, 400);
  assert.equal(json.field, 'rtp.video.port');
  assert.match(json.detail, new RegExp(`^rtp\\.video\\.port is ${port}, but that port can't be had at 127\\.0\\.0\\.1: `));
});
