// SPDX-License-Identifier: LGPL-2.1-or-later
// All the players at the same time, on one live programme: what each of them shows, and when.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { openBrowser, openPage, tellsOfStall } from './browser.mjs';
import { complaintsOf, dateOfSignal, mediaPlaylistUrl, startLiveSinks } from './live_sinks.mjs';
import { servePublishPage } from './page_server.mjs';
import { eventually } from './process.mjs';
import { playWithFfmpeg, playWithGStreamer } from './raw_players.mjs';
import { parseStrictly, recordPlaylists } from './strict_playlists.mjs';
import { kCodeMs } from './time_signal.mjs';
import { writeTimeSignal } from './time_signal_files.mjs';

const kSinks = {
  'ts-mp3-parts': { sound: 'mp3' },
  'ts-mp3': { sound: 'mp3', 'low-latency': false },
  'ts-aac-parts': { sound: 'aac' },
  'ts-aac': { sound: 'aac', 'low-latency': false },
  'fmp4-aac-parts': { sound: 'aac', container: 'fmp4' },
  'fmp4-aac': { sound: 'aac', container: 'fmp4', 'low-latency': false },
};

// By name: what plays, and which sink. hls.js as it comes cannot play MP3 in parts (mp3-parts.js says why).
const kPages = Object.fromEntries([
  ...Object.keys(kSinks).filter((sink) => sink !== 'ts-mp3-parts')
    .map((sink) => [`hls.js ${sink}`, { kind: 'hls.js', sink }]),
  // With what the live server's pages do to be near the edge.
  ['watch page ts-mp3-parts', { kind: 'watch', sink: 'ts-mp3-parts' }],
  ['watch page ts-mp3', { kind: 'watch', sink: 'ts-mp3' }],
  ['Chromium ts-mp3', { kind: 'native', sink: 'ts-mp3' }],
  ['Chromium fmp4-aac-parts', { kind: 'native', sink: 'fmp4-aac-parts' }],
]);
const kPrograms = {
  'hlsdemux2 ts-mp3': { play: playWithGStreamer, sink: 'ts-mp3' },
  'hlsdemux2 ts-aac-parts': { play: playWithGStreamer, sink: 'ts-aac-parts' },
  'FFmpeg ts-mp3-parts': { play: playWithFfmpeg, sink: 'ts-mp3-parts' },
  'FFmpeg fmp4-aac': { play: playWithFfmpeg, sink: 'fmp4-aac' },
};
export const playerNames = [...Object.keys(kPages), ...Object.keys(kPrograms)];

const quantile = (values, share) =>
  values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];

// hls.js 1.7 that is late by a part (a busy machine, most often when it joins) goes on with the next segment once
// that has begun, without the parts of this one that it has not asked for yet, and jumps over the hole.
const kMostJumps = 2;
const kMostJump = 0.5; // seconds; two parts, and as far as hls.js jumps beyond the hole
const isJump = ({ details, message }) => {
  const [, from, to] = /holes, seeking from ([\d.]+) to ([\d.]+)/.exec(message) ?? [];
  return details === 'bufferSeekOverHole' && to - from < kMostJump;
};

// What a player showed from its first picture on, in seconds; `zero`: see dateOfSignal().
export function judge({ readings, stalls = [], errors, startedAt = null, dropped }, zero) {
  const shown = readings.filter(({ code }) => code !== null);
  const [first, last] = [shown[0], shown.at(-1)];
  if (!last || first === last) return { lasted: 0, shown: shown.length, errors };
  const delays = shown.map(({ at, code }) => (at - zero - code) / 1000);
  const stills = shown.slice(1).map(({ at }, i) => (at - shown[i].at) / 1000);
  return {
    errors: errors.filter(({ at }) => !at || (startedAt && at > startedAt)),
    joining: errors.filter(({ at }) => at && !(startedAt && at > startedAt)),
    stalls: stalls.length,
    dropped,
    shown: shown.length,
    lasted: (last.at - first.at) / 1000,
    played: (last.code - first.code) / 1000,
    still: Math.max(...stills),
    delay: { median: quantile(delays, 0.5), p95: quantile(delays, 0.95) },
  };
}

export function inWords({ lasted, played, still, stalls, delay, shown, joining = [] }) {
  if (!lasted) return `${shown} pictures`;
  return `${delay.median.toFixed(2)} s behind (p95 ${delay.p95.toFixed(2)}), ` +
    `${played.toFixed(1)} s in ${lasted.toFixed(1)}, stood still for ${still.toFixed(2)} s at most, ` +
    `${stalls} stalls${joining.map(({ details }) => `, joining: ${details}`).join('')}`;
}

