// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is told of a channel's events.
import { createHmac } from 'node:crypto';
import http from 'node:http';

// Takes events that are rightly signed, and keeps the others apart; fails the first `failures` times that it is asked.
export async function receiveEvents(secret, { failures = 0 } = {}) {
  const events = [];
  const forged = [];
  let requests = 0;
  const receiver = http.createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    const [, time, hex] = request.headers['x-onair-signature'].match(/^t=(\d+),v1=([0-9a-f]{64})$/);
    const wanted = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
    const isForged = hex !== wanted || Math.abs(Date.now() / 1000 - time) > 60;
    requests += 1;
    if (isForged) forged.push(body);
    else if (requests > failures) events.push(JSON.parse(body));
    response.statusCode = requests > failures ? 204 : 500;
    response.end();
  });
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const of = ({ id }, name) =>
    events.filter(({ channel_id: channel, event }) => channel === id && event === name);
  return { events, forged, of, url: `http://127.0.0.1:${receiver.address().port}/hook`,
           close: () => new Promise((resolve) => { receiver.closeAllConnections(); receiver.close(resolve); }) };
}
