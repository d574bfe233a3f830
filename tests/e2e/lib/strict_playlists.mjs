// SPDX-License-Identifier: LGPL-2.1-or-later
// A parser that is not ours, and that is strict.
import HLS from 'hls-parser';

HLS.setOptions({ strictMode: true });

export function parseStrictly(text) {
  try {
    return HLS.parse(text);
  } catch (error) {
    throw new Error(`${error.message}\n${text}`);
  }
}

// Keeps what the pages of a browser context are answered for playlists: { text, url }.
export function recordPlaylists(context) {
  const record = { playlists: [], pending: new Set() };
  context.on('response', (response) => {
    if (!/\.m3u8(\?|$)/.test(response.url()) || response.status() !== 200) return;
    const reading = response.text()
      .then((text) => record.playlists.push({ url: response.url(), text }))
      .catch(() => {}) // the page went away meanwhile
      .finally(() => record.pending.delete(reading));
    record.pending.add(reading);
  });
  return record;
}