// A test for each player, and for the playlists that they were given. Busy machines make players stall
// for a moment, and hls.js tells that as an error; what is asked is that they play throughout.
export async function testPlayers(t, seconds) {
  const { reports, zero, playlists } = await watchWithAll(seconds);
  t.diagnostic(`load ${os.loadavg().map((load) => load.toFixed(1)).join(' ')}, ${os.cpus().length} cores`);
  const judged = Object.fromEntries(Object.entries(reports)
    .map(([name, report]) => [name, judge(report, zero)]));
  for (const name of playerNames)
    await t.test(`${name} plays for ${seconds} s`, (its) => {
      const result = judged[name];
      its.diagnostic(inWords(result));
      const errors = result.errors.filter((error) => !tellsOfStall(error));
      const jumps = name.endsWith('-parts') ? errors.filter(isJump) : [];
      its.diagnostic(`${jumps.length} jumps over parts`);
      assert.deepEqual(errors.filter((error) => !jumps.includes(error)), []);
      assert.ok(jumps.length <= kMostJumps, `${jumps.length} jumps over parts`);
      assert.ok(result.lasted > seconds - 2, 'it plays until the end');
      assert.ok(Math.abs(result.played / result.lasted - 1) < 0.15,
        `${result.played} s of the programme in ${result.lasted} s`);
      assert.ok(result.still < 1.5, `the picture stood still for ${result.still} s`);
    });
  for (const [player, sound] of [['watch page', 'ts-mp3'], ['hls.js', 'ts-aac'], ['hls.js', 'fmp4-aac']])
    await t.test(`${sound}: parts bring the player nearer to the edge`, () => {
      const [parts, whole] = [`${player} ${sound}-parts`, `${player} ${sound}`]
        .map((name) => judged[name].delay.median);
      assert.ok(parts < whole - 0.5, `${parts} s with parts, ${whole} s without`);
    });
  await t.test('a strict parser accepts each playlist that the pages were given', (its) => {
    const kinds = new Set();
    for (const { url, text } of playlists) {
      const { isMasterPlaylist, skip, lowLatencyCompatibility } = parseStrictly(text);
      kinds.add(isMasterPlaylist ? 'master' : skip > 0 ? 'delta'
        : lowLatencyCompatibility ? 'parts' : 'segments');
      assert.match(text, /^#EXTM3U\n[^]*\n$/, url);
    }
    its.diagnostic(`${playlists.length} playlists`);
    for (const kind of ['master', 'delta', 'parts', 'segments']) assert.ok(kinds.has(kind), kind);
  });
}

const kJoinSeconds = 25; // until the last of them plays, on a busy machine

// Gives back by name { errors, readings }, what else the players in pages tell, and `playlists`, all that
// the pages were answered.
export async function watchWithAll(seconds, only = playerNames) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-players-'));
  const stops = [() => rm(dir, { recursive: true, force: true })];
  let source;
  try {
    const signal = await writeTimeSignal(dir, seconds + 2 * kJoinSeconds, { width: 320, height: 240 });
    const { program, urls } = await startLiveSinks(signal, kSinks);
    stops.unshift(() => program.stop('SIGKILL'));
    source = program;
    const pages = await servePublishPage(0);
    stops.unshift(() => pages.close());
    const browser = await openBrowser();
    stops.unshift(() => browser.close());
    const context = await browser.newContext();
    const { playlists, pending } = recordPlaylists(context);
    // Players join a programme that is on its way.
    for (const [sink, url] of Object.entries(urls))
      await eventually(`${sink} has three segments`, async () => {
        const media = await mediaPlaylistUrl(url);
        const answer = media && await fetch(media);
        return answer?.ok && parseStrictly(await answer.text()).segments.length > 3;
      }, 30_000);

    // Chromium's own player gives up when its page is kept busy by others.
    const isWanted = ([name]) => only.includes(name);
    const inPages = [];
    for (const isNative of [true, false]) {
      const page = await openPage(context, pages.players);
      const players = Object.entries(kPages).filter(isWanted)
        .filter(([, { kind }]) => (kind === 'native') === isNative);
      for (const [name, { sink, ...options }] of players) {
        await page.evaluate(([as, what]) => window.players.add(as, what),
          [name, { ...options, url: urls[sink] }]);
        inPages.push({ name, page });
      }
    }
    const outside = Object.entries(kPrograms).filter(isWanted)
      .map(([name, { play, sink }]) => ({ name, player: play(urls[sink]) }));
    stops.unshift(() => Promise.all(outside.map(({ player }) => player.program.stop('SIGKILL'))));

    const reports = {};
    const look = async () => {
      for (const { name, page } of inPages) {
        const report = await page.evaluate((which) => window.players.report(which), name);
        report.readings.forEach((reading) => {
          if (reading.code !== null) reading.code *= kCodeMs;
        });
        reports[name] = report;
      }
      for (const { name, player } of outside) {
        const { complaints, readings } = player;
        reports[name] = { errors: complaints ? [{ details: complaints }] : [], readings };
      }
      return reports;
    };
    await eventually('all of them play', async () => Object.values(await look())
      .every(({ readings }) => readings.length > 0), kJoinSeconds * 1000).catch(() => {});
    const zero = await dateOfSignal(urls['ts-mp3']);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    await look();
    await Promise.all(pending);
    for (const { page } of inPages) assert.deepEqual(page.problems, []);
    return { reports, zero, playlists };
  } catch (error) {
    throw new Error(`${error.message}\n${source ? complaintsOf(source) : ''}`, { cause: error });
  } finally {
    for (const stop of stops) await stop();
  }
}
