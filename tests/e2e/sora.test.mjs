// SPDX-License-Identifier: LGPL-2.1-or-later
// Sora's own JavaScript SDK, as npm has it, publishes from Chromium to soralistensrc.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { openBrowser } from './lib/browser.mjs';
import { documentedPipelines } from './lib/documented.mjs';
import { freePorts } from './lib/live_server.mjs';
import { Program, eventually, run } from './lib/process.mjs';
import { findFaults, parsePlaylist, segmentsOf, streamsOf } from './lib/segments.mjs';
import { eventsOf, openSoraPage, publish } from './lib/sora.mjs';
import { environment } from './lib/sync_chain.mjs';

let browser;
let context;
let dir;
let page;
let pipeline;
let url;

before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-sora-'));
  context = await browser.newContext();
  page = await openSoraPage(context);
});
afterEach(async () => {
  await context?.close();
  await pipeline?.stop('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

async function start(properties, consumers) {
  const port = await freePorts();
  url = `ws://127.0.0.1:${port}/signaling`;
  const line = `-m soralistensrc name=sora port=${port} channel-id=live token=secret ${properties} ${consumers}`;
  pipeline = new Program('gst-launch-1.0', line.split(/\s+/), { env: environment });
  await pipeline.says(/Setting pipeline to PLAYING|New clock/, 20_000);
}

const toHls = () => `
  hlslivesink name=hls location=${dir} target-duration=2000000000
  avaligner name=align
  sora.video_0 ! rtph264depay request-keyframe=true wait-for-keyframe=true ! h264parse
    ! video/x-h264,stream-format=byte-stream,alignment=au ! align.video_0
    align.video_src_0 ! queue ! hls.video_0
  sora.audio_0 ! rtpopusdepay ! align.audio_0
    align.audio_src_0 ! opusdec plc=true use-inband-fec=true ! audioconvert ! audioresample
    ! audio/x-raw,rate=48000,channels=2 ! lamemp3enc target=bitrate bitrate=128 cbr=true
    ! audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! hls.audio_0`;

const connected = async (wishes) => {
  assert.equal(await publish(page, { urls: url, ...wishes }), null, pipeline.output);
  await eventually('the SDK is told that it is connected',
    async () => (await eventsOf(page, 'connected')).length === 1, 10_000);
};

// What a player decodes of it: pictures, and the loudest sample in dB below full scale.
async function decode(playlist) {
  const { err } = await run('ffmpeg', ['-hide_banner', '-i', playlist, '-af', 'volumedetect', '-f', 'null', '-'],
    { keepsErrors: true });
  const pictures = Number([...err.matchAll(/frame= *(\d+)/g)].at(-1)?.[1]);
  return { pictures, loudest: Number(err.match(/max_volume: (-?[\d.]+) dB/)?.[1]) };
}

for (const role of ['sendonly', 'sendrecv']) {
  test(`${role}: sound and H.264 become HLS, and disconnect() ends it`, async (t) => {
    await start('send-eos=true', toHls());
    await connected({ role, options: { audio: true, video: true, videoBitRate: 800 } });
    await eventually('three segments', async () => (await segmentsOf(dir)).length >= 3, 60_000)
      .catch((error) => { throw new Error(`${error.message}\n${pipeline.output}`); });
    await page.evaluate(() => window.connection.disconnect());
    const [end] = await eventsOf(page, 'disconnect');
    assert.deepEqual([end.title, end.code, end.reason], ['DISCONNECT', 1000, 'TYPE-DISCONNECT']);
    // send-eos=true ends the pipeline with its publisher.
    const ended = await pipeline.exited;
    assert.equal(ended.code, 0, pipeline.output);
    assert.match(pipeline.output, new RegExp(`sora-session.*state=\\(string\\)connected.*role=\\(string\\)${role}.*` +
      'audio=\\(boolean\\)true, video=\\(boolean\\)true'));
    assert.match(pipeline.output, /state=\(string\)ended.*reason=\(string\)deleted/);

    const files = await segmentsOf(dir);
    assert.deepEqual(await findFaults(files), []);
    assert.equal(parsePlaylist(await readFile(path.join(dir, '0.m3u8'), 'utf8')).isEnded, true);
    const streams = await streamsOf(files.at(-2));
    assert.deepEqual(streams.map((stream) => stream.codec_name).sort(), ['h264', 'mp3']);
    const { pictures, loudest } = await decode(path.join(dir, '0.m3u8'));
    t.diagnostic(`${pictures} pictures, loudest ${loudest} dB`);
    assert.ok(pictures > 60, `${pictures} pictures`);   // half of what two segments hold
    assert.ok(loudest > -30, `${loudest} dB`);          // Chromium's microphone beeps once a second
    assert.deepEqual(page.problems, []);
  });
}

test('simulcast: three layers come out of pads of their own, a quarter, half and all of the picture', async () => {
  const record = (n) => `sora.video_${n} ! rtph264depay request-keyframe=true wait-for-keyframe=true ! h264parse
    ! queue ! matroskamux ! filesink location=${dir}/${n}.mkv`;
  await start('simulcast=true send-eos=true', `${[0, 1, 2].map(record).join(' ')} sora.audio_0 ! fakesink`);
  await connected({ options: { simulcast: true, videoCodecType: 'H264', videoBitRate: 3000 },
    media: { audio: true, video: { width: 1280, height: 720, frameRate: 30 } } });
  const flowing = async () => {
    const layers = await page.evaluate(async () => [...(await window.connection.pc.getStats()).values()]
      .filter(({ type, kind, framesEncoded }) => type === 'outbound-rtp' && kind === 'video' && framesEncoded > 90)
      .map(({ rid }) => rid));
    return layers.length === 3 && layers;
  };
  const rids = await eventually('three layers of 90 pictures', flowing, 60_000);
  assert.deepEqual(rids.sort(), ['r0', 'r1', 'r2']);
  await page.evaluate(() => window.connection.disconnect());
  assert.equal((await pipeline.exited).code, 0, pipeline.output);
  assert.match(pipeline.output, /state=\(string\)connected.*layers=\(string\)"?r0\\?;r1\\?;r2/);
  const sizes = await Promise.all([0, 1, 2].map(async (n) => {
    const [{ width, height }] = await streamsOf(path.join(dir, `${n}.mkv`));
    return [width, height];
  }));
  assert.deepEqual(sizes, [[320, 180], [640, 360], [1280, 720]]);
});

test('a publisher without a camera is taken although the SDK asked for a picture', async () => {
  await start('send-eos=true', `sora.audio_0 ! rtpopusdepay ! queue ! matroskamux ! filesink location=${dir}/sound.mkv`);
  await connected({ media: { audio: true } });
  const sound = path.join(dir, 'sound.mkv');
  await eventually('some sound', async () => (await stat(sound)).size > 20_000, 20_000);
  await page.evaluate(() => window.connection.disconnect());
  assert.equal((await pipeline.exited).code, 0, pipeline.output);
  assert.deepEqual((await streamsOf(sound)).map((stream) => stream.codec_name), ['opus']);
});

test("the pipeline of soralistensrc's documentation records a broadcast when pasted", async () => {
  const [documented] = await documentedPipelines('ext/sora/gstsoralistensrc.cpp');
  // The one thing that is changed: the port, so that nobody else's is taken.
  const port = await freePorts();
  const pasted = documented.replace('token=secret', `token=secret port=${port}`);
  assert.notEqual(pasted, documented);
  pipeline = new Program('/bin/bash', ['-c', `exec ${pasted}`], { cwd: dir, env: environment });
  await pipeline.says(/Setting pipeline to PLAYING|New clock/, 20_000);
  await connected({ urls: `ws://127.0.0.1:${port}/signaling` });
  const file = path.join(dir, 'broadcast.ts');
  await eventually('some of the broadcast', async () => (await stat(file)).size > 200_000, 60_000);
  assert.equal((await pipeline.stop('SIGINT')).code, 0, pipeline.output);
  assert.deepEqual(await findFaults([file]), []);
  assert.deepEqual((await streamsOf(file)).map((stream) => stream.codec_name).sort(), ['h264', 'mp3']);
});

const refusals = [
  ['a wrong channel', { channel: 'other' }, 'CHANNEL-ID-NOT-FOUND: There is no such channel here.'],
  ['a wrong token', { metadata: { access_token: 'wrong' } },
    'AUTH-FAILURE: The access token is not the one of this channel.'],
  ['no token', { metadata: null }, 'AUTH-FAILURE: Send the publisher\'s token as metadata.access_token.'],
  ['VP8', { options: { videoCodecType: 'VP8' } },
    'UNSUPPORTED-CODEC: The only video taken here is H264, and VP8 was asked for.'],
  ['recvonly', { role: 'recvonly' },
    'UNSUPPORTED-ROLE: Nothing is sent from here: publish as sendonly or sendrecv, not recvonly.'],
];
test('whoever is refused learns why, and the next may come; the one who is live learns of the end', async () => {
  await start('', 'sora.video_0 ! fakesink sora.audio_0 ! fakesink');
  for (const [what, wishes, reason] of refusals) {
    const error = await publish(page, { urls: url, ...wishes });
    assert.deepEqual([error?.code, error?.reason], [4490, reason], `${what}: ${error?.message}`);
  }
  await connected({ urls: [url] });
  const second = await publish(await openSoraPage(context), { urls: url });
  assert.deepEqual([second?.code, second?.reason], [4490, 'CHANNEL-IN-USE: Another publisher is live here.']);
  assert.deepEqual(await eventsOf(page, 'disconnect'), []);

  await pipeline.stop('SIGINT');
  await eventually('the SDK is told', async () => (await eventsOf(page, 'disconnect')).length === 1, 10_000);
  const [end] = await eventsOf(page, 'disconnect');
  assert.deepEqual([end.title, end.code, end.reason], ['SHUTDOWN', 1000, 'SHUTDOWN']);
});
