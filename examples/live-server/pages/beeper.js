// SPDX-License-Identifier: LGPL-2.1-or-later
// The audible half of the time signal: 100 ms of 1000 Hz from each whole second of the wall clock.

const kBeepHz = 1000;
const kBeepSeconds = 0.1;
const kRampSeconds = 0.001;  // shorter clicks all over the spectrum, longer blurs the onset
const kBeepLevel = 0.5;      // -6 dBFS: room for the overshoot of codecs

// Between beeps a faint tone goes on, at -60 dBFS. Then digital silence means that sound was lost,
// and a hole in the tone shows where.
const kFloorHz = 440;
const kFloorLevel = 0.001;

const kLookaheadMs = 500;    // beeps are safe with the audio thread this long before they sound
const kLooksToTrust = 30;    // one of these is near the edge of a burst; the first may be 10 ms off
const kWindowMs = 5_000;     // at 100 ppm the two clocks part by half a millisecond in this time

// Maps wall time onto AudioContext.currentTime. The context's clock is the sound card's, so it
// drifts, and it advances in bursts of a hardware buffer, as samples are rendered. The stream takes
// the samples as they are rendered, so of the many offsets seen, the smallest (the sound furthest
// ahead, just after a burst) is the one at which a sample leaves. getOutputTimestamp() would be the
// wrong tool: it tells when a sample is *heard* from the loudspeaker, up to 200 ms later over
// Bluetooth, and our sound never goes there. Of the window, only the minimum matters, so a stalled
// context or a clock that was set forward is forgotten in five seconds, and nothing adds up.
class ClockMap {
  #seen = [];  // offsets that may still become the minimum: rising, and so the first is it
  #looks = 0;

  observe(wallMs, contextSeconds) {
    const offset = wallMs - contextSeconds * 1000;
    ++this.#looks;
    while (this.#seen.length && this.#seen.at(-1).offset >= offset) this.#seen.pop();
    this.#seen.push({ offset, wallMs });
    while (this.#seen[0].wallMs < wallMs - kWindowMs) this.#seen.shift();
  }

  get isReliable() { return this.#looks >= kLooksToTrust; }

  toContextSeconds(wallMs) {
    return (wallMs - this.#seen[0].offset) / 1000;
  }
}

export class Beeper {
  #context = new AudioContext({ sampleRate: 48000, latencyHint: 'interactive' });
  #output = new MediaStreamAudioDestinationNode(this.#context, { channelCount: 1 });
  #floor = new OscillatorNode(this.#context, { frequency: kFloorHz });
  #beep = makeBeep(this.#context);
  #map = new ClockMap();
  #lastSecond = 0;

  constructor() {
    this.#floor.connect(new GainNode(this.#context, { gain: kFloorLevel })).connect(this.#output);
    this.#floor.start();
  }

  get track() { return this.#output.stream.getAudioTracks()[0]; }

  // Browsers hold sound back until the page has been touched.
  get isHeldBack() { return this.#context.state === 'suspended'; }

  // Does not wait: without a touch, the promise of resume() stays pending for ever.
  resume() {
    this.#context.resume().catch(() => {});
  }

  // To be called often; each call improves the map and schedules the beep that is due.
  tick() {
    if (this.#context.state !== 'running') return;
    const now = this.#observe();
    // Ticks of 33.3 ms meet bursts of 10 ms at the same three phases for ever; one more look at a
    // random phase finds their edge.
    setTimeout(() => this.#observe(), Math.random() * 30);
    const second = Math.ceil(now / 1000) * 1000;
    if (second === this.#lastSecond || second - now > kLookaheadMs) return;
    if (!this.#map.isReliable) return;
    this.#lastSecond = second;
    const when = this.#map.toContextSeconds(second);
    if (when < this.#context.currentTime) return;  // too late: no beep is better than a wrong one
    const source = new AudioBufferSourceNode(this.#context, { buffer: this.#beep });
    source.connect(this.#output);
    source.start(when);
  }

  #observe() {
    const now = Date.now();
    if (this.#context.state === 'running') this.#map.observe(now, this.#context.currentTime);
    return now;
  }

  async close() {
    this.#floor.stop();
    this.track.stop();
    await this.#context.close();
  }
}

function makeBeep(context) {
  const rate = context.sampleRate;
  const buffer = new AudioBuffer({ length: kBeepSeconds * rate, sampleRate: rate });
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; ++i) {
    const fromEdge = Math.min(i, samples.length - i) / rate;
    const ramp = Math.min(1, fromEdge / kRampSeconds);
    samples[i] = kBeepLevel * ramp * Math.sin(2 * Math.PI * kBeepHz * i / rate);
  }
  return buffer;
}
