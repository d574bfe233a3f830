// SPDX-License-Identifier: LGPL-2.1-or-later
// Channels of which only those can watch who are given the key.
import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { onair, openBrowser, openPage } from './lib/browser.mjs';
import { startChannelServer } from './lib/live_server.mjs';
import { mediaPlaylistUrl } from './lib/live_sinks.mjs';
import { servePublishPage } from './lib/page_server.mjs';
import { artefacts, eventually, run } from './lib/process.mjs';
import { publishTo } from './lib/publisher.mjs';

const kStranger = 'stranger'; // the user agent of one who gets no keys
const kHls = { durationSeconds: 1, video: { width: 320, height: 180, fps: 30, bps: 300_000 }, audio: { bps: 64_000 } };

let browser;
let dir; // of everything
let server;
let pages;
let keys;

// Whose viewers may watch: a service as its owner has one, in front of the API.
async function serveKeys() {
  let isOpen = false; // to strangers
  const service = http.createServer(async (request, response) => {
    const kid = new URL(request.url, 'http://localhost').searchParams.get('kid');
    response.setHeader('Access-Control-Allow-Origin', '*');
    const isWelcome = isOpen || request.headers['user-agent'] !== kStranger;
    const answer = isWelcome && kid ? await server.ask('POST', '/', { kid },
      { 'X-Sora-Target': 'ImageFlux_20190610.GetEncryptKey' }) : null;
    response.statusCode = answer?.status ?? 403;
    response.end(answer?.status === 200 ? Buffer.from(answer.json.encrypt_key, 'hex') : undefined);
  });
  await new Promise((resolve) => service.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${service.address().port}/keys?who=me`,
    open: (is) => { isOpen = is; },
    close: () => new Promise((resolve) => { service.closeAllConnections(); service.close(resolve); }),
  };
}

before(async () => {
  await mkdir(artefacts, { recursive: true });
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-encryption-'));
  await mkdir(path.join(dir, 'copies'));
  server = await startChannelServer(path.join(dir, 'data'),
    { options: ['--archive-directory', path.join(dir, 'copies'), '--key-rotation', '4'] });
  keys = await serveKeys();
  pages = await servePublishPage(0);
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await pages?.close();
  await keys?.close();
  await server?.program.stop();
  await writeFile(path.join(artefacts, 'encryption.log'), server?.program.output ?? '');
  await rm(dir, { recursive: true, force: true });
});

const publish = (channel) => publishTo(browser, server, channel);

async function watch(channel, userAgent = undefined) {
  const context = await browser.newContext({ userAgent });
  const page = await openPage(context, pages.players);
  await page.evaluate((url) => window.players.add('viewer', { kind: 'hls.js', url }), channel.playlist_url);
  return { report: () => page.evaluate(() => window.players.report('viewer')), stop: () => context.close() };
}

// Segments of a playlist with the key that each is under.
function entriesOf(text) {
  const entries = [];
  let uri = null;
  for (const line of text.split('\n')) {
    uri = line.match(/^#EXT-X-KEY:METHOD=AES-128,URI="([^"]*)"/)?.[1] ?? uri;
    if (line.endsWith('.ts') && !line.startsWith('#')) entries.push({ name: line, uri });
  }
  return entries;
}

const kidOf = (uri) => new URL(uri).searchParams.get('kid');
// Each 188 bytes of MPEG-TS begin so.
const isTransportStream = (bytes) => bytes.length >= 376 && bytes[0] === 0x47 && bytes[188] === 0x47;

// Without EXT-X-KEY's IV that of a segment is its number (RFC 8216 section 5.2).
async function decrypted(folder, { name, uri }, number) {
  const key = Buffer.from(await (await fetch(uri)).arrayBuffer());
  const iv = Buffer.alloc(16);
  iv.writeBigUInt64BE(BigInt(number), 8);
  const decipher = createDecipheriv('aes-128-cbc', key, iv);
  return Buffer.concat([decipher.update(await readFile(path.join(folder, name))), decipher.final()]);
}

for (const isLowLatency of [true, false]) {
  const what = isLowLatency ? 'parts' : 'whole segments';
  test(`a channel of ${what} can be watched by those alone who get the keys`, { timeout: 180_000 }, async (t) => {
    const { json: destination } = await server.ask('POST', '/v1/archive-destinations',
      { bucket_uri: `file://${dir}/copies` });
    const channel = await server.make({
      hls: [{ ...kHls, archive: { archive_destination_id: destination.id } }],
      encrypt_key_uri: keys.url, low_latency: isLowLatency, hold_seconds: 30,
    });
    const publisher = await publish(channel);
    const media = await eventually('a playlist', () => mediaPlaylistUrl(channel.playlist_url), 20_000);
    const listed = async () => entriesOf(await (await fetch(media)).text());
    await eventually('nine segments', async () => (await listed()).length >= 9, 30_000);

    const entries = await listed();
    const folder = path.join(server.data, 'hls', channel.id);
    assert.equal(new Set(entries.slice(0, 8).map(({ uri }) => uri)).size, 2, 'a new key each four segments');
    for (const { uri } of entries) {
      assert.ok(uri.startsWith(`${keys.url}&kid=${channel.id}.`), uri);
      const { status, json } = await server.ask('GET', `/v1/encrypt-keys/${kidOf(uri)}`);
      assert.equal(status, 200);
      assert.match(json.encrypt_key, /^[0-9a-f]{32}$/);
    }
    for (const [number, entry] of entries.slice(0, 9).entries()) {
      const written = await readFile(path.join(folder, entry.name));
      assert.ok(!isTransportStream(written), entry.name);
      assert.ok(isTransportStream(await decrypted(folder, entry, number)), entry.name);
    }
    for (const name of await readdir(folder))
      if (/\.(ts|mp4|m4s|jpg)$/.test(name))
        assert.ok(!isTransportStream(await readFile(path.join(folder, name))), `${name} can be read`);
    assert.equal((await fetch(`${server.base}/channels/${channel.id}/thumbnail.jpg`)).status, 404);

    // Who gets them, and who does not.
    const viewer = await watch(channel);
    await eventually('it is watched', async () => (await viewer.report()).time > 3, 30_000);
    const stranger = await watch(channel, kStranger);
    await eventually('it is not watched', async () =>
      (await stranger.report()).errors.some(({ details }) => details === 'keyLoadError'), 20_000);
    assert.equal((await stranger.report()).frames, 0);
    await stranger.stop();
    const context = await browser.newContext({ userAgent: kStranger });
    const page = await openPage(context, server.watch(channel));
    await eventually('the watch page says why', () => page.locator('#state', { hasText: 'The key was refused' }).count(), 20_000);
    await page.screenshot({ path: path.join(artefacts, 'encryption-refused.png') });
    keys.open(true);
    await eventually('and plays with a key', async () => (await onair(page)).time > 1, 30_000);
    assert.deepEqual(page.problems, []);
    await context.close();
    keys.open(false);

    // Another process goes on, by a key of its own.
    const before = await listed();
    process.kill(await server.workerOf(channel), 'SIGKILL');
    await eventually('the publisher is back', server.isState(channel, 'running'), 40_000);
    const time = (await viewer.report()).time;
    await eventually('it is watched again', async () => (await viewer.report()).time > time + 5, 40_000);
    const played = await viewer.report();
    assert.deepEqual(played.errors.filter(({ fatal }) => fatal), []);
    t.diagnostic(`${played.stalls.length} stalls; ${played.errors.map(({ details }) => details).join(' ') || 'no errors'}`);
    const kids = (list) => new Set(list.map(({ uri }) => kidOf(uri)));
    assert.ok(kids(await listed()).size > kids(before).size);
    await viewer.stop();

    // The archive outlives the channel, and so do its keys.
    await publisher.stop();
    assert.equal((await server.ask('DELETE', `/v1/channels/${channel.id}`)).status, 204);
    const copy = path.join(dir, 'copies', channel.id);
    await eventually('it is archived', () => stat(path.join(copy, 'master.m3u8')).catch(() => null), 30_000);
    const text = await readFile(path.join(copy, '0.m3u8'), 'utf8');
    const archived = entriesOf(text);
    assert.ok(archived.length >= before.length, `${archived.length} segments`);
    assert.ok(archived.every(({ uri }) => uri));
    // Of the segment that was being written when its process was killed there were parts, each encrypted by itself:
    // they make no segment. ffmpeg does not know what a gap is.
    const gaps = /^#EXT-X-GAP\n#EXTINF.*\n.*\n/gm;
    assert.ok((text.match(gaps) ?? []).length <= (isLowLatency ? 1 : 0), text);
    const playable = path.join(copy, 'playable.m3u8');
    await writeFile(playable, text.replace(gaps, ''));
    const { err } = await run('ffmpeg', ['-v', 'error', '-xerror', '-allowed_extensions', 'ALL',
      '-protocol_whitelist', 'file,http,tcp,crypto,data', '-i', playable,
      '-fps_mode', 'vfr', '-f', 'null', '-'], { keepsErrors: true });
    assert.equal(err, '');
    const { status } = await server.ask('GET', `/v1/encrypt-keys/${kidOf(archived[0].uri).replace(/^./, '-')}`);
    assert.equal(status, 404, 'what no playlist has named');
  });
}

