// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole chains of examples/launch, as they stand, for two minutes on a network that is bad from the
// first packet on. What plain RTP loses is lost for good, so the picture may stand still until the next
// key frame; but no pipeline may stop for it, and what was written is whole. Slow: tests/check.sh soak.
//
//   WEATHER_SEED=7 node --test soak/chain.test.mjs     the same losses and delays again
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { onair, openBrowser, openPage, publishUrl } from '../lib/browser.mjs';
import { freePorts } from '../lib/live_server.mjs';
import { artefacts, eventually, root, run } from '../lib/process.mjs';
import { assertOnGrid, decode, findFaults, join, parsePlaylist, segmentsOf, streamsOf }
  from '../lib/segments.mjs';
import { openWeather } from '../lib/weather.mjs';

const kSeconds = 120;
const kTarget = 2; // seconds of a segment, the default of the scripts
const kBad = { loss: 0.02, delay: '50ms', jitter: '30ms' }; // each way; order is kept
// Seconds. rtp-sender.sh sends a key frame of about four packets each second: one in twelve comes damaged,
// and five of them in a row in one run of several thousand. Of its ticks, too, there is one each second.
const kLongest = { still: 6, silence: 5 };

const script = (name) => path.join(root, 'examples/launch', name);
const seconds = (value) => `${value.toFixed(1)} s`;

// A sender begins to send, and gives back how to end it.
async function sendPlainRtp({ weather, env }) {
  const sender = weather.start(weather.near, script('rtp-sender.sh'), [], { env });
  return () => sender.stop('SIGTERM');
}

