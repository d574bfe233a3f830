// SPDX-License-Identifier: LGPL-2.1-or-later
// The live server as an operator meets it: its command line, and its HTTP as caches and players see it.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { openBrowser, openPage, publishUrl } from './lib/browser.mjs';
import { freePorts, startLiveServer } from './lib/live_server.mjs';
import { Program, eventually, root } from './lib/process.mjs';
import { parsePlaylist } from './lib/segments.mjs';

const binary = path.join(root, 'build/examples/live-server/onair-live-server');
const environment = {
  ...process.env,
  GST_PLUGIN_PATH: ['build/gst', 'build/ext'].map((folder) => path.join(root, folder)).join(':'),
};
let dir;
let server;
let browser;

before(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-server-'));
  server = await startLiveServer(dir, ['--target-duration', '1']);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.program.stop();
  await rm(dir, { recursive: true, force: true });
});

async function runBinary(...args) {
  const program = new Program(binary, args, { env: environment });
  const timer = setTimeout(() => program.child.kill('SIGKILL'), 10_000);
  const { code } = await program.exited;
  clearTimeout(timer);
  return { code, output: program.output };
}

test('--help lists every option and what Ctrl-C does', async () => {
  const { code, output } = await runBinary('--help');
  assert.equal(code, 0);
  for (const option of ['--config', '--port', '--hls-port', '--dir', '--target-duration', '--part-target',
                        '--no-low-latency', '--window', '--hold-seconds', '--token', '--fps', '--renditions'])
    assert.match(output, new RegExp(`^ +${option} `, 'm'));
  assert.match(output, /Ctrl-C/);
});

for (const [args, message] of [
  [['--prot', '80'], /no option --prot; --help lists them/],
  [['--port', 'eighty'], /--port is 'eighty', but must be a whole number/],
  [['--port', '70000'], /--port is 70000, but must be from 0 to 65535/],
  [['--port'], /--port needs a value/],
  [['--target-duration', '0.4'], /--target-duration is 0\.4\d*, but must be from 0\.5 to 60/],
  [['--target-duration', 'soon'], /must be a number of seconds/],
  [['--part-target', '2'], /--part-target is 2\.0*, but must be from 0\.1 seconds to --target-duration/],
  [['--hold-seconds', '-1'], /--hold-seconds is -1\.0*, but must be from 0 to 86400 seconds/],
  [['--hold-picture', 'cat'], /--hold-picture is 'cat', but must be black or last/],
  [['--no-low-latency=no'], /--no-low-latency takes no value/],
  [['--low-latency'], /no option --low-latency/],
  [['--hls-port', '8081', '--whip-port', '8081'], /--hls-port is 8081, but must be another one/],
  [['--audio-codec', 'opus'], /--audio-codec is 'opus', but must be aac or mp3/],
  [['--audio-kbps', '100'], /one of MP3's: 32 40 48/],
  [['--width', '640'], /both --width and --height/],
  [['--width', '641', '--height', '360'], /an even number from 36 to 4096/],
  [['--renditions', '[{"video":{"width":640,"height":360,"fps":90,"bps":800000}}]'],
   /--renditions: hls\[0\]\.video\.fps is 90, but must be a whole number from 3 to 60/],
  [['--renditions', '@/nonexistent.json'], /The file \/nonexistent\.json can't be read: .*No such file/],
  [['--config', '/nonexistent.conf'], /config file \/nonexistent\.conf can't be read: No such file/],
  [['live.conf'], /'live\.conf' is not an option/],
]) {
  test(`the mistake "${args.join(' ')}" is named`, async () => {
    const { code, output } = await runBinary(...args);
    assert.equal(code, 2, output);
    assert.match(output, message);
  });
}

test('a config file is read, the command line wins, and a wrong key is named', async () => {
  const file = path.join(dir, 'live.conf');
  await writeFile(file, '[live]\nfps = 90\n');
  assert.match((await runBinary('--config', file)).output, /--fps is 90, but must be from 3 to 60/);
  assert.match((await runBinary('--config', file, '--fps', '2')).output, /--fps is 2, but/);
  await writeFile(file, '[live]\nlow-latency = perhaps\n');
  assert.match((await runBinary('--config', file)).output, /is 'perhaps', but must be true or false/);
  await writeFile(file, '[live]\nframes = 25\n');
  assert.match((await runBinary('--config', file)).output, /a key 'frames' that does not exist/);
  const example = path.join(root, 'examples/live-server/example.conf');
  assert.match((await runBinary('--config', example, '--fps', '2')).output, /--fps is 2/);
});

test('a port that is taken is named, for the pages, for WHIP and for HLS', async () => {
  const port = await freePorts();
  const blocker = net.createServer();
  const other = String(await freePorts());
  await new Promise((resolve) => blocker.listen(port, '0.0.0.0', resolve));
  try {
    const asPages = await runBinary('--port', String(port), '--dir', dir);
    assert.equal(asPages.code, 1);
    assert.match(asPages.output, new RegExp(`Cannot listen on 0\\.0\\.0\\.0:${port}: .*in use`));
    const asWhip = await runBinary('--port', other, '--whip-port', String(port), '--dir', dir);
    assert.equal(asWhip.code, 1);
    assert.match(asWhip.output, new RegExp(`Cannot listen on 0\\.0\\.0\\.0:${port}: .*in use`));
    const asHls = await runBinary('--port', other, '--hls-port', String(port));
    assert.equal(asHls.code, 1);
    assert.match(asHls.output, new RegExp(`Cannot listen on 0\\.0\\.0\\.0:${port}: .*in use`));
  } finally {
    blocker.close();
  }
});

test('a folder that cannot be made is named', async () => {
  const { code, output } = await runBinary('--dir', '/proc/hls', '--port', String(await freePorts()));
  assert.equal(code, 1);
  assert.match(output, /The folder \/proc\/hls can't be made/);
});

test('without a plugin path the message says what to do', async () => {
  const program = new Program(binary, ['--dir', dir, '--port', '0'],
                              { env: { ...process.env, GST_PLUGIN_PATH: '' } });
  const { code } = await program.exited;
  assert.equal(code, 1);
  assert.match(program.output, /whiplistensrc is not found; start by examples\/live\.sh/);
});

const at = (where) => new URL(where, server.watch);

test('pages, scripts and styles have their types', async () => {
  for (const [where, type] of [['/', 'text/html'], ['/publish', 'text/html'], ['/watch', 'text/html'],
                               ['/assets/hls.js', 'text/javascript'],
                               ['/assets/style.css', 'text/css'], ['/status', 'application/json']]) {
    const response = await fetch(at(where));
    assert.equal(response.status, 200, where);
    assert.ok(response.headers.get('content-type').startsWith(type), where);
    assert.equal(response.headers.get('access-control-allow-origin'), '*', where);
  }
});

// fetch() would tidy the path before it leaves.
function rawGet(where) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port: server.port, path: where }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).once('error', reject);
  });
}

