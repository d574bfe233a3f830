// SPDX-License-Identifier: LGPL-2.1-or-later
// A page with Sora's own JavaScript SDK as npm has it, for a server that it believes to be Sora.
import http from 'node:http';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { openPage } from './browser.mjs';
import { root } from './process.mjs';

const sdk = path.join(root, 'tests/e2e/node_modules/sora-js-sdk/dist/sora.js');
const html = '<!doctype html><title>Sora</title><script type="module">' +
  'import Sora from "/sora.js"; window.Sora = Sora;</script>';

// The page has `Sora`, and after publish() the `connection` and its `events`.
export async function openSoraPage(context) {
  const script = await readFile(sdk);
  const server = http.createServer(({ url }, response) => {
    response.setHeader('Content-Type', url === '/sora.js' ? 'text/javascript' : 'text/html');
    response.end(url === '/sora.js' ? script : html);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const page = await openPage(context, `http://localhost:${server.address().port}/`);
    await page.waitForFunction(() => window.Sora);
    return page;
  } finally {
    server.close();
  }
}

// Gives back nothing when the SDK is connected, else what it says.
export const publish = (page, wishes) => page.evaluate(async ({
  urls, role = 'sendonly', channel = 'live', metadata = { access_token: 'secret' }, options = {},
  media = { audio: true, video: { width: 640, height: 360, frameRate: 30 } },
}) => {
  const connection = window.Sora.connection(urls)[role](channel, metadata, options);
  const events = [];
  for (const name of ['connected', 'disconnect', 'notify'])
    connection.on(name, (event) => events.push({ name, title: event.title, type: event.type,
      code: event.code, reason: event.reason, event: event.event_type }));
  Object.assign(window, { connection, events });
  try {
    const stream = await navigator.mediaDevices.getUserMedia(media);
    await connection.connect(role === 'recvonly' ? undefined : stream);
    return null;
  } catch (error) {
    return { message: error.message, code: error.code, reason: error.reason };
  }
}, wishes);

export const eventsOf = (page, name) =>
  page.evaluate((wanted) => window.events.filter((event) => event.name === wanted), name);
