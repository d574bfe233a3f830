// SPDX-License-Identifier: LGPL-2.1-or-later
// node serve_live.mjs [SECONDS]: a live programme in low latency, from its origin and through Varnish and
// nginx, for wrk; says the addresses. docs/performance.md has the commands.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { startNginx, startVarnish } from '../e2e/lib/caches.mjs';
import { startLiveSinks } from '../e2e/lib/live_sinks.mjs';
import { eventually } from '../e2e/lib/process.mjs';
import { writeTimeSignal } from '../e2e/lib/time_signal_files.mjs';

const seconds = Number(process.argv[2] ?? 300);
const dir = await mkdtemp(path.join(os.tmpdir(), 'onair-serve-'));
try {
  const signal = await writeTimeSignal(dir, seconds, { width: 640, height: 360 });
  const { program, urls } = await startLiveSinks(signal, { live: { sound: 'mp3' } });
  const origin = new URL(urls.live);
  await eventually('there are segments', async () => {
    const answer = await fetch(new URL('0.m3u8', origin)).catch(() => null);
    return answer?.ok && /^0-5\.ts$/m.test(await answer.text());
  }, 30_000);
  const caches = [await startVarnish(dir, origin.port), await startNginx(dir, origin.port)];
  console.log(`origin ${origin.origin}\nvarnish ${caches[0].url}\nnginx ${caches[1].url}`);
  await program.exited;
  for (const cache of caches) await cache.stop();
} finally {
  await rm(dir, { recursive: true, force: true });
}
