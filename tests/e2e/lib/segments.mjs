// SPDX-License-Identifier: LGPL-2.1-or-later
// Measures what was written: the playlist, the packets of each segment, and the decoded sound and
// picture, by ffprobe and ffmpeg.
import assert from 'node:assert/strict';
import { readFile, writeFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { mapFew, run } from './process.mjs';
import { parseStrictly } from './strict_playlists.mjs';

// Fails where a strict parser does. Who asks too early is answered with something else.
export function parsePlaylist(text) {
  if (text.startsWith('#EXTM3U')) parseStrictly(text);
  const entries = [];
  for (const match of text.matchAll(/^#EXTINF:([\d.]+),.*\n(\S+)$/gm)) {
    entries.push({ duration: Number(match[1]), uri: match[2] });
  }
  const target = text.match(/^#EXT-X-TARGETDURATION:(\d+)$/m);
  return {
    entries,
    targetDuration: target ? Number(target[1]) : null,
    isEnded: /^#EXT-X-ENDLIST$/m.test(text),
    discontinuities: text.match(/^#EXT-X-DISCONTINUITY$/gm)?.length ?? 0,
  };
}

// The segments so far last so many times the target, to within half a frame of sound; the last one ends
// where the broadcast does.
export function assertOnGrid({ entries }, target, within = 0.012) {
  let sum = 0;
  entries.slice(0, -1).forEach(({ duration }, n) => {
    sum += duration;
    const error = sum - (n + 1) * target;
    assert.ok(Math.abs(error) <= within + 1e-6,
      `${error} s after ${n + 1} segments: ${entries.map((entry) => entry.duration).join(' ')}`);
  });
}

// All segments of a folder in order, listed or not any more; of hlslivesink's, those of one rendition,
// without their parts.
export async function segmentsOf(folder, rendition = 0) {
  const isSegment = new RegExp(`^(?:${rendition}-|segment)(\\d+)\\.ts$`);
  const numbers = (await readdir(folder))
    .map((name) => [name, name.match(isSegment)?.[1]])
    .filter(([, number]) => number !== undefined);
  return numbers.sort((a, b) => a[1] - b[1]).map(([name]) => path.join(folder, name));
}

// Time stamps of the packets, in ticks of 90 kHz: of the sound and of the picture; and the sound's codec.
async function packets(file) {
  const out = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_entries',
    'stream=codec_type,codec_name:packet=codec_type,pts', file]);
  const { streams, packets: all } = JSON.parse(out);
  const times = { audio: [], video: [] };
  for (const { codec_type: kind, pts } of all) times[kind].push(pts);
  return { ...times, codec: streams.find(({ codec_type: kind }) => kind === 'audio')?.codec_name };
}

export async function streamsOf(file) {
  const out = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_entries',
    'stream=codec_name,width,height,sample_rate,channels,profile', file]);
  return JSON.parse(out).streams;
}

// Types of the NAL units of the first access unit, from the raw H.264.
async function firstNalTypes(file) {
  const out = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:v:0', '-c', 'copy',
    '-copyinkf', '-frames:v', '1', '-f', 'h264', '-']);
  const types = [];
  for (let i = 0; i + 3 < out.length; i += 1) {
    if (out[i] === 0 && out[i + 1] === 0 && out[i + 2] === 1) types.push(out[i + 3] & 0x1f);
  }
  return types;
}

// Null without a picture.
export async function beginsWithKeyFrame(file) {
  const { packets: [first] } = JSON.parse(await run('ffprobe', ['-v', 'error', '-of', 'json',
    '-select_streams', 'v', '-show_entries', 'packet=flags', file]));
  return first ? first.flags.startsWith('K') : null;
}

// Where sound and picture of each segment begin, in seconds of their own time stamps.
export function beginningsOf(files) {
  return mapFew(files, async (file) => {
    const { audio, video } = await packets(file);
    assert.ok(audio.length && video.length, `${file} lacks sound or picture`);
    return { sound: audio[0] / 90_000, picture: video[0] / 90_000 };
  });
}

// What a playlist of all but the last would say.
export function entriesOf(beginnings, kind = 'picture') {
  return beginnings.slice(1).map((next, i) => ({ duration: next[kind] - beginnings[i][kind] }));
}

const kTick = 1 / 90_000;

// Sound and picture of each segment begin together. In front of the first picture there may be sound.
export function assertTogether(beginnings) {
  beginnings.slice(1).forEach(({ sound, picture }, i) => {
    assert.ok(Math.abs(sound - picture) < 1.5 * kTick,
      `of segment ${i + 1} the sound begins at ${sound} s, the picture at ${picture} s`);
  });
}

const kFrameTicks = { mp3: 2160, aac: 1920 }; // 1152 and 1024 samples at 48 kHz on the 90 kHz clock
const kIdr = 5;