async function publish({ weather, env, dir }) {
  const { near, far } = weather;
  const pages = weather.start(far, process.execPath,
    [path.join(root, 'tests/e2e/lib/serve_pages.mjs'), far.address, env.PORT]);
  let browser;
  const stop = async () => {
    await browser?.close();
    await pages.stop();
  };
  try {
    const [url] = await pages.says(/^http\S+/m, 5_000);
    browser = await openBrowser({
      executablePath: await weather.wrap(near, '/usr/bin/chromium', path.join(dir, 'chromium')),
      args: [`--unsafely-treat-insecure-origin-as-secure=${new URL(url).origin}`],
    });
    const page = await openPage(await browser.newContext(), publishUrl(url));
    await eventually('publisher is live', async () => (await onair(page)).state === 'live', 30_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

// Runs the pipeline for two minutes from its first segment on, ends it by Ctrl-C while the sender goes on,
// and gives back what there is to judge.
async function broadcast(name, begin, weather, dir) {
  const port = await freePorts();
  const env = { ...process.env, DIR: path.join(dir, 'hls'), ADDRESS: weather.far.address,
                PORT: String(port), VIDEO_PORT: String(port), AUDIO_PORT: String(port + 1),
                PLAYLIST_LENGTH: '0' };
  await weather.change('both', kBad);
  const pipeline = weather.start(weather.far, script(name), [], { env });
  let end;
  let timer;
  try {
    await pipeline.says(/Setting pipeline to PLAYING|New clock/, 10_000);
    end = await begin({ weather, env, dir });
    await eventually('the first segment', async () =>
      existsSync(env.DIR) && (await segmentsOf(env.DIR)).length > 0, 30_000);
    const began = Date.now();
    const early = await Promise.race([pipeline.exited,
      new Promise((resolve) => { timer = setTimeout(resolve, kSeconds * 1000, null); })]);
    assert.equal(early, null, `${name} ended after ${seconds((Date.now() - began) / 1000)}`);
    const lasted = (Date.now() - began) / 1000;
    const ended = await pipeline.stop('SIGINT');
    const carried = await weather.counters();
    const files = await segmentsOf(env.DIR);
    const whole = await join(files, path.join(dir, 'whole.ts'));
    return {
      lasted, ended, carried, files, output: pipeline.output,
      playlist: parsePlaylist(await readFile(path.join(env.DIR, '0.m3u8'), 'utf8')),
      // When each was complete.
      written: await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs / 1000)),
      decoded: await decode(whole),
    };
  } catch (error) {
    throw new Error(`${error.message}\n${pipeline.output}`, { cause: error });
  } finally {
    clearTimeout(timer);
    await end?.();
    await pipeline.stop('SIGKILL');
    await writeFile(path.join(dir, 'pipeline.log'), pipeline.output);
  }
}

const longest = (values) => values.reduce((most, value) => Math.max(most, value), 0);

function inOneLine({ lasted, files, playlist, written, decoded, carried }, seed) {
  const { up } = carried;
  const durations = playlist.entries.slice(0, -1).map(({ duration }) => duration);
  const apart = written.slice(1, -1).map((time, i) => time - written[i]);
  const times = (lengths) => `${lengths.length} times, at most for ${seconds(longest(lengths))}`;
  return `seed ${seed}: ${up.loss} of ${up.packets} packets lost, ` +
    `${up.delay_ms.mean}±${up.delay_ms.deviation} ms; ` +
    `${files.length} segments in ${seconds(lasted)}, of ${Math.min(...durations).toFixed(3)} to ` +
    `${Math.max(...durations).toFixed(3)} s, complete ${Math.min(...apart).toFixed(2)} to ` +
    `${Math.max(...apart).toFixed(2)} s apart; the picture stood still ${times(decoded.stills)}; ` +
    `there was no sound ${times(decoded.silences)}`;
}

async function soak(t, name, begin) {
  const weather = await openWeather(t);
  if (!weather) return;
  t.diagnostic(`WEATHER_SEED=${weather.seed}`);
  const dir = path.join(artefacts, 'soak', path.basename(name, '.sh'));
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  let hasPassed = true;
  // A failure leaves its segments where they can be looked at.
  const check = (sentence, work) => t.test(sentence, async () => {
    try {
      await work();
    } catch (error) {
      hasPassed = false;
      throw error;
    }
  });
  try {
    const story = await broadcast(name, begin, weather, dir);
    const { carried, decoded, ended, files, lasted, output, playlist, written } = story;
    t.diagnostic(inOneLine(story, weather.seed));

    await check('the weather was as bad as it claims', () => {
      const { packets, loss, delay_ms: delay } = carried.up;
      // Four deviations of a binomial distribution.
      const bound = 4 * Math.sqrt((kBad.loss * (1 - kBad.loss)) / packets);
      assert.ok(Math.abs(loss / packets - kBad.loss) < bound, `${loss} of ${packets} packets were lost`);
      assert.ok(delay.largest > 75, `the longest delay was ${delay.largest} ms`);
    });

    await check('nothing is complained of, and Ctrl-C ends it cleanly', () => {
      assert.deepEqual(ended, { code: 0, signal: null }, output);
      assert.doesNotMatch(output, /\b(ERROR|WARNING|CRITICAL|assertion)\b/i);
      assert.equal(playlist.isEnded, true);
    });

    await check('there are as many segments as the time allows', () => {
      const expected = 1 + Math.floor(lasted / kTarget); // the first one was there when it began
      assert.ok(Math.abs(files.length - expected) <= 1, `${files.length} segments in ${lasted} s`);
      assert.deepEqual(playlist.entries.map(({ uri }) => uri), files.map((file) => path.basename(file)));
      written.slice(1, -1).forEach((time, i) => {
        // Twice as long again is for a busy machine; a chain that hangs and catches up takes longer.
        assert.ok(time - written[i] < 3 * kTarget, `nothing was written for ${time - written[i]} s`);
      });
    });

    await check('each segment is whole and goes on where the last one ended', async () => {
      assert.deepEqual(await findFaults(files), []);
    });

    await check('each boundary is on the grid', () => assertOnGrid(playlist, kTarget));

    await check('it is decoded without errors', async () => {
      assert.equal(decoded.errors, '');
      const { width, height } = (await streamsOf(files[0])).find((stream) => stream.width);
      assert.deepEqual([width, height], [1280, 720]);
    });

    await check('picture and sound come back each time', () => {
      assert.ok(longest(decoded.stills) < kLongest.still, `stills of ${decoded.stills} s`);
      assert.ok(longest(decoded.silences) < kLongest.silence, `silences of ${decoded.silences} s`);
    });
  } catch (error) {
    hasPassed = false;
    throw error;
  } finally {
    await weather.close();
    if (hasPassed) await rm(dir, { recursive: true, force: true });
  }
}

// The instrument first.
test('a picture that stands still, and silence, are found with their lengths', async () => {
  const dir = path.join(artefacts, 'soak', 'known');
  await mkdir(dir, { recursive: true });
  try {
    const file = path.join(dir, 'known.ts');
    // Still from 4 s to 7 s, with a key frame at 6 s; silent from 9 s to the end.
    await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i',
      'testsrc2=size=320x180:rate=30,loop=loop=90:size=1:start=120,setpts=N/30/TB', '-f', 'lavfi', '-i',
      "sine=frequency=440:sample_rate=48000,volume=0:enable='gte(t,9)'", '-t', '12', '-c:v', 'libx264',
      '-preset', 'superfast', '-g', '60', '-c:a', 'libmp3lame', file]);
    const { errors, stills, silences } = await decode(file);
    assert.equal(errors, '');
    assert.deepEqual(stills.map((length) => length.toFixed(2)), ['3.00']);
    assert.equal(silences.length, 1);
    assert.ok(Math.abs(silences[0] - 3) < 0.1, `${silences[0]} s`); // MP3 rings on, and adds a frame or two
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('full-chain.sh in bad weather', (t) => soak(t, 'full-chain.sh', sendPlainRtp));
test('whip-transcode.sh in bad weather', (t) => soak(t, 'whip-transcode.sh', publish));
