// SPDX-License-Identifier: LGPL-2.1-or-later
// A sound of which each 10 ms are known: tones in a pseudo-random order. Where packets were lost,
// concealment goes on with the tone of before, and silence has none, so both show, to the symbol;
// and what was left out or put in shows as a shift against what was published.
import { run } from './process.mjs';

const kSymbolMs = 10; // half an Opus frame: a lost one covers at least one symbol entirely
const kTones = [600, 900, 1200, 1500, 1800, 2100, 2400, 2700]; // Hz; 10 ms tell 100 Hz apart
const kSymbols = 4096; // then it begins again: 41 s, longer than any shift
const kLevel = 0.3;

// No tone follows itself, or concealment would be right by chance.
const symbols = (() => {
  const order = [0];
  for (let state = 1; order.length < kSymbols;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const step = 1 + ((state >>> 16) % (kTones.length - 1));
    const next = (order.at(-1) + step) % kTones.length;
    if (order.length < kSymbols - 1 || next !== order[0]) order.push(next);
  }
  return order;
})();

const frequencies = symbols.map((tone) => kTones[tone]);

// Runs here and in the page: it must see nothing but its arguments.
export function synthesize(samples, rate, { frequencies, symbolMs, level }) {
  const length = (rate * symbolMs) / 1000;
  let phase = 0;
  for (let i = 0; i < samples.length; i += 1) {
    samples[i] = level * Math.sin(phase);
    phase += (2 * Math.PI * frequencies[Math.floor(i / length) % frequencies.length]) / rate;
  }
  return samples;
}

export const pattern = { frequencies, symbolMs: kSymbolMs, level: kLevel };

// The beginning of the sound, as samples from -1 to 1.
export const soundFor = (seconds, rate) =>
  synthesize(new Float32Array(seconds * rate), rate, pattern);

// Runs in the page, before the page's own scripts.
function sendInstead(fill, sound) {
  const sent = { connections: [], soundBegan: 0 };
  window.sent = sent;
  function makeTrack() {
    const sampleRate = 48_000;
    const audio = new AudioContext({ sampleRate });
    const length = (sampleRate * sound.frequencies.length * sound.symbolMs) / 1000;
    const buffer = new AudioBuffer({ length, sampleRate });
    fill(buffer.getChannelData(0), sampleRate, sound);
    const output = new MediaStreamAudioDestinationNode(audio, { channelCount: 1 });
    const source = new AudioBufferSourceNode(audio, { buffer, loop: true });
    source.connect(output);
    audio.resume().then(() => {
      const begin = audio.currentTime + 0.05;
      source.start(begin);
      sent.soundBegan = Date.now() + (begin - audio.currentTime) * 1000;
    });
    return output.stream.getAudioTracks()[0];
  }
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function addTransceiver(track, init) {
    if (!sent.connections.includes(this)) sent.connections.push(this);
    return add.call(this, track.kind === 'audio' ? makeTrack() : track, init);
  };
}

// From now on each page of the context sends this sound instead of its own, and has its peer
// connections in `sent.connections`, and in `sent.soundBegan` the wall time of the first sample.
export function publishPattern(context) {
  return context.addInitScript({
    content: `(${sendInstead})(${synthesize}, ${JSON.stringify(pattern)});`,
  });
}

const kRate = 16_000;
const kPerMs = kRate / 1000;
const kNone = -1; // no tone: silence

async function tonesOf(file) {
  const out = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:a:0', '-ac', '1', '-ar',
    String(kRate), '-f', 's16le', '-']);
  return tonesIn(new Int16Array(out.buffer, out.byteOffset, Math.floor(out.length / 2)));
}

// What is heard around each millisecond of samples of 16 kHz: the loudest tone, and the share that
// each tone has of the power.
export function tonesIn(samples) {
  const window = kSymbolMs * kPerMs;
  const coefficients = kTones.map((hz) => 2 * Math.cos((2 * Math.PI * hz) / kRate));
  const length = Math.floor(samples.length / kPerMs);
  const loudest = new Int8Array(length).fill(kNone);
  const shares = new Float32Array(length * kTones.length);
  // A tone at its level makes so much; a tenth of it is silence.
  const least = ((kLevel * 32_768 * window) / 2 / 10) ** 2;
  for (let ms = kSymbolMs / 2; ms + kSymbolMs / 2 <= length; ms += 1) {
    const from = (ms - kSymbolMs / 2) * kPerMs;
    const powers = coefficients.map((coefficient) => { // Goertzel's filter
      let s1 = 0;
      let s2 = 0;
      for (let i = from; i < from + window; i += 1) {
        const s0 = samples[i] + coefficient * s1 - s2;
        s2 = s1;
        s1 = s0;
      }
      return s1 * s1 + s2 * s2 - coefficient * s1 * s2;
    });
    const most = Math.max(...powers);
    if (most < least) continue;
    loudest[ms] = powers.indexOf(most);
    const total = powers.reduce((sum, power) => sum + power, 0);
    powers.forEach((power, tone) => { shares[ms * kTones.length + tone] = power / total; });
  }
  return { length, loudest, shares };
}