// Problems, each a sentence; none: the segments are whole and continue one another.
export async function findFaults(files, { hasVideo = true, hasAudio = true } = {}) {
  const faults = [];
  let lastAudio = null;
  let lastVideo = null;
  const probed = await mapFew(files, async (file) => ({
    name: path.basename(file), ...await packets(file), types: hasVideo && await firstNalTypes(file),
  }));
  for (const { name, audio, video, codec, types } of probed) {
    if (hasVideo) {
      if (!types.includes(kIdr)) faults.push(`${name} does not begin with an IDR: NALs ${types}`);
      for (const pts of video) {
        if (lastVideo !== null && pts <= lastVideo)
          faults.push(`${name}: video goes from ${lastVideo} to ${pts}`);
        lastVideo = pts;
      }
    }
    if (!hasAudio) continue;
    for (const pts of audio) {
      // 1 tick: 90 kHz stamps are rounded from nanoseconds.
      if (lastAudio !== null && Math.abs(pts - lastAudio - kFrameTicks[codec]) > 1)
        faults.push(`${name}: frame of ${codec} at ${pts} follows ${lastAudio}, ` +
                    `${(pts - lastAudio) / kFrameTicks[codec]} frames`);
      lastAudio = pts;
    }
  }
  return faults;
}

// One file of all segments, for the decoders.
export async function join(files, to) {
  await writeFile(to, Buffer.concat(await Promise.all(files.map((file) => readFile(file)))));
  return to;
}

// Decodes all of it: what the decoders complain of, and how long, in seconds, the picture stood still each
// time, and there was no sound.
export async function decode(file) {
  const { out, err } = await run('ffmpeg', ['-v', 'error', '-i', file,
    '-map', '0:v:0', '-vf', 'freezedetect=d=0.5,metadata=print:file=-:direct=1',
    '-map', '0:a:0', '-af', 'silencedetect=d=1.5,ametadata=print:file=-:direct=1',
    '-fps_mode', 'passthrough', '-enc_time_base', '-1', '-f', 'null', '-'], { keepsErrors: true });
  const text = out.toString();
  const last = Number((await run('ffprobe', ['-v', 'error', '-of', 'csv=p=0', '-show_entries',
    'format=duration', file])).toString());
  const lengths = (kind) => {
    const times = (edge) => [...text.matchAll(new RegExp(`${kind}_${edge}=([-\\d.]+)`, 'g'))]
      .map((match) => Number(match[1]));
    const ends = [...times('end'), last]; // or it never ended
    const stretches = [];
    times('start').forEach((from, i) => {
      // A key frame draws the same picture a little differently, and the filter begins anew.
      if (stretches.length && from - stretches.at(-1).to < 0.05) stretches.at(-1).to = ends[i];
      else stretches.push({ from, to: ends[i] });
    });
    return stretches.map(({ from, to }) => to - from);
  };
  return { errors: err, stills: lengths('freeze'), silences: lengths('silence') };
}

// Where the 1 kHz beep begins, in seconds of the stream's own time stamps. Goertzel's filter over
// windows of 5 ms; a beep is what exceeds half of the loudest window after quiet.
export async function findBeeps(file) {
  const rate = 16_000;
  const out = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:a:0', '-ac', '1', '-ar',
    String(rate), '-f', 's16le', '-']);
  const samples = new Int16Array(out.buffer, out.byteOffset, Math.floor(out.length / 2));
  const start = (await packets(file)).audio[0] / 90_000;
  const window = rate / 200;
  const coefficient = 2 * Math.cos((2 * Math.PI * 1000) / rate);
  const power = [];
  for (let at = 0; at + window <= samples.length; at += window) {
    let s1 = 0;
    let s2 = 0;
    for (let i = at; i < at + window; i += 1) {
      const s0 = samples[i] + coefficient * s1 - s2;
      s2 = s1;
      s1 = s0;
    }
    power.push(Math.sqrt(Math.max(0, s1 * s1 + s2 * s2 - coefficient * s1 * s2)));
  }
  const threshold = 0.5 * power.reduce((a, b) => Math.max(a, b), 0);
  const onsets = [];
  for (let i = 1; i < power.length; i += 1) {
    if (power[i] > threshold && power[i - 1] <= threshold) onsets.push(start + (i * window) / rate);
  }
  return onsets;
}

// Where the flash lights up: the right-hand fifth of the picture turns white.
export async function findFlashes(file) {
  const out = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:v:0', '-vf',
    'crop=iw*0.1:ih*0.5:iw*0.87:ih*0.4,scale=1:1:flags=area,format=gray', '-fps_mode',
    'passthrough', '-f', 'rawvideo', '-']);
  const times = (await packets(file)).video.map((pts) => pts / 90_000);
  const onsets = [];
  for (let i = 1; i < Math.min(out.length, times.length); i += 1) {
    if (out[i] > 128 && out[i - 1] <= 128) onsets.push(times[i]);
  }
  return onsets;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

// Sound less picture for each second that has both, in milliseconds; positive: the sound is late.
export function skews(beeps, flashes) {
  return beeps.flatMap((beep) => {
    const nearest = flashes.reduce(
      (best, flash) => (Math.abs(flash - beep) < Math.abs(best - beep) ? flash : best), Infinity);
    return Math.abs(nearest - beep) < 0.4 ? [(beep - nearest) * 1000] : [];
  });
}
