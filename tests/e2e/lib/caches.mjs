// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP caches from Debian in front of an origin, on free ports. Neither needs rules for HLS: nginx has the
// lock that makes one request of many.
import { mkdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';

import { freePorts } from './live_server.mjs';
import { Program, eventually } from './process.mjs';

const accepts = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => resolve(false));
});

async function listening(program, port, url) {
  try {
    await eventually(`${program.name} listens`, () => accepts(port), 15_000);
  } catch (error) {
    await program.stop('SIGKILL');
    throw new Error(`${error.message}\n${program.output}`);
  }
  return { program, url, stop: () => program.stop() };
}

export async function startVarnish(dir, originPort) {
  const port = await freePorts();
  const work = path.join(dir, 'varnish');
  await mkdir(work, { recursive: true });
  const program = new Program('/usr/sbin/varnishd', ['-F', '-j', 'none', '-T', 'none', '-n', work,
    '-a', `127.0.0.1:${port}`, '-b', `127.0.0.1:${originPort}`, '-s', 'default,64m']);
  return listening(program, port, `http://127.0.0.1:${port}`);
}

export async function startNginx(dir, originPort) {
  const port = await freePorts();
  const work = path.join(dir, 'nginx');
  await mkdir(work, { recursive: true });
  const file = path.join(work, 'nginx.conf');
  await writeFile(file, `
daemon off; master_process off; pid ${work}/pid; error_log stderr warn;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${work}/${kind};`).join(' ')}
  proxy_cache_path ${work}/cache keys_zone=hls:10m max_size=64m;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${originPort};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache hls;
      proxy_cache_lock on;
      proxy_cache_lock_timeout 30s;
      proxy_cache_lock_age 30s;
    }
  }
}
`);
  const program = new Program('/usr/sbin/nginx', ['-e', 'stderr', '-p', work, '-c', file]);
  return listening(program, port, `http://127.0.0.1:${port}`);
}
