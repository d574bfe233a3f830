// SPDX-License-Identifier: LGPL-2.1-or-later
// Chromium sends its camera in three layers at once, and whiplistensrc hands each out on a pad of its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openBrowser } from './lib/browser.mjs';
import { eventually } from './lib/process.mjs';
import { Consumer, publishLayers, sentLayers, setActive } from './lib/simulcast.mjs';

const layers = [
  { rid: 'h' },
  { rid: 'm', scaleResolutionDownBy: 2 },
  { rid: 'l', scaleResolutionDownBy: 4 },
];
const pads = { video_0: ['h', 1280, 720], video_1: ['m', 640, 360], video_2: ['l', 320, 180] };
const patience = 30_000;
let browser;
let consumer;
let context;
let page;

before(async () => {
  browser = await openBrowser();
  consumer = await Consumer.start('simulcast=true');
  context = await browser.newContext();
  page = await publishLayers(context, consumer.url, layers);
});
after(async () => {
  await browser?.close();
  await consumer?.stop();
});

// The report in which this is true of it.
async function reportWith(what, isWanted, of = consumer) {
  let last;
  const probe = async () => {
    last = await of.report();
    return isWanted(last.pads) && last;
  };
  return eventually(what, probe, patience)
    .catch((error) => { throw new Error(`${error.message}\n${JSON.stringify(last)}`); });
}

const hasSizes = (found) => Object.entries(pads).every(([name, [rid, width, height]]) =>
  found[name]?.rid === rid && found[name].width === width && found[name].height === height);

test('each layer comes out of the pad of its place in the offer, whole and in its size', async () => {
  const answer = await page.evaluate(() => window.answer);
  assert.match(answer, /^a=simulcast:recv h;m;l\r$/m);
  const { pads: first } = await reportWith('three sizes', hasSizes);
  const { pads: later } = await reportWith('30 more pictures of each',
    (now) => Object.keys(pads).every((name) => now[name].pictures > first[name].pictures + 30));
  assert.deepEqual(Object.keys(later).sort(), ['audio_0', ...Object.keys(pads)]);
  for (const name of Object.keys(pads)) assert.equal(later[name].lost, 0, name);
  assert.ok(consumer.said('session').every((turn) => turn.layers === 'h;m;l'));
  assert.deepEqual(consumer.said('error'), []);
});

for (const [name, [rid]] of Object.entries(pads)) {
  test(`a key frame that ${name} asks for is asked of layer ${rid} alone, and comes`, async () => {
    const asked = (sent) => Object.fromEntries(
      Object.entries(sent).map(([one, { firCount, pliCount }]) => [one, firCount + pliCount]));
    const before = asked(await sentLayers(page));
    const { pads: then } = await consumer.report();
    consumer.tell(`key ${name}`);
    await reportWith('a key frame', (now) => now[name].keyFrames > then[name].keyFrames);
    const after = await eventually('a request in the statistics', async () => {
      const now = asked(await sentLayers(page));
      return now[rid] > before[rid] && now;
    }, patience);
    for (const other of Object.keys(before).filter((one) => one !== rid))
      assert.equal(after[other], before[other], other);
  });
}

test('of what 5 % loss takes from the layers 99 % come again', async (t) => {
  const payloadType = (await page.evaluate(() => window.answer)).match(/^m=video \d+ \S+ (\d+)/m)[1];
  const lostOf = (found) => Object.keys(pads).reduce((sum, name) => sum + found[name].lost, 0);
  const before = await consumer.report();
  consumer.tell(`lose 5 ${payloadType}`);
  await eventually('200 losses', async () => (await consumer.report()).dropped >= 200, 2 * patience);
  consumer.tell(`lose 0 ${payloadType}`);
  const { pads: then } = await consumer.report();
  // Further on than the longest wait for a packet (latency), so that nothing is under way.
  const now = await reportWith('30 more pictures of each',
    (found) => Object.keys(pads).every((name) => found[name].pictures > then[name].pictures + 30));
  const lost = lostOf(now.pads) - lostOf(before.pads);
  const sent = await sentLayers(page);
  t.diagnostic(`${now.dropped} media packets lost, ${lost} of them for good; sent again: ` +
    Object.values(sent).map((one) => `${one.rid} ${one.retransmittedPacketsSent}`).join(', '));
  assert.ok(lost <= now.dropped / 100, `${lost} of ${now.dropped} lost`);
  for (const one of Object.values(sent)) assert.ok(one.retransmittedPacketsSent > 0, one.rid);
});

test('a layer that pauses holds nobody up, and comes back on its pad', async () => {
  await setActive(page, 'm', false);
  await eventually('the layer to stop', async () => !(await sentLayers(page)).m.active, patience);
  const { pads: paused } = await consumer.report();
  // Longer than the queue behind a pad holds: nobody waits for the layer that is missing.
  const { pads: meanwhile } = await reportWith('200 more pictures of the others', (now) =>
    ['video_0', 'video_2'].every((name) => now[name].pictures > paused[name].pictures + 200));
  assert.ok(meanwhile.video_1.pictures < paused.video_1.pictures + 30);
  await setActive(page, 'm', true);
  await reportWith('the layer again', (now) => now.video_1.pictures > meanwhile.video_1.pictures + 60);
  assert.deepEqual(consumer.said('pad').map(({ name }) => name).sort(), ['audio_0', ...Object.keys(pads)]);
  assert.deepEqual(consumer.said('gone'), []);
  assert.deepEqual(consumer.said('error'), []);
});

test('the next publisher has the same pads', async () => {
  await context.close();
  const appeared = consumer.said('pad').length;
  const ended = () => consumer.said('session').some(({ state }) => state === 'ended');
  await eventually('the end of the session', ended, patience);
  await eventually('all pads to go', () => consumer.said('gone').length === appeared, patience);
  await publishLayers(await browser.newContext(), consumer.url, layers, { audio: false });
  const { pads: found } = await reportWith('three sizes', hasSizes);
  assert.deepEqual(Object.keys(found).sort(), Object.keys(pads));
});

test('without simulcast=true the same publisher sends one stream', async () => {
  const single = await Consumer.start('simulcast=false');
  const tab = await browser.newContext();
  try {
    const one = await publishLayers(tab, single.url, layers);
    assert.doesNotMatch(await one.evaluate(() => window.answer), /simulcast|a=rid|stream-id/);
    const { pads: found } = await reportWith('60 pictures', (now) => now.video_0?.pictures > 60, single);
    assert.deepEqual(Object.keys(found).sort(), ['audio_0', 'video_0']);
    assert.equal(found.video_0.rid, '');
    assert.deepEqual(Object.keys(await sentLayers(one)), ['h']);
    assert.deepEqual(single.said('error'), []);
  } finally {
    await tab.close();
    assert.equal((await single.stop()).code, 0, single.program.output);
  }
});
