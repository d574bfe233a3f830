// SPDX-License-Identifier: LGPL-2.1-or-later
// What a channel has broadcast is copied to where its owner wants it, whole, whatever happens to the network and to the
// server meanwhile.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { openBrowser } from './lib/browser.mjs';
import { startChannelServer } from './lib/live_server.mjs';
import { mediaPlaylistUrl } from './lib/live_sinks.mjs';
import { artefacts, eventually, run } from './lib/process.mjs';
import { publishTo } from './lib/publisher.mjs';
import { s3Keys, startS3 } from './lib/s3_server.mjs';
import { receiveEvents } from './lib/webhook.mjs';

const kSecret = 'hook-secret';
const kHls = {
  durationSeconds: 1, video: { width: 320, height: 180, fps: 30, bps: 300_000 }, audio: { bps: 64_000 },
};

let browser;
let dir; // of everything
let data;
let root; // where archives may be copied to
let options;
let server;
let hook;

before(async () => {
  await mkdir(artefacts, { recursive: true });
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-archive-'));
  [data, root] = [path.join(dir, 'data'), path.join(dir, 'archives')];
  await mkdir(root);
  options = ['--webhook-secret', kSecret, '--archive-directory', root];
  server = await startChannelServer(data, { options });
  browser = await openBrowser();
  hook = await receiveEvents(kSecret);
});

after(async () => {
  await browser?.close();
  await server?.program.stop();
  await hook?.close();
  await writeFile(path.join(artefacts, 'archive.log'), server?.program.output ?? '');
  await rm(dir, { recursive: true, force: true });
});

const isState = (channel, state) => server.isState(channel, state);
const archiveOf = async ({ id }) => (await server.ask('GET', `/v1/channels/${id}/archives`)).json?.archives?.[0];

async function makeDestination(body) {
  const { status, json } = await server.ask('POST', '/v1/archive-destinations', body);
  assert.equal(status, 201, JSON.stringify(json));
  return json;
}

const makeArchived = (destination, more = {}) => server.make({
  hls: [{ ...kHls, archive: { archive_destination_id: destination } }],
  event_webhook_url: hook.url, low_latency: false, ...more,
});

const publish = (channel) => publishTo(browser, server, channel);

