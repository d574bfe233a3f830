// SPDX-License-Identifier: LGPL-2.1-or-later
// A Janus gateway of the test's own with video rooms, whose publishers are pages with a time signal and whose
// media it forwards as plain RTP: https://janus.conf.meetecho.com/docs/videoroom (rtp_forward).
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';

import { freePorts } from './live_server.mjs';
import { eventually, Program, run } from './process.mjs';

// Rooms by how often they ask the publisher for a key frame, of their own accord: each so many seconds; 0: never.
const rooms = new Map([[2, 1234], [0, 1235]]);
const kForwarding = 'forward-secret'; // who asks for it may have media sent anywhere

const core = (library) => `general: {
  plugins_folder = "${library}/plugins"
  transports_folder = "${library}/transports"
  events_folder = "${library}/events"
  loggers_folder = "${library}/loggers"
  debug_level = 4
  debug_colors = false
  session_timeout = 60
}
plugins: {
  disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so"
}
transports: {
  disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so"
}
`;
const http = (port) => `general: {
  http = true
  port = ${port}
  ip = "127.0.0.1"
  https = false
}
admin: {
  admin_http = false
}
`;

const videoRooms = `general: {
  admin_key = "${kForwarding}"
  lock_rtp_forward = true
}
` + [...rooms].map(([seconds, room]) => `room-${room}: {
  publishers = 2
  bitrate = 1500000
  fir_freq = ${seconds}
  audiocodec = "opus"
  videocodec = "h264"
  h264_profile = "42e01f"
}
`).join('');

// Why tests are skipped, where it is not to be had: Debian 13 has no package of it.
export const lacksJanus = await run('dpkg', ['-L', 'janus']).then(() => false, () => 'Janus is not installed');

async function pluginsFolder() {
  const list = String(await run('dpkg', ['-L', 'janus']));
  return path.dirname(path.dirname(list.match(/^(.*\/plugins)\/libjanus_videoroom\.so$/m)[0]));
}

export async function startJanus(dir) {
  const folder = path.join(dir, 'janus');
  const library = await pluginsFolder();
  const port = await freePorts();
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'janus.jcfg'), core(library));
  await writeFile(path.join(folder, 'janus.transport.http.jcfg'), http(port));
  await writeFile(path.join(folder, 'janus.plugin.videoroom.jcfg'), videoRooms);
  const program = new Program('janus', ['--configs-folder', folder]);
  const base = `http://127.0.0.1:${port}/janus`;
  const post = async (target, body) => {
    const response = await fetch(base + target,
      { method: 'POST', body: JSON.stringify({ ...body, transaction: randomUUID() }) });
    const reply = await response.json();
    if (reply.janus === 'error' || reply.plugindata?.data?.error)
      throw new Error(JSON.stringify(reply.error ?? reply.plugindata.data));
    return reply;
  };
  await eventually('janus answers', () => fetch(`${base}/info`).then(({ ok }) => ok, () => false), 20_000);
  return { program, post, base, stop: () => program.stop() };
}

// A page with a time signal is in the room. Gives back what Janus calls it and its streams.
export async function publishToJanus(janus, page, { keyFrameSeconds = 2 } = {}) {
  const room = rooms.get(keyFrameSeconds);
  const { data: { id: session } } = await janus.post('', { janus: 'create' });
  const { data: { id: handle } } = await janus.post(`/${session}`,
    { janus: 'attach', plugin: 'janus.plugin.videoroom' });
  const controller = new AbortController();
  const events = [];
  const listen = async () => {
    while (!controller.signal.aborted) {
      const response = await fetch(`${janus.base}/${session}?maxev=5`, { signal: controller.signal });
      events.push(...await response.json());
    }
  };
  listen().catch(() => {}); // until it is stopped, or Janus is
  const message = (body, more = {}) =>
    janus.post(`/${session}/${handle}`, { janus: 'message', body, ...more });

  const offer = await page.evaluate(async () => {
    // The page serves the live server's own scripts.
    const { TimeSignal } = await import('/assets/timesignal.js');
    const signal = new TimeSignal({ width: 640, height: 360, fps: 30 });
    signal.addSound();
    const { stream } = signal;
    const connection = new RTCPeerConnection();
    const { codecs } = RTCRtpSender.getCapabilities('video');
    for (const track of stream.getTracks()) {
      const transceiver = connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
      if (track.kind === 'video')
        transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === 'video/H264'));
    }
    Object.assign(window, { connection, stream });
    await connection.setLocalDescription();
    while (connection.iceGatheringState !== 'complete')
      await new Promise((resolve) => { connection.onicegatheringstatechange = resolve; });
    return connection.localDescription.sdp;
  });
  await message({ request: 'joinandconfigure', ptype: 'publisher', room, display: 'studio' },
    { jsep: { type: 'offer', sdp: offer } });
  const joined = await eventually('the answer', () => events.find(({ jsep }) => jsep), 10_000);
  await page.evaluate((sdp) => window.connection.setRemoteDescription({ type: 'answer', sdp }), joined.jsep.sdp);
  await eventually('it is connected', () =>
    page.evaluate(() => window.connection.connectionState === 'connected'), 20_000);
  const { id: publisher } = joined.plugindata.data;

  // streams: [{ kind, port, rtcpPort, ssrc, payloadType }]; gives back what ends it.
  const forward = async (streams, host = '127.0.0.1') => {
    const mids = await page.evaluate(() => Object.fromEntries(window.connection.getTransceivers()
      .map(({ mid, sender }) => [sender.track.kind, mid])));
    const { plugindata: { data } } = await message({
      request: 'rtp_forward', room, publisher_id: publisher, host, host_family: 'ipv4',
      admin_key: kForwarding,
      streams: streams.map(({ kind, port, rtcpPort, ssrc, payloadType }) =>
        ({ mid: mids[kind], port, rtcp_port: rtcpPort, ssrc, pt: payloadType })),
    });
    return async () => {
      for (const { stream_id: id } of data.forwarders)
        await message({ request: 'stop_rtp_forward', room, publisher_id: publisher, stream_id: id,
                        admin_key: kForwarding });
    };
  };
  return {
    publisher, forward,
    leave: async () => {
      controller.abort();
      await page.evaluate(() => { window.connection.close(); window.stream.getTracks().forEach((track) => track.stop()); })
        .catch(() => {});
      await janus.post(`/${session}`, { janus: 'destroy' }).catch(() => {}); // it may be gone already
    },
  };
}
