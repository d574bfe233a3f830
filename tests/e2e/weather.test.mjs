// SPDX-License-Identifier: LGPL-2.1-or-later
// A publisher on a bad network: it is good for a while, then it loses and delays packets, then it
// is good again. What the listeners get is decoded and compared with what was published.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { onair, openBrowser, openPage, publishUrl } from './lib/browser.mjs';
import { startLiveServer } from './lib/live_server.mjs';
import { artefacts, eventually, root, run } from './lib/process.mjs';
import { findFaults, join, median, segmentsOf } from './lib/segments.mjs';
import { listen, publishPattern, soundFor } from './lib/sound_pattern.mjs';
import { timecodesOf } from './lib/video_frames.mjs';
import { openWeather } from './lib/weather.mjs';

const kGoodMs = 20_000;
const kBadMs = 60_000;
const kAfterMs = 40_000;
const kBad = { loss: 0.02, delay: '50ms', jitter: '30ms' }; // each way; order is kept
// Of the first seconds nothing is asked: Chromium looks for its bit rate, buffers find their feet.
const kStartMs = 3_000;
// What happened before an edge can be repaired, or show, for so long after it.
const kEdgeMs = 1_000;
const kFreezeMs = 200;
const kSegmentSeconds = 10;

// What /status says about the jitter buffers: the longest of the streams, in ms, or null.
function bufferOf(status) {
  const values = Object.values(status.streams).map(({ buffer_ms }) => buffer_ms);
  return values.length ? Math.max(...values) : null;
}

// What the browser says about its sending, and what it has been told by reports.
const sendingOf = (page) => page.evaluate(async () => {
  const report = await window.sent.connections.at(-1).getStats();
  const figures = { at: Date.now(), audio: {}, video: {} };
  for (const entry of report.values()) {
    if (entry.type === 'outbound-rtp') {
      const { packetsSent, retransmittedPacketsSent, nackCount, pliCount, firCount, framesSent,
              targetBitrate, bytesSent } = entry;
      Object.assign(figures[entry.kind], { packetsSent, retransmittedPacketsSent, nackCount,
        pliCount, firCount, framesSent, targetBitrate, bytesSent });
    } else if (entry.type === 'remote-inbound-rtp') {
      const { fractionLost, packetsLost, roundTripTime, jitter } = entry;
      Object.assign(figures[entry.kind], { fractionLost, packetsLost, roundTripTime, jitter });
    } else if (entry.type === 'candidate-pair' && entry.nominated) {
      figures.rttMs = entry.currentRoundTripTime * 1000;
      figures.availableBitrate = entry.availableOutgoingBitrate;
    }
  }
  return figures;
});

// Plays the whole story and gives back what is needed to judge it.
async function broadcastThrough(weather, dir) {
  const { near, far } = weather;
  const onFarSide = (command, args) => weather.start(far, command, args);
  const options = ['--address', far.address, '--target-duration', String(kSegmentSeconds)];
  const segments = path.join(dir, 'hls');
  const server = await startLiveServer(segments, options, onFarSide);
  const poller = weather.start(far, process.execPath,
    [path.join(root, 'tests/e2e/lib/poll.mjs'), new URL('/status', server.watch).href, '500']);
  let browser;
  try {
    browser = await openBrowser({
      executablePath: await weather.wrap(near, '/usr/bin/chromium', path.join(dir, 'chromium')),
      // Or it would hand frames to the encoder only as often as it draws the page.
      args: [`--unsafely-treat-insecure-origin-as-secure=${new URL(server.publish).origin}`],
    });
    const context = await browser.newContext();
    await publishPattern(context);
    const page = await openPage(context, publishUrl(server.publish));
    await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);

    const sending = [];
    const watch = async (ms) => {
      for (const end = Date.now() + ms; Date.now() < end;) {
        await page.waitForTimeout(Math.min(1000, end - Date.now()));
        sending.push(await sendingOf(page));
      }
      return sending.at(-1);
    };
    const began = await watch(kStartMs);
    const beforeBad = await watch(kGoodMs - kStartMs);
    await weather.counters();
    const badFrom = await weather.change('both', kBad);
    const afterBad = await watch(kBadMs);
    const carried = await weather.counters();
    const badTo = await weather.change('both');
    const ended = await watch(kAfterMs);

    const { soundBegan, sessions } = await page.evaluate(() =>
      ({ soundBegan: window.sent.soundBegan, sessions: window.sent.connections.length }));
    await page.getByRole('button', { name: 'Stop' }).click();
    await server.program.says(/the playlist has ended/, 10_000);
    assert.equal(sessions, 1, 'the broadcast was interrupted');

    const files = await segmentsOf(segments);
    const whole = await join(files, path.join(dir, 'whole.ts'));
    await poller.stop(); // so that its last line is whole
    const told = poller.output.split('\n').filter(Boolean).map((line) => JSON.parse(line))
      .map(({ at, status }) => ({ at, ms: bufferOf(status), streams: status.streams }));
    return {
      files, carried, sending, soundBegan,
      phases: {
        good: { from: began.at, to: badFrom, first: began, last: beforeBad },
        bad: { from: badFrom, to: badTo, first: beforeBad, last: afterBad },
        after: { from: badTo + kEdgeMs, to: ended.at - kEdgeMs, first: afterBad, last: ended },
      },
      buffer: told.filter(({ ms }) => ms !== null),
      heard: await listen(whole),
      timecodes: await timecodesOf(whole),
    };
  } catch (error) {
    throw new Error(`${error.message}\n${server.program.output}`, { cause: error });
  } finally {
    await browser?.close();
    await poller.stop();
    await server.program.stop();
    await mkdir(artefacts, { recursive: true });
    await writeFile(path.join(artefacts, 'weather-server.log'), server.program.output);
  }
}

