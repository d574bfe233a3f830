// SPDX-License-Identifier: LGPL-2.1-or-later
import { onair, openPage, publishUrl } from './browser.mjs';
import { eventually } from './process.mjs';

// A publisher of a channel, in a browser context of its own, when it is on the air.
export async function publishTo(browser, server, channel) {
  const context = await browser.newContext();
  const page = await openPage(context, publishUrl(server.publish(channel)));
  await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);
  await eventually('the channel runs', server.isState(channel, 'running'), 20_000);
  return { page, stop: () => context.close() };
}
