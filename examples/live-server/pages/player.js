// SPDX-License-Identifier: LGPL-2.1-or-later
// Plays one live HLS playlist in a <video>, close to the live edge, and repairs what it can. What
// it cannot repair it hands back as "lost", and its owner begins afresh.

import { LiveEdge } from './live-edge.js';
import { mp3PartsController } from './mp3-parts.js';

const hlsConfig = (Hls) => ({
  ...LiveEdge.config,
  bufferController: mp3PartsController(Hls),
  // No backBufferLength: what has been seen is removed by the browser when its buffer is full. hls.js 1.7 that
  // removes while it parses a part takes the part for empty ("Found no media"), and waits for 4 s.
  liveDurationInfinity: true,
});

const kRetryMs = 1_000;
const kRepairsBeforeLost = 4;
const kSeriesMs = 20_000;  // repairs further apart than this are unrelated

export class Player {
  #video;
  #on;
  #repairs = [];
  #retry = 0;
  #edge = null;
  #isFinite = false;
  #onVideoError = () => this.#nativeError();

  hls = null;
  errors = [];  // all that went wrong, repaired or not

  // `on.ready()`: play, with sound or without, which is the owner's policy. `on.trouble()`: a hitch
  // that may mean that the broadcast is over. `on.lost(words)`: beyond repair.
  constructor(video, on) {
    this.#video = video;
    this.#on = on;
  }

  static isPossible(video) {
    return Boolean(globalThis.Hls?.isSupported() || playsNatively(video));
  }

  // The playlist says that nothing more will come.
  get isFinite() {
    return this.hls ? this.#isFinite : Number.isFinite(this.#video.duration);
  }

  // Seconds behind the newest moment that could be played, by the player's own account.
  get latency() {
    if (this.hls) return this.hls.latency || null;
    const { seekable, currentTime } = this.#video;
    return seekable.length ? seekable.end(seekable.length - 1) - currentTime : null;
  }

  // What that should be.
  get target() { return this.#edge?.target ?? null; }

  // When this moment was recorded, by the clock of the live server.
  get playingDate() {
    if (this.hls) return this.hls.playingDate;
    const start = this.#video.getStartDate?.();
    return start && !Number.isNaN(start.getTime())
      ? new Date(start.getTime() + this.#video.currentTime * 1000) : null;
  }

  // hls.js goes first even where the browser plays HLS itself: native players stay further behind
  // the live edge, and Chromium's gives up at the first backward audio timestamp.
  start(url) {
    if (globalThis.Hls?.isSupported()) this.#startHls(url);
    else this.#startNative(url);
  }

  stop() {
    clearTimeout(this.#retry);
    this.#edge?.stop();
    this.hls?.destroy();
    this.hls = null;
    this.#video.removeEventListener('error', this.#onVideoError);
    this.#video.removeAttribute('src');
    this.#video.load();  // without it the last picture and its buffers stay
  }

  #startHls(url) {
    const { Hls } = globalThis;
    const hls = this.hls = new Hls(hlsConfig(Hls));
    this.#edge = new LiveEdge(this.#video, hls);
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#on.ready());
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => { this.#isFinite = !details.live; });
    hls.on(Hls.Events.ERROR, (_, data) => this.#hlsError(data));
    hls.attachMedia(this.#video);
    hls.loadSource(url);
  }

  #hlsError({ type, details, fatal, error, response }) {
    this.#record({ type, details, fatal, status: response?.code, message: error?.message });
    this.#on.trouble();
    if (!fatal) return;  // hls.js deals with it
    const { ErrorTypes, ErrorDetails } = globalThis.Hls;
    const hasPlaylist = this.hls.levels?.length > 0;
    if (!hasPlaylist || details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR) {
      this.#on.lost('The playlist is not there yet.');
    } else if (details === ErrorDetails.KEY_LOAD_ERROR) {
      this.#on.lost('The key was refused: not everybody may watch this.');
    } else if (!this.#mayRepair()) {
      this.#on.lost('The player could not go on.');
    } else if (type === ErrorTypes.NETWORK_ERROR) {
      this.#retry = setTimeout(() => this.hls?.startLoad(), kRetryMs);
    } else if (type === ErrorTypes.MEDIA_ERROR) {
      this.hls.recoverMediaError();
      this.#on.ready();
    } else {
      this.#on.lost('The player could not go on.');
    }
  }

  #startNative(url) {
    this.#video.addEventListener('error', this.#onVideoError);
    this.#video.src = url;
    this.#on.ready();
  }

  #nativeError() {
    const { code, message } = this.#video.error ?? {};
    this.#record({ type: 'native', details: `MediaError ${code}`, fatal: true, message });
    this.#on.lost('The player could not go on.');
  }

  #mayRepair() {
    const now = performance.now();
    this.#repairs = this.#repairs.filter((at) => now - at < kSeriesMs);
    return this.#repairs.push(now) <= kRepairsBeforeLost;
  }

  #record(error) {
    this.errors.push({ at: Date.now(), ...error });
    if (this.errors.length > 100) this.errors.shift();
  }
}

const playsNatively = (video) => Boolean(video.canPlayType('application/vnd.apple.mpegurl'));