// Of the sound that was published in a phase.
function soundIn({ from, to }, { heard, soundBegan }) {
  const isIn = ({ published }) => soundBegan + published >= from && soundBegan + published < to;
  const symbols = heard.symbols.filter(isIn);
  const shifts = heard.shifts.filter(isIn).map(({ ms }) => ms);
  const holes = []; // lengths, in symbols of 10 ms
  symbols.forEach(({ state }, i) => {
    if (state === 'right') return;
    if (i > 0 && symbols[i - 1].state !== 'right') holes[holes.length - 1] += 1;
    else holes.push(1);
  });
  const msOf = (state) => 10 * symbols.filter((symbol) => symbol.state === state).length;
  return { holes: holes.length, holesMs: holes.map((length) => length * 10), wrongMs: msOf('wrong'),
           silentMs: msOf('silent'), heardMs: 10 * symbols.length, shifts };
}

// Of the pictures that were drawn in a phase, as against those that the browser says it has sent.
function pictureIn({ from, to, first, last }, { timecodes }) {
  const times = timecodes.filter((code) => code !== null)
    .map((code) => from + ((code - (from % 2 ** 32)) | 0)) // the codes wrap
    .filter((time) => time >= from && time < to);
  const seen = [...new Set(times)].sort((a, b) => a - b);
  // Per second, as the edges of the statistics are not those of the phase.
  const sent = ((last.video.framesSent - first.video.framesSent) * 1000) / (last.at - first.at);
  const shown = (seen.length * 1000) / (to - from);
  const gaps = seen.slice(1).map((time, i) => time - seen[i]);
  return { sent, shown, missing: Math.max(0, 1 - shown / sent), freezeMs: Math.max(0, ...gaps),
           freezes: seen.slice(1).flatMap((time, i) => // visible ones
             (gaps[i] > kFreezeMs ? [{ after: time - gaps[i] - from, ms: gaps[i] }] : [])) };
}

function sendingIn({ first, last }, { sending }) {
  const within = sending.filter(({ at }) => at > first.at && at <= last.at);
  const rise = (kind, name) => (last[kind][name] ?? 0) - (first[kind][name] ?? 0);
  const ofKind = (kind) => ({
    packets: rise(kind, 'packetsSent') - rise(kind, 'retransmittedPacketsSent'),
    again: rise(kind, 'retransmittedPacketsSent'),
    nacks: rise(kind, 'nackCount'),
    pictureRequests: rise(kind, 'pliCount') + rise(kind, 'firCount'),
    kbps: Math.round((rise(kind, 'bytesSent') * 8) / (last.at - first.at)),
    fractionLost: last[kind].fractionLost ?? null,
  });
  return { audio: ofKind('audio'), video: ofKind('video'),
           rttMs: Math.round(median(within.map(({ rttMs }) => rttMs))) };
}

function bufferIn({ from, to }, { buffer }) {
  return buffer.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms);
}

