// SPDX-License-Identifier: LGPL-2.1-or-later
import { readFile, readdir } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { Program, root } from './process.mjs';

// The first of three neighbouring TCP ports that are free now: pages, WHIP, HLS.
export async function freePorts() {
  for (let tries = 0; tries < 50; tries += 1) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    if ((await isFree(first)) && (await isFree(first + 1)) && (await isFree(first + 2))) return first;
  }
  throw new Error('no free ports');
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
  });
}

// The live server as a newcomer starts it, with segments that stay for as long as tests last; `start` may run
// it elsewhere, such as in a network namespace.
export async function startLiveServer(
  dir, options = [], start = (command, args) => new Program(command, args)) {
  const port = await freePorts();
  const program = start(path.join(root, 'examples/live.sh'), [
    '--port', String(port), '--dir', dir, '--window', '300', '--token', 'secret', ...options,
  ]);
  try {
    await program.says(/^token /m, 300_000); // the last line; building may take a while
  } catch (error) {
    await program.stop('SIGKILL');
    throw error;
  }
  const url = (name) => program.output.match(new RegExp(`^${name} (\\S+)$`, 'm'))[1];
  return { program, port, dir, publish: url('publish'), watch: url('watch'), whip: url('whip'),
           hls: url('hls'), media: new URL('0.m3u8', url('hls')).href };
}

export async function status(server) {
  const response = await fetch(new URL('/status', server.watch));
  return response.json();
}

const kApiToken = 'api-secret';

// A server of many channels, with what its API answers. With `port` that of one that has ended, as a service manager
// starts it again.
export async function startChannelServer(data, { port = null, options = [] } = {}) {
  const first = port ?? await freePorts();
  const args = ['--port', String(first), '--data', data, '--window', '300', '--api-token', kApiToken,
                ...options];
  const build = path.join(root, 'build');
  const program = port === null ? new Program(path.join(root, 'examples/live.sh'), args)
    : new Program(path.join(build, 'examples/live-server/onair-live-server'), args,
      { env: { ...process.env, GST_PLUGIN_PATH: `${build}/gst:${build}/ext` } });
  try {
    await program.says(/^api-token /m, 300_000);
  } catch (error) {
    await program.stop('SIGKILL');
    throw error;
  }
  const base = `http://127.0.0.1:${first}`;
  const ask = async (method, target, body, headers = {}) => {
    const response = await fetch(base + target, {
      method,
      headers: { Authorization: `Bearer ${kApiToken}`, 'Content-Type': 'application/json', ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: text ? JSON.parse(text) : null };
  };
  // The process ids of its channels' workers, by channel.
  const workers = async () => {
    const found = new Map();
    for (const name of await readdir('/proc')) {
      const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      const [command, id, control] = line.split('\0');
      if (command.endsWith('onair-live-worker') && control === path.join(data, 'control'))
        found.set(id, Number(name));
    }
    return found;
  };
  const workerOf = async ({ id }) => (await workers()).get(id);
  const channel = async (id) => (await ask('GET', `/v1/channels/${id}`)).json;
  const isState = ({ id }, state) => async () => (await channel(id)).state === state;
  const make = async (request) => {
    const { status: code, json } = await ask('POST', '/v1/channels', request);
    if (code !== 201) throw new Error(JSON.stringify(json));
    return json;
  };
  return { program, port: first, base, data, ask, channel, isState, make, workers, workerOf,
           publish: ({ id, publish_token: token }) => `${base}/channels/${id}/publish#token=${token}`,
           watch: ({ id }) => `${base}/channels/${id}/watch` };
}

// What a server sends of its channels, as it comes: [{ event, data, at }].
export function followEvents(server, target = '/v1/events') {
  const controller = new AbortController();
  const seen = [];
  const run = async () => {
    const response = await fetch(server.base + target, {
      headers: { Authorization: `Bearer ${kApiToken}` }, signal: controller.signal,
    });
    let text = '';
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (text + piece).split('\n\n');
      text = blocks.pop();
      for (const block of blocks) {
        const field = (name) => block.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1];
        if (field('data'))
          seen.push({ event: field('event'), data: JSON.parse(field('data')), at: Date.now() });
      }
    }
  };
  const running = run().catch((error) => { if (error.name !== 'AbortError') seen.error = error; });
  return { seen, stop: () => { controller.abort(); return running; } };
}
