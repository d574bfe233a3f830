// SPDX-License-Identifier: LGPL-2.1-or-later
// Sound and picture against each other, to a fraction of a millisecond. The sound is the pattern of
// sound_pattern.mjs; every picture carries the time in that sound at which it was drawn. So each
// frame of a file tells by how much the sound is late, whatever its distance from the next beep.
import { run } from './process.mjs';
import { kPeriodMs, lagOf, pattern, synthesize, tonesIn } from './sound_pattern.mjs';
import { readTimecode } from './video_frames.mjs';

// The code in the picture counts in these: finer than any frame's own time.
export const kCodeMs = 0.1;

const kRate = 48_000;
const kCoarse = 3; // samples to one of those that sound_pattern.mjs listens to
const kPerMs = kRate / 1000;

// By how many ms the sound is late behind perfect time stamps, because a codec begins with so much
// that is not in its input, and nobody on the way takes it off: docs/algorithms/lip-sync.md.
export const kDelays = {
  opus: 312 / kPerMs, // look-ahead of libopus, which RTP has no field for
  mp3: (576 + 529) / kPerMs, // LAME's and the decoder's filter banks
  aac: 1024 / kPerMs, // the first frame of an AAC encoder
};

// ---- the sound

// Decoded frames as they come: { pts } of the file's own clock in seconds, `count` samples.
async function decodeSound(file) {
  const [out, told] = await ffmpeg(file, ['-map', '0:a:0', '-af', 'ashowinfo', '-ac', '1', '-f',
    's16le']);
  const samples = new Int16Array(out.buffer, out.byteOffset, Math.floor(out.length / 2));
  const frames = [...told.matchAll(/ n:\d+ pts:(-?\d+) pts_time:.* rate:(\d+) nb_samples:(\d+)/g)]
    .map(([, pts, rate, count]) => {
      if (Number(rate) !== kRate) throw new Error(`the sound has ${rate} samples a second`);
      return { pts: Number(pts) / kRate, count: Number(count) };
    });
  const told_count = frames.reduce((sum, { count }) => sum + count, 0);
  if (told_count !== samples.length)
    throw new Error(`${told_count} samples were decoded and ${samples.length} came out`);
  return { samples, frames };
}

// Stretches within which frames follow one another without a gap: { pts, from, to }, in samples.
function runsOf(frames) {
  const kLoose = 0.0002; // 90 kHz stamps are rounded, twice
  const runs = [];
  let at = 0;
  for (const { pts, count } of frames) {
    const last = runs.at(-1);
    if (last && Math.abs(last.pts + (at - last.from) / kRate - pts) < kLoose) last.to = at + count;
    else runs.push({ pts, from: at, to: at + count });
    at += count;
  }
  return runs;
}

const decimate = (samples) => Int16Array.from({ length: Math.floor(samples.length / kCoarse) },
  (_, i) => (samples[3 * i] + samples[3 * i + 1] + samples[3 * i + 2]) / kCoarse);

let published = null; // one period
const referenceOf = () =>
  (published ??= synthesize(new Float32Array(kPeriodMs * kPerMs), kRate, pattern));

// How alike are `count` samples from `at`, and what was published `lag` samples before; 0 to 1.
function likeness(samples, at, count, lag) {
  const reference = referenceOf();
  let product = 0;
  let power = 0;
  let other = 0;
  let from = (at - lag) % reference.length;
  if (from < 0) from += reference.length;
  for (let i = at; i < at + count; i += 1) {
    const value = reference[from];
    product += samples[i] * value;
    power += samples[i] * samples[i];
    other += value * value;
    if (++from === reference.length) from = 0;
  }
  return power > 0 ? product / Math.sqrt(power * other) : 0;
}

const kWindowMs = 200;
const kStepMs = 100;
const kLikeEnough = 0.6; // right ones reach 0.95; off by half a tone's period it is negative

function sharpest(samples, at, count, about, reach) {
  let best = { lag: about, likeness: -1 };
  for (let lag = about - reach; lag <= about + reach; lag += 1) {
    const found = likeness(samples, at, count, lag);
    if (found > best.likeness) best = { lag, likeness: found };
  }
  return best;
}

// Where the sound is: for each step the time in the file and the time in the published sound, both
// in ms, the second up to whole periods; only where it is heard clearly.
export function hear({ samples, frames }) {
  const places = [];
  let last = null; // ms; where to look first
  for (const { pts, from, to } of runsOf(frames)) {
    const part = samples.subarray(from, to);
    const tones = tonesIn(decimate(part));
    let lag = null; // samples, within this run
    for (let ms = 0; (ms + kWindowMs) * kPerMs <= part.length; ms += kStepMs) {
      const count = kWindowMs * kPerMs;
      const at = ms * kPerMs;
      let found = { likeness: -1 };
      if (lag !== null) found = sharpest(part, at, count, lag, kPerMs / 2);
      if (found.likeness < kLikeEnough) {
        // The window before and after a step has both; lagOf() needs most of one.
        const coarse = lagOf(tones, ms, ms + kWindowMs, last);
        if (coarse === null) continue;
        last = coarse;
        found = sharpest(part, at, count, coarse * kPerMs, 2 * kPerMs);
      }
      if (found.likeness < kLikeEnough) continue;
      lag = found.lag;
      last = Math.round(lag / kPerMs);
      places.push({ file: pts * 1000 + ms + kWindowMs / 2,
                    signal: ms + kWindowMs / 2 - lag / kPerMs });
    }
    last = null; // the next run has another beginning
  }
  return places;
}

// ---- the picture

const kGrid = { width: 40, height: 30, rows: 4 }; // two pixels for each cell of the code

