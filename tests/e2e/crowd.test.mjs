// SPDX-License-Identifier: LGPL-2.1-or-later
// Crowds before Varnish before a live server's channels: the origin is asked for as much as there is, however many watch.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { promisify } from 'node:util';

import { startVarnish } from './lib/caches.mjs';
import { startChannelServer } from './lib/live_server.mjs';
import { mediaPlaylistUrl } from './lib/live_sinks.mjs';
import { eventually } from './lib/process.mjs';
import { publishHeadless } from './lib/publisher.mjs';
import { parseStrictly } from './lib/strict_playlists.mjs';

const kRequest = {
  hls: [{ durationSeconds: 1, video: { width: 320, height: 180, fps: 30, bps: 300_000 }, audio: { bps: 64_000 } }],
};
const kChannels = 2;
const kViewers = [10, 200];
const kConnections = [10, 500]; // of wrk
const kSeconds = 5;
// A part and the playlist that lists it, six times a second; and as much again for those that are late.
const kMostAsked = kChannels * 2 * 6 * 2;

const kMetricsToken = 'figures';
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
let dir;
let server;
let publishers;
let varnish;
let medias; // playlists, by way of Varnish

before(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-crowd-'));
  server = await startChannelServer(path.join(dir, 'data'), { options: ['--metrics-token', kMetricsToken] });
  varnish = await startVarnish(dir, server.port + 2);
  const channels = [];
  for (let i = 0; i < kChannels; i += 1) channels.push(await server.make(kRequest));
  publishers = await publishHeadless(channels);
  medias = await Promise.all(channels.map(async ({ playlist_url: url }) => {
    const media = await eventually('a playlist', () => mediaPlaylistUrl(url).catch(() => null), 30_000);
    await eventually('four segments', async () => wholeOf(await load(media)).length >= 4, 30_000);
    return varnish.url + new URL(media).pathname;
  }));
});

after(async () => {
  agent.destroy();
  await publishers?.stop();
  await varnish?.stop();
  await server?.program.stop();
  await rm(dir, { recursive: true, force: true });
});

const get = (url) => new Promise((resolve, reject) => {
  http.get(url, { agent }, (response) => {
    const data = [];
    response.on('data', (chunk) => data.push(chunk));
    response.once('end', () =>
      resolve({ status: response.statusCode, text: Buffer.concat(data).toString('latin1') }));
    response.once('error', reject);
  }).once('error', reject);
});

async function load(url) {
  const { status, text } = await get(url);
  assert.equal(status, 200, `${url}: ${text}`);
  return parseStrictly(text);
}
const wholeOf = ({ segments }) => segments.filter(({ uri }) => uri);

// What the origin has answered, as Prometheus is told.
async function answered() {
  const response = await fetch(`${server.base}/metrics`, { headers: { Authorization: `Bearer ${kMetricsToken}` } });
  return Number((await response.text()).match(/^onair_hls_requests_total (\S+)$/m)[1]);
}

// Follows the edge as a player does: asks for each playlist before it is there, and loads the parts that it lists.
async function view(media, { isOver }, tally) {
  let playlist = await load(media);
  let isFirst = true;
  const seen = new Set();
  while (!isOver()) {
    const parts = playlist.segments.flatMap(({ parts: all }) => all.filter(({ hint }) => !hint));
    for (const { uri } of parts.filter((one) => !seen.has(one.uri))) {
      seen.add(uri);
      if (isFirst) continue; // long past
      tally.asked += 1;
      assert.equal((await get(new URL(uri, media))).status, 200, uri);
    }
    isFirst = false;
    const { segments, mediaSequenceBase } = playlist;
    const last = segments.at(-1);
    const part = last.uri ? 0 : last.parts.filter(({ hint }) => !hint).length;
    tally.asked += 1;
    playlist = await load(
      `${media}?_HLS_msn=${mediaSequenceBase + segments.length - (last.uri ? 0 : 1)}&_HLS_part=${part}`);
  }
}

test('what the origin is asked for does not grow with those who watch', { timeout: 120_000 }, async (t) => {
  for (const count of kViewers) {
    let over = false;
    const tally = { asked: 0 };
    const viewers = Promise.all(Array.from({ length: count }, (_, i) =>
      view(medias[i % medias.length], { isOver: () => over }, tally)));
    await pass(1000); // all have joined
    const [asked, before] = [tally.asked, await answered()];
    await Promise.race([viewers, pass(kSeconds * 1000)]);
    const [ofViewers, ofOrigin] = [tally.asked - asked, await answered() - before].map((sum) => sum / kSeconds);
    over = true;
    await viewers;
    t.diagnostic(`${count} viewers ask ${ofViewers.toFixed(0)}/s, the origin is asked ${ofOrigin.toFixed(1)}/s`);
    assert.ok(ofViewers > count * 3, 'they follow the edge');
    assert.ok(ofOrigin > kChannels * 6 && ofOrigin <= kMostAsked, `${ofOrigin}`);
  }
});

test('nor with what wrk asks as fast as it is answered', { timeout: 120_000 }, async (t) => {
  for (const connections of kConnections) {
    // The newest segment of each channel, its master playlist, and a playlist that waits no more.
    const targets = [];
    for (const media of medias) {
      const playlist = await load(media);
      const whole = wholeOf(playlist).at(-1);
      const { pathname } = new URL(media);
      const folder = path.posix.dirname(pathname);
      const number = playlist.mediaSequenceBase + playlist.segments.indexOf(whole);
      targets.push(`${folder}/${whole.uri}`, `${folder}/master.m3u8`, `${pathname}?_HLS_msn=${number}&_HLS_part=0`);
    }
    const script = path.join(dir, 'targets.lua');
    await writeFile(script, `local targets = {${targets.map((one) => JSON.stringify(one)).join(',')}}\nlocal i = 0\n` +
      'request = function() i = i % #targets + 1; return wrk.format("GET", targets[i]) end\n');
    const before = await answered();
    const { stdout } = await promisify(execFile)('wrk',
      ['-t1', `-c${connections}`, `-d${kSeconds}s`, '--latency', '-s', script, varnish.url]);
    const asked = (await answered() - before) / kSeconds;
    const [, rate] = stdout.match(/Requests\/sec:\s+(\S+)/);
    const [, slowest] = stdout.match(/99%\s+(\S+)/);
    t.diagnostic(`${connections} connections ask ${rate}/s, 99 % are answered within ${slowest}, ` +
                 `the origin is asked ${asked.toFixed(1)}/s`);
    assert.doesNotMatch(stdout, /Non-2xx|Socket errors/, stdout);
    assert.ok(Number(rate) > 100 * kMostAsked, 'they ask for much more than there is');
    assert.ok(asked <= kMostAsked, `${asked}`);
  }
});
