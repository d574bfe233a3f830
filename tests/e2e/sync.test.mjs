// SPDX-License-Identifier: LGPL-2.1-or-later
// Lip-sync from end to end: a time signal is published, and in what was written each picture is
// compared with the sound. First the instrument itself, with offsets that are known.
//
//   SYNC_CHAIN=none node --test sync.test.mjs    without avaligner, for comparison; or with it
//                                                elsewhere: see lib/sync_chain.mjs
//   SYNC_KEEP=DIR                                keeps what was written there
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';

import { openBrowser, openPage } from './lib/browser.mjs';
import { freePorts, startLiveServer } from './lib/live_server.mjs';
import { Program, artefacts, eventually, root, run } from './lib/process.mjs';
import { join, segmentsOf } from './lib/segments.mjs';
import { environment, fromRtp, fromWhip, launchLog, rtpSender } from './lib/sync_chain.mjs';
import { kDelays, measureSync, summarize } from './lib/time_signal.mjs';
import { writeTimeSignal } from './lib/time_signal_files.mjs';
import { publishTimeSignal } from './lib/time_signal_page.mjs';
import { NoWeatherHere, Weather } from './lib/weather.mjs';

const chain = process.env.SYNC_CHAIN ?? 'depayloaded';
const kWeather = { delay: '30ms', jitter: '10ms' }; // each way
// At first the network is bad, so that what the first packets say is wrong.
const kFirstWeather = { delay: '120ms', jitter: '80ms' };
const kFirstMs = 3_000;
const kOutageMs = 2_000;

async function inFolder(work) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-sync-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const inWords = ({ median, p95, count }) => (count
  ? `${median.toFixed(1)} ± ${p95.toFixed(1)} ms (${count})` : 'nothing to be seen and heard');

// ---- the instrument

const encoders = {
  mp3: { text: 'lamemp3enc target=bitrate bitrate=128 cbr=true ! audio/mpeg,rate=48000 ! mpegaudioparse',
         delay: kDelays.mp3 },
  aac: { text: 'avenc_aac bitrate=128000 ! aacparse', delay: kDelays.aac },
};

async function writeFileOf(dir, codec, options) {
  const signal = await writeTimeSignal(dir, 8, options);
  const file = path.join(dir, 'known.ts');
  const queue = '! queue max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! mux.';
  await run('gst-launch-1.0', [
    ...signal.video, ...'! x264enc tune=zerolatency speed-preset=ultrafast'.split(' '),
    ...queue.split(' '), ...signal.audio, '!', ...encoders[codec].text.split(' '),
    ...queue.split(' '), 'mpegtsmux', 'name=mux', '!', 'filesink', `location=${file}`,
  ]);
  return file;
}

for (const [codec, soundLateMs] of [['mp3', 0], ['mp3', 40], ['mp3', -60], ['aac', 0]]) {
  test(`${codec}: sound that is ${soundLateMs} ms late measures so`, () => inFolder(async (dir) => {
    const { delay } = encoders[codec];
    const file = await writeFileOf(dir, codec, { soundLateMs });
    const measured = await measureSync(file);
    const { median, p95, count } = summarize(measured.samples);
    assert.ok(Math.abs(median - delay - soundLateMs) < 0.2, `${median} ms, of which ${delay} are known`);
    assert.ok(p95 < 0.2, `± ${p95} ms`);
    assert.ok(count >= 8 * 30 - 10, `${count} pictures`);
    assert.equal(measured.audio.missing, 0);
    assert.deepEqual([measured.video.notRising, measured.video.holes], [0, 0]);
  }));
}

test('what is missing is counted', () => inFolder(async (dir) => {
  const file = await writeFileOf(dir, 'mp3', {});
  const holey = path.join(dir, 'holey.ts');
  // Of the sound the frames from 100 to 104, of the picture the one of number 50.
  await run('ffmpeg', ['-v', 'error', '-i', file, '-c', 'copy', '-copyts', '-bsf:a',
    "noise=drop='between(n,100,104)'", '-bsf:v', "noise=drop='eq(n,50)'", holey]);
  const { audio, video, samples } = await measureSync(holey);
  assert.deepEqual([audio.missing, audio.offGrid], [5, 1]);
  assert.deepEqual([video.notRising, video.holes], [0, 1]);
  // And what is there is where it was.
  assert.ok(Math.abs(summarize(samples).median - kDelays.mp3) < 0.2);
}));

// ---- broadcasts

