// SPDX-License-Identifier: LGPL-2.1-or-later
// The server of many channels: made by the API, each in a process of its own while somebody publishes, and what viewers
// see of it when that is killed, or the server.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { onair, openBrowser, openPage } from './lib/browser.mjs';
import { assertGoesOn, follow, nextSequence } from './lib/follow.mjs';
import { followEvents, startChannelServer } from './lib/live_server.mjs';
import { mediaPlaylistUrl } from './lib/live_sinks.mjs';
import { servePublishPage } from './lib/page_server.mjs';
import { artefacts, eventually } from './lib/process.mjs';
import { publishTo } from './lib/publisher.mjs';
import { findFaults, segmentsOf } from './lib/segments.mjs';
import { receiveEvents } from './lib/webhook.mjs';

const kRequest = {
  hls: [{ video: { width: 640, height: 360, fps: 30, bps: 1_000_000 }, audio: { bps: 64_000 } }],
  hold_seconds: 20,
};

const kSecret = 'hook-secret';
const kOptions = ['--webhook-secret', kSecret];

let browser;
let dir;
let server;
let pages;

before(async () => {
  await mkdir(artefacts, { recursive: true });
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-channels-'));
  server = await startChannelServer(dir, { options: kOptions });
  pages = await servePublishPage(0);
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await pages?.close();
  await server?.program.stop();
  await writeFile(path.join(artefacts, 'channels.log'), server?.program.output ?? '');
  await rm(dir, { recursive: true, force: true });
});

const isState = (channel, state) => server.isState(channel, state);

const publish = (channel) => publishTo(browser, server, channel);

// A viewer by hls.js, and a client that misses nothing.
async function watch(channel) {
  const media = await eventually('a playlist', () => mediaPlaylistUrl(channel.playlist_url), 20_000);
  await eventually('four segments', async () =>
    nextSequence(await (await fetch(media)).text()) >= 4, 20_000);
  const context = await browser.newContext();
  const page = await openPage(context, pages.players);
  await page.evaluate((url) => window.players.add('viewer', { kind: 'hls.js', url }), channel.playlist_url);
  const report = () => page.evaluate(() => window.players.report('viewer'));
  await eventually('it is watched', async () => (await report()).time > 1, 20_000);
  return { client: follow(media), report, page, stop: () => context.close() };
}

// On a busy machine a publisher may be silent for a second.
const withoutFlicker = (names, flicker) => names.join(' ').replaceAll(` ${flicker}`, '').split(' ');

// From which until which of the pictures that were shown there was none, in seconds.
function longestStill({ readings }) {
  const shown = readings.map(({ at }) => at);
  return Math.max(...shown.slice(1).map((at, i) => at - shown[i])) / 1000;
}

async function remove(channel) {
  assert.equal((await server.ask('DELETE', `/v1/channels/${channel.id}`)).status, 204);
}

test('the page of all channels shows what is on the air, on a phone as well', async (t) => {
  const channel = await server.make(kRequest);
  const { stop } = await publish(channel);
  const idle = await server.make(kRequest);
  const phone = await browser.newContext({ viewport: { width: 360, height: 740 }, isMobile: true });
  t.after(async () => {
    await phone.close();
    await stop();
    await Promise.all([remove(channel), remove(idle)]);
  });
  const board = await openPage(phone, `${server.base}/#token=api-secret`);
  const shown = () => board.evaluate(async ([id, assets]) => {
    const { readTimecode, timecodeAge } = await import(assets);
    const picture = document.querySelector(`#channel-${id} img`);
    if (!picture || picture.hidden) return null;
    const { naturalWidth: width, naturalHeight: height } = picture;
    const context = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
    context.drawImage(picture, 0, 0);
    const code = readTimecode(context, width, height);
    return { width, height, code, ageMs: code && timecodeAge(code, Date.now()) };
  }, [channel.id, '/assets/timecode.js']);
  const thumbnail = await eventually('a thumbnail', shown, 20_000);
  assert.deepEqual([thumbnail.width, thumbnail.height], [320, 180]);
  assert.ok(thumbnail.ageMs > 0 && thumbnail.ageMs < 12_000, `${thumbnail.ageMs} ms old`);
  await eventually('a newer one', async () => (await shown()).code !== thumbnail.code, 20_000);
  const samples = (id) => board.evaluate((which) => Object.values(window.cards.get(which).figures), id);
  await eventually('five graphs', async () => {
    const counts = await samples(channel.id);
    return counts.length === 5 && counts.every((count) => count >= 5);
  }, 20_000);
  const { streams, alignment, segments } = (await server.channel(channel.id)).stats;
  for (const { decoded_ms: decoded, encoded_ms: encoded } of Object.values(streams))
    assert.ok(decoded > -20 && encoded > decoded && encoded < 2_000, `${decoded} and ${encoded} ms`);
  assert.ok(Math.abs(alignment.lag_ms) < 500 && alignment.confidence_ms < 100, JSON.stringify(alignment));
  assert.ok(Math.abs(segments.seconds - 1) < 0.3, `${segments.seconds} s`);
  assert.ok((await samples(idle.id)).every((count) => count === 0));
  assert.equal((await fetch(`${server.base}/channels/${idle.id}/thumbnail.jpg`)).status, 404);

  await board.screenshot({ path: path.join(artefacts, 'channels.png') });
  const pages = [board, await openPage(phone, server.watch(channel)), await openPage(phone, server.publish(idle))];
  await eventually('the watch page plays', async () => (await onair(pages[1])).time > 1, 20_000);
  for (const page of pages) {
    const { scrollWidth, innerWidth } = await page.evaluate(() =>
      ({ scrollWidth: document.documentElement.scrollWidth, innerWidth: window.innerWidth }));
    assert.ok(scrollWidth <= innerWidth, `${page.url()}: ${scrollWidth} of ${innerWidth} pixels`);
    assert.deepEqual(page.problems, []);
  }
});

