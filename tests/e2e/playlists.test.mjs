// SPDX-License-Identifier: LGPL-2.1-or-later
// What hlslivesink's playlists look like to a parser that is not ours, and that is strict.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { root } from './lib/process.mjs';
import { parseStrictly } from './lib/strict_playlists.mjs';

const writer = path.join(root, 'build/tests/playlists/write-playlists');
const broadcasts = new Map();
const written = execFileSync(writer, { encoding: 'utf8', maxBuffer: 1 << 28 });
for (const block of written.split('\f').slice(1)) {
  const end = block.indexOf('\n');
  const [name, form] = block.slice(0, end).split(' ');
  if (!broadcasts.has(name)) broadcasts.set(name, []);
  broadcasts.get(name).push({ form, text: block.slice(end + 1) });
}

const parse = ({ text }) => parseStrictly(text);

const complete = (playlist) => playlist.segments.filter((segment) => segment.uri);
const total = (segments) => segments.reduce((sum, { duration }) => sum + duration, 0);
// What a player has to know of a segment.
const essence = ({ uri, duration, mediaSequenceNumber, key, map, gap, programDateTime }) => ({
  uri,
  duration,
  mediaSequenceNumber,
  key: key?.method === 'NONE' ? undefined : key?.uri,
  iv: key?.iv?.toString(),
  map: map?.uri,
  gap,
  date: programDateTime?.getTime(),
});

for (const [name, texts] of broadcasts) {
  if (name === 'master') continue;
  test(`${name}: a strict parser accepts each playlist`, () => {
    assert.ok(texts.length >= 120);
    for (const entry of texts) parse(entry);
  });

  test(`${name}: from one playlist to the next nothing is lost, renumbered or changed`, () => {
    const known = new Map();
    const cycles = new Map();
    for (const playlist of texts.filter(({ form }) => form === 'full').map(parse)) {
      assert.equal(playlist.targetDuration, parse(texts[0]).targetDuration);
      for (const segment of complete(playlist)) {
        const number = segment.mediaSequenceNumber;
        if (known.has(number)) assert.deepEqual(essence(segment), known.get(number));
        else if (known.size > 0) assert.ok(known.has(number - 1), `${number} comes out of nowhere`);
        known.set(number, essence(segment));
        const cycle = segment.discontinuitySequence;
        assert.equal(cycle, cycles.get(number) ?? cycle);
        cycles.set(number, cycle);
      }
    }
    assert.equal(known.size, 60);
    const dates = [...known.values()].map(({ date }) => date);
    const length = total([...known.values()].slice(0, -1));
    assert.ok(Math.abs((dates.at(-1) - dates[0]) / 1000 - length) < 0.002);
  });

  test(`${name}: a delta update and the playlist before it make the whole one`, () => {
    let skipped = 0;
    let before = [];
    for (let index = 0; index < texts.length; index += 2) {
      const full = complete(parse(texts[index])).map(essence);
      const delta = parse(texts[index + 1]);
      if (delta.skip > 0) {
        ++skipped;
        for (const segment of full.slice(0, delta.skip))
          assert.ok(before.some(({ uri }) => uri === segment.uri), `${segment.uri} was never seen`);
      }
      assert.deepEqual(complete(delta).map(essence), full.slice(delta.skip ?? 0));
      before = full;
    }
    const expected = ['low-latency', 'low-latency-fmp4', 'short', 'event'].includes(name);
    assert.equal(skipped > 20, expected);
  });

  test(`${name}: parts add up to their segments`, () => {
    for (const playlist of texts.map(parse))
      for (const { uri, duration, parts } of playlist.segments) {
        const listed = parts.filter(({ hint }) => !hint);
        if (uri && listed.length > 0) assert.ok(Math.abs(total(listed) - duration) < 1e-9);
      }
  });

  test(`${name}: ends as a recording`, () => {
    const last = parse(texts.at(-2));
    assert.ok(last.endlist);
    assert.equal(last.playlistType, 'VOD');
    assert.equal(last.start, undefined);
    assert.ok(last.segments.every(({ parts }) => parts.length === 0));
  });
}

test('a strict parser accepts each playlist that the tests of the element publish', (t) => {
  const kept = process.env.ONAIR_PLAYLISTS; // of tests that have run
  const dir = kept ?? mkdtempSync(path.join(os.tmpdir(), 'onair-playlists-'));
  try {
    if (!kept)
      execFileSync('meson', ['test', '-C', path.join(root, 'build'), 'hlslivesink', 'hlslivesink_faults'],
        { env: { ...process.env, ONAIR_PLAYLISTS: dir }, stdio: 'pipe' });
    const published = readdirSync(dir).map((name) => readFileSync(path.join(dir, name), 'utf8'));
    published.forEach(parseStrictly);
    t.diagnostic(`${published.length} playlists`);
    for (const tag of ['STREAM-INF', 'MEDIA', 'SKIP', 'GAP', 'KEY', 'MAP', 'DISCONTINUITY', 'PART', 'ENDLIST'])
      assert.ok(published.some((text) => new RegExp(`^#EXT-X-${tag}\\b`, 'm').test(text)), tag);
  } finally {
    if (!kept) rmSync(dir, { recursive: true, force: true });
  }
});

test('the master playlist', () => {
  const master = parse(broadcasts.get('master')[0]);
  assert.equal(master.variants.length, 2);
  const [picture] = master.variants;
  assert.equal(picture.bandwidth, 1190485); // 150 001 bytes in 1008 ms, rounded up
  assert.deepEqual(picture.resolution, { width: 1280, height: 720 });
  assert.equal(picture.frameRate, 29.97);
  assert.equal(picture.audio[0].name, 'Ton  1 ');
  assert.equal(picture.audio[0].uri, '1.m3u8');
  assert.ok(picture.audio[0].isDefault);
});