test('no path leads out of the folders, and unknown ones are 404', async () => {
  for (const where of ['/nothing', '/assets/', '/assets/nothing.js', '/assets/../main.cpp',
                       '/assets/..%2fmain.cpp', '/assets/%2e%2e/%2e%2e/main.cpp',
                       '/assets/.gitignore'])
    assert.ok([400, 404].includes(await rawGet(where)), where); // 400: libsoup saw the escape
});

test('only GET, HEAD and OPTIONS are possible', async () => {
  const response = await fetch(at('/watch'), { method: 'POST', body: 'x' });
  assert.equal(response.status, 405);
  assert.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS');
  const preflight = await fetch(at('/status'), { method: 'OPTIONS' });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get('access-control-allow-headers'), /Range/);
});

test('before the first broadcast there is no playlist yet, and a cache asks again', async () => {
  const response = await fetch(server.hls);
  assert.equal(response.status, 503);
  assert.match(response.headers.get('cache-control'), /max-age=1\b|no-store/);
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
});

test('/status says where the playlist is, as seen by the one who asks', async () => {
  const { playlist } = await (await fetch(at('/status'))).json();
  assert.equal(new URL(playlist, server.watch).href, server.hls);
  const other = await (await fetch(`http://localhost:${server.port}/status`)).json();
  assert.equal(new URL(other.playlist, server.watch).hostname, 'localhost');
});

test('playlist and segments carry what caches and players need', async () => {
  const context = await browser.newContext();
  try {
    await openPage(context, publishUrl(server.publish));
    const text = await eventually('a playlist of two', async () => {
      const response = await fetch(server.media);
      const body = await response.text();
      return response.ok && parsePlaylist(body).entries.length >= 2 && body;
    }, 30_000);

    const playlist = await fetch(server.media);
    assert.equal(playlist.headers.get('content-type'), 'application/vnd.apple.mpegurl');
    assert.equal(playlist.headers.get('cache-control'), 'public, max-age=0, stale-while-revalidate=0');
    assert.ok(playlist.headers.get('etag'));
    const master = await (await fetch(server.hls)).text();
    assert.match(master, /^0\.m3u8$/m);

    const url = new URL(parsePlaylist(text).entries[0].uri, server.media);
    const whole = await fetch(url);
    const bytes = Buffer.from(await whole.arrayBuffer());
    assert.equal(whole.headers.get('content-type'), 'video/mp2t');
    assert.equal(whole.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(whole.headers.get('access-control-allow-origin'), '*');
    assert.equal(bytes[0], 0x47, 'a transport stream begins with its sync byte');

    const part = await fetch(url, { headers: { Range: 'bytes=188-375' } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get('content-range'), `bytes 188-375/${bytes.length}`);
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(188, 376));
    const beyond = await fetch(url, { headers: { Range: `bytes=${bytes.length}-` } });
    assert.equal(beyond.status, 416);

    const head = await fetch(url, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-length'), String(bytes.length));
    const known = await fetch(server.hls, {
      headers: { 'If-None-Match': (await fetch(server.hls)).headers.get('etag') },
    });
    assert.equal(known.status, 304);
  } finally {
    await context.close();
  }
});

test('in memory, without parts: players are sent segments alone, and nothing is written', async () => {
  const port = await freePorts();
  const place = await mkdtemp(path.join(os.tmpdir(), 'onair-memory-'));
  const program = new Program(binary, ['--port', String(port), '--token', 'secret', '--no-low-latency'],
                              { env: environment, cwd: place });
  const context = await browser.newContext();
  try {
    await program.says(/^token /m, 10_000);
    await openPage(context, publishUrl(`http://127.0.0.1:${port}/publish#token=secret`));
    const media = `http://127.0.0.1:${port + 2}/0.m3u8`;
    const text = await eventually('a playlist of two', async () => {
      const response = await fetch(media);
      const body = await response.text();
      return response.ok && parsePlaylist(body).entries.length >= 2 && body;
    }, 30_000);
    assert.doesNotMatch(text, /EXT-X-PART/);
    const segment = await fetch(new URL(parsePlaylist(text).entries[0].uri, media));
    assert.equal(segment.status, 200);
    assert.deepEqual(await readdir(place), []);
  } finally {
    await context.close();
    await program.stop();
    await rm(place, { recursive: true, force: true });
  }
});