test('keys are the same under the next server, and others than those of another', async () => {
  const first = await server.make({ hls: [kHls], encrypt_key_uri: keys.url });
  const publisher = await publish(first);
  const media = await eventually('a playlist', () => mediaPlaylistUrl(first.playlist_url), 20_000);
  const [{ uri }] = await eventually('a segment', async () => {
    const entries = entriesOf(await (await fetch(media)).text());
    return entries.length ? entries : null;
  }, 20_000);
  await publisher.stop();
  const ask = async (which) => (await which.ask('GET', `/v1/encrypt-keys/${kidOf(uri)}`)).json.encrypt_key;
  const key = await ask(server);
  assert.match(key, /^[0-9a-f]{32}$/);
  assert.equal((await stat(path.join(server.data, 'key-secret'))).mode & 0o777, 0o600);
  await server.program.stop();
  server = await startChannelServer(server.data, { port: server.port });
  assert.equal(await ask(server), key);
  const other = await startChannelServer(path.join(dir, 'other'));
  const secret = await readFile(path.join(server.data, 'key-secret'), 'utf8');
  const same = await startChannelServer(path.join(dir, 'same'), { options: ['--key-secret', secret.trim()] });
  try {
    assert.equal(await ask(other), undefined);
    assert.equal(await ask(same), key);
  } finally {
    await other.program.stop();
    await same.program.stop();
  }
});
