// SPDX-License-Identifier: LGPL-2.1-or-later
// How long light takes from one glass to the other: a browser publishes by WHIP, the picture is decoded and
// encoded again, and a browser plays it; see lib/glass.mjs. What it takes is docs/algorithms/hlslive.md,
// "Where the time goes". On a machine that has other work, figures and stalls are those of the machine.
//
//   LATENCY_SECONDS=60 node --test soak/latency.test.mjs     instead of ten minutes
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { glassToGlass, inWords, summarize } from '../lib/glass.mjs';
import { openWeather } from '../lib/weather.mjs';

const kSeconds = Number(process.env.LATENCY_SECONDS ?? 600);
const kShort = Math.min(kSeconds, 120);
const kBad = { loss: 0.02, delay: '50ms', jitter: '30ms' }; // each way; order is kept

function judge(t, result, { median, spread = 0.15 }) {
  const summary = summarize(result);
  t.diagnostic(inWords(summary));
  assert.ok(summary.median <= median, `${summary.median} s`);
  assert.ok(summary.p95 - summary.median <= spread, `${summary.p95} s`);
  assert.ok(summary.still < 1, `the picture stood still for ${summary.still} s`);
  return summary;
}

test('low latency: a second from glass to glass, and no rebuffering', async (t) => {
  const result = await glassToGlass(kSeconds);
  assert.equal(judge(t, result, { median: 1 }).stalls, 0);
});

test('the same with parts of 120 ms', async (t) => {
  const result = await glassToGlass(kShort,
    { settings: { TARGET_DURATION: '1200000000', PART_TARGET: '120000000' } });
  assert.equal(judge(t, result, { median: 0.8 }).stalls, 0);
});

test('whole segments of a second', async (t) => {
  const result = await glassToGlass(kShort, { settings: { LOW_LATENCY: 'false' } });
  assert.equal(judge(t, result, { median: 3.2, spread: 0.5 }).stalls, 0);
});

test('low latency in bad weather', async (t) => {
  const weather = await openWeather(t);
  if (!weather) return;
  t.diagnostic(`WEATHER_SEED=${weather.seed}`);
  try {
    await weather.change('both', kBad);
    const result = await glassToGlass(kShort, { weather });
    const { up } = await weather.counters();
    t.diagnostic(`${up.loss} of ${up.packets} packets lost, ${up.delay_ms.mean}±${up.delay_ms.deviation} ms`);
    const summary = summarize(result);
    t.diagnostic(inWords(summary));
    assert.ok(summary.median <= 1.3, `${summary.median} s`);
    assert.ok(summary.still < 1.5, `the picture stood still for ${summary.still} s`);
    assert.ok(up.loss > 0);
  } finally {
    await weather.close();
  }
});
