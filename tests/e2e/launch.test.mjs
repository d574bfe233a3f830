// SPDX-License-Identifier: LGPL-2.1-or-later
// The pipelines of examples/launch, run as they stand, with a real sender.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { onair, openBrowser, openPage, publishUrl } from './lib/browser.mjs';
import { documentedPipelines } from './lib/documented.mjs';
import { freePorts } from './lib/live_server.mjs';
import { servePublishPage } from './lib/page_server.mjs';
import { Program, eventually, root } from './lib/process.mjs';
import { assertOnGrid, findFaults, parsePlaylist, segmentsOf, streamsOf } from './lib/segments.mjs';

const script = (name) => path.join(root, 'examples/launch', name);
let browser;
let dir;

before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

async function withPipeline(name, environment, work) {
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-launch-'));
  const env = { ...process.env, DIR: dir, ...environment };
  const pipeline = new Program(script(name), [], { env });
  try {
    await work(pipeline, env);
  } finally {
    await pipeline.stop('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
}

// Publishes until `count` segments are there, then says goodbye by the Stop button.
async function publishFor(port, count, pipeline) {
  await pipeline.says(/Setting pipeline to PLAYING|New clock/, 10_000);
  const pages = await servePublishPage(port);
  const context = await browser.newContext();
  try {
    const page = await openPage(context, publishUrl(pages.url));
    await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);
    await eventually(`${count} segments`, async () => (await segmentsOf(dir)).length >= count, 40_000)
      .catch((error) => { throw new Error(`${error.message}\n${pipeline.output}`); });
    await page.getByRole('button', { name: 'Stop' }).click();
    // send-eos=true ends the pipeline with its publisher.
    const ended = await pipeline.exited;
    assert.equal(ended.code, 0, pipeline.output);
  } finally {
    await context.close();
    await pages.close();
  }
}

async function checkResult(expectedVideo, name = '0.m3u8') {
  const files = await segmentsOf(dir);
  assert.deepEqual(await findFaults(files), []);
  const playlist = parsePlaylist(await readFile(path.join(dir, name), 'utf8'));
  assert.equal(playlist.isEnded, true);
  const streams = await streamsOf(files[0]);
  const audio = streams.find((stream) => stream.codec_name === 'mp3');
  const video = streams.find((stream) => stream.codec_name === 'h264');
  assert.equal(audio.sample_rate, '48000');
  assert.deepEqual([video.width, video.height], expectedVideo);
  return playlist;
}

test('whip-transcode.sh writes 1280x720 in exact segments', async () => {
  const port = await freePorts();
  await withPipeline('whip-transcode.sh', { PORT: String(port), TARGET_DURATION: '1500000000' }, async (pipeline) => {
    await publishFor(port, 4, pipeline);
    const playlist = await checkResult([1280, 720]);
    assertOnGrid(playlist, 1.5);
  });
});

test('whip-passthrough.sh writes the picture as the browser sent it', async (t) => {
  const port = await freePorts();
  await withPipeline('whip-passthrough.sh', { PORT: String(port) }, async (pipeline) => {
    await publishFor(port, 4, pipeline);
    const playlist = await checkResult([640, 360], 'live.m3u8');
    t.diagnostic(`EXTINF ${playlist.entries.map((entry) => entry.duration).join(' ')}`);
    // A browser answers when it can: what is late makes the next segment shorter.
    assertOnGrid(playlist, 2, 0.4);
  });
});

test('full-chain.sh takes what rtp-sender.sh sends, and Ctrl-C ends it cleanly', async () => {
  const port = await freePorts();
  const ports = { VIDEO_PORT: String(port), AUDIO_PORT: String(port + 1) };
  await withPipeline('full-chain.sh', ports, async (pipeline, env) => {
    const sender = new Program(script('rtp-sender.sh'), [], { env });
    try {
      await eventually('four segments', async () => (await segmentsOf(dir)).length >= 4, 40_000)
        .catch((error) => { throw new Error(`${error.message}\n${pipeline.output}`); });
      const ended = await pipeline.stop('SIGINT');
      assert.equal(ended.code, 0, pipeline.output);
    } finally {
      await sender.stop('SIGTERM');
    }
    assertOnGrid(await checkResult([1280, 720]), 2);
  });
});

test('Ctrl-C during a WHIP broadcast ends the file cleanly', async () => {
  const port = await freePorts();
  await withPipeline('whip-transcode.sh', { PORT: String(port) }, async (pipeline) => {
    await pipeline.says(/Setting pipeline to PLAYING|New clock/, 10_000);
    const pages = await servePublishPage(port);
    const context = await browser.newContext();
    try {
      await openPage(context, publishUrl(pages.url));
      await eventually('two segments', async () => (await segmentsOf(dir)).length >= 2, 40_000);
      const ended = await pipeline.stop('SIGINT');
      assert.equal(ended.code, 0, pipeline.output);
    } finally {
      await context.close();
      await pages.close();
    }
    await checkResult([1280, 720]);
  });
});

const environment = {
  ...process.env,
  GST_PLUGIN_PATH: ['build/gst', 'build/ext'].map((folder) => path.join(root, folder)).join(':'),
};

test("the pipeline of whiplistensrc's documentation records a broadcast when pasted", async () => {
  const [pipeline] = await documentedPipelines('ext/whip/gstwhiplistensrc.cpp');
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-docs-'));
  // The one thing that is changed: the port, so that nobody else's is taken.
  const port = await freePorts();
  const pasted = pipeline.replace('token=secret', `token=secret port=${port}`);
  assert.notEqual(pasted, pipeline);
  const program = new Program('/bin/bash', ['-c', `exec ${pasted}`], { cwd: dir, env: environment });
  const pages = await servePublishPage(port);
  const context = await browser.newContext();
  try {
    await program.says(/Setting pipeline to PLAYING|New clock/, 10_000);
    const page = await openPage(context, publishUrl(pages.url));
    await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);
    await page.waitForTimeout(4000); // the length of the recording
    const ended = await program.stop('SIGINT');
    assert.equal(ended.code, 0, program.output);
    const file = path.join(dir, 'broadcast.ts');
    assert.ok(existsSync(file));
    assert.deepEqual(await findFaults([file]), []);
    const streams = await streamsOf(file);
    assert.deepEqual(streams.map((stream) => stream.codec_name).sort(), ['h264', 'mp3']);
  } finally {
    await context.close();
    await pages.close();
    await program.stop('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});

test("the pipeline of rtplistensrc's documentation records what is forwarded when pasted", async () => {
  const [pipeline] = await documentedPipelines('gst/rtplisten/gstrtplistensrc.cpp');
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-docs-'));
  const port = await freePorts();
  const pasted = pipeline.replaceAll('port=5002', `port=${port}`).replaceAll('port=5004', `port=${port + 1}`);
  assert.notEqual(pasted, pipeline);
  const program = new Program('/bin/bash', ['-c', `exec ${pasted}`], { cwd: dir, env: environment });
  try {
    const file = path.join(dir, 'forwarded.ts');
    await eventually('some seconds of a recording', async () =>
      existsSync(file) && (await stat(file)).size > 400_000, 20_000);
    const ended = await program.stop('SIGINT');
    assert.equal(ended.code, 0, program.output);
    assert.deepEqual(await findFaults([file]), []);
    const streams = await streamsOf(file);
    assert.deepEqual(streams.map((stream) => stream.codec_name).sort(), ['h264', 'mp3']);
  } finally {
    await program.stop('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});

test("the pipeline of rtpadaptivejitterbuffer's documentation records a tone when pasted", async () => {
  const [pipeline] =
    await documentedPipelines('gst/rtpadaptive/gstrtpadaptivejitterbuffer.cpp');
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-docs-'));
  const port = await freePorts();
  const pasted = pipeline.replaceAll('port=5004', `port=${port}`);
  assert.notEqual(pasted, pipeline);
  const program = new Program('/bin/bash', ['-c', `exec ${pasted}`], { cwd: dir, env: environment });
  try {
    const file = path.join(dir, 'call.wav');
    await eventually('two seconds of sound', async () =>
      existsSync(file) && (await stat(file)).size > 2 * 48_000 * 2, 20_000);
    const ended = await program.stop('SIGINT');
    assert.equal(ended.code, 0, program.output);
    const [stream] = await streamsOf(file);
    assert.equal(stream.codec_name, 'pcm_s16le');
  } finally {
    await program.stop('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});

test('whip-low-latency.sh serves parts as they are made, and the whole broadcast to its end', async () => {
  const port = await freePorts();
  const environment = { PORT: String(port), HLS_PORT: String(port + 2) };
  await withPipeline('whip-low-latency.sh', environment, async (pipeline) => {
    await pipeline.says(/Setting pipeline to PLAYING|New clock/, 10_000);
    const pages = await servePublishPage(port);
    const context = await browser.newContext();
    try {
      const page = await openPage(context, publishUrl(pages.url));
      await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);
      const media = `http://127.0.0.1:${port + 2}/0.m3u8`;
      const read = async (query = '') => (await fetch(media + query)).text();
      const text = await eventually('two segments', async () => {
        const now = await read();
        return parsePlaylist(now).entries.length >= 2 && now;
      }, 40_000);
      assert.match(text, /#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES/);
      const first = Number(text.match(/#EXT-X-MEDIA-SEQUENCE:(\d+)/)[1]);
      const next = first + parsePlaylist(text).entries.length + 1;
      // Asked for before it is there, and answered when it is.
      const waited = await read(`?_HLS_msn=${next}&_HLS_part=1`);
      assert.match(waited, new RegExp(`URI="0-${next}\\.1\\.ts"`));
      const part = await fetch(new URL(`0-${next}.0.ts`, media));
      assert.equal(part.headers.get('content-type'), 'video/mp2t');
      assert.equal(Buffer.from(await part.arrayBuffer())[0], 0x47);
      await page.getByRole('button', { name: 'Stop' }).click();
      const ended = await pipeline.exited;
      assert.equal(ended.code, 0, pipeline.output);
    } finally {
      await context.close();
      await pages.close();
    }
  });
});

test("the pipeline of hlsbalancer's documentation writes five segments", async () => {
  const [pipeline] = await documentedPipelines('gst/hlsbalance/gsthlsbalancer.cpp');
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-docs-'));
  const program = new Program('/bin/bash', ['-c', `exec ${pipeline}`], { cwd: dir, env: environment });
  try {
    const ended = await program.exited;
    assert.equal(ended.code, 0, program.output);
    const playlist = parsePlaylist(await readFile(path.join(dir, 'playlist.m3u8'), 'utf8'));
    assert.equal(playlist.entries.length, 5);
    assertOnGrid(playlist, 1);
    assert.deepEqual(await findFaults(await segmentsOf(dir)), []);
  } finally {
    await program.stop('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});

test("the pipeline of flywheel's documentation records a picture that nobody sends", async () => {
  const [pipeline] = await documentedPipelines('gst/flywheel/gstflywheel.cpp');
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-docs-'));
  const port = await freePorts();
  const pasted = pipeline.replaceAll('port=5004', `port=${port}`);
  assert.notEqual(pasted, pipeline);
  const program = new Program('/bin/bash', ['-c', `exec ${pasted}`], { cwd: dir, env: environment });
  try {
    const file = path.join(dir, 'never-ending.ts');
    await eventually('some seconds of both', async () =>
      existsSync(file) && (await stat(file)).size > 80_000, 20_000);
    const ended = await program.stop('SIGINT');
    assert.equal(ended.code, 0, program.output);
    assert.deepEqual(await findFaults([file]), []);
    const streams = await streamsOf(file);
    assert.deepEqual(streams.map((stream) => stream.codec_name).sort(), ['h264', 'mp3']);
  } finally {
    await program.stop('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});

test("the pipeline of abrladder's documentation writes two renditions that are cut together", async () => {
  const [pipeline] = await documentedPipelines('gst/abrladder/gstabrladder.cpp');
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-docs-'));
  const program = new Program('/bin/bash', ['-c', `exec ${pipeline}`], { cwd: dir, env: environment });
  try {
    const ended = await program.exited;
    assert.equal(ended.code, 0, program.output);
    const live = path.join(dir, 'live');
    const [top, low] = await Promise.all(['0.m3u8', '1.m3u8'].map(async (name) =>
      parsePlaylist(await readFile(path.join(live, name), 'utf8'))));
    assert.ok(top.entries.length >= 5);
    assertOnGrid(top, 1);
    const lengths = ({ entries }) => entries.slice(0, -1).map(({ duration }) => duration);
    assert.deepEqual(lengths(low), lengths(top));
    const sizes = await Promise.all(['0-2.ts', '1-2.ts'].map(async (name) =>
      (await streamsOf(path.join(live, name))).find(({ codec_name: codec }) => codec === 'h264')));
    assert.deepEqual(sizes.map(({ width, height }) => [width, height]), [[640, 360], [320, 180]]);
    // Behind the fifth there may be a frame or two of sound alone.
    assert.deepEqual(await findFaults((await segmentsOf(live)).slice(0, 5)), []);
  } finally {
    await program.stop('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});

test("the pipeline of fallbackdecoder's documentation runs to its end", async () => {
  const [pipeline] = await documentedPipelines('gst/abrladder/gstfallbackdecoder.cpp');
  const program = new Program('/bin/bash', ['-c', `exec ${pipeline}`], { env: environment });
  const ended = await program.exited;
  assert.equal(ended.code, 0, program.output);
  assert.doesNotMatch(program.output, /WARNING|ERROR/);
});

test("the pipelines of hlsorigin's documentation serve what another process writes", async () => {
  const [origin, writer] = await documentedPipelines('ext/hlsorigin/gsthlsorigin.cpp');
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-docs-'));
  const port = await freePorts();
  const pasted = origin.replace('port=8080', `port=${port}`);
  assert.notEqual(pasted, origin);
  const start = (line) =>
    new Program('/bin/bash', ['-c', `exec ${line}`], { cwd: dir, env: environment });
  const programs = [pasted, writer].map(start);
  try {
    const media = `http://127.0.0.1:${port}/one/0.m3u8`;
    const answer = await eventually('a playlist', () =>
      fetch(media).then((response) => response.ok && response, () => null), 20_000);
    assert.match(await answer.text(), /#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES/);
    // Asked for before it is there, and answered when it is.
    const waited = await fetch(`${media}?_HLS_msn=1`);
    assert.ok(parsePlaylist(await waited.text()).entries.length >= 2);
    const segment = await fetch(new URL('0-1.ts', media));
    assert.equal(Buffer.from(await segment.arrayBuffer())[0], 0x47);
    for (const program of [...programs].reverse()) {
      const ended = await program.stop('SIGINT');
      assert.equal(ended.code, 0, program.output);
    }
  } finally {
    for (const program of programs) await program.stop('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});
