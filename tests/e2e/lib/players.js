// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs in a page: as many players beside one another as a test wants, each of which tells what it shows.
//   players.add(name, { kind, url, config })   kind: hls.js, watch (that of the watch page), native
//   players.setLevel(name, property, level)    of hls.js; see Watched.setLevel()
//   players.report(name)                       what has happened since; see Watched.report()
import { Player } from '/assets/player.js';
import { readTimecode } from '/assets/timecode.js';

const kWidth = 160; // a cell of the code is 8 pixels wide
const kHeight = 120;
const kRows = kHeight * 2 / 15;
const kLookMs = 90;

class Watched {
  errors = [];
  stalls = [];   // when the picture began to wait for data
  readings = []; // of the pictures: { at, code, mediaTime }, at in ms of the wall clock
  edges = [];    // what the player says of its distance from the live edge, in seconds
  #video = document.createElement('video');
  #canvas = new OffscreenCanvas(kWidth, kRows).getContext('2d', { willReadFrequently: true });
  #lastLook = 0;
  #hls = null;
  #startedAt = null; // by the wall clock
  #rates = new Set();

  constructor({ kind, url, config }) {
    const video = this.#video;
    Object.assign(video, { muted: true, playsInline: true, crossOrigin: 'anonymous', width: 160 });
    document.body.append(video);
    video.addEventListener('playing', () => { this.#startedAt ??= Date.now(); });
    video.addEventListener('waiting', () => {
      if (this.#startedAt !== null && !video.seeking) this.stalls.push(Date.now());
    });
    video.addEventListener('ratechange', () => this.#rates.add(video.playbackRate));
    video.addEventListener('error', () => {
      this.errors.push({ fatal: true, details: `MediaError ${video.error?.code}`,
                         message: video.error?.message });
    });
    this[{ 'hls.js': 'startHls', watch: 'startWatch', native: 'startNative' }[kind]](url, config);
    this.#follow();
  }

  startHls(url, config) {
    const { Hls } = globalThis;
    const hls = this.#hls = new Hls(config);
    hls.on(Hls.Events.ERROR, (_, { details, fatal, error, response }) => this.errors.push(
      { at: Date.now(), details, fatal, message: error?.message, status: response?.code }));
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#video.play());
    hls.attachMedia(this.#video);
    hls.loadSource(url);
  }

  startWatch(url) {
    const player = new Player(this.#video, {
      ready: () => this.#video.play(), trouble: () => {},
      lost: (words) => this.errors.push({ fatal: true, details: words }),
    });
    player.start(url);
    this.#hls = player.hls;
    this.errors = player.errors;
  }

  startNative(url) {
    this.#video.src = url;
    this.#video.play().catch((error) => this.errors.push({ fatal: true, details: String(error) }));
  }

  #follow() {
    this.#video.requestVideoFrameCallback((now, { expectedDisplayTime, mediaTime }) => {
      if (now - this.#lastLook >= kLookMs) {
        this.#lastLook = now;
        const at = Date.now() + expectedDisplayTime - performance.now();
        this.readings.push({ at, mediaTime, code: this.#read() });
        if (this.#hls?.latency) this.edges.push(this.#hls.latency);
      }
      this.#follow();
    });
  }

  #read() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    this.#canvas.drawImage(this.#video, 0, 0, width, height * 2 / 15, 0, 0, kWidth, kRows);
    return readTimecode(this.#canvas, kWidth, kHeight);
  }

  // `which` of hls.js's levels; `property`: loadLevel, nextLevel, currentLevel.
  setLevel(property, which) {
    this.#hls[property] = which;
  }

  report() {
    const video = this.#video;
    const { totalVideoFrames: frames, droppedVideoFrames: dropped } = video.getVideoPlaybackQuality();
    const { buffered } = video;
    return {
      errors: this.errors, stalls: this.stalls, readings: this.readings, edges: this.edges,
      startedAt: this.#startedAt, time: video.currentTime, frames, dropped, at: Date.now(),
      ahead: buffered.length ? buffered.end(buffered.length - 1) - video.currentTime : 0,
      rates: [...this.#rates],
      size: [video.videoWidth, video.videoHeight],
      levels: this.#hls?.levels?.map(({ width, height, bitrate }) => ({ width, height, bitrate })) ?? [],
      target: this.#hls?.targetLatency ?? null,
      date: this.#hls?.playingDate?.getTime() ?? null,
    };
  }
}

const all = new Map();
window.players = {
  add: (name, options) => { all.set(name, new Watched(options)); },
  setLevel: (name, property, level) => { all.get(name).setLevel(property, level); },
  report: (name) => all.get(name).report(),
};
