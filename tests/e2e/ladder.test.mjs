// SPDX-License-Identifier: LGPL-2.1-or-later
// Renditions: one publisher, three of them, one of sound only; what is listed, what is in the segments, and a
// player that goes from one to the other.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { holdBack, onair, openBrowser, openPage, publishUrl } from './lib/browser.mjs';
import { startLiveServer, status } from './lib/live_server.mjs';
import { servePublishPage } from './lib/page_server.mjs';
import { artefacts, eventually, mapFew, run } from './lib/process.mjs';
import { findFaults, segmentsOf, streamsOf } from './lib/segments.mjs';
import { parseStrictly } from './lib/strict_playlists.mjs';

const kPictures = [{ width: 640, height: 360, fps: 30, bps: 600_000, codec: 'h264_high' },
                   { width: 320, height: 180, fps: 15, bps: 200_000, codec: 'h264_baseline' }];
// The target is not the server's own.
const kRenditions = [{ durationSeconds: 1.2, startTimeOffset: -3, video: kPictures[0], audio: { bps: 128_000 } },
                     { video: kPictures[1], audio: { bps: 64_000 } },
                     { audio: { bps: 64_000 } }];
const kSegments = 10;

let dir;
let server;
let browser;
let publisher;

before(async () => {
  await mkdir(artefacts, { recursive: true });
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-ladder-'));
  const list = path.join(dir, 'renditions.json');
  await writeFile(list, JSON.stringify(kRenditions, null, 2));
  server = await startLiveServer(dir, ['--renditions', `@${list}`]);
  browser = await openBrowser();
  publisher = await openPage(await browser.newContext(), publishUrl(server.publish));
  await eventually('there are segments', async () => {
    const lists = await mediaPlaylists();
    return lists.every(({ segments }) => segments?.filter(({ uri }) => uri).length > kSegments);
  }, 60_000);
});

after(async () => {
  await browser?.close();
  await server?.program.stop();
  await writeFile(path.join(artefacts, 'ladder-server.log'), server?.program.output ?? '');
  await rm(dir, { recursive: true, force: true });
});

const mediaPlaylists = () => Promise.all(kRenditions.map(async (_, n) => {
  const response = await fetch(new URL(`${n}.m3u8`, server.hls));
  return response.ok ? parseStrictly(await response.text()) : {};
}));

test('the master playlist has a variant for each', async () => {
  const text = await (await fetch(server.hls)).text();
  const { variants } = parseStrictly(text);
  assert.deepEqual(variants.map(({ uri }) => uri), ['0.m3u8', '1.m3u8', '2.m3u8'], text);
  kPictures.forEach(({ width, height, fps }, n) => {
    const { resolution, frameRate, codecs } = variants[n];
    assert.deepEqual({ ...resolution }, { width, height });
    assert.equal(frameRate, fps);
    assert.match(codecs, n === 0 ? /^avc1\.64.*mp4a\.40\.2$/ : /^avc1\.42.*mp4a\.40\.2$/);
  });
  assert.equal(variants[2].resolution, undefined);
  assert.equal(variants[2].codecs, 'mp4a.40.2');
  kRenditions.forEach(({ video, audio }, n) =>
    assert.ok(variants[n].bandwidth >= (video?.bps ?? 0) + audio.bps, text));
});

test('segments last, and players begin, as the list says', async () => {
  for (const { segments, start } of await mediaPlaylists()) {
    assert.deepEqual({ ...start }, { offset: -3, precise: false });
    const whole = segments.filter(({ uri }) => uri);
    const sum = whole.reduce((seconds, { duration }) => seconds + duration, 0);
    assert.ok(Math.abs(sum / whole.length - 1.2) < 0.03, `${sum} s in ${whole.length} segments`);
  }
});

