// SPDX-License-Identifier: LGPL-2.1-or-later
// node poll.mjs URL INTERVAL_MS: a line of JSON, { at, status }, for each answer of the URL. For
// what can be asked only from inside a network namespace.
const [url, interval] = process.argv.slice(2);
for (;;) {
  const next = Date.now() + Number(interval);
  try {
    const response = await fetch(url);
    console.log(JSON.stringify({ at: Date.now(), status: await response.json() }));
  } catch {
    // not there yet, or no more
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - Date.now())));
}
