// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP caches in front of the origin: they spare it the crowd, and nobody sees anything that is out of date.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { openBrowser, openPage } from './lib/browser.mjs';
import { startNginx, startVarnish } from './lib/caches.mjs';
import { dateOfSignal, mediaPlaylistUrl, pipelineOf } from './lib/live_sinks.mjs';
import { freePorts } from './lib/live_server.mjs';
import { servePublishPage } from './lib/page_server.mjs';
import { inWords, judge } from './lib/players.mjs';
import { Program, eventually } from './lib/process.mjs';
import { parseStrictly } from './lib/strict_playlists.mjs';
import { environment, launchLog } from './lib/sync_chain.mjs';
import { kCodeMs } from './lib/time_signal.mjs';
import { writeTimeSignal } from './lib/time_signal_files.mjs';

const kCrowd = 100;
const kSeconds = 90; // of programme

let dir;
let program;
let parts; // an origin of each sink: { port, url }
let whole;
const caches = {};

before(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-cache-'));
  const signal = await writeTimeSignal(dir, kSeconds, { width: 320, height: 240 });
  const port = await freePorts();
  const sink = (number, properties) => ({ sound: 'mp3', 'origin-port': number, ...properties });
  program = new Program(launchLog, [pipelineOf(signal, {
    parts: sink(port),
    whole: sink(port + 1, { 'low-latency': false, 'target-duration': 2_000_000_000 }),
  }).join(' ')], { env: environment });
  [parts, whole] = [port, port + 1].map((number) => ({ port: number, url: `http://127.0.0.1:${number}` }));
  for (const { url } of [parts, whole])
    await eventually(`${url} has segments`, async () => {
      const media = await mediaPlaylistUrl(`${url}/master.m3u8`).catch(() => null);
      return media && complete(await playlistOf(url)).length > 2;
    }, 40_000);
  caches.varnish = await startVarnish(path.join(dir, 'parts'), parts.port);
  caches.nginx = await startNginx(path.join(dir, 'parts'), parts.port);
  caches.wholeVarnish = await startVarnish(path.join(dir, 'whole'), whole.port);
});

after(async () => {
  for (const cache of Object.values(caches)) await cache.stop();
  await program?.stop('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

const complete = ({ segments }) => segments.filter(({ uri }) => uri);
const playlistOf = async (base) => parseStrictly(await (await fetch(`${base}/0.m3u8`)).text());
const lastOf = (playlist) => complete(playlist).at(-1).mediaSequenceNumber;

// As many connections as requests, as viewers have.
const agent = new http.Agent({ maxSockets: Infinity });
function get(url) {
  return new Promise((resolve, reject) => {
    http.get(url, { agent }, (response) => {
      const data = [];
      response.on('data', (chunk) => data.push(chunk));
      response.once('end', () => resolve({ status: response.statusCode, at: Date.now(),
        body: Buffer.concat(data).toString('latin1') }));
    }).once('error', reject);
  });
}
const crowd = (url) => Promise.all(Array.from({ length: kCrowd }, () => get(url)));

// How many requests the origins have had, as they tell each second.
async function requestsOf() {
  const from = program.output.length;
  const seen = () => [...program.output.slice(from)
    .matchAll(/"at":"origin","time":(\d+),"stats":"[^\n]*? requests=\(guint64\)(\d+)/g)];
  // Four: two origins, and what was asked for before is in the second line of each.
  const lines = await eventually('the origins tell', () => {
    const told = seen();
    return told.length >= 4 && told;
  }, 10_000);
  return lines.slice(-2).reduce((sum, [, , count]) => sum + Number(count), 0);
}

for (const name of ['varnish', 'nginx']) {
  test(`${name}: ${kCrowd} who wait for the same part of a playlist ask the origin once`, async (t) => {
    const { url } = caches[name];
    const before = await requestsOf();
    const next = lastOf(await playlistOf(parts.url)) + 2;
    const answers = await crowd(`${url}/0.m3u8?_HLS_msn=${next}&_HLS_part=1`);
    const asked = await requestsOf() - before - 1; // one was the playlist above
    const [first, last] = [Math.min, Math.max].map((of) => of(...answers.map(({ at }) => at)));
    t.diagnostic(`${asked} requests; the last one was answered ${last - first} ms after the first`);
    assert.equal(asked, 1);
    for (const { status, body } of answers) {
      assert.equal(status, 200);
      const playlist = parseStrictly(body);
      assert.ok(playlist.segments.some((segment) => segment.mediaSequenceNumber === next &&
        (segment.uri || segment.parts.length > 1)), body);
    }
  });

  test(`${name}: a segment is asked for once`, async () => {
    const { uri } = complete(await playlistOf(parts.url)).at(-1);
    const before = await requestsOf();
    const answers = await crowd(`${caches[name].url}/${uri}`);
    assert.equal(await requestsOf() - before, 1);
    const [{ body }] = answers;
    assert.equal(body.length % 188, 0);
    for (const answer of answers) assert.equal(answer.body, body);
  });
}

// Who asks seldom gets what the cache kept for somebody else, if that may be.
test('a playlist from the cache is never older than it may be', async () => {
  const kMostAge = 1_000; // T/2
  const known = []; // of the origin: { at, number }
  let looks = 0;
  let next = Date.now();
  for (const until = next + 10_000; Date.now() < until;) {
    if (Date.now() >= next) {
      const asked = Date.now();
      const number = lastOf(await playlistOf(caches.wholeVarnish.url));
      const fresh = known.findLast(({ at }) => at < asked - kMostAge);
      if (fresh) {
        looks += 1;
        assert.ok(number >= fresh.number, `${number} when ${fresh.number} was there a second ago`);
      }
      next = asked + 1_600;
    }
    known.push({ number: lastOf(await playlistOf(whole.url)), at: Date.now() });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(looks >= 4 && new Set(known.map(({ number }) => number)).size >= 4);
});

test('a player behind a cache plays live', async (t) => {
  const pages = await servePublishPage(0);
  const browser = await openBrowser();
  try {
    const page = await openPage(await browser.newContext(), pages.players);
    await page.evaluate((url) => window.players.add('viewer', { kind: 'watch', url }),
      `${caches.varnish.url}/master.m3u8`);
    const report = () => page.evaluate(() => window.players.report('viewer'));
    await eventually('it plays', async () => (await report()).readings.length > 0, 20_000);
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    const seen = await report();
    seen.readings.forEach((reading) => { if (reading.code !== null) reading.code *= kCodeMs; });
    const result = judge(seen, await dateOfSignal(`${parts.url}/master.m3u8`));
    t.diagnostic(inWords(result));
    assert.deepEqual(result.errors.filter(({ fatal }) => fatal), []);
    assert.ok(Math.abs(result.played / result.lasted - 1) < 0.15, inWords(result));
    assert.ok(result.delay.median < 2.5, inWords(result));
  } finally {
    await browser.close();
    await pages.close();
  }
});