// Of every decoded picture: { pts } in seconds, { signal } in ms, or null where it has no code.
async function see(file) {
  const { width, height, rows } = kGrid;
  const [out, told] = await ffmpeg(file, ['-map', '0:v:0', '-vf',
    `showinfo=checksum=0,crop=iw:ih*${rows}/${height}:0:0,scale=${width}:${rows}:flags=area,` +
    'format=gray', '-fps_mode', 'passthrough', '-f', 'rawvideo']);
  // Not pts_time, which has six digits.
  const tick = told.match(/showinfo.* config in time_base: (\d+)\/(\d+)/);
  const times = [...told.matchAll(/ n: *\d+ pts: *(-?\d+) /g)]
    .map(([, ticks]) => (Number(ticks) * Number(tick[1])) / Number(tick[2]));
  const size = width * rows;
  if (times.length * size !== out.length)
    throw new Error(`${times.length} pictures were decoded and ${out.length / size} came out`);
  return times.map((pts, i) => {
    return { pts, signal: signalOf(out.subarray(i * size, (i + 1) * size)) };
  });
}

// The time in a grey picture of 40 x 30, of which the upper 4 rows are needed; null: none.
export function signalOf(grey) {
  const { width, height, rows } = kGrid;
  const data = Buffer.alloc(4 * width * rows);
  for (let at = 0; at < width * rows; at += 1) data.fill(grey[at], 4 * at, 4 * at + 3);
  const code = readTimecode({ data, width, height: rows }, width, height);
  return code === null ? null : code * kCodeMs;
}

// ---- both

// Time stamps stay those of the file.
async function ffmpeg(file, args) {
  const { out, err } = await run('ffmpeg', ['-hide_banner', '-nostats', '-v', 'info', '-threads',
    '1', '-copyts', '-i', file, ...args, '-'], { keepsErrors: true });
  return [out, err];
}

async function packetTimes(file, stream) {
  const out = await run('ffprobe', ['-v', 'error', '-select_streams', stream, '-of', 'csv=p=0',
    '-show_entries', 'packet=pts_time', file]);
  return out.toString().split('\n').filter(Boolean).map(parseFloat);
}

const kFrameSamples = { mp3: 1152, aac: 1024 };

// Of the sound, in seconds.
async function frameLength(file) {
  const out = await run('ffprobe', ['-v', 'error', '-select_streams', 'a:0', '-of', 'csv=p=0',
    '-show_entries', 'stream=codec_name', file]);
  return kFrameSamples[out.toString().match(/\w+/)[0]] / kRate;
}

// The sound's time in the file for a time in the signal, by the places around it.
export function placer(places) {
  const period = kPeriodMs;
  const kNear = 150; // ms: as far as half a window, and half a step
  let hint = 0;
  return (signal, file) => {
    // Both rise, all but at a shift; so the search goes on where it ended.
    const rest = ({ signal: at, file: when }) => {
      let apart = (signal - at) % period;
      if (apart > period / 2) apart -= period;
      if (apart < -period / 2) apart += period;
      return { apart, when };
    };
    let best = null;
    for (let i = 0; i < places.length; i += 1) {
      const place = places[(hint + i) % places.length];
      if (Math.abs(place.file - file) > 5_000) continue;
      const { apart, when } = rest(place);
      if (Math.abs(apart) > kNear) continue;
      if (best && Math.abs(apart) >= Math.abs(best.apart)) {
        if (i > 4 * (kNear / kStepMs)) break;
        continue;
      }
      best = { apart, when, index: (hint + i) % places.length };
      if (Math.abs(apart) <= kStepMs / 2) break;
    }
    if (!best) return null;
    hint = best.index;
    return best.when + best.apart;
  };
}

// Measures a file whose sound and picture are the time signal:
//   samples   { at, signal, ms }: for each picture when it is first shown, in seconds of the file,
//             in ms of the signal, and by how many ms the sound is later than it
//   audio     { frames, missing, offGrid }, by the time stamps of its packets
//   video     { frames, unread, notRising, holes }; a hole is longer than 1.5 frames
export async function measureSync(file, { fps = 30 } = {}) {
  const [audioTimes, videoTimes] = [await packetTimes(file, 'a:0'), await packetTimes(file, 'v:0')];
  const places = hear(await decodeSound(file));
  const pictures = await see(file);
  const placeOf = placer(places);
  const samples = [];
  let last = null;
  for (const { pts, signal } of pictures) {
    if (signal === null || signal === last) continue;
    last = signal;
    const heard = placeOf(signal, pts * 1000);
    if (heard !== null) samples.push({ at: pts, signal, ms: heard - pts * 1000 });
  }
  const frame = await frameLength(file);
  const kTick = 1.5 / 90_000;
  const audio = { frames: audioTimes.length, missing: 0, offGrid: 0 };
  audioTimes.slice(1).forEach((time, i) => {
    const step = time - audioTimes[i];
    if (Math.abs(step - frame) <= kTick) return;
    audio.offGrid += 1;
    audio.missing += Math.max(0, Math.round(step / frame) - 1);
  });
  const steps = videoTimes.slice(1).map((time, i) => time - videoTimes[i]);
  return {
    samples, audio, places,
    video: { frames: videoTimes.length,
             unread: pictures.filter(({ signal }) => signal === null).length,
             notRising: steps.filter((step) => step <= 0).length,
             holes: steps.filter((step) => step > 1.5 / fps).length },
  };
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1,
  Math.floor(share * sorted.length))];

// { median, p95, count }: p95 is that of the distances from the median.
export function summarize(samples) {
  const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b);
  if (!sorted.length) return { median: null, p95: null, count: 0 };
  const median = quantile(sorted, 0.5);
  const distances = sorted.map((ms) => Math.abs(ms - median)).sort((a, b) => a - b);
  return { median, p95: quantile(distances, 0.95), count: sorted.length };
}