// Of a busy machine segments may be longer than they should be, which is not the matter here.
function parsePlaylist(text) {
  const entries = [...text.matchAll(/^#EXTINF:([\d.]+),.*\n(\S+)$/gm)]
    .map(([, duration, uri]) => ({ duration: Number(duration), uri }));
  return { entries, isEnded: text.endsWith('#EXT-X-ENDLIST\n'),
           discontinuities: text.match(/^#EXT-X-DISCONTINUITY$/gm)?.length ?? 0 };
}

const recorded = (channel) => path.join(data, 'archives', channel.id);
const listed = async (folder) => parsePlaylist(await readFile(path.join(folder, '0.m3u8'), 'utf8').catch(() => ''));
const hasRecorded = (channel, segments) => async () =>
  (await listed(recorded(channel))).entries.length >= segments;

// A folder that is a whole recording: what the playlist lists is there and plays, and nothing else is there.
async function assertWhole(folder, { atLeast }) {
  const text = await readFile(path.join(folder, '0.m3u8'), 'utf8');
  const playlist = parsePlaylist(text);
  assert.ok(playlist.isEnded);
  assert.match(text, /^#EXT-X-PLAYLIST-TYPE:VOD$/m);
  assert.match(text, /^#EXT-X-MEDIA-SEQUENCE:0$|^(?![\s\S]*MEDIA-SEQUENCE)/m);
  assert.ok(playlist.entries.length >= atLeast, `${playlist.entries.length} segments`);
  assert.match(await readFile(path.join(folder, 'master.m3u8'), 'utf8'), /^0\.m3u8$/m);
  assert.deepEqual((await readdir(folder)).sort(),
    [...playlist.entries.map(({ uri }) => uri), '0.m3u8', 'master.m3u8'].sort());
  const { err } = await run('ffmpeg', ['-v', 'error', '-xerror', '-i', path.join(folder, '0.m3u8'),
    '-fps_mode', 'vfr', '-f', 'null', '-'], { keepsErrors: true });
  assert.equal(err, '');
  const sum = playlist.entries.reduce((total, { duration }) => total + duration, 0);
  const { format } = JSON.parse(await run('ffprobe',
    ['-v', 'error', '-of', 'json', '-show_entries', 'format=duration', path.join(folder, '0.m3u8')]));
  assert.ok(Math.abs(format.duration - sum) < 0.1, `${format.duration} s, ${sum} s listed`);
  return { ...playlist, sum };
}

test('a channel that is stopped has its archive copied to a directory', { timeout: 120_000 }, async (t) => {
  const uri = `file://${root}/talks`;
  const { id: destination } = await makeDestination({ bucket_uri: `${uri}/` });
  const outside = await server.ask('POST', '/v1/archive-destinations', { bucket_uri: `file://${dir}/elsewhere` });
  assert.equal(outside.status, 400);
  assert.equal(outside.json.field, 'bucket_uri');
  const channel = await makeArchived(destination, { time_shift_hours: 0.002 }); // 7.2 s
  const inUse = await server.ask('DELETE', `/v1/archive-destinations/${destination}`);
  assert.equal(inUse.status, 409);
  const publisher = await publish(channel);
  await eventually('twelve segments', hasRecorded(channel, 12), 40_000);
  assert.equal((await archiveOf(channel)).state, 'recording');
  const live = parsePlaylist(await (await fetch(await mediaPlaylistUrl(channel.playlist_url))).text());
  const window = live.entries.reduce((total, { duration }) => total + duration, 0);
  assert.ok(window > 6 && window < 9, `viewers can go back ${window} s`);

  const stoppedAt = Date.now();
  await server.ask('POST', `/v1/channels/${channel.id}/stop`);
  await eventually('the archive is there', () => hook.of(channel, 'archive.created').length, 20_000);
  t.diagnostic(`created ${Date.now() - stoppedAt} ms after the channel was stopped`);
  const [{ archive }] = hook.of(channel, 'archive.created');
  assert.equal(archive.location, `${uri}/${channel.id}/`);
  assert.equal(archive.files_copied, archive.files);
  assert.deepEqual(await archiveOf(channel), archive);
  const whole = await assertWhole(path.join(root, 'talks', channel.id), { atLeast: 12 });
  assert.equal(whole.discontinuities, 0);
  t.diagnostic(`${whole.sum.toFixed(2)} s, ${archive.files} files, ${archive.bytes} bytes`);
  assert.equal(whole.entries.length + 2, archive.files);
  assert.deepEqual(hook.of(channel, 'archive.failed'), []);

  assert.equal((await readdir(recorded(channel))).length, archive.files, 'it stays here too');
  await server.ask('DELETE', `/v1/channels/${channel.id}`);
  await eventually('until the channel is deleted', () => stat(recorded(channel)).then(() => false, () => true), 5000);
  assert.equal((await server.ask('DELETE', `/v1/archive-destinations/${destination}`)).status, 204);
  await assertWhole(path.join(root, 'talks', channel.id), { atLeast: 12 });
  await publisher.stop();
});

test('what a worker that is killed has begun is in the archive too', { timeout: 120_000 }, async (t) => {
  const { id: destination } = await makeDestination({ bucket_uri: `file://${root}` });
  const channel = await makeArchived(destination, { time_shift_hours: 1, low_latency: true, hold_seconds: 20 });
  const publisher = await publish(channel);
  await eventually('four segments', hasRecorded(channel, 4), 30_000);
  process.kill(await server.workerOf(channel), 'SIGKILL');
  const { length } = (await listed(recorded(channel))).entries;
  await eventually('another one goes on', hasRecorded(channel, length + 4), 40_000);
  await server.ask('POST', `/v1/channels/${channel.id}/stop`);
  await eventually('the archive is there', () => hook.of(channel, 'archive.created').length, 30_000);
  const whole = await listed(path.join(root, channel.id));
  assert.equal(whole.discontinuities, 1);
  const { entries } = await listed(path.join(data, 'hls', channel.id));
  assert.deepEqual(whole.entries, entries, 'as viewers have it, who can go back to the beginning');
  const shortest = Math.min(...whole.entries.slice(0, -1).map(({ duration }) => duration));
  t.diagnostic(`${whole.entries.length} segments, the shortest of ${shortest} s`);
  await publisher.stop();
  await server.ask('DELETE', `/v1/channels/${channel.id}`);
});

test('where the disk is short, viewers can go back less far, and an archive ends whole', { timeout: 180_000 }, async (t) => {
  await server.program.stop();
  server = await startChannelServer(data, { port: server.port, options: [...options, '--disk-quota', '1'] });
  const { id: destination } = await makeDestination({ bucket_uri: `file://${root}/full` });
  const hls = [{ ...kHls, video: { ...kHls.video, bps: 1_500_000 } }];
  const { json: short } = await server.ask('POST', '/v1/channels', { hls, time_shift_hours: 1, low_latency: false });
  const kept = await makeArchived(destination, { time_shift_hours: 1,
    hls: [{ ...hls[0], archive: { archive_destination_id: destination } }] });
  const publishers = [await publish(short), await publish(kept)];
  await eventually('the archive is there', () => hook.of(kept, 'archive.created').length, 60_000);
  assert.equal(hook.of(kept, 'channel.full').length, 1);
  const { state, message } = await server.channel(kept.id);
  assert.equal(state, 'ended');
  assert.match(message, /disk quota of 1 MB/);
  const { sum } = await assertWhole(path.join(root, 'full', kept.id), { atLeast: 4 });
  const [{ archive: { bytes } }] = hook.of(kept, 'archive.created');
  assert.ok(bytes > 1e6 && bytes < 2e6, `${bytes} bytes`);
  t.diagnostic(`${sum.toFixed(1)} s of archive, ${bytes} bytes`);

  const folder = path.join(data, 'hls', short.id);
  await eventually('the oldest have gone', () => stat(path.join(folder, '0-2.ts')).then(() => false, () => true), 60_000);
  const { entries } = await listed(folder);
  assert.ok(entries.length >= 3, `${entries.length} segments`);
  assert.equal((await server.channel(short.id)).state, 'running', 'it goes on');
  for (const { stop } of publishers) await stop();
  for (const { id } of [short, kept]) await server.ask('DELETE', `/v1/channels/${id}`);
  await server.program.stop();
  server = await startChannelServer(data, { port: server.port, options });
});

test('S3 that fails, and a server that is killed in between, are gone on with', { timeout: 180_000 }, async (t) => {
  const s3 = await startS3();
  t.after(() => s3.close());
  const { id: destination, ...told } = await makeDestination({
    bucket_uri: 's3://talks/2026/autumn', endpoint_url: s3.endpoint, ...s3Keys,
  });
  assert.equal(told.aws_secret_access_key, undefined);
  const channel = await makeArchived(destination);
  const publisher = await publish(channel);
  await eventually('ten segments', hasRecorded(channel, 10), 40_000);
  s3.weather.push('drop', 'drop', 'busy', 'fair', 'fair', 'fair', 'busy', 'fair', 'fair', 'hold', 'hold', 'hold');
  await server.ask('POST', `/v1/channels/${channel.id}/stop`);
  await eventually('it is told that it fails', () => hook.of(channel, 'archive.failed').length, 20_000);
  const [{ archive: failed }] = hook.of(channel, 'archive.failed');
  assert.equal(failed.state, 'waiting');
  assert.ok(failed.error.startsWith(`${s3.endpoint}/talks/2026/autumn/${channel.id}/`), failed.error);
  await eventually('a request is under way', () => s3.held.length, 40_000);
  const between = await archiveOf(channel);
  assert.equal(between.state, 'copying');
  assert.ok(between.files_copied >= 5 && between.files_copied < between.files);
  assert.equal((await server.ask('DELETE', `/v1/archive-destinations/${destination}`)).status, 409);

  await server.program.stop('SIGKILL');
  assert.ok(!s3.requests.some(({ url, status }) => status === 200 && url.endsWith('.m3u8')),
    'no playlist in front of its segments');
  s3.weather.length = 0;
  server = await startChannelServer(data, { port: server.port, options });
  await eventually('the archive is there', () => hook.of(channel, 'archive.created').length, 30_000);
  const [{ archive }] = hook.of(channel, 'archive.created');
  assert.equal(archive.location, `s3://talks/2026/autumn/${channel.id}/`);
  const copied = s3.requests.filter(({ status }) => status === 200).map(({ url }) => url);
  assert.ok(copied.at(-1).endsWith('/master.m3u8') && copied.at(-2).endsWith('/0.m3u8'), copied.slice(-3).join(' '));
  t.diagnostic(`${archive.files} files, ${s3.requests.length} requests`);

  const folder = path.join(dir, 'fetched');
  await mkdir(folder);
  for (const [url, { body, type }] of s3.objects) {
    assert.ok(url.startsWith(`/talks/2026/autumn/${channel.id}/`), url);
    assert.equal(type, url.endsWith('.ts') ? 'video/mp2t' : 'application/vnd.apple.mpegurl');
    await writeFile(path.join(folder, path.basename(url)), body);
  }
  assert.equal(s3.objects.size, archive.files);
  await assertWhole(folder, { atLeast: 10 });
  for (const name of await readdir(path.join(data, 'archive-destinations'))) {
    const { mode } = await stat(path.join(data, 'archive-destinations', name));
    assert.equal(mode & 0o777, 0o600);
  }
  await publisher.stop();
  await server.ask('DELETE', `/v1/channels/${channel.id}`);
});

test('a channel that is deleted on the air leaves its archive', { timeout: 120_000 }, async (t) => {
  const s3 = await startS3({ region: 'eu-central-1' });
  t.after(() => s3.close());
  const imageFlux = (operation, body) =>
    server.ask('POST', '/', body, { 'X-Sora-Target': `ImageFlux_20190205.${operation}` });
  const made = async (keys) => (await imageFlux('CreateArchiveDestination', {
    bucket_uri: 's3://talks', aws_region: 'eu-central-1', endpoint_url: s3.endpoint, ...keys,
  })).json.archive_destination_id;
  const wrong = await made({ ...s3Keys, aws_secret_access_key: 'guessed' });
  const right = await made(s3Keys);
  const { json: { archive_destinations: list } } = await imageFlux('ListArchiveDestinations', {});
  assert.ok(list.some(({ archive_destination_id: id, bucket_uri: uri }) => id === right && uri === 's3://talks'));

  const channels = [await makeArchived(right), await makeArchived(wrong)];
  const publishers = [await publish(channels[0]), await publish(channels[1])];
  for (const channel of channels) await eventually('five segments', hasRecorded(channel, 5), 30_000);
  for (const { id } of channels) assert.equal((await imageFlux('DeleteChannel', { channel_id: id })).status, 200);
  const [channel, refused] = channels;
  await eventually('the archive is there', () => hook.of(channel, 'archive.created').length, 30_000);
  assert.ok(hook.of(channel, 'channel.deleted').length);
  assert.ok(s3.objects.has(`/talks/${channel.id}/master.m3u8`));
  await eventually('and nowhere else', () => stat(recorded(channel)).then(() => false, () => true), 5000);
  assert.equal(await archiveOf(channel), undefined);
  await eventually('a wrong key is told', () => hook.of(refused, 'archive.failed').length, 30_000);
  assert.match(hook.of(refused, 'archive.failed')[0].archive.error, /is answered with 403 \(SignatureDoesNotMatch\)\.$/);
  assert.ok(![...s3.objects.keys()].some((url) => url.includes(refused.id)));
  assert.match((await archiveOf(refused)).state, /^(waiting|copying)$/);
  for (const { stop } of publishers) await stop();
});
