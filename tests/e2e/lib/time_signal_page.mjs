// SPDX-License-Identifier: LGPL-2.1-or-later
// Publishes the time signal of time_signal.mjs from a page, by the live server's own WHIP client.
import { kCodeMs } from './time_signal.mjs';
import { pattern, synthesize } from './sound_pattern.mjs';

// Runs in the page, and leaves there `signal`:
//   state                                       that of the WhipClient
//   setSound(isOn), setPicture(isOn)            as the buttons of the publish page do
//   useCamera({ width, height })                another camera on the same sender
//   take(kind), giveBack(kind)                  a device is unplugged, and back: no packets meanwhile
//   now()                                       ms of the signal
//   stalls                                      { at, ms } where the sound stalled
async function publish({ fill, sound, codeMs, endpoint, token, size, fps }) {
  const { WhipClient } = await import('/assets/whip.js');
  const { drawTimecode } = await import('/assets/timecode.js');
  const connections = [];
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function addTransceiver(...args) {
    if (!connections.includes(this)) connections.push(this);
    return add.apply(this, args);
  };

  const sampleRate = 48_000;
  const audio = new AudioContext({ sampleRate });
  await audio.resume();
  const length = (sampleRate * sound.frequencies.length * sound.symbolMs) / 1000;
  const buffer = new AudioBuffer({ length, sampleRate });
  fill(buffer.getChannelData(0), sampleRate, sound);
  const output = new MediaStreamAudioDestinationNode(audio, { channelCount: 1 });
  const source = new AudioBufferSourceNode(audio, { buffer, loop: true });
  source.connect(output);
  const begin = audio.currentTime + 0.1;
  source.start(begin);

  // Samples leave in bursts, as they are rendered. The largest of many looks is the edge of a burst,
  // at which the newest sample leaves: see beeper.js. `lead`: ms by which the signal is ahead of
  // performance.now(). On a machine that is too busy the sound stalls, and all of it is later then.
  const largestOf = (windowMs) => {
    let looks = [];
    return {
      add(at, lead) {
        while (looks.length && looks.at(-1).lead <= lead) looks.pop();
        looks.push({ at, lead });
        while (looks[0].at < at - windowMs) looks.shift();
      },
      forget() { looks = looks.slice(-1); },
      get lead() { return looks[0].lead; },
    };
  };
  const lately = largestOf(1_500); // a hundred looks at bursts of 10 ms
  const ever = largestOf(10_000);
  const stalls = []; // { at, ms }
  const kStallMs = 3;
  const kOneStallMs = 3_000;
  const look = () => {
    const at = performance.now();
    const lead = (audio.currentTime - begin) * 1000 - at;
    lately.add(at, lead);
    ever.add(at, lead);
    const lost = ever.lead - lately.lead;
    if (lost < kStallMs) return;
    ever.forget();
    const signal = at + lately.lead;
    const last = stalls.at(-1);
    if (last && signal - last.at < kOneStallMs) last.ms += lost; // it shows little by little
    else stalls.push({ at: signal, ms: lost });
  };
  const toSignal = (at) => at + lately.lead;

  function openCamera({ width, height }) {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
    const track = new MediaStreamTrackGenerator({ kind: 'video' });
    track.contentHint = 'motion';
    const writer = track.writable.getWriter();
    const draw = () => {
      if (writer.desiredSize <= 0) return;
      const at = performance.now();
      const ms = toSignal(at);
      context.fillStyle = '#345';
      context.fillRect(0, 0, width, height);
      drawTimecode(context, width, height, Math.round(ms / codeMs));
      // Something that moves, so that there is something to encode.
      context.fillStyle = '#fff';
      context.fillRect(((ms % 1000) / 1000) * width, height / 2, width / 20, height / 4);
      const frame = new VideoFrame(canvas, { timestamp: Math.round(at * 1000) });
      writer.write(frame).catch(() => frame.close());
    };
    return { track, draw, close: () => { track.stop(); writer.close().catch(() => {}); } };
  }

  let camera = openCamera(size);
  const ticker = new Worker('/assets/ticker-worker.js');
  look();
  ticker.onmessage = () => {
    look();
    setTimeout(look, Math.random() * 30); // else the same phases of the bursts for ever
    camera.draw();
  };
  ticker.postMessage({ fps });
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // until the edge has been seen

  const stream = new MediaStream([camera.track, ...output.stream.getTracks()]);
  const client = new WhipClient({ endpoint, token, maxBitrate: 1_200_000, maxFramerate: fps });
  const senderOf = (kind) => connections.at(-1).getTransceivers()
    .find(({ receiver }) => receiver.track.kind === kind).sender;
  window.signal = {
    get state() { return client.state; },
    get message() { return client.message; },
    connections,
    stalls,
    setSound: (isOn) => output.stream.getTracks().forEach((track) => { track.enabled = isOn; }),
    setPicture: (isOn) => { camera.track.enabled = isOn; },
    useCamera: async (other) => {
      const old = camera;
      camera = openCamera(other);
      await senderOf('video').replaceTrack(camera.track);
      old.close();
    },
    take: (kind) => senderOf(kind).replaceTrack(null),
    giveBack: (kind) => senderOf(kind).replaceTrack(
      kind === 'video' ? camera.track : output.stream.getAudioTracks()[0]),
    now: () => toSignal(performance.now()),
    stop: () => client.stop(),
  };
  client.publish(stream);
}

// The page must be one of the live server's, or of servePublishPage().
export async function publishTimeSignal(
  page, { endpoint, token = 'secret', size = { width: 640, height: 360 }, fps = 30 }) {
  await page.evaluate(`(${publish})({ fill: ${synthesize}, ...${JSON.stringify({
    sound: pattern, codeMs: kCodeMs, endpoint, token, size, fps })} })`);
}
