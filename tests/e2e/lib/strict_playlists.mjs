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

// What a page, or the pages of a browser context, are answered for playlists, goes to `take`: { text, url }.
// Gives back the set of those that are still being read.
export function takePlaylists(pages, take) {
  const pending = new Set();
  pages.on('response', (response) => {
    if (!/\.m3u8(\?|$)/.test(response.url()) || !response.ok()) return;
    const reading = response.text()
      .then((text) => text, () => null) // the page went away meanwhile
      .then((text) => text && take({ url: response.url(), text }))
      .finally(() => pending.delete(reading));
    pending.add(reading);
  });
  return pending;
}

export function recordPlaylists(context) {
  const playlists = [];
  return { playlists, pending: takePlaylists(context, (playlist) => playlists.push(playlist)) };
}
