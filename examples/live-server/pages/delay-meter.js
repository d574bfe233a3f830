// SPDX-License-Identifier: LGPL-2.1-or-later
// Measures glass-to-glass delay: reads the time code in the frame that is on the screen, and
// compares it with the clock at the moment of its display.

import { kTimecodeHeight, readTimecode, timecodeAge } from './timecode.js';

// The frame is shrunk until a cell is 8 pixels: plenty for a threshold, and cheap to read back.
const kWidth = 160;
const kHeight = 120;

const kEveryMs = 200;
const kMemory = 9;         // readings; the median of two seconds hides the grid of frame times
const kFreshMs = 3_000;
const kToleranceMs = 250;  // a false code would have to advance just as the film does

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

export class DelayMeter {
  #video;
  #context;
  #readings = [];
  #lastLook = 0;
  #isBlind = !('requestVideoFrameCallback' in HTMLVideoElement.prototype);

  samples = 0;

  constructor(video) {
    this.#video = video;
    const canvas = Object.assign(document.createElement('canvas'), {
      width: kWidth,
      height: kHeight * kTimecodeHeight,
    });
    this.#context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
    if (!this.#isBlind) this.#watch();
  }

  // Null unless a time signal is on the air.
  get latest() {
    const last = this.#readings.at(-1);
    if (this.#readings.length < 2 || Date.now() - last.at > kFreshMs) return null;
    return {
      latencyMs: median(this.#readings.map(({ age }) => age)),
      lastMs: last.age,
      code: last.code,
      mediaTime: last.mediaTime,
      at: last.at,
      samples: this.samples,
    };
  }

  #watch() {
    this.#video.requestVideoFrameCallback((now, frame) => {
      if (now - this.#lastLook >= kEveryMs) {
        this.#lastLook = now;
        this.#look(frame);
      }
      if (!this.#isBlind) this.#watch();
    });
  }

  #look({ width, height, mediaTime, expectedDisplayTime }) {
    const code = this.#read(width, height);
    if (code === null) return;
    const at = Date.now() + expectedDisplayTime - performance.now();
    const last = this.#readings.at(-1);
    // Once in 256 pictures without a code the CRC fits by chance. Real codes advance with the film.
    if (last) {
      const advance = timecodeAge(last.code, code);
      const film = (mediaTime - last.mediaTime) * 1000;
      if (Math.abs(advance - film) > kToleranceMs) this.#readings = [];
    }
    this.#readings.push({ code, mediaTime, at, age: timecodeAge(code, at) });
    if (this.#readings.length > kMemory) this.#readings.shift();
    ++this.samples;
  }

  #read(width, height) {
    const rows = kHeight * kTimecodeHeight;
    try {
      this.#context.drawImage(
        this.#video, 0, 0, width, height * kTimecodeHeight, 0, 0, kWidth, rows);
      return readTimecode(this.#context, kWidth, kHeight);
    } catch (error) {
      // A film from another origin may be shown but not read; then there is nothing to measure.
      this.#isBlind = error.name === 'SecurityError';
      return null;
    }
  }
}