function measure(story) {
  const figures = {};
  for (const [name, phase] of Object.entries(story.phases)) {
    figures[name] = { sound: soundIn(phase, story), picture: pictureIn(phase, story),
                      sending: sendingIn(phase, story), buffer: bufferIn(phase, story) };
  }
  const { to } = story.phases.bad;
  const peak = Math.max(0, ...figures.bad.buffer);
  const isSmall = ({ ms }) => ms <= peak / 3 && ms < 100;
  // The last sample that is not small, and after it only small ones.
  const calm = story.buffer.filter(({ at }) => at >= to);
  const lastLarge = calm.findLastIndex((sample) => !isSmall(sample));
  figures.buffer = {
    isTold: story.buffer.length > 0,
    usual: median(figures.good.buffer) ?? null,
    peak,
    smallAfterMs: calm.length > lastLarge + 1 ? calm[lastLarge + 1].at - to : Infinity,
  };
  figures.carried = story.carried;
  return figures;
}

const percent = (share) => `${(share * 100).toFixed(1)} %`;

function inOneLine(figures, seed) {
  const { good, bad, after, buffer, carried } = figures;
  const way = ({ packets, loss, delay_ms: delay }) =>
    `${percent(loss / packets)} of ${packets} lost, ${delay.mean}±${delay.deviation} ms`;
  const media = ({ packets, again, nacks }) =>
    `${packets} packets + ${again} again for ${nacks} NACKs`;
  const shifts = bad.sound.shifts.length
    ? `, shifts of ${bad.sound.shifts.join(' ')} ms` : ', no shift';
  return `weather with seed ${seed}: ` +
    `sound ${bad.sound.holes} holes (before ${good.sound.holes}, after ${after.sound.holes}), ` +
    `${bad.sound.wrongMs} ms concealed or damaged, ${bad.sound.silentMs} ms silent of ` +
    `${bad.sound.heardMs}${shifts}; ` +
    `picture ${percent(bad.picture.missing)} of ${bad.picture.sent.toFixed(1)}/s missing (before ` +
    `${percent(good.picture.missing)}, after ${percent(after.picture.missing)}), ` +
    `${bad.picture.freezes.length} freezes, the longest of ${bad.picture.freezeMs} ms; ` +
    (buffer.isTold ? `buffer ${buffer.usual} -> ${buffer.peak} ms, small again after ` +
      `${(buffer.smallAfterMs / 1000).toFixed(1)} s; ` : 'no buffer in /status; ') +
    `audio ${media(bad.sending.audio)}, video ${media(bad.sending.video)}, ` +
    `${bad.sending.video.pictureRequests} key frames asked for, ` +
    `${bad.sending.video.kbps} kbit/s, RTT ${bad.sending.rttMs} ms; ` +
    `up ${way(carried.up)}; down ${way(carried.down)}; ` +
    `relay at most ${Math.max(carried.up.late_ms, carried.down.late_ms)} ms late`;
}