export const kPeriodMs = kSymbols * kSymbolMs;
const modulo = (value, by) => ((value % by) + by) % by;

// What is heard at `at`, if the sound is there `lag` ms after it was published.
const expectedAt = (at, lag) => symbols[Math.floor(modulo(at - lag, kPeriodMs) / kSymbolMs)];

// The first middle of a symbol from there on.
const firstMiddle = (from, lag) => from + modulo(lag + kSymbolMs / 2 - from, kSymbolMs);

// How well a stretch agrees with what was published, 0 to 1: sharp, as each millisecond of a wrong
// lag takes a tenth of each tone.
function agreement(tones, from, to, lag) {
  let sum = 0;
  let count = 0;
  for (let at = firstMiddle(from, lag); at < to && at < tones.length; at += kSymbolMs) {
    sum += tones.shares[at * kTones.length + expectedAt(at, lag)];
    count += 1;
  }
  return count ? sum / count : 0;
}

function bestLag(tones, from, to, first, last) {
  let best = { lag: first, agreement: -1 };
  for (let lag = first; lag <= last; lag += 1) {
    const found = agreement(tones, from, to, lag);
    if (found > best.agreement) best = { lag, agreement: found };
  }
  return best;
}

const kStretchMs = 200; // the sound's place in time is looked for in stretches of this length
const kSureEnough = 0.6; // of 20 symbols, one in eight of which agrees by chance
const kLeastShiftMs = 3; // less is within the error of the measurement

// The lag of a stretch, in whole ms, or null where nothing fits; `last` is where to look first.
export function lagOf(tones, from, to, last) {
  if (last !== null) {
    const same = agreement(tones, from, to, last);
    for (const reach of [2 * kSymbolMs, 40 * kSymbolMs]) {
      const near = bestLag(tones, from, to, last - reach, last + reach);
      if (near.agreement < kSureEnough) continue;
      const isShift = Math.abs(near.lag - last) >= kLeastShiftMs && near.agreement > same + 0.1;
      return isShift ? near.lag : last;
    }
  }
  const any = bestLag(tones, from, to, 0, kPeriodMs - 1);
  if (any.agreement < kSureEnough) return null;
  // Of the periods, the one nearest to where it was.
  const origin = last ?? 0;
  return origin + modulo(any.lag - origin + kPeriodMs / 2, kPeriodMs) - kPeriodMs / 2;
}

// Where in the stretch the old lag ends and the new one begins.
function splitOf(tones, from, to, old, lag) {
  let best = { at: from, right: -1 };
  for (let at = from; at <= to; at += kSymbolMs) {
    const right = agreement(tones, from, at, old) * (at - from) +
                  agreement(tones, at, to, lag) * (to - at);
    if (right > best.right) best = { at, right };
  }
  return best.at;
}

// Listens to the file and compares it with what was published: { symbols, shifts }. Each symbol has
// `published`, in ms since the sound began, and `state`: 'right' | 'wrong' | 'silent'. Each shift
// has `published`, and `ms`: positive where something was put in, negative where it was left out.
export async function listen(file) {
  const tones = await tonesOf(file);
  const result = { symbols: [], shifts: [] };
  const judge = (from, to, lag) => {
    for (let at = firstMiddle(from, lag); at < to; at += kSymbolMs) {
      const tone = tones.loudest[at];
      const state = tone === kNone ? 'silent' : tone === expectedAt(at, lag) ? 'right' : 'wrong';
      result.symbols.push({ published: at - lag, state });
    }
  };
  let lag = null;
  for (let from = 0; from + kStretchMs <= tones.length; from += kStretchMs) {
    const to = from + kStretchMs;
    const found = lagOf(tones, from, to, lag) ?? lag;
    if (found === null) continue;
    if (lag === null || found === lag) {
      lag = found;
      judge(from, to, lag);
      continue;
    }
    const split = splitOf(tones, from, to, lag, found);
    judge(from, split, lag);
    // Sharper, without what was before it.
    const about = kSymbolMs / 2;
    const { lag: next } = bestLag(tones, split, to + kStretchMs, found - about, found + about);
    result.shifts.push({ published: split - next, ms: next - lag });
    lag = next;
    judge(split, to, lag);
  }
  return result;
}
