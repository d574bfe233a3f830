// SPDX-License-Identifier: LGPL-2.1-or-later
// Keeps hls.js at its distance from the live edge. Its own catching up needs a second in the buffer, and
// where parts are held back for two thirds of one there never is: whoever starts half a second late stays so.

const kEveryMs = 250;
const kFaster = 1.1;
const kSlower = 0.95;
// Seconds. A change of the rate can be heard, so it begins late and goes on for a while.
const kBegin = 0.08;
const kEnd = 0.02;
// Each stall is answered with so much more distance, which is tried without again after a while.
const kPerStall = 0.15;
const kMostForStalls = 0.9;
const kForgivenessMs = 60_000;

export class LiveEdge {
  #video;
  #hls;
  #timer = setInterval(() => this.#look(), kEveryMs);
  #forStalls = 0;
  #stalledAt = 0;

  constructor(video, hls) {
    this.#video = video;
    this.#hls = hls;
    // From six segments behind on it jumps. A constructor would take this only with a distance of ours.
    hls.config.liveMaxLatencyDurationCount = 6;
    const { Events, ErrorDetails } = globalThis.Hls;
    hls.on(Events.ERROR, (_, { details }) => {
      if (details === ErrorDetails.BUFFER_STALLED_ERROR) this.#onStall();
    });
  }

  // Of hls.js: the rate is ours. A last part shorter than the tolerance (0.25 s by default) is taken for there
  // already, and the segment goes on without it.
  static config = { lowLatencyMode: true, maxLiveSyncPlaybackRate: 1, liveSyncOnStallIncrease: 0,
                    maxFragLookUpTolerance: 0.02 };

  // Seconds behind the edge; null before the playlist is known. With parts half a part more than the server
  // asks for: what is left when a part has just been missed is for the browser's own hiccups. Without parts two
  // segments, where the usual three cost a segment of delay: each is short, and the one being loaded is due
  // before the one being played is over.
  get target() {
    const details = this.#hls.latestLevelDetails;
    if (!details) return null;
    const { partHoldBack, partTarget, targetduration } = details;
    return (partHoldBack ? partHoldBack + partTarget / 2 : 2 * targetduration) + this.#forStalls;
  }

  stop() {
    clearInterval(this.#timer);
    this.#video.playbackRate = 1;
  }

  #onStall() {
    this.#forStalls = Math.min(this.#forStalls + kPerStall, kMostForStalls);
    this.#stalledAt = performance.now();
  }

  #look() {
    const video = this.#video;
    const { target } = this;
    if (target === null || !this.#hls.latestLevelDetails.live || video.paused || video.seeking) return;
    if (performance.now() - this.#stalledAt > kForgivenessMs) {
      this.#forStalls = Math.max(0, this.#forStalls - kPerStall);
      this.#stalledAt = performance.now();
    }
    const late = this.#hls.latency - target;
    const rate = video.playbackRate;
    const isOn = rate > 1 ? late > kEnd : rate < 1 ? late < -kEnd : Math.abs(late) > kBegin;
    const wanted = !isOn ? 1 : late > 0 ? this.#hasEnough() ? kFaster : 1 : kSlower;
    if (wanted !== rate) video.playbackRate = wanted;
  }

  // To play faster than it comes.
  #hasEnough() {
    const { buffered, currentTime } = this.#video;
    const { partTarget, targetduration } = this.#hls.latestLevelDetails;
    const end = buffered.length ? buffered.end(buffered.length - 1) : currentTime;
    return end - currentTime > (partTarget || targetduration) / 2;
  }
}
