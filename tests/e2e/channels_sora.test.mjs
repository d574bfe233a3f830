// SPDX-License-Identifier: LGPL-2.1-or-later
// Sora's own JavaScript SDK, as npm has it, publishes from Chromium to channels of the server, by the address and the
// channel ID that the API gives; WHIP beside it; and who is asked whether a publisher may.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { onair, openBrowser, openPage, publishUrl } from './lib/browser.mjs';
import { assertGoesOn, follow, nextSequence } from './lib/follow.mjs';
import { startChannelServer } from './lib/live_server.mjs';
import { mediaPlaylistUrl } from './lib/live_sinks.mjs';
import { artefacts, eventually, run } from './lib/process.mjs';
import { findFaults, segmentsOf } from './lib/segments.mjs';
import { eventsOf, openSoraPage, publish } from './lib/sora.mjs';

const kRequest = {
  hls: [{ video: { width: 640, height: 360, fps: 30, bps: 1_000_000 }, audio: { bps: 64_000 } }],
  hold_seconds: 20,
};
const kSecret = 'hook-secret';

let browser;
let channel;
let context;
let dir;
let server;

before(async () => {
  await mkdir(artefacts, { recursive: true });
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-channels-sora-'));
  server = await startChannelServer(dir, { options: ['--webhook-secret', kSecret] });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.program.stop();
  await writeFile(path.join(artefacts, 'channels_sora.log'), server?.program.output ?? '');
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(async () => {
  await context?.close();
  if (channel) await server.ask('DELETE', `/v1/channels/${channel.id}`);
  channel = null;
});

async function makeIdle(request = {}) {
  const made = await server.make({ ...kRequest, ...request });
  await eventually('it is idle', server.isState(made, 'idle'), 5000);
  return made;
}

const isState = (state) => async () => (await server.channel(channel.id)).state === state;
const wishesFor = ({ id, sora_url: urls, publish_token: token }, more = {}) =>
  ({ urls, channel: id, metadata: { access_token: token }, ...more });

// A page whose SDK is connected.
async function goLive(more = {}, pages = context) {
  const page = await openSoraPage(pages);
  assert.equal(await publish(page, wishesFor(channel, more)), null, server.program.output);
  return page;
}

const disconnected = (page) => eventually('the SDK is told', async () =>
  (await eventsOf(page, 'disconnect'))[0], 10_000);

const postWhip = (token = channel.publish_token) => fetch(channel.whip_url, { method: 'POST', body: 'v=0\r\n',
  headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` } });

// How a WebSocket of the browser's own ends that has sent these messages.
const endOf = (page, messages) => page.evaluate(([url, frames]) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  socket.onopen = () => frames.forEach((frame) => socket.send(frame));
  socket.onclose = ({ code, reason }) => resolve({ code, reason });
}), [channel.sora_url, messages]);

for (const role of ['sendonly', 'sendrecv']) {
  test(`${role}: sound and picture are on the air, and disconnect() ends the broadcast`, async (t) => {
    const { json } = await server.ask('POST', '/', kRequest, { 'X-Sora-Target': 'ImageFlux_20180905.CreateChannel' });
    assert.equal(json.sora_url, `ws://127.0.0.1:${server.port}/signaling`);
    channel = await server.channel(json.channel_id);
    assert.equal(channel.sora_url, json.sora_url);
    await eventually('it is idle', isState('idle'), 5000);
    assert.equal(await server.workerOf(channel), undefined, 'it costs no process before somebody publishes');

    const begin = Date.now();
    const page = await goLive({ role, options: { audio: true, video: true } });
    t.diagnostic(`connected after ${Date.now() - begin} ms`);
    await eventually('it runs', isState('running'), 20_000);
    t.diagnostic(`on the air after ${Date.now() - begin} ms`);
    const folder = path.join(dir, 'hls', channel.id);
    await eventually('five segments', async () => (await segmentsOf(folder)).length >= 5, 30_000);
    const { stats } = await server.channel(channel.id);
    assert.deepEqual(Object.keys(stats.streams).sort(), ['audio', 'video']);
    assert.equal(stats.segments.missed, 0);

    await page.evaluate(() => window.connection.disconnect());
    const end = await disconnected(page);
    assert.deepEqual([end.title, end.code, end.reason], ['DISCONNECT', 1000, 'TYPE-DISCONNECT']);
    await eventually('it is idle', isState('idle'), 10_000);
    assert.match(await (await fetch(await mediaPlaylistUrl(channel.playlist_url))).text(), /^#EXT-X-ENDLIST$/m);
    const files = await segmentsOf(folder);
    assert.deepEqual(await findFaults(files.slice(0, -1)), []);
    const { err } = await run('ffmpeg', ['-hide_banner', '-i', path.join(folder, '0.m3u8'), '-af', 'volumedetect',
      '-f', 'null', '-'], { keepsErrors: true });
    const pictures = Number([...err.matchAll(/frame= *(\d+)/g)].at(-1)?.[1]);
    const loudest = Number(err.match(/max_volume: (-?[\d.]+) dB/)?.[1]);
    t.diagnostic(`${pictures} pictures, loudest ${loudest} dB`);
    assert.ok(pictures > 60, `${pictures} pictures`);   // half of what four segments hold
    assert.ok(loudest > -30, `${loudest} dB`);          // Chromium's microphone beeps once a second
    assert.deepEqual(page.problems, []);
  });
}

test('whoever is refused learns why, and costs no process', async () => {
  channel = await makeIdle();
  const page = await openSoraPage(context);
  const refusals = [
    ['an unknown channel', { channel: 'nobody' }, 'CHANNEL-ID-NOT-FOUND: There is no such channel here.'],
    ['a wrong token', { metadata: { access_token: 'wrong' } },
      'AUTH-FAILURE: The access token is not the one of this channel.'],
    ['no token', { metadata: null }, "AUTH-FAILURE: Send the publisher's token as metadata.access_token."],
    ['VP8', { options: { videoCodecType: 'VP8' } },
      'UNSUPPORTED-CODEC: The only video taken here is H264, and VP8 was asked for.'],
    ['recvonly', { role: 'recvonly' },
      'UNSUPPORTED-ROLE: Nothing is sent from here: publish as sendonly or sendrecv, not recvonly.'],
  ];
  for (const [what, wishes, reason] of refusals) {
    const error = await publish(page, wishesFor(channel, wishes));
    assert.deepEqual([error?.code, error?.reason], [4490, reason], `${what}: ${error?.message}`);
  }
  const frames = [
    [[], 4490, 'CONNECT-TIMEOUT: No "connect" came within 5 s.'],
    [['hello'], 4490, "INVALID-JSON: The message can't be read as JSON."],
    [['{"type":"answer","sdp":""}'], 4490, 'INVALID-MESSAGE: The first message must be "connect", and "answer" came.'],
    [['x'.repeat(65_537)], 1009, 'INVALID-MESSAGE: A message was longer than 65536 bytes.'],
  ];
  for (const [messages, code, reason] of frames)
    assert.deepEqual(await endOf(page, messages), { code, reason });
  assert.equal(await server.workerOf(channel), undefined);

  const plain = await fetch(channel.sora_url.replace('ws', 'http'));
  assert.equal(plain.status, 426);
  const stopped = await server.ask('POST', `/v1/channels/${channel.id}/stop`);
  assert.equal(stopped.status, 202);
  const late = await publish(page, wishesFor(channel));
  assert.deepEqual([late?.code, late?.reason], [4490, 'NOT-READY: The channel has ended; make another one.']);
});

test('one publisher at a time, whichever way, and the broadcast goes on when the other way is next', async () => {
  channel = await makeIdle();
  const leaving = await browser.newContext();
  const first = await goLive({}, leaving);
  await eventually('it runs', isState('running'), 20_000);
  const client = follow(await mediaPlaylistUrl(channel.playlist_url));
  const newest = () => (client.seen.texts.length ? nextSequence(client.seen.texts.at(-1)) : 0);
  const whip = await postWhip();
  assert.equal(whip.status, 409);
  const { title, detail } = await whip.json();
  assert.deepEqual([title, detail], ['Conflict', 'Another publisher is live on this endpoint.']);
  const waiting = await openSoraPage(context);
  const second = await publish(waiting, wishesFor(channel));
  assert.deepEqual([second?.code, second?.reason], [4490, 'CHANNEL-IN-USE: Another publisher is live here.']);
  assert.deepEqual(await eventsOf(first, 'disconnect'), []);
  await eventually('two segments', () => newest() >= 2, 20_000);

  // A page that is closed says nothing; its WebSocket does.
  await leaving.close();
  await eventually('it is waited for', isState('reconnecting'), 15_000);
  const studio = await openPage(context, publishUrl(server.publish(channel)));
  await eventually('WHIP is live', async () => (await onair(studio)).state === 'live', 20_000);
  await eventually('it runs again', isState('running'), 20_000);
  const refused = await publish(waiting, wishesFor(channel));
  assert.deepEqual([refused?.code, refused?.reason], [4490, 'CHANNEL-IN-USE: Another publisher is live here.']);
  const then = newest();
  await eventually('two segments more', () => newest() >= then + 2, 20_000);

  await client.stop();
  assert.equal(assertGoesOn(client.seen), 0, 'no discontinuity');
});

test('a publisher who is silent gives way to one who comes the other way', async (t) => {
  channel = await makeIdle();
  const first = await goLive();
  await eventually('it runs', isState('running'), 20_000);
  const client = follow(await mediaPlaylistUrl(channel.playlist_url));
  await eventually('a segment', () => client.seen.texts.length && nextSequence(client.seen.texts.at(-1)) >= 1, 20_000);
  // Its media stop, and nobody says so; its WebSocket stays.
  const stoppedAt = Date.now();
  await first.evaluate(() => window.connection.pc.close());
  const studio = await openPage(context, publishUrl(server.publish(channel)));
  const end = await disconnected(first);
  t.diagnostic(`replaced after ${Date.now() - stoppedAt} ms`);
  assert.deepEqual([end.code, end.reason], [1000, 'DISCONNECTED-API']);
  await eventually('WHIP is live', async () => (await onair(studio)).state === 'live', 20_000);
  await eventually('it runs again', isState('running'), 20_000);
  const then = nextSequence(client.seen.texts.at(-1));
  await eventually('two segments more', () => nextSequence(client.seen.texts.at(-1)) >= then + 2, 20_000);

  // The same, the other way round; with a DELETE the broadcast would end.
  await studio.evaluate(() => {
    const { fetch } = window;
    window.fetch = (what, options) => (options?.method === 'DELETE' ? new Promise(() => {}) : fetch(what, options));
  });
  await studio.close();
  const closedAt = Date.now();
  const second = await openSoraPage(context);
  const isLive = async () => (await publish(second, wishesFor(channel))) === null;
  await eventually('the SDK is connected', isLive, 8000); // before WHIP's 10 s without a packet are over
  t.diagnostic(`and that one after ${Date.now() - closedAt} ms`);
  await eventually('it runs', isState('running'), 20_000);
  const later = nextSequence(client.seen.texts.at(-1));
  await eventually('two segments more', () => nextSequence(client.seen.texts.at(-1)) >= later + 2, 20_000);
  await client.stop();
  assert.equal(assertGoesOn(client.seen), 0, 'no discontinuity');
  // What is still on its way of somebody who was away makes nobody believe that he is back.
  const log = server.program.output.split('\n').filter((line) => line.includes(channel.id)).join('\n');
  const changes = [...log.matchAll(/takes its place\n([^]*?) connects \(/g)].map(([, lines]) => lines);
  assert.equal(changes.length, 2, log);
  for (const lines of changes) assert.doesNotMatch(lines, /: running$/m);
});

test('a worker that is killed closes the WebSocket, and the SDK connects anew', async (t) => {
  channel = await makeIdle();
  const page = await goLive();
  await eventually('it runs', isState('running'), 20_000);
  const client = follow(await mediaPlaylistUrl(channel.playlist_url));
  await eventually('two segments', () => client.seen.texts.length && nextSequence(client.seen.texts.at(-1)) >= 2, 20_000);
  const victim = await server.workerOf(channel);
  const killedAt = Date.now();
  process.kill(victim, 'SIGKILL');
  const end = await disconnected(page);
  t.diagnostic(`told after ${Date.now() - killedAt} ms`);
  assert.deepEqual([end.code, end.reason],
    [4490, "INTERNAL-ERROR: The channel's process has broken off. Connect again."]);
  assert.equal(await publish(page, wishesFor(channel)), null);
  await eventually('it runs again', isState('running'), 20_000);
  t.diagnostic(`on the air again after ${Date.now() - killedAt} ms`);
  assert.notEqual(await server.workerOf(channel), victim);
  const then = nextSequence(client.seen.texts.at(-1));
  await eventually('two segments more', () => nextSequence(client.seen.texts.at(-1)) >= then + 2, 20_000);
  await client.stop();
  assert.ok(assertGoesOn(client.seen) <= 1, 'at most one discontinuity');

  // Who stops the channel lets the publisher go.
  assert.equal((await server.ask('POST', `/v1/channels/${channel.id}/stop`)).status, 202);
  const last = await disconnected(page);
  assert.deepEqual([last.code, last.reason], [1000, 'DISCONNECTED-API']);
  await eventually('it has ended', isState('ended'), 15_000);
});

test('who sends without end to a worker that does not read is let go', async () => {
  channel = await makeIdle();
  const page = await goLive();
  const worker = await server.workerOf(channel);
  process.kill(worker, 'SIGSTOP');
  try {
    await page.evaluate(() => {
      for (let i = 0; i < 5; i += 1) window.connection.ws.send(JSON.stringify({ type: 'pong', x: 'x'.repeat(60_000) }));
    });
    const end = await disconnected(page);
    assert.deepEqual([end.code, end.reason], [4490, 'INVALID-MESSAGE: Too many messages came at a time.']);
  } finally {
    process.kill(worker, 'SIGCONT');
  }
});

// Answers as `answer` says: [status, body], or nothing for one who never does.
async function decideOnPublishers(answer) {
  const questions = [];
  const forged = [];
  const receiver = http.createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    const [, time, hex] = request.headers['x-onair-signature']?.match(/^t=(\d+),v1=([0-9a-f]{64})$/) ?? [];
    if (hex !== createHmac('sha256', kSecret).update(`${time}.${body}`).digest('hex')) forged.push(body);
    questions.push(JSON.parse(body));
    const [status, text] = answer(questions.at(-1)) ?? [];
    if (status) response.writeHead(status, { 'Content-Type': 'application/json' }).end(text);
  });
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  return { questions, forged, url: `http://127.0.0.1:${receiver.address().port}/auth`,
           close: () => new Promise((resolve) => { receiver.closeAllConnections(); receiver.close(resolve); }) };
}

test('auth_webhook_url decides who may, by either way', async (t) => {
  const answers = {
    ticket: [200, '{"allowed": true}'],
    late: [200, '{"allowed": false, "reason": "The doors are closed."}'],
    broken: [500, '{"allowed": true}'],
    unread: [200, '{"allowed": "yes"}'],
    endless: [200, `{"allowed": true, "x": "${'x'.repeat(65_536)}"}`],
  };
  const hook = await decideOnPublishers(({ metadata }) => answers[metadata?.access_token]);
  t.after(() => hook.close());
  channel = await makeIdle({ auth_webhook_url: hook.url });
  const page = await openSoraPage(context);
  const refusals = [
    ['late', 'The doors are closed.'],
    ['broken', 'Who decides on publishers has answered with 500.'],
    ['unread', "Who decides on publishers has given an answer that can't be read."],
    ['endless', "Who decides on publishers has given an answer that can't be read."],
    [channel.publish_token, 'Who decides on publishers has not answered in time.'], // the webhook decides instead
  ];
  for (const [token, reason] of refusals) {
    const begin = Date.now();
    const error = await publish(page, wishesFor(channel, { metadata: { access_token: token } }));
    assert.deepEqual([error?.code, error?.reason], [4490, `AUTH-FAILURE: ${reason}`]);
    const whip = await postWhip(token);
    assert.equal(whip.status, 403);
    assert.equal(whip.headers.get('Content-Type'), 'application/problem+json');
    const { title, detail } = await whip.json();
    assert.deepEqual([title, detail], ['Forbidden', reason]);
    t.diagnostic(`${token}: ${Date.now() - begin} ms for both`);
  }
  assert.equal(await server.workerOf(channel), undefined, 'they cost no process');
  assert.equal(hook.questions.length, 2 * refusals.length);

  const metadata = { access_token: 'ticket', seat: ['A', 7] };
  const live = await goLive({ metadata, options: { clientId: 'camera', audio: true, video: true } });
  await eventually('it runs', isState('running'), 20_000);
  const { id, timestamp, connection_id: connection, user_agent: agent, ...question } = hook.questions.at(-1);
  assert.ok(id && connection && timestamp && /Chrom/.test(agent));
  assert.deepEqual(question, { label: 'gst-onair', protocol: 'sora', role: 'sendonly', channel_id: channel.id,
    client_id: 'camera', bundle_id: connection, multistream: false, spotlight: false, simulcast: false, audio: true,
    video: true, metadata, remote_address: '127.0.0.1' });
  await live.evaluate(() => window.connection.disconnect());
  await eventually('it is idle', isState('idle'), 10_000);

  // By WHIP, with what the webhook takes in place of the channel's token.
  const studio = await openPage(context, publishUrl(server.publish({ ...channel, publish_token: 'ticket' })));
  await eventually('WHIP is live', async () => (await onair(studio)).state === 'live', 20_000);
  assert.equal(hook.questions.at(-1).protocol, 'whip');
  assert.deepEqual(hook.questions.at(-1).metadata, { access_token: 'ticket' });
  await studio.getByRole('button', { name: 'Stop' }).click();
  await eventually('DELETE has reached the worker', isState('idle'), 10_000);
  assert.deepEqual(hook.forged, []);

  await hook.close();
  const error = await publish(page, wishesFor(channel));
  assert.deepEqual([error?.code, error?.reason], [4490, "AUTH-FAILURE: Who decides on publishers can't be reached."]);
  assert.equal((await postWhip()).status, 403);
});

test('a server that goes down lets the publisher go', async () => {
  channel = await makeIdle();
  const page = await goLive();
  await eventually('it runs', isState('running'), 20_000);
  channel = null; // nobody can be asked to delete it
  assert.equal((await server.program.stop()).code, 0, server.program.output);
  const end = await disconnected(page);
  assert.deepEqual([end.code, end.reason], [1000, 'DISCONNECTED-API']);
});
