// SPDX-License-Identifier: LGPL-2.1-or-later
// Measures lip-sync while the time signal is on the air: a beep begins with each whole second, and the time
// code says which picture belongs there. The sound is read from what hls.js hands to the browser, before it is
// heard: neither the loudspeaker nor its delay has a part in it. AAC only, as others are not handed over with
// their times.

const kLoud = 0.15;         // of full scale; the beep has 0.5, what is between beeps 0.001
const kQuietSeconds = 0.03; // in front of an onset, so that it is one
const kFrame = 1024;        // samples of AAC
const kMostLateMs = 300;    // who is worse needs no meter
const kMemory = 9;          // beeps
const kFreshMs = 5_000;

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

// The boxes of ISO/IEC 14496-12 in `bytes`, by a path such as 'moof/traf/tfdt': a view of the first one's
// content, or null.
function box(bytes, path) {
  const [name, ...rest] = path.split('/');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > bytes.length) return null;
    if (String.fromCharCode(...bytes.subarray(at + 4, at + 8)) === name) {
      const content = bytes.subarray(at + 8, at + size);
      return rest.length ? box(content, rest.join('/')) : new DataView(content.buffer, content.byteOffset, content.length);
    }
    at += size;
  }
  return null;
}

// A field behind version and flags, of 32 bits, or of 64 where the version is 1.
const longField = (view, at) =>
  (view.getUint8(0) === 1 ? Number(view.getBigUint64(at)) : view.getUint32(at));

// Where a beep begins, as a sample's number from `from` on; -1 if none does.
function onsetIn(samples, rate, from) {
  const quiet = kQuietSeconds * rate;
  for (let i = 0, last = -quiet; i < samples.length; ++i) {
    if (Math.abs(samples[i]) < kLoud) continue;
    if (i >= from && i - last > quiet) return i;
    last = i;
  }
  return -1;
}

const joined = (arrays) => {
  const all = new Uint8Array(arrays.reduce((size, { length }) => size + length, 0));
  arrays.reduce((at, array) => { all.set(array, at); return at + array.length; }, 0);
  return all;
};

export class LipSyncMeter {
  #readings = [];
  #init = null;
  #scale = 0;      // of its times, in a second
  #former = null;  // what was handed over last
  #picture;

  // `picture()`: what DelayMeter has read last, or null.
  constructor(picture) {
    this.#picture = picture;
  }

  // Null unless a time signal is on the air, and its sound could be read.
  get latest() {
    const last = this.#readings.at(-1);
    if (!last || Date.now() - last.at > kFreshMs) return null;
    return { soundLateMs: median(this.#readings.map(({ late }) => late)), lastMs: last.late,
             beeps: this.#readings.length };
  }

  follow(hls) {
    hls.on(globalThis.Hls.Events.BUFFER_APPENDING, (_, { type, data }) => {
      if (type === 'audio') this.take(data);
    });
  }

  // One fragment, or the init segment, as they come in a row. What cannot be read is not measured.
  async take(data) {
    try {
      await this.#read(data);
    } catch {
      this.#former = null;
    }
  }

  async #read(data) {
    const header = box(data, 'moov/trak/mdia/mdhd');
    if (header) {
      this.#init = data.slice();
      this.#scale = header.getUint32(header.getUint8(0) === 1 ? 20 : 12);
      this.#former = null;
      return;
    }
    const time = box(data, 'moof/traf/tfdt');
    const frames = box(data, 'moof/traf/trun')?.getUint32(4);
    const picture = this.#picture();
    if (!time || !frames || !picture || !this.#init) return;
    const start = longField(time, 4) / this.#scale;
    const end = start + frames * kFrame / this.#scale;
    const former = this.#former;
    this.#former = { start, end, data: data.slice() };
    // A decoder needs the frame before to begin with, and an onset the silence.
    if (!former || Math.abs(former.end - start) > kFrame / this.#scale / 2) return;
    // When what is at these seconds of the film was drawn, by the clock of the time signal.
    const drawnAt = Math.trunc(picture.at) - picture.lastMs;
    const wallAt = (seconds) => drawnAt + (seconds - picture.mediaTime) * 1000;
    const secondOf = (wall) => Math.floor(wall / 1000);
    if (secondOf(wallAt(start) - kMostLateMs) === secondOf(wallAt(end) + kMostLateMs)) return; // no second begins here
    const decoder = new OfflineAudioContext(1, 1, 48_000);
    const sound = await decoder.decodeAudioData(joined([this.#init, former.data, data]).buffer);
    const rate = sound.sampleRate;
    const onset = onsetIn(sound.getChannelData(0), rate, (start - former.start) * rate);
    if (onset < 0) return;
    const wall = wallAt(former.start + onset / rate);
    const late = wall - Math.round(wall / 1000) * 1000;
    this.#readings.push({ late, at: Date.now() });
    if (this.#readings.length > kMemory) this.#readings.shift();
  }
}
