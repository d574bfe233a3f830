// SPDX-License-Identifier: LGPL-2.1-or-later
// Glass to glass: a page publishes the time signal by WHIP to examples/launch/whip-low-latency.sh, the live
// server's player shows what comes out, and each picture that it shows tells when it was drawn. All clocks
// are this machine's.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { onair, openBrowser, openPage, publishUrl } from './browser.mjs';
import { freePorts } from './live_server.mjs';
import { Program, eventually, root } from './process.mjs';

const script = path.join(root, 'examples/launch/whip-low-latency.sh');
const kSettleMs = 15_000; // the publisher's bit rate rises, the player comes to the edge

// How long before `at` a picture with this code was drawn: both wrap at 2^32 ms.
export const ageOf = ({ code, at }) => (Math.trunc(at % 2 ** 32) - code) | 0;

// What is run where: without `weather` all of it here, else the publisher on the near side and the rest on
// the far one.
function placesOf(weather, dir) {
  if (!weather) return { address: '127.0.0.1', start: (command, args, options) =>
    new Program(command, args, options), browse: () => openBrowser() };
  const { far } = weather;
  return {
    address: far.address,
    start: (command, args, options) => weather.start(far, command, args, options),
    browse: async (side, args) => openBrowser({
      executablePath: await weather.wrap(weather[side], '/usr/bin/chromium',
        path.join(dir, `chromium-${side}`)), args }),
  };
}

// `settings`: environment of the script. `kind`: of the player, see players.js. `during` is called with { page, playlist } when it plays.
// Gives back { readings, stalls, errors, target, output }: see players.js; readings with `age` in ms.
export async function glassToGlass(seconds, { settings = {}, kind = 'watch', config, weather, during } = {}) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-glass-'));
  const stops = [() => rm(dir, { recursive: true, force: true })];
  let pipeline;
  let told; // by the player, before anything failed
  try {
    const { address, start, browse } = placesOf(weather, dir);
    const port = await freePorts();
    pipeline = start(script, [], { env: { ...process.env, WIDTH: '640', HEIGHT: '360', BITRATE: '1200',
      DIR: dir, ADDRESS: address, PORT: String(port), HLS_PORT: String(port + 1), ...settings } });
    stops.unshift(() => pipeline.stop('SIGINT'));
    const pages = start(process.execPath,
      [path.join(root, 'tests/e2e/lib/serve_pages.mjs'), address, String(port)]);
    stops.unshift(() => pages.stop());
    await pipeline.says(/Setting pipeline to PLAYING|New clock/, 20_000);
    const [publishing] = await pages.says(/^http\S+/m, 10_000);
    const { origin } = new URL(publishing);
    const args = [`--unsafely-treat-insecure-origin-as-secure=${origin}`];
    const near = await browse('near', args);
    stops.unshift(() => near.close());
    const publisher = await openPage(await near.newContext(), publishUrl(publishing));
    await eventually('publisher is live', async () => (await onair(publisher)).state === 'live', 30_000);

    const far = weather ? await browse('far', args) : near;
    if (weather) stops.unshift(() => far.close());
    const page = await openPage(await far.newContext(), `${origin}/players.html`);
    const playlist = `http://${address}:${settings.HLS_PORT ?? port + 1}/master.m3u8`;
    await eventually('there are segments', () => page.evaluate(async (url) =>
      (await (await fetch(url)).text()).match(/EXTINF/g)?.length > 3, playlist.replace('master', '0'))
      .catch(() => false), 30_000);
    await page.evaluate((player) => window.players.add('watch', player), { kind, config, url: playlist });
    const report = async () =>
      (told = await page.evaluate(() => window.players.report('watch')));
    await eventually('it plays', async () => (await report()).readings.length > 10, 30_000);
    await new Promise((resolve) => setTimeout(resolve, kSettleMs));
    const settled = await report();
    const [sinceReading, sinceStall] = [settled.readings.length, settled.stalls.length];
    const done = during?.({ playlist });
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const result = await report();
    assert.deepEqual(page.problems, []);
    return {
      ...result,
      seen: await done,
      stalls: result.stalls.slice(sinceStall),
      readings: result.readings.slice(sinceReading).filter(({ code }) => code !== null)
        .map((reading) => ({ ...reading, age: ageOf(reading) })),
      output: pipeline.output,
    };
  } catch (error) {
    throw new Error(`${error.message}\n${pipeline?.output}\n${JSON.stringify(told)}`, { cause: error });
  } finally {
    for (const stop of stops) await stop();
  }
}

const quantile = (values, share) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];

// In seconds.
export function summarize({ readings, stalls }) {
  const ages = readings.map(({ age }) => age / 1000);
  const stills = readings.slice(1).map(({ at }, i) => (at - readings[i].at) / 1000);
  return { count: ages.length, median: quantile(ages, 0.5), p95: quantile(ages, 0.95),
           most: Math.max(...ages), stalls: stalls.length, still: Math.max(...stills) };
}

export const inWords = ({ count, median, p95, most, stalls, still }) =>
  `median ${median.toFixed(3)} s, p95 ${p95.toFixed(3)}, at most ${most.toFixed(3)} (${count} pictures); ` +
  `${stalls} stalls, stood still for ${still.toFixed(2)} s at most; load ` +
  `${os.loadavg().map((load) => load.toFixed(1)).join(' ')}, ${os.cpus().length} cores`;