// What happens to a broadcast, in seconds of the signal from when it begins: `from` it begins and
// `until` then it lasts. Then there are some seconds of grace, and what follows is measured.
const kGrace = 2;
const kLearn = 20;
const kLong = 5; // what is measured after each
const kSize = { width: 480, height: 270 };
const startUntil = (until) => ({ what: 'start', name: 'the start', from: 0, until, long: 12 });
const kBoth = [
  startUntil(23), // a browser reports on its sound once in 5 s, each time by up to 5 ms wrong
  { what: 'mute', name: 'silence of 5 s', from: 37, until: 42,
    begin: () => window.signal.setSound(false), end: () => window.signal.setSound(true) },
  { what: 'dark', name: 'a dark camera for 5 s', from: 49, until: 54,
    begin: () => window.signal.setPicture(false), end: () => window.signal.setPicture(true) },
  { what: 'swap', name: 'another camera', from: 61, until: 61,
    begin: (size) => window.signal.useCamera(size) },
  { what: 'outage', name: 'an outage of 2 s', from: 68, until: 68 + kOutageMs / 1000 },
];
// A browser sends nothing at all then, and the RTP time of the sound stands still meanwhile. By up to
// 20 ms its sound is later afterwards than its reports say: half a packet of before is still in it.
const kOfBrowser = [
  { what: 'unplugged microphone', name: 'a microphone unplugged for 3 s', from: 77, until: 80,
    begin: () => window.signal.take('audio'), end: () => window.signal.giveBack('audio'),
    isVague: true },
  { what: 'unplugged camera', name: 'a camera unplugged for 3 s', from: 87, until: 90,
    begin: () => window.signal.take('video'), end: () => window.signal.giveBack('video'),
    isVague: true },
];
const kOfServer = [startUntil(10)]; // two such reports, and capture times from the first packets on
const stretchesOf = (story) => story.map(({ name, until, isVague, long = kLong }) =>
  ({ name: `after ${name}`, isVague, from: until + kGrace, to: until + kGrace + long }));
const endOf = (story) => stretchesOf(story).at(-1).to + 1;

// From an EBU recommendation, R37: sound may be 40 ms early and 60 ms late.
const kVague = { earliest: -40, latest: 60 };
// Reports tell the truth; what remains is how well it is known. Single ones of the sound scatter by
// ±5 ms, so that what is made of them wanders: in eleven broadcasts the stretches deviated by 2 ms.
const kExact = { earliest: -5, latest: 5 }; // of a broadcast as a whole
const kWanders = 3; // further, at any one time
const kSpread = 12; // a third of a frame: what an eye takes for smooth

// The far side of a bad network, or else this machine as it is.
async function openPath(t) {
  try {
    const weather = await Weather.open(process.env.WEATHER_SEED);
    await weather.change('both', kFirstWeather);
    const { near, far } = weather;
    return {
      address: far.address, weather,
      startNear: (...args) => weather.start(near, ...args),
      startFar: (...args) => weather.start(far, ...args),
      wrapNear: (command, file) => weather.wrap(near, command, file),
      clearUp: () => weather.change('both', kWeather),
      async outage() {
        await weather.change('both', { loss: '100%' });
        await new Promise((resolve) => setTimeout(resolve, kOutageMs));
        await weather.change('both', kWeather);
      },
      close: () => weather.close(),
    };
  } catch (error) {
    if (!(error instanceof NoWeatherHere)) throw error;
    t.diagnostic(`without a network between, and so without an outage: ${error.message}`);
    const start = (...args) => new Program(...args);
    return { address: '127.0.0.1', weather: null, startNear: start, startFar: start,
             wrapNear: (command) => command, clearUp: async () => {}, close: async () => {} };
  }
}

const at = async (now, seconds) => {
  for (;;) {
    const wait = seconds * 1000 - (await now());
    if (wait <= 0) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(wait, 1_000)));
  }
};

async function keep(name, file, output) {
  await mkdir(artefacts, { recursive: true });
  await writeFile(path.join(artefacts, `sync-${name}.log`), output);
  if (process.env.SYNC_KEEP) await copyFile(file, path.join(process.env.SYNC_KEEP, `${name}.ts`));
}