test('a channel is made, is on the air, and ends', async (t) => {
  const events = followEvents(server);
  const hook = await receiveEvents(kSecret, { failures: 1 });
  t.after(() => hook.close());
  const channel = await server.make({ ...kRequest, event_webhook_url: hook.url });
  await eventually('it is idle', isState(channel, 'idle'), 2000); // a server that has just begun looks for workers first
  assert.equal(await server.workerOf(channel), undefined, 'it costs no process before somebody publishes');
  const stranger = await fetch(channel.whip_url, { method: 'POST', body: 'v=0',
    headers: { 'Content-Type': 'application/sdp', Authorization: 'Bearer guessed' } });
  assert.equal(stranger.status, 401);
  assert.equal(await server.workerOf(channel), undefined, 'nor for who does not know its token');

  const begin = Date.now();
  const { page, stop } = await publish(channel);
  const told = events.seen.filter(({ event, data }) => event === 'channel' && data.id === channel.id);
  t.diagnostic(told.map(({ data, at }) => `${data.state} ${at - begin} ms`).join(', '));
  assert.ok(await server.workerOf(channel));
  const viewing = await browser.newContext();
  const watcher = await openPage(viewing, server.watch(channel));
  await eventually('the watch page plays', async () => (await onair(watcher)).time > 1, 20_000);
  const board = await openPage(viewing, `${server.base}/#token=api-secret`);
  await eventually('the board shows it', () =>
    board.locator(`#channel-${channel.id}[data-state=running]`).count(), 10_000);
  const files = () => segmentsOf(path.join(dir, 'hls', channel.id));
  await eventually('eight segments', async () => (await files()).length >= 8, 20_000);
  const { stats } = await server.channel(channel.id);
  assert.equal(stats.segments.missed, 0);
  assert.equal(stats.broadcast, 1);
  const { json: listed } = await server.ask('POST', '/', { channel_id: channel.id },
    { 'X-Sora-Target': 'ImageFlux_20200207.ListPlaylistURLs' });
  assert.deepEqual(listed.hls, [{ connection_id: channel.id, playlist_url: channel.playlist_url }]);

  await page.getByRole('button', { name: 'Stop' }).click();
  await eventually('it is idle', isState(channel, 'idle'), 10_000);
  const media = await mediaPlaylistUrl(channel.playlist_url);
  assert.match(await (await fetch(media)).text(), /^#EXT-X-ENDLIST$/m);
  await eventually('its process goes', async () => !(await server.workerOf(channel)), 15_000);
  assert.deepEqual(await findFaults((await files()).slice(0, -1)), []);
  await eventually('the watch page has heard of it', async () =>
    (await onair(watcher)).state === 'ended', 10_000);

  // Again, by a process that counts its own broadcasts from one.
  await page.getByRole('button', { name: 'Go live' }).click();
  await eventually('it runs again', isState(channel, 'running'), 20_000);
  await eventually('and is watched', async () => (await onair(watcher)).state === 'live', 20_000);
  assert.equal((await server.channel(channel.id)).stats.broadcast, 2);
  assert.deepEqual(page.problems, []);
  assert.deepEqual(watcher.problems, []);
  assert.deepEqual(board.problems, []);

  const { status, json } = await server.ask('POST', `/v1/channels/${channel.id}/stop`);
  assert.equal(status, 202);
  assert.equal(json.state, 'stopping');
  await eventually('it has ended', isState(channel, 'ended'), 15_000);
  assert.match(await (await fetch(media)).text(), /^#EXT-X-ENDLIST$/m);
  await stop();
  await viewing.close();
  await remove(channel);
  await eventually('its files are gone', async () =>
    !(await readdir(path.join(dir, 'hls'))).includes(channel.id), 5000);
  assert.equal((await fetch(channel.playlist_url)).status, 404);
  await events.stop();
  const states = events.seen.filter(({ data, event }) => event === 'channel' && data.id === channel.id)
    .map(({ data }) => data.state);
  const changes = withoutFlicker(states.filter((state, i) => state !== states[i - 1]), 'reconnecting running');
  assert.deepEqual(changes, ['idle', 'starting', 'running', 'idle', 'starting', 'running', 'stopping', 'ended']);
  await eventually('the webhook has heard of it', () =>
    hook.events.at(-1)?.event === 'channel.deleted', 10_000);
  assert.deepEqual(hook.forged, []);
  assert.ok(hook.events.every(({ channel_id: id }) => id === channel.id));
  assert.equal(new Set(hook.events.map(({ id }) => id)).size, hook.events.length, 'each once');
  const heard = hook.events.map(({ event }) => event)
    .filter((event) => !['channel.degraded', 'channel.restored'].includes(event));
  const broadcast = ['publisher.connected', 'playlist.ready', 'publisher.left', 'broadcast.ended'];
  assert.deepEqual(withoutFlicker(heard, 'publisher.left publisher.connected'),
    [...broadcast, ...broadcast, 'channel.ended', 'channel.deleted']);
  assert.equal(events.seen.filter(({ event, data }) => event === 'deleted' && data.id === channel.id).length, 1);
});

test('a channel that is paused ends its broadcast, and publishers wait until it is resumed', { timeout: 180_000 }, async (t) => {
  const channel = await server.make(kRequest);
  const publisher = await publish(channel);
  const media = await eventually('a playlist', () => mediaPlaylistUrl(channel.playlist_url), 20_000);
  const text = async () => (await fetch(media)).text();
  await eventually('two segments', async () => nextSequence(await text()) >= 2, 20_000);
  const board = await openPage(await browser.newContext(), `${server.base}/#token=api-secret`);
  const card = board.locator(`#channel-${channel.id}`);
  await card.getByRole('button', { name: 'Pause' }).click();
  await eventually('it is idle', isState(channel, 'idle'), 10_000);
  const { paused, message } = await server.channel(channel.id);
  assert.deepEqual({ paused, message },
    { paused: true, message: 'The channel is paused: nobody can publish until it is resumed.' });
  assert.match(await text(), /^#EXT-X-ENDLIST$/m);
  const listed = nextSequence(await text());
  await eventually('its process is gone', async () => !(await server.workerOf(channel)), 10_000);

  // Who was on the air asks for the place again and again, and gets no process.
  const refused = await fetch(channel.whip_url, { method: 'POST', body: 'v=0',
    headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${channel.publish_token}` } });
  assert.equal(refused.status, 503);
  assert.equal((await refused.json()).detail, message);
  await eventually('the page says why', async () =>
    (await publisher.page.textContent('body')).includes('paused'), 20_000);
  assert.equal(await server.workerOf(channel), undefined);
  assert.equal((await server.channel(channel.id)).state, 'idle');

  const resumedAt = Date.now();
  await card.getByRole('button', { name: 'Resume' }).click();
  await eventually('he is back', isState(channel, 'running'), 60_000);
  t.diagnostic(`on the air ${Date.now() - resumedAt} ms after it was resumed`);
  await eventually('it goes on', async () => nextSequence(await text()) > listed + 1, 20_000);
  assert.doesNotMatch(await text(), /^#EXT-X-ENDLIST$/m);
  await card.getByRole('button', { name: 'Pause' }).waitFor();
  assert.equal((await server.channel(channel.id)).paused, false);
  await board.context().close();
  await publisher.stop();
  await remove(channel);
});

test('a worker that is killed on the air is replaced, and the channel goes on', { timeout: 180_000 }, async (t) => {
  const [channel, other] = [await server.make(kRequest), await server.make(kRequest)];
  const publishers = [await publish(channel), await publish(other)];
  const viewer = await watch(channel);
  const neighbour = follow(await mediaPlaylistUrl(other.playlist_url));
  const newest = () => nextSequence(viewer.client.seen.texts.at(-1));
  await eventually('two segments more', () => viewer.client.seen.texts.length && newest() >= 6, 20_000);

  await publishers[0].page.evaluate(() => {
    window.told = [];
    new MutationObserver(() => window.told.push(document.body.innerText))
      .observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  const [victim, bystander] = [await server.workerOf(channel), await server.workerOf(other)];
  const before = newest();
  const killedAt = Date.now();
  process.kill(victim, 'SIGKILL');
  await eventually('it is seen', async () => (await server.channel(channel.id)).state === 'reconnecting', 1000);
  t.diagnostic(`seen within ${Date.now() - killedAt} ms`);
  await eventually('another one', async () => ![undefined, victim].includes(await server.workerOf(channel)), 2000);
  await eventually('it makes segments', () => newest() > before + 1, 15_000);
  t.diagnostic(`the next segment is listed after ${Date.now() - killedAt} ms`);
  await eventually('the publisher is back', isState(channel, 'running'), 40_000);
  t.diagnostic(`the publisher is back after ${Date.now() - killedAt} ms`);
  const told = await publishers[0].page.evaluate(() => window.told.join('\n'));
  assert.match(told, /The server no longer knows this session/);
  assert.doesNotMatch(told, /The connection is interrupted/, 'it has asked before the browser told of it');
  const returned = newest();
  await eventually('five segments more', () => newest() >= returned + 5, 20_000);
  const played = await viewer.report();
  await writeFile(path.join(artefacts, 'channels-killed.m3u8'), viewer.client.seen.texts.join('\n'));
  await viewer.client.stop();
  await neighbour.stop();

  assert.ok(assertGoesOn(viewer.client.seen) <= 1, 'at most one discontinuity');
  assert.equal(assertGoesOn(neighbour.seen), 0);
  assert.deepEqual(neighbour.seen.refusals, []);
  assert.equal(await server.workerOf(other), bystander, 'the other one has noticed nothing');
  t.diagnostic(`the picture stood still for ${longestStill(played).toFixed(2)} s, ` +
    `${played.stalls.length} stalls; ${played.errors.map(({ details }) => details).join(' ') || 'no errors'}`);
  assert.deepEqual(played.errors.filter(({ fatal, status }) => fatal || status === 404), []);
  assert.ok(played.stalls.length <= 1, `${played.stalls.length} stalls`);
  assert.deepEqual(viewer.page.problems, []);

  // Stopped while it has no process: the next one ends the playlist.
  process.kill(await server.workerOf(channel), 'SIGKILL');
  await eventually('it is seen', async () => (await server.channel(channel.id)).state === 'reconnecting', 2000);
  assert.equal((await server.ask('POST', `/v1/channels/${channel.id}/stop`)).status, 202);
  await eventually('it has ended', isState(channel, 'ended'), 20_000);
  assert.match(await (await fetch(await mediaPlaylistUrl(channel.playlist_url))).text(), /^#EXT-X-ENDLIST$/m);
  for (const { stop } of [...publishers, viewer]) await stop();
  await remove(channel);
  await remove(other);
});

test('a server that is killed leaves its workers to the next', { timeout: 180_000 }, async (t) => {
  const channel = await server.make(kRequest);
  const publisher = await publish(channel);
  const viewer = await watch(channel);
  const worker = await server.workerOf(channel);
  await viewer.client.stop(); // the origin will be gone for a moment
  const killedAt = Date.now();
  await server.program.stop('SIGKILL');
  assert.equal(await server.workerOf(channel), worker);
  server = await startChannelServer(dir, { port: server.port, options: kOptions });
  await eventually('it is taken over', isState(channel, 'running'), 5000);
  t.diagnostic(`taken over ${Date.now() - killedAt} ms after the server was killed`);
  assert.equal(await server.workerOf(channel), worker);
  const before = (await viewer.report()).time;
  await eventually('it is watched again', async () => (await viewer.report()).time > before + 4, 30_000);
  const client = follow(await mediaPlaylistUrl(channel.playlist_url));
  await eventually('it goes on', () => client.seen.waits > 10, 15_000);
  await client.stop();
  assert.equal(assertGoesOn(client.seen), 0, 'no discontinuity');
  const played = await viewer.report();
  t.diagnostic(`the picture stood still for ${longestStill(played).toFixed(2)} s; ` +
    `${played.errors.map(({ details }) => details).join(' ') || 'no errors'}`);
  assert.deepEqual(played.errors.filter(({ fatal }) => fatal), []);
  assert.equal((await onair(publisher.page)).state, 'live', 'the publisher has noticed nothing');

  // Who stops the next one ends its broadcast, although it has not begun it.
  await server.program.stop();
  assert.equal((await server.workers()).size, 0);
  const [name] = (await readdir(path.join(dir, 'hls', channel.id))).filter((file) => file === '0.m3u8');
  assert.match(await readFile(path.join(dir, 'hls', channel.id, name), 'utf8'), /^#EXT-X-ENDLIST$/m);
  await publisher.stop();
  await viewer.stop();
  server = await startChannelServer(dir, { port: server.port, options: kOptions });
  await eventually('the channel is still there', isState(channel, 'idle'), 5000);
  const another = await publish(channel);
  await another.stop();
  await remove(channel);
});
