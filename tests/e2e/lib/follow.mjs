// SPDX-License-Identifier: LGPL-2.1-or-later
// A client that misses nothing of a media playlist.
import assert from 'node:assert/strict';

import { parseStrictly } from './strict_playlists.mjs';

// Asks for each next part before it is there, and for each file that is new in a playlist, until stop(). What is
// answered goes to `seen`.
export function follow(media) {
  const seen = { texts: [], refusals: [], waits: 0, files: new Map() };
  let isOver = false;
  const fetchFile = async (name) => {
    const response = await fetch(new URL(name, media));
    seen.files.set(name, response.status);
    await response.arrayBuffer();
  };
  const run = async () => {
    let query = '';
    while (!isOver) {
      const response = await fetch(media + query);
      const text = await response.text();
      if (!response.ok) {
        seen.refusals.push(response.status);
        continue;
      }
      seen.waits += query ? 1 : 0;
      seen.texts.push(text);
      const { segments, mediaSequenceBase } = parseStrictly(text);
      const files = segments.flatMap(({ uri, parts }) =>
        [uri, ...parts.filter(({ hint }) => !hint).map((part) => part.uri)])
        .filter((name) => name && !seen.files.has(name));
      await Promise.all(files.map(fetchFile));
      // The part behind the last one that is listed.
      const last = segments.at(-1);
      const isWhole = Boolean(last?.uri);
      const msn = mediaSequenceBase + segments.length - (isWhole ? 0 : 1);
      const part = isWhole ? 0 : last.parts.filter(({ hint }) => !hint).length;
      query = `?_HLS_msn=${msn}&_HLS_part=${part}`;
    }
  };
  let problem = null;
  const running = run().catch((error) => { problem = error; });
  const stop = async () => {
    isOver = true;
    await running;
    if (problem) throw problem;
  };
  return { seen, stop };
}

export const nextSequence = (text) => {
  const { segments, mediaSequenceBase } = parseStrictly(text);
  return mediaSequenceBase + segments.filter(({ uri }) => uri).length;
};

// Nothing that was there is taken back, and nothing that was listed is missing. Gives the number of discontinuities.
export function assertGoesOn({ texts, refusals, files }) {
  // While nobody writes, whoever waits is told to ask again after three target durations.
  assert.ok(refusals.every((status) => status === 503), `${refusals}`);
  assert.deepEqual([...files].filter(([, status]) => status !== 200), []);
  const sequences = texts.map((text) => parseStrictly(text).mediaSequenceBase);
  assert.deepEqual(sequences, [...sequences].sort((a, b) => a - b), 'numbers go on');
  const nexts = texts.map(nextSequence);
  assert.deepEqual(nexts, [...nexts].sort((a, b) => a - b), 'no segment is taken back');
  const breaks = texts.map((text) => (text.match(/^#EXT-X-DISCONTINUITY$/gm) ?? []).length);
  assert.equal(Math.max(...breaks), breaks.at(-1), 'no discontinuity is taken back');
  return breaks.at(-1);
}