// What the aligner mostly said it places the picture by, once in a second. Where a busy machine makes a
// sender stutter, it rightly doubts what packets say until they have agreed again.
function sourceOfPicture(output) {
  const times = new Map();
  for (const line of output.split('\n').filter((one) => one.includes('"at":"stats-aligner"'))) {
    const source = line.replaceAll('\\', '').match(/video_0=[^;]*?source=\(string\)(\w+)/)?.[1];
    if (source) times.set(source, (times.get(source) ?? 0) + 1);
  }
  return [...times].sort(([, one], [, other]) => other - one)[0]?.[0];
}

// What a browser publishes to: the program, where its page and its WHIP endpoint are, and end(), which
// gives back what was written, in one file.
async function openPipeline(network, dir) {
  const file = path.join(dir, 'whip.ts');
  const port = await freePorts();
  const { address } = network;
  const program = network.startFar(launchLog, [fromWhip(file, { chain, address, port })],
    { env: environment });
  const pages = network.startFar(process.execPath,
    [path.join(root, 'tests/e2e/lib/serve_pages.mjs'), address, String(port)]);
  const close = async () => {
    await pages.stop();
    await program.stop('SIGKILL');
  };
  try {
    await program.says(/"started"/, 10_000);
    const [page] = await pages.says(/^http\S+/m, 5_000);
    return {
      name: 'whip', program, page, endpoint: `http://${address}:${port}/whip`, close,
      async end() {
        const { code } = await Promise.race([program.exited, program.stop('SIGINT', 10_000)]);
        assert.equal(code, 0, 'the pipeline ended by an error');
        return file;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openServer(network, dir) {
  const options = ['--address', network.address, '--target-duration', '1'];
  const server = await startLiveServer(path.join(dir, 'hls'), options, network.startFar);
  return {
    name: 'server', program: server.program, page: server.publish, endpoint: server.whip,
    async end() {
      await server.program.says(/the playlist has ended/, 10_000);
      await server.program.stop();
      return join(await segmentsOf(server.dir), path.join(dir, 'server.ts'));
    },
    close: () => server.program.stop('SIGKILL'),
  };
}

// Each gives back { samples, audio, video } of measureSync(), `origin`: ms of the signal when it
// began, `stalls` of the sender, and `source`: what the picture is mostly placed by, where that is known.
const publishByBrowser = (open) => async (story, network, dir) => {
  const receiver = await open(network, dir);
  let browser;
  try {
    browser = await openBrowser({
      executablePath: await network.wrapNear('/usr/bin/chromium', path.join(dir, 'chromium')),
      args: [`--unsafely-treat-insecure-origin-as-secure=${new URL(receiver.page).origin}`],
    });
    const page = await openPage(await browser.newContext(), receiver.page);
    await publishTimeSignal(page, { endpoint: receiver.endpoint });
    await eventually('publisher is live', () => page.evaluate(() => window.signal.state === 'live'),
      20_000);
    const origin = await page.evaluate(() => window.signal.now());
    const now = async () => (await page.evaluate(() => window.signal.now())) - origin;
    await at(now, kFirstMs / 1000);
    await network.clearUp();
    for (const { what, from, until, begin, end } of story) {
      await at(now, from);
      if (what === 'outage') await network.outage();
      if (begin) await page.evaluate(begin, kSize);
      await at(now, until);
      if (end) await page.evaluate(end);
    }
    await at(now, endOf(story));
    const sessions = await page.evaluate(() => window.signal.connections.length);
    assert.equal(sessions, 1, 'the broadcast was interrupted');
    const stalls = await page.evaluate(() => window.signal.stalls);
    await page.evaluate(() => window.signal.stop());
    const file = await receiver.end();
    const { output } = receiver.program;
    await keep(receiver.name, file, output);
    return { ...await measureSync(file), origin, stalls, source: sourceOfPicture(output) };
  } catch (error) {
    throw new Error(`${error.message}\n${receiver.program.output.slice(-4000)}`, { cause: error });
  } finally {
    await browser?.close();
    await receiver.close();
  }
};

async function sendPlainRtp(story, network, dir) {
  const file = path.join(dir, 'rtp.ts');
  const port = await freePorts();
  const { address } = network;
  const [, mute, dark, swap, outage] = story;
  const signal = await writeTimeSignal(dir, endOf(story), {
    mute: [mute.from, mute.until], dark: [dark.from, dark.until],
    swap: { at: swap.from, ...kSize },
  });
  const receiver = network.startFar(launchLog, [fromRtp(file, { chain, address, port })],
    { env: environment });
  let sender;
  try {
    await receiver.says(/"started"/, 10_000);
    sender = network.startNear('gst-launch-1.0', rtpSender(signal, { address, port }));
    await sender.says(/New clock/, 10_000);
    const began = Date.now();
    const now = async () => Date.now() - began;
    await at(now, kFirstMs / 1000);
    await network.clearUp();
    if (outage) {
      await at(now, outage.from);
      await network.outage();
    }
    const ended = await sender.exited;
    assert.equal(ended.code, 0, sender.output);
    const { code } = await receiver.stop('SIGINT', 10_000);
    assert.equal(code, 0, 'the pipeline ended by an error');
    await keep('rtp', file, receiver.output);
    return { ...await measureSync(file), origin: 0, stalls: [] };
  } catch (error) {
    throw new Error(`${error.message}\n${receiver.output.slice(-4000)}`, { cause: error });
  } finally {
    await sender?.stop('SIGKILL');
    await receiver.stop('SIGKILL');
  }
}

async function judge(t, story, measured, { known, earliest, latest, wanders = 0 }) {
  const { samples, origin, audio, video, source } = measured;
  const stalls = measured.stalls.map(({ at: when, ms }) => ({ at: (when - origin) / 1000, ms }));
  const toldOf = ({ at: when, ms }) => `by ${ms.toFixed(0)} ms at ${when.toFixed(0)} s`;
  if (stalls.length) t.diagnostic(`the sender's sound stalled ${stalls.map(toldOf).join(', ')}`);
  const corrected = samples.map(({ signal, ms }) =>
    ({ at: (signal - origin) / 1000, ms: ms - known }));
  const judged = [];
  for (const { name, isVague, from, to } of stretchesOf(story)) {
    const bars = isVague ? kVague : { earliest: earliest - wanders, latest: latest + wanders };
    const found = corrected.filter((sample) => sample.at >= from && sample.at < to);
    const within = summarize(found);
    t.diagnostic(`${name}: sound late by ${inWords(within)}`);
    // Not the receiver's doing: it takes a few reports to learn that the sender has lost sound.
    const stall = stalls.find((one) => one.at > from - kLearn && one.at < to);
    const skip = stall && `the sender's sound stalled ${toldOf(stall)}; is this machine too busy?`;
    if (!skip && !isVague) judged.push(...found);
    await t.test(`${name}: sound and picture are together`, { skip }, () => {
      // How many there are is for weather.test.mjs to judge, with nothing beside it.
      assert.ok(within.count >= 0.5 * 30 * (to - from), `only ${within.count} pictures`);
      assert.ok(within.median >= bars.earliest && within.median <= bars.latest, inWords(within));
      assert.ok(within.p95 <= kSpread, inWords(within));
    });
  }
  const whole = summarize(judged);
  t.diagnostic(`over all of it: sound late by ${inWords(whole)}`);
  const skip = !whole.count && stalls.length && 'the sender stalled all the time';
  await t.test('over all of it, sound and picture are together', { skip }, () => {
    assert.ok(whole.count && whole.median >= earliest && whole.median <= latest, inWords(whole));
  });
  t.diagnostic(`audio ${JSON.stringify(audio)}, video ${JSON.stringify(video)}`);
  if (source) {
    await t.test('the picture is placed by what packets say of their capture', () => {
      assert.equal(source, 'capture');
    });
  }
  await t.test('no frame of the sound is missing, and the picture only goes forward', () => {
    assert.deepEqual([audio.missing, audio.offGrid, video.notRising], [0, 0, 0]);
  });
}

// Together, as they mostly wait; each has a network of its own.
describe('broadcasts', { concurrency: true }, () => {
  for (const [name, story, publish, bars] of [
    [`a browser that reports; avaligner: ${chain}`, [...kBoth, ...kOfBrowser],
      publishByBrowser(openPipeline),
      { known: kDelays.opus + kDelays.mp3, ...kExact, wanders: kWanders }],
    [`plain RTP without reports; avaligner: ${chain}`, kBoth, sendPlainRtp,
      // opusenc takes its look-ahead off the time stamps.
      { known: kDelays.mp3, ...kVague }],
    // The segments that viewers get. It takes off what the codecs add.
    ['the live server', kOfServer, publishByBrowser(openServer),
      { known: 0, ...kExact, wanders: kWanders }],
  ]) {
    test(name, (t) => inFolder(async (dir) => {
      const network = await openPath(t);
      try {
        const possible = story.filter(({ what }) => what !== 'outage' || network.weather);
        await judge(t, possible, await publish(possible, network, dir), bars);
      } finally {
        await network.close();
      }
    }));
  }
});