test('segments of all renditions have one number, one length and one beginning', async (t) => {
  const lists = await mediaPlaylists();
  const whole = lists.map(({ segments }) => segments.filter(({ uri }) => uri).slice(0, kSegments));
  for (const [n, { mediaSequenceBase }] of lists.entries()) {
    assert.equal(mediaSequenceBase, lists[0].mediaSequenceBase);
    // In nanoseconds sound and picture of one boundary are rounded each for itself.
    const rounded = ({ mediaSequenceNumber, duration }) => [mediaSequenceNumber, duration.toFixed(6)];
    assert.deepEqual(whole[n].map(rounded), whole[0].map(rounded));
    assert.deepEqual(whole[n].map(({ programDateTime }) => programDateTime?.getTime()),
      whole[0].map(({ programDateTime }) => programDateTime?.getTime()));
  }
  const files = whole.map((segments) => segments.map(({ uri }) => path.join(dir, uri)));
  const times = await Promise.all(files.map((its) => mapFew(its, timesOf)));
  times[0].forEach(({ audio, video }, i) => {
    const [, small, sound] = times.map((its) => its[i]);
    assert.equal(small.video[0], video[0], `segment ${i}: one frame of the publisher begins all`);
    assert.deepEqual(sound.video, []);
    for (const its of [small, sound]) assert.equal(its.audio[0], audio[0], `segment ${i}`);
  });

  for (const [n, { width, height, codec }] of kPictures.entries()) {
    assert.deepEqual(await findFaults(files[n]), []);
    const picture = (await streamsOf(files[n][1])).find(({ codec_name: name }) => name === 'h264');
    assert.deepEqual([picture.width, picture.height], [width, height]);
    assert.match(picture.profile, codec === 'h264_high' ? /^High$/ : /Baseline$/);
  }
  assert.deepEqual(await findFaults(files[2], { hasVideo: false }), []);
  const only = await streamsOf(files[2][1]);
  assert.deepEqual(only.map(({ codec_name: name }) => name), ['aac']);

  const [all, few] = times.map((its) => its.slice(1).flatMap(({ video }) => video));
  t.diagnostic(`${all.length} and ${few.length} pictures in ${kSegments - 1} segments`);
  const seconds = (few.at(-1) - few[0]) / 90_000;
  // A key frame comes when it has to, and so may be one too many.
  const most = kPictures[1].fps * seconds + kSegments;
  assert.ok(few.length <= most, `${few.length} pictures in ${seconds} s`);
  assert.ok(few.length <= all.length);
});

// Of a segment's packets, in ticks of 90 kHz.
async function timesOf(file) {
  const { packets } = JSON.parse(await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_entries',
    'packet=codec_type,pts', file]));
  const times = { audio: [], video: [] };
  for (const { codec_type: kind, pts } of packets) times[kind].push(pts);
  return times;
}

test('/status tells how each is made', async () => {
  const { renditions } = await status(server);
  assert.equal(renditions.length, 3);
  kPictures.forEach(({ fps }, n) => {
    const { video } = renditions[n];
    assert.match(video.encoder, /264enc$/);
    assert.ok(video.fps > 0 && video.fps <= fps, `${video.fps} frames a second`);
    assert.ok(Number.isInteger(video.dropped), `${video.dropped} dropped`);
  });
  assert.deepEqual(renditions[2], {});
});

// hls.js in parts goes to another level by `loadLevel`, as it does by itself. By the other two it throws away what
// it has, and 1.7 then stands still now and then where a level's parts are cut off by the next one's; whole
// segments it takes either way.
const kPlayers = {
  parts: { ways: ['loadLevel'] },
  segments: { ways: ['nextLevel', 'currentLevel'], config: { lowLatencyMode: false } },
};
for (const [name, { ways, config }] of Object.entries(kPlayers))
  test(`hls.js in ${name} goes to each level and back`, async (t) => {
    const { page, report } = await openPlayers(t);
    await page.evaluate(([as, what]) => window.players.add(as, what),
      [name, { kind: 'hls.js', url: server.hls, config }]);
    await eventually('it plays', async () => (await report(name)).frames > 10, 20_000);
    // hls.js leaves out levels of sound only where others have a picture.
    const { levels } = await report(name);
    assert.deepEqual(levels.map(({ height }) => height).sort((a, b) => a - b), [180, 360]);
    for (const way of ways) {
      for (const height of [180, 360, 180, 360]) {
        await page.evaluate((what) => window.players.setLevel(...what),
          [name, way, levels.findIndex((its) => its.height === height)]);
        const time = await eventually(`${height} lines by ${way}`, async () => {
          const { size, time: now } = await report(name);
          return size[1] === height && now;
        }, 20_000);
        await eventually(`it plays on in ${height} lines by ${way}`,
          async () => (await report(name)).time > time + 1, 20_000);
      }
    }
    await assertUnbroken(t, report, name);
    assert.deepEqual(page.problems, []);
  });

