// SPDX-License-Identifier: LGPL-2.1-or-later
// Several broadcasters on one channel, by WHIP and by Sora's own JavaScript SDK: each has a playlist, and whatever befalls
// one, the others notice nothing.
import assert from 'node:assert/strict';
import http from 'node:http';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { onair, openBrowser, openPage, publishUrl } from './lib/browser.mjs';
import { assertGoesOn, follow, nextSequence } from './lib/follow.mjs';
import { followEvents, startChannelServer } from './lib/live_server.mjs';
import { mediaPlaylistUrl } from './lib/live_sinks.mjs';
import { artefacts, eventually, run } from './lib/process.mjs';
import { findFaults, segmentsOf } from './lib/segments.mjs';
import { eventsOf, openSoraPage, publish as publishBySora } from './lib/sora.mjs';
import { parseStrictly } from './lib/strict_playlists.mjs';
import { receiveEvents } from './lib/webhook.mjs';

const kSize = { width: 320, height: 180, fps: 15 };
const kHls = { durationSeconds: 1, video: { ...kSize, bps: 300_000 }, audio: { bps: 64_000 } };
const kSecret = 'hook-secret';

let browser;
let data;
let dir; // of everything
let options;
let server;
let contexts = []; // of the test
let channels = [];

before(async () => {
  await mkdir(artefacts, { recursive: true });
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-multi-'));
  data = path.join(dir, 'data');
  await mkdir(path.join(dir, 'archives'));
  options = ['--webhook-secret', kSecret, '--archive-directory', path.join(dir, 'archives'), '--max-connections', '3',
             '--publishers-per-address', '4'];
  server = await startChannelServer(data, { options });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.program.stop();
  await writeFile(path.join(artefacts, 'multi.log'), server?.program.output ?? '');
  await rm(dir, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(contexts.map((context) => context.close()));
  for (const { id } of channels) await server.ask('DELETE', `/v1/channels/${id}`);
  contexts = [];
  channels = [];
});

async function newContext(wishes = {}) {
  const context = await browser.newContext(wishes);
  contexts.push(context);
  return context;
}

async function makeMulti(request = {}) {
  const channel = await server.make({ hls: [kHls], multi: true, ...request });
  channels.push(channel);
  await eventually('it is idle', server.isState(channel, 'idle'), 5000);
  return channel;
}

const playlistsOf = async ({ id }) => (await server.channel(id)).playlists;
const stateOf = async (channel, id) =>
  (await playlistsOf(channel)).find(({ connection_id: its }) => its === id)?.state;
const isIn = (channel, id, state) => async () => (await stateOf(channel, id)) === state;
// What the server calls a connection where it keeps its channels.
const nameOf = ({ id: channel }, id) => `${channel}-${id}`;
const workerOf = (channel, id) => server.workerOf({ id: nameOf(channel, id) });
const folderOf = (channel, id) => path.join(data, 'hls', nameOf(channel, id));

// Who is on the air by WHIP: the page, and the connection that its publisher was told.
async function publishByWhip(channel) {
  const context = await newContext();
  const page = await context.newPage();
  const told = [];
  const patches = [];
  page.on('response', (response) => {
    const method = response.request().method();
    if (method === 'POST' && response.status() === 201) told.push(response.headers()['x-onair-connection-id']);
    if (method === 'PATCH') patches.push(`${new URL(response.url()).pathname.split('/')[3]} ${response.status()}`);
  });
  await page.goto(publishUrl(server.publish(channel), kSize));
  await eventually('WHIP is live', async () => (await onair(page)).state === 'live', 30_000);
  const id = told[0];
  await eventually('its connection runs', isIn(channel, id, 'running'), 30_000);
  return { page, id, told, patches, close: () => context.close() };
}

// Likewise by Sora's SDK, which has heard of the connection in the offer.
async function publishWithSdk(channel, role = 'sendrecv') {
  const page = await openSoraPage(await newContext());
  const error = await publishBySora(page, { urls: channel.sora_url, channel: channel.id, role,
    metadata: { access_token: channel.publish_token },
    media: { audio: true, video: { width: kSize.width, height: kSize.height, frameRate: kSize.fps } } });
  assert.equal(error, null, server.program.output);
  const id = await page.evaluate(() => window.connection.connectionId);
  await eventually('its connection runs', isIn(channel, id, 'running'), 30_000);
  return { page, id };
}

const urlOf = async (channel, id) =>
  (await playlistsOf(channel)).find(({ connection_id: its }) => its === id).playlist_url;
const newestOf = ({ seen }) => (seen.texts.length ? nextSequence(seen.texts.at(-1)) : 0);

// It has ended, and can be played from its first picture to its last.
async function assertVod(channel, id, { breaks = 0 } = {}) {
  const master = await urlOf(channel, id);
  const text = await (await fetch(await mediaPlaylistUrl(master))).text();
  assert.match(text, /^#EXT-X-ENDLIST$/m);
  assert.ok((text.match(/^#EXT-X-DISCONTINUITY$/gm) ?? []).length <= breaks, text);
  const { segments } = parseStrictly(text);
  const { err } = await run('ffmpeg', ['-hide_banner', '-i', master, '-f', 'null', '-'], { keepsErrors: true });
  const pictures = Number([...err.matchAll(/frame= *(\d+)/g)].at(-1)?.[1]);
  const seconds = segments.reduce((sum, { duration }) => sum + duration, 0);
  assert.ok(pictures > seconds * 5, `${pictures} pictures in ${seconds} s`); // of 15 a second, on a busy machine
}

async function assertNothingLeft({ id }) {
  await eventually('no process is left', async () =>
    [...(await server.workers()).keys()].every((name) => !name.startsWith(id)), 20_000);
  const left = async () => (await Promise.all(['hls', 'channels', 'archives'].map((folder) =>
    readdir(path.join(data, folder))))).flat().filter((name) => name.startsWith(id));
  await eventually('and no file', async () => (await left()).length === 0, 10_000);
}

test('three broadcasters have three playlists, and what befalls one is its own affair', { timeout: 300_000 }, async (t) => {
  const hook = await receiveEvents(kSecret);
  const events = followEvents(server);
  t.after(async () => { await hook.close(); await events.stop(); });
  const channel = await makeMulti({ event_webhook_url: hook.url });
  assert.equal(channel.playlist_url, undefined);
  assert.deepEqual(channel.playlists, []);
  assert.equal((await server.workers()).size, 0);

  const first = await publishByWhip(channel);
  const [second, sora] = await Promise.all([publishByWhip(channel), publishWithSdk(channel)]);
  const ids = [first.id, second.id, sora.id];
  // Candidates find each his own process.
  for (const { id, patches } of [first, second])
    assert.deepEqual([...new Set(patches)], [`${nameOf(channel, id)} 204`]);
  const playlists = await playlistsOf(channel);
  assert.deepEqual(playlists.map(({ connection_id: id }) => id).sort(), [...ids].sort());
  const { json: listed } = await server.ask('POST', '/', { channel_id: channel.id },
    { 'X-Sora-Target': 'ImageFlux_20200207.ListPlaylistURLs' });
  assert.deepEqual(listed.hls.map(({ playlist_url: url }) => url).sort(),
    playlists.map(({ playlist_url: url }) => url).sort());
  assert.equal(new Set(listed.hls.map(({ playlist_url: url }) => url)).size, 3);

  const clients = new Map();
  for (const id of ids) clients.set(id, follow(await mediaPlaylistUrl(await urlOf(channel, id))));
  await eventually('five segments of each', () => [...clients.values()].every((one) => newestOf(one) >= 5), 60_000);
  const { stats: { streams }, message } = (await playlistsOf(channel))[0];
  assert.deepEqual(Object.keys(streams).sort(), ['audio', 'video']);
  assert.equal(message, 'On the air.');
  const now = await server.channel(channel.id);
  assert.deepEqual([now.state, now.message, now.stats], ['running', '3 broadcasters are on the air.', {}]);
  const metrics = await (await fetch(`${server.base}/metrics`, { headers: { Authorization: 'Bearer api-secret' } })).text();
  for (const line of ['onair_publishers 3', 'onair_workers 3', 'onair_channels{state="running"} 1'])
    assert.ok(metrics.includes(`\n${line}\n`), `${line} is not in ${metrics}`);

  // Seen side by side on a phone, and each has its card on the board.
  const phone = await newContext({ viewport: { width: 360, height: 740 }, isMobile: true });
  const viewer = await openPage(phone, server.watch(channel));
  const shown = () => viewer.evaluate(() =>
    Object.fromEntries([...window.tiles].map(([id, { video }]) => [id, video.muted ? video.currentTime : -1])));
  await eventually('three play, in silence', async () => {
    const times = await shown();
    return ids.every((id) => times[id] > 1);
  }, 60_000);
  const board = await openPage(phone, `${server.base}/#token=api-secret`);
  await eventually('four cards', () => board.evaluate((all) =>
    all.every((id) => document.querySelector(`#channel-${id}[data-state=running]`)),
  [channel.id, ...ids.map((id) => nameOf(channel, id))]), 10_000);
  await eventually('a picture', () => board.evaluate((id) =>
    document.querySelector(`#channel-${id} img:not([hidden])`)?.naturalWidth, nameOf(channel, ids[0])), 20_000);
  await board.screenshot({ path: path.join(artefacts, 'multi-board.png') });
  await viewer.screenshot({ path: path.join(artefacts, 'multi-watch.png') });
  const alone = await openPage(phone, server.watch({ id: nameOf(channel, ids[0]) }));
  await eventually('it plays alone', async () => (await onair(alone)).time > 1, 30_000);
  for (const page of [viewer, board, alone]) {
    const { scrollWidth, innerWidth } = await page.evaluate(() =>
      ({ scrollWidth: document.documentElement.scrollWidth, innerWidth: window.innerWidth }));
    assert.ok(scrollWidth <= innerWidth, `${page.url()}: ${scrollWidth} of ${innerWidth} pixels`);
  }
  await alone.close();
  // Each "Sound" is heard until another one is chosen.
  for (const index of [1, 2]) {
    await viewer.locator('.tiles .sound').nth(index).click();
    assert.deepEqual(await viewer.evaluate(() => [...window.tiles.values()].map(({ isHeard }) => isHeard)),
      [0, 1, 2].map((one) => one === index));
  }

  // A process that is killed: its playlist ends, and who published comes again as another.
  await clients.get(first.id).stop();
  assert.equal(assertGoesOn(clients.get(first.id).seen), 0);
  const others = [second.id, sora.id];
  const bystanders = await Promise.all(others.map((id) => workerOf(channel, id)));
  const killedAt = Date.now();
  process.kill(await workerOf(channel, first.id), 'SIGKILL');
  await eventually('its playlist has ended', isIn(channel, first.id, 'ended'), 20_000);
  t.diagnostic(`the playlist of the one that was killed has ended after ${Date.now() - killedAt} ms`);
  await assertVod(channel, first.id, { breaks: 1 });
  const again = await eventually('who published is back', async () => (await playlistsOf(channel))
    .find(({ connection_id: id, state }) => !ids.includes(id) && state === 'running'), 60_000);
  t.diagnostic(`who published is back after ${Date.now() - killedAt} ms`);
  await eventually('as his page was told', () => first.told.at(-1) === again.connection_id, 5000);
  await eventually('the page shows him', async () => (await shown())[again.connection_id] > 1, 60_000);
  await eventually('and not who has left', async () => !(first.id in await shown()), 30_000);

  // One who says goodbye, by either way, leaves a film behind.
  await second.page.getByRole('button', { name: 'Stop' }).click();
  await eventually('it has ended', isIn(channel, second.id, 'ended'), 15_000);
  await clients.get(second.id).stop();
  assert.equal(assertGoesOn(clients.get(second.id).seen), 0);
  await assertVod(channel, second.id);
  assert.equal(await workerOf(channel, second.id), undefined);
  assert.deepEqual(await findFaults((await segmentsOf(folderOf(channel, second.id))).slice(0, -1)), []);
  const newest = newestOf(clients.get(sora.id));
  await eventually('three segments more', () => newestOf(clients.get(sora.id)) >= newest + 3, 20_000);
  await clients.get(sora.id).stop();
  assert.equal(assertGoesOn(clients.get(sora.id).seen), 0, 'the other one has noticed nothing');
  assert.deepEqual(clients.get(sora.id).seen.refusals, []);
  assert.equal(await workerOf(channel, sora.id), bystanders[1]);

  // Who is sent away, by the board; and what is deleted.
  const cards = () => board.evaluate(() => [...window.cards.keys()]);
  await eventually('the board has heard of it', async () => (await cards()).length === 3, 5000);
  await board.locator(`#channel-${nameOf(channel, sora.id)}`).getByRole('button', { name: 'End' }).click();
  const end = await eventually('the SDK is told', async () => (await eventsOf(sora.page, 'disconnect'))[0], 10_000);
  assert.deepEqual([end.code, end.reason], [1000, 'DISCONNECTED-API']);
  await eventually('it has ended', isIn(channel, sora.id, 'ended'), 15_000);
  await assertVod(channel, sora.id);
  assert.deepEqual((await cards()).sort(), [channel.id, nameOf(channel, again.connection_id)].sort());
  const target = `/v1/channels/${channel.id}/connections`;
  const { status, json } = await server.ask('POST', `${target}/${sora.id}/stop`);
  assert.deepEqual([status, json.connection_id, json.state], [202, sora.id, 'ended']);
  assert.equal((await server.ask('DELETE', `${target}/${first.id}`)).status, 204);
  assert.equal((await server.ask('DELETE', `${target}/${first.id}`)).status, 404);
  assert.equal((await server.ask('DELETE', `${target}/${again.connection_id}`)).status, 204); // who is on the air
  for (const id of [first.id, again.connection_id]) {
    await eventually('its folder goes', async () => !(await readdir(path.join(data, 'hls'))).includes(nameOf(channel, id)), 20_000);
    assert.equal(await stateOf(channel, id), undefined);
  }
  assert.equal((await playlistsOf(channel)).length, 2);

  await first.close();
  assert.equal((await server.ask('POST', `/v1/channels/${channel.id}/stop`)).status, 202);
  await eventually('the channel has ended', async () => (await server.channel(channel.id)).state === 'ended', 15_000);
  assert.equal((await server.ask('DELETE', `/v1/channels/${channel.id}`)).status, 204);
  await assertNothingLeft(channel);
  for (const page of [viewer, board]) assert.deepEqual(page.problems, []);

  await eventually('the webhook has heard of it', () => hook.events.at(-1)?.event === 'channel.deleted', 10_000);
  assert.deepEqual(hook.forged, []);
  const heardOf = (id) => hook.events.filter(({ connection_id: its }) => its === id).map(({ event }) => event);
  for (const id of [first.id, second.id, sora.id]) {
    const heard = heardOf(id).filter((event) => !event.startsWith('channel.')).join(' ')
      .replaceAll(' publisher.left publisher.connected', ''); // silent for a second, on a busy machine
    assert.equal(heard, 'publisher.connected playlist.ready publisher.left broadcast.ended', id);
  }
  assert.deepEqual(hook.events.filter(({ connection_id: id }) => !id).map(({ event }) => event),
    ['channel.ended', 'channel.deleted']);
  const figures = events.seen.filter(({ event, data: its }) => event === 'stats' && its.id === channel.id);
  assert.ok(ids.every((id) => figures.some(({ data: its }) => its.connection_id === id && its.stats.streams)));
});

test('a server that is killed leaves its connections to the next', { timeout: 240_000 }, async (t) => {
  const channel = await makeMulti();
  const whip = await publishByWhip(channel);
  const sora = await publishWithSdk(channel, 'sendonly');
  const worker = await workerOf(channel, whip.id);
  for (const id of [whip.id, sora.id])
    await eventually('three segments', async () => (await segmentsOf(folderOf(channel, id))).length >= 3, 30_000);
  const killedAt = Date.now();
  await server.program.stop('SIGKILL');
  server = await startChannelServer(data, { port: server.port, options });
  await eventually('it is taken over', isIn(channel, whip.id, 'running'), 5000);
  t.diagnostic(`taken over ${Date.now() - killedAt} ms after the server was killed`);
  assert.equal(await workerOf(channel, whip.id), worker);
  // The WebSocket was the server's.
  await eventually('the one of the SDK has ended', isIn(channel, sora.id, 'ended'), 30_000);
  await assertVod(channel, sora.id);
  const client = follow(await mediaPlaylistUrl(await urlOf(channel, whip.id)));
  await eventually('it goes on', () => client.seen.waits > 10, 15_000);
  await client.stop();
  assert.equal(assertGoesOn(client.seen), 0);
  assert.equal((await onair(whip.page)).state, 'live', 'the publisher has noticed nothing');

  // His goodbye still reaches his process, by the address that the former server has told him.
  await whip.page.getByRole('button', { name: 'Stop' }).click();
  await eventually('it has ended', isIn(channel, whip.id, 'ended'), 15_000);
  await assertVod(channel, whip.id);

  // Who vanishes is waited for as long as his session lasts.
  const vanishing = await publishByWhip(channel);
  await vanishing.page.evaluate(() => {
    const { fetch } = window;
    window.fetch = (what, wishes) => (wishes?.method === 'DELETE' ? new Promise(() => {}) : fetch(what, wishes));
  });
  await vanishing.close();
  const vanishedAt = Date.now();
  await eventually('the picture stands still', isIn(channel, vanishing.id, 'reconnecting'), 5000);
  await eventually('it has ended', isIn(channel, vanishing.id, 'ended'), 25_000);
  t.diagnostic(`the playlist of one who vanished has ended after ${Date.now() - vanishedAt} ms`);
  await assertVod(channel, vanishing.id);

  // Who ends the next one ends its broadcasts for good; what has ended stays.
  const last = await publishByWhip(channel);
  await server.program.stop();
  assert.equal((await server.workers()).size, 0);
  assert.match(await readFile(path.join(folderOf(channel, last.id), '0.m3u8'), 'utf8'), /^#EXT-X-ENDLIST$/m);
  await last.close();
  server = await startChannelServer(data, { port: server.port, options });
  await eventually('the channel is there', async () => (await server.channel(channel.id)).state === 'idle', 5000);
  assert.deepEqual((await playlistsOf(channel)).map(({ state }) => state), Array(4).fill('ended'));
  await server.ask('DELETE', `/v1/channels/${channel.id}`);
  await assertNothingLeft(channel);
});

test('there are as many as may be, whom the webhook lets in, and each has an archive', { timeout: 240_000 }, async (t) => {
  const asked = [];
  const gate = http.createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    asked.push(JSON.parse(body));
    response.end(JSON.stringify({ allowed: asked.at(-1).metadata?.access_token !== 'stranger', reason: 'Not you.' }));
  });
  await new Promise((resolve) => gate.listen(0, '127.0.0.1', resolve));
  t.after(() => gate.close());
  const archive = path.join(dir, 'archives');
  const { json: destination } = await server.ask('POST', '/v1/archive-destinations', { bucket_uri: `file://${archive}` });
  const channel = await makeMulti({ auth_webhook_url: `http://127.0.0.1:${gate.address().port}/`,
    hls: [{ ...kHls, archive: { archive_destination_id: destination.id } }] });
  const post = (token = channel.publish_token, { id } = channel) => fetch(`${server.base}/v1/channels/${id}/whip`, {
    method: 'POST', body: 'v=0\r\n', headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` } });

  const stranger = await post('stranger');
  assert.deepEqual([stranger.status, (await stranger.json()).detail], [403, 'Not you.']);
  assert.deepEqual(await playlistsOf(channel), []);
  assert.equal((await server.workers()).size, 0);
  // What comes to nothing leaves nothing.
  assert.equal((await post()).status, 400);
  await eventually('it is forgotten', async () => (await playlistsOf(channel)).length === 0, 20_000);

  const first = await publishByWhip(channel);
  const sora = await publishWithSdk(channel);
  const third = await publishByWhip(channel);
  const ids = [first.id, sora.id, third.id];
  assert.deepEqual(asked.slice(-3).map(({ connection_id: id }) => id), ids, 'they are those that were asked about');
  const words = 'This channel has 3 publishers, and no more are allowed here at a time.';
  const refused = await post();
  assert.deepEqual([refused.status, (await refused.json()).detail], [503, words]);
  assert.ok(Number(refused.headers.get('Retry-After')) > 0);
  const waiting = await openSoraPage(await newContext());
  const error = await publishBySora(waiting, { urls: channel.sora_url, channel: channel.id, role: 'sendonly' });
  assert.deepEqual([error?.code, error?.reason], [4490, `TOO-MANY-CONNECTIONS: ${words}`]);
  // Each counts for its address.
  const other = await makeMulti();
  const fourth = await publishByWhip(other);
  const fifth = await post(other.publish_token, other);
  assert.equal(fifth.status, 429);
  assert.match((await fifth.json()).detail, /^This address publishes to 4 channel\(s\) already/);
  await fourth.close();
  // A connection is not a channel.
  assert.equal((await post(channel.publish_token, { id: nameOf(channel, first.id) })).status, 404);
  assert.equal((await server.ask('GET', `/v1/channels/${nameOf(channel, first.id)}`)).status, 404);

  for (const id of ids)
    await eventually('three segments', async () => (await segmentsOf(folderOf(channel, id))).length >= 3, 30_000);
  const archives = async () => (await server.ask('GET', `/v1/channels/${channel.id}/archives`)).json.archives;
  assert.deepEqual((await archives()).map(({ connection_id: id, state }) => `${id} ${state}`).sort(),
    ids.map((id) => `${id} recording`).sort());
  await server.ask('POST', `/v1/channels/${channel.id}/stop`);
  await eventually('all are copied', async () => {
    const all = await archives();
    return all.length === 3 && all.every(({ state }) => state === 'created');
  }, 60_000);
  for (const id of ids) {
    const text = await readFile(path.join(archive, nameOf(channel, id), '0.m3u8'), 'utf8');
    assert.match(text, /^#EXT-X-ENDLIST$/m);
    assert.ok(parseStrictly(text).segments.length >= 3, text);
  }
  const late = await post();
  assert.deepEqual([late.status, (await late.json()).detail], [503, 'The channel has ended; make another one.']);
  await server.ask('DELETE', `/v1/channels/${channel.id}`);
  await assertNothingLeft(channel);
});
