// SPDX-License-Identifier: LGPL-2.1-or-later
// A time signal: a picture of the clock with a flash, a hand and a machine-readable time code, and
// a beep on each second. Seen on both sides of a broadcast it shows delay and lip-sync at a glance.

import { Beeper } from './beeper.js';
import { drawTimecode, kTimecodeHeight } from './timecode.js';

export { readTimecode, timecodeAge } from './timecode.js';

const kFlashMs = 100;  // as long as the beep
const kFlashLeft = 0.8;
const kInk = '#f4f4f0';
const kPaper = '#12161c';
const kFaint = '#5c6672';
const kAccent = '#ff5a70';
const kDigits = 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace';

export function drawTimeSignal(context, width, height, ms, note = '') {
  const intoSecond = ms % 1000;
  const [date, time] = new Date(ms).toISOString().slice(0, -1).split('T');
  context.fillStyle = kPaper;
  context.fillRect(0, 0, width, height);
  drawTimecode(context, width, height, ms);

  const top = Math.round(height * kTimecodeHeight);
  context.fillStyle = intoSecond < kFlashMs ? '#fff' : '#000';
  context.fillRect(Math.round(width * kFlashLeft), top, width, height - top);

  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillStyle = kInk;
  context.font = `bold ${width * 0.1}px ${kDigits}`;
  context.fillText(time, width * 0.035, height * 0.31);

  drawHand(context, width * 0.2, height * 0.7, height * 0.225, intoSecond / 1000);

  context.fillStyle = kInk;
  context.font = `bold ${width * 0.034}px ${kDigits}`;
  context.fillText(`${date} UTC`, width * 0.4, height * 0.62);
  context.fillStyle = kFaint;
  context.font = `${width * 0.022}px ${kDigits}`;
  context.fillText('gst-onair time signal', width * 0.4, height * 0.72);
  context.fillText(note, width * 0.4, height * 0.78);
}

// One turn a second, so that a delay of a tenth can be read off two screens side by side.
function drawHand(context, x, y, radius, turn) {
  const at = (angle, distance) =>
    [x + Math.sin(angle) * distance * radius, y - Math.cos(angle) * distance * radius];
  const line = (angle, from, to) => {
    context.beginPath();
    context.moveTo(...at(angle, from));
    context.lineTo(...at(angle, to));
    context.stroke();
  };
  context.lineCap = 'round';
  context.strokeStyle = kFaint;
  context.lineWidth = radius * 0.04;
  for (let tenth = 0; tenth < 10; ++tenth) line(tenth / 5 * Math.PI, tenth ? 0.88 : 0.74, 1);
  context.strokeStyle = kAccent;
  context.lineWidth = radius * 0.08;
  line(turn * 2 * Math.PI, -0.15, 0.82);
}

// Frames of captureStream() leave when the page is rendered, requestFrame() or not, and a hidden
// page hardly is: Chromium then delivered 20 of 30 a second. Where frames can be handed to a track
// directly, all 30 get through.
function makeVideoTrack(canvas) {
  if (typeof MediaStreamTrackGenerator === 'undefined' || typeof VideoFrame === 'undefined') {
    const [track] = canvas.captureStream(0).getVideoTracks();  // 0: a frame when asked, no other
    return { track, push: () => track.requestFrame() };
  }
  const track = new MediaStreamTrackGenerator({ kind: 'video' });
  const writer = track.writable.getWriter();
  return {
    track,
    push: () => {
      if (writer.desiredSize <= 0) return;  // the consumer is behind: skip, do not queue
      const frame = new VideoFrame(canvas, { timestamp: Math.round(performance.now() * 1000) });
      writer.write(frame).catch(() => frame.close());
    },
  };
}

export class TimeSignal {
  #ticker;
  #beeper = null;
  #push;

  stream = new MediaStream();
  frames = 0;

  constructor({ width = 1280, height = 720, fps = 30 } = {}) {
    this.canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = this.canvas.getContext('2d', { alpha: false });
    const { track, push } = makeVideoTrack(this.canvas);
    track.contentHint = 'motion';  // the hand must move; text hints trade frames for sharpness
    this.stream.addTrack(track);
    this.#push = push;
    const note = `${width}x${height}, ${fps} frames/s`;
    this.#ticker = new Worker(new URL('./ticker-worker.js', import.meta.url));
    this.#ticker.onmessage = () => {
      drawTimeSignal(context, width, height, Date.now(), note);
      this.#push();
      this.#beeper?.tick();
      ++this.frames;
    };
    this.#ticker.postMessage({ fps });
  }

  // Best called while handling a click, as browsers allow sound only then; see `isMute`.
  addSound() {
    if (!this.#beeper) {
      this.#beeper = new Beeper();
      this.stream.addTrack(this.#beeper.track);
    }
    this.#beeper.resume();
  }

  get isMute() { return this.#beeper?.isHeldBack ?? false; }

  async stop() {
    this.#ticker.terminate();
    this.stream.getTracks().forEach((track) => track.stop());
    await this.#beeper?.close();
    this.#beeper = null;
  }
}
