// SPDX-License-Identifier: LGPL-2.1-or-later
// A browser that sends its camera in several layers, and what takes them: build/tests/simulcast/simulcast-consumer.
import http from 'node:http';
import path from 'node:path';

import { openPage } from './browser.mjs';
import { Program, eventually, root } from './process.mjs';

const binary = path.join(root, 'build/tests/simulcast/simulcast-consumer');
const env = {
  ...process.env,
  GST_PLUGIN_PATH: ['build/gst', 'build/ext'].map((folder) => path.join(root, folder)).join(':'),
};

export class Consumer {
  static async start(properties) {
    const consumer = new Consumer();
    consumer.program = new Program(binary, [`token=secret ${properties}`],
      { env, stdio: ['pipe', 'pipe', 'pipe'] });
    await consumer.program.says(/"listening"/, 10_000);
    const { port } = consumer.said('listening')[0];
    consumer.url = `http://127.0.0.1:${port}/whip`;
    return consumer;
  }

  // What it has said so far of one kind.
  said(event) {
    return this.program.output.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line)).filter((line) => line.event === event);
  }

  tell(command) {
    this.program.child.stdin.write(`${command}\n`);
  }

  async report() {
    const { length } = this.said('report');
    this.tell('report');
    return eventually('a report', () => this.said('report')[length], 5_000)
      .catch((error) => { throw new Error(`${error.message}\n${this.program.output}`); });
  }

  async stop() {
    this.tell('quit');
    const timer = setTimeout(() => this.program.stop('SIGKILL'), 10_000);
    const result = await this.program.exited;
    clearTimeout(timer);
    return result;
  }
}

// Publishes to `url`. The page then has `pc`, `video` (the sender) and `answer`.
export async function publishLayers(context, url, encodings, { audio = true } = {}) {
  const server = http.createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>simulcast</title>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const page = await openPage(context, `http://localhost:${server.address().port}/`);
    await page.evaluate(publish, { url, encodings, audio });
    return page;
  } finally {
    server.close();
  }
}

// In the page.
async function publish({ url, encodings, audio }) {
  const media = await navigator.mediaDevices.getUserMedia(
    { video: { width: 1280, height: 720, frameRate: 30 }, audio });
  const pc = new RTCPeerConnection();
  if (audio) pc.addTransceiver(media.getAudioTracks()[0], { direction: 'sendonly' });
  const transceiver = pc.addTransceiver(media.getVideoTracks()[0],
    { direction: 'sendonly', sendEncodings: encodings });
  const { codecs } = RTCRtpSender.getCapabilities('video');
  transceiver.setCodecPreferences(['video/H264', 'video/rtx'].flatMap((type) =>
    codecs.filter(({ mimeType }) => mimeType === type)));
  await pc.setLocalDescription();
  const response = await fetch(url, { method: 'POST', body: pc.localDescription.sdp,
    headers: { 'Content-Type': 'application/sdp', Authorization: 'Bearer secret' } });
  const sdp = await response.text();
  if (response.status !== 201) throw new Error(`${response.status} ${sdp}`);
  Object.assign(window, { pc, video: transceiver.sender, answer: sdp });
  await pc.setRemoteDescription({ type: 'answer', sdp });
}

// What the browser says of each layer that it sends.
export const sentLayers = (page) => page.evaluate(async () => {
  const layers = {};
  for (const report of (await window.video.getStats()).values()) {
    if (report.type === 'outbound-rtp') layers[report.rid ?? ''] = report;
  }
  return layers;
});

export const setActive = (page, rid, active) => page.evaluate(async ({ rid, active }) => {
  const parameters = window.video.getParameters();
  parameters.encodings.find((encoding) => encoding.rid === rid).active = active;
  await window.video.setParameters(parameters);
}, { rid, active });
