// SPDX-License-Identifier: LGPL-2.1-or-later
import path from 'node:path';

import { onair, openPage, publishUrl } from './browser.mjs';
import { Program, eventually, root } from './process.mjs';
import { environment } from './sync_chain.mjs';

// A publisher of a channel, in a browser context of its own, when it is on the air.
export async function publishTo(browser, server, channel) {
  const context = await browser.newContext();
  const page = await openPage(context, publishUrl(server.publish(channel)));
  await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);
  await eventually('the channel runs', server.isState(channel, 'running'), 20_000);
  return { page, stop: () => context.close() };
}

// A test picture and tone to each of these channels by WHIP, from one process without a browser. They end their sessions
// when they are stopped, and not when they are killed.
export async function publishHeadless(channels) {
  const program = new Program(path.join(root, 'build/tests/support/whip-publishers'),
    channels.flatMap((one) => [one.whip_url, one.publish_token]),
    { stdio: ['pipe', 'pipe', 'pipe'], env: environment });
  const stop = () => {
    program.child.stdin.end();
    return program.stop('SIGCONT'); // it ends by itself
  };
  try {
    await program.says(/all connected$/m, 120_000);
    if (!/^all connected$/m.test(program.output)) throw new Error(program.output);
  } catch (error) {
    await program.stop('SIGKILL');
    throw error;
  }
  return { stop, kill: () => program.stop('SIGKILL') };
}