// The instrument first. Sound as it comes out of the live server, with known damage.
test('damage to the sound is found, and nothing else', async () => {
  const rate = 48_000;
  const sound = soundFor(10, rate);
  const ms = (value) => (value * rate) / 1000;
  sound.copyWithin(ms(2003), ms(1983), ms(2003)); // concealment: the 20 ms of before, again
  sound.fill(0, ms(4007), ms(4047));
  const parts = [
    sound.subarray(0, ms(6000)), new Float32Array(ms(55)), // put in
    sound.subarray(ms(6000), ms(8000)), sound.subarray(ms(8005)), // 5 ms left out
  ];
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-sound-'));
  try {
    const raw = path.join(dir, 'sound.raw');
    const file = path.join(dir, 'sound.ts');
    await writeFile(raw, Buffer.concat(parts.map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength))));
    await run('ffmpeg', ['-v', 'error', '-f', 'f32le', '-ar', String(rate), '-ac', '1', '-i', raw,
      '-c:a', 'libmp3lame', '-b:a', '128k', '-ac', '2', file]);
    const heard = await listen(file);
    const near = (published, at) => Math.abs(published - at) <= 20;
    assert.deepEqual(heard.shifts.map(({ ms: by }) => by), [55, -5]);
    const damaged = heard.symbols.filter(({ state, published }) =>
      state !== 'right' && published > 100 && published < 9_900);
    const found = (at, length) =>
      damaged.filter(({ published }) => published > at - 20 && published < at + length + 20);
    assert.ok(found(2003, 20).length >= 1 && found(2003, 20).length <= 3, JSON.stringify(damaged));
    assert.ok(found(4007, 40).length >= 3 && found(4007, 40).length <= 5, JSON.stringify(damaged));
    const known = [...found(2003, 20), ...found(4007, 40), ...found(6000, 60), ...found(8000, 5)];
    assert.deepEqual(damaged.filter((symbol) => !known.includes(symbol)), []);
    assert.ok(heard.shifts.every(({ published }, i) => near(published, [6000, 8000][i])),
      JSON.stringify(heard.shifts));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('a broadcast through 2 % loss and 50 ± 30 ms', async (t) => {
  const weather = await openWeather(t);
  if (!weather) return;
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-weather-'));
  try {
    const story = await broadcastThrough(weather, dir);
    const figures = measure(story);
    const { good, bad, after, buffer } = figures;
    const log = { seed: weather.seed, figures, sending: story.sending, buffer: story.buffer,
                  shifts: story.heard.shifts };
    await writeFile(path.join(artefacts, 'weather.json'), JSON.stringify(log, null, 1));
    t.diagnostic(inOneLine(figures, weather.seed));

    await t.test('the weather was as bad as it claims', () => {
      for (const way of [figures.carried.up, figures.carried.down]) {
        // Four deviations of a binomial distribution.
        const bound = 4 * Math.sqrt((kBad.loss * (1 - kBad.loss)) / way.packets);
        assert.ok(Math.abs(way.loss / way.packets - kBad.loss) < bound,
          `${way.loss} of ${way.packets} packets were lost`);
        assert.ok(way.delay_ms.largest > 75, `the longest delay was ${way.delay_ms.largest} ms`);
      }
    });

    await t.test('segments are whole, and their sound goes on frame by frame', async () => {
      assert.deepEqual(await findFaults(story.files), []);
    });

    await t.test('on the good network nothing is missing', () => {
      for (const [when, { sound, picture }] of Object.entries({ before: good, after })) {
        assert.equal(sound.holes, 0, `${when}: holes of ${sound.holesMs} ms in the sound`);
        // Now and then two frames of one clock fall between two of the other.
        assert.ok(picture.missing < 0.02, `${when}: ${percent(picture.missing)} are missing`);
      }
    });

    await t.test('the sound has no hole in bad weather', () => {
      const { sound, sending } = bad;
      // Of 3000 packets 60 are lost; a request and its answer get through with 0.98², so three
      // tries leave one hole in about 300 runs.
      assert.equal(sound.holes, 0, `${sound.holes} holes, of ${sound.holesMs.join(', ')} ms; ` +
        `${sending.audio.nacks} requests made ${sending.audio.again} packets come again`);
    });

    await t.test('no sound is left out, put in, or moved', () => {
      for (const [when, { sound }] of Object.entries({ good, bad, after }))
        assert.deepEqual(sound.shifts, [], `${when}: the sound moved by so many ms`);
    });

    await t.test('the picture misses no more than on the good network', () => {
      assert.ok(bad.picture.missing < good.picture.missing + 0.02,
        `${percent(bad.picture.missing)} are missing, before it were ` +
        `${percent(good.picture.missing)}; the longest freeze was ${bad.picture.freezeMs} ms`);
    });

    await t.test('nothing is asked for again that was not lost', () => {
      // One request and a retry for each lost packet, and as much again for what only seemed lost.
      const { packets, again } = bad.sending.audio;
      const most = 4 * kBad.loss * packets;
      assert.ok(again <= most, `${again} audio packets were sent again; of ${packets}, at most ` +
        `${Math.round(most)} should be`);
    });

    await t.test('the buffer grows in bad weather, and then shrinks within 30 s', () => {
      assert.ok(buffer.isTold, '/status tells no buffer_ms');
      assert.ok(buffer.peak >= buffer.usual + 30,
        `the buffer went from ${buffer.usual} to ${buffer.peak} ms only, in weather of ±30 ms`);
      assert.ok(buffer.smallAfterMs <= 30_000,
        `after the weather cleared the buffer was small (a third of ${buffer.peak} ms, and below ` +
        `100 ms) after ${buffer.smallAfterMs / 1000} s: ${after.buffer.join(' ')}`);
    });
  } finally {
    await weather.close();
    await rm(dir, { recursive: true, force: true });
  }
});