test('hls.js plays the rendition of sound', async (t) => {
  const { page, report } = await openPlayers(t);
  await page.evaluate((url) => window.players.add('sound', { kind: 'hls.js', url }),
    new URL('2.m3u8', server.hls).href);
  const begin = await eventually('it plays', async () => (await report('sound')).time, 20_000);
  await eventually('it goes on', async () => (await report('sound')).time > begin + 3, 20_000);
  await assertUnbroken(t, report, 'sound');
});

async function openPlayers(t) {
  const pages = await servePublishPage(0);
  const context = await browser.newContext();
  t.after(async () => {
    await context.close();
    await pages.close();
  });
  const page = await openPage(context, pages.players);
  return { page, report: (name) => page.evaluate((which) => window.players.report(which), name) };
}

async function assertUnbroken(t, report, name) {
  const { errors } = await report(name);
  t.diagnostic(errors.map(({ details }) => details).join(' ') || 'no errors');
  assert.deepEqual(errors.filter(({ fatal }) => fatal), []);
}

test('when the publisher stops, all playlists end', async () => {
  assert.deepEqual(publisher.problems, []);
  assert.equal((await onair(publisher)).state, 'live');
  await publisher.getByRole('button', { name: 'Stop' }).click();
  await eventually('the server is idle', async () => (await status(server)).state === 'idle', 10_000);
  const lists = await mediaPlaylists();
  assert.deepEqual(lists.map(({ endlist }) => endlist), [true, true, true]);
  // The last segment may be one picture, to which neither sound nor fewer frames a second get.
  const last = lists.map(({ segments }) => segments.at(-1).mediaSequenceNumber);
  assert.ok(Math.max(...last) - Math.min(...last) <= 1, `${last}`);
  assert.deepEqual((await status(server)).renditions, []);
});

// Another server, with another list, and its first segments.
async function withServer(renditions, prepare, work) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'onair-ladder-'));
  const other = await startLiveServer(folder, ['--renditions', JSON.stringify(renditions)]);
  const context = await browser.newContext();
  try {
    await prepare(context);
    const page = await openPage(context, publishUrl(other.publish));
    const segments = (n, least = 3) => eventually(`${least} segments of ${n}`, async () => {
      const files = (await segmentsOf(folder, n)).slice(0, -1);
      return files.length >= least && files;
    }, 30_000);
    await work({ server: other, page, segments });
    assert.doesNotMatch(other.program.output, /warning|could not be linked|error/);
  } catch (error) {
    throw new Error(`${error.message}\n${other.program.output}`, { cause: error });
  } finally {
    await context.close();
    await other.program.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const codecsOf = async (file) => (await streamsOf(file)).map(({ codec_name: name }) => name).sort();

test('of a publisher without a picture each rendition is its sound', async () => {
  await withServer(kRenditions, (context) => holdBack(context, 'video', { isOffered: false }),
    async ({ server: its, segments }) => {
      for (const n of kRenditions.keys()) {
        const files = await segments(n);
        assert.deepEqual(await codecsOf(files[0]), ['aac']);
        assert.deepEqual(await findFaults(files, { hasVideo: false }), []);
      }
      const { variants } = parseStrictly(await (await fetch(its.hls)).text());
      assert.deepEqual(variants.map(({ codecs }) => codecs), Array(3).fill('mp4a.40.2'));
    });
});

test('a picture that comes late is black until then, in its sizes from the beginning', async () => {
  await withServer(kRenditions, (context) => holdBack(context, 'video'),
    async ({ page, segments }) => {
      const early = await segments(1);
      await page.evaluate(() => window.give());
      for (const [n, { width, height }] of kPictures.entries()) {
        const files = await segments(n, early.length + 4);
        for (const file of [files[0], files.at(-1)]) {
          const picture = (await streamsOf(file)).find(({ codec_name: name }) => name === 'h264');
          assert.deepEqual([picture.width, picture.height], [width, height], file);
        }
        assert.deepEqual(await findFaults(files), []);
      }
    });
});

for (const [name, renditions, codec] of [
  ['a picture alone', [{ video: kPictures[1] }], 'h264'],
  ['sound alone', [{ audio: {} }], 'aac'],
])
  test(`where renditions are ${name}, nothing else is made of what is sent`, async () => {
    await withServer(renditions, () => {}, async ({ server: its, page, segments }) => {
      assert.deepEqual(await codecsOf((await segments(0))[0]), [codec]);
      await page.getByRole('button', { name: 'Stop' }).click();
      await its.program.says(/the playlist has ended/, 10_000);
    });
  });
