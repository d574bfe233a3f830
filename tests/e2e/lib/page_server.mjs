// SPDX-License-Identifier: LGPL-2.1-or-later
// Serves the pages for those who have none of their own (gst-launch): that which publishes, and players.
import http from 'node:http';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from './process.mjs';

const pages = path.join(root, 'examples/live-server/pages');
const elsewhere = {
  'hls.js': path.join(pages, 'node_modules/hls.js/dist/hls.min.js'),
  'players.html': path.join(root, 'tests/e2e/lib/players.html'),
  'players.js': path.join(root, 'tests/e2e/lib/players.js'),
};
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

export async function servePublishPage(whipPort, address = '127.0.0.1') {
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (pathname === '/status') {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ state: 'live', broadcast: 1, playlist: '/none', message: '',
        whip: { port: whipPort, path: '/whip' }, target_duration: 2 }));
      return;
    }
    const name = pathname === '/publish' ? 'publish.html' : path.basename(pathname);
    try {
      const body = await readFile(elsewhere[name] ?? path.join(pages, name));
      response.setHeader('Content-Type', types[path.extname(name)] ?? 'text/plain');
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, address, resolve));
  return {
    url: `http://${address}:${server.address().port}/publish#token=secret`,
    players: `http://${address}:${server.address().port}/players.html`,
    close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }),
  };
}
