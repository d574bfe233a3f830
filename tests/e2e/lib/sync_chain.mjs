// SPDX-License-Identifier: LGPL-2.1-or-later
// The chains that sync.test.mjs measures: RTP comes in, a TS file of H.264 and MP3 comes out.
import path from 'node:path';

import { root } from './process.mjs';

export const launchLog = path.join(root, 'build/tests/support/launch-log');
export const environment = {
  ...process.env,
  GST_PLUGIN_PATH: ['build/gst', 'build/ext'].map((folder) => path.join(root, folder)).join(':'),
};

const unlimited = 'queue max-size-time=0 max-size-bytes=0 max-size-buffers=0';

// Where the aligner stands: behind the jitter buffers, the depayloaders, or the decoders. 'none' is
// the chain of stock elements.
export const chainNames = ['none', 'rtp', 'depayloaded', 'raw'];

function chainTo(file, { chain, audio, video }) {
  if (!chainNames.includes(chain)) throw new Error(`${chain} is none of ${chainNames}`);
  const align = (here, kind) =>
    (chain === here ? `! stats-aligner.${kind}_0 stats-aligner.${kind}_src_0` : '');
  return [
    chain === 'none' ? '' : 'avaligner name=stats-aligner',
    video, align('rtp', 'video'),
    '! rtph264depay request-keyframe=true wait-for-keyframe=true ! h264parse',
    align('depayloaded', 'video'),
    '! avdec_h264 max-threads=1', align('raw', 'video'),
    '! videoconvert ! videoscale add-borders=false',
    '! video/x-raw,format=I420,width=640,height=360,pixel-aspect-ratio=1/1',
    chain === 'none' ? '' : '! flywheel', '! queue',
    '! x264enc tune=zerolatency speed-preset=ultrafast bitrate=1500 key-int-max=60',
    `! h264parse ! ${unlimited} ! mux.`,
    audio, align('rtp', 'audio'),
    '! rtpopusdepay', align('depayloaded', 'audio'),
    '! opusdec plc=true use-inband-fec=true', align('raw', 'audio'),
    '! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=2',
    chain === 'none' ? '! audiorate skip-to-first=true' : '! flywheel',
    '! lamemp3enc target=bitrate bitrate=128 cbr=true ! audio/mpeg,rate=48000 ! mpegaudioparse',
    `! ${unlimited} ! mux.`,
    `mpegtsmux name=mux ! filesink location=${file}`,
  ].join(' ');
}

export const fromWhip = (file, { chain, address, port }) => chainTo(file, {
  chain,
  video: `whiplistensrc name=stats-whip address=${address} port=${port} token=secret ` +
         'send-eos=true stats-whip.video_0',
  audio: 'stats-whip.audio_0',
});

const rtp = (port, caps, address) =>
  `udpsrc address=${address} port=${port} buffer-size=2000000 caps="application/x-rtp,${caps}" ` +
  '! rtpadaptivejitterbuffer group=sync do-lost=true';

export const fromRtp = (file, { chain, address, port }) => chainTo(file, {
  chain,
  video: rtp(port, 'media=video,encoding-name=H264,clock-rate=90000,payload=96', address),
  audio: rtp(port + 1, 'media=audio,encoding-name=OPUS,clock-rate=48000,payload=111', address),
});

// Stock elements that send the time signal as an SFU forwards it: no reports, RTP times with random
// beginnings. `signal` is what writeTimeSignal() gave. A packet of sound leaves when its last sample
// is there, a picture when it is encoded.
export const rtpSender = (signal, { address, port }) => [
  ...signal.video, '!', 'x264enc', 'tune=zerolatency', 'speed-preset=ultrafast', 'bitrate=800',
  'key-int-max=30', '!', 'video/x-h264,profile=constrained-baseline', '!', 'rtph264pay', 'pt=96',
  'aggregate-mode=zero-latency', 'config-interval=-1', '!',
  'udpsink', `host=${address}`, `port=${port}`, 'sync=true', 'ts-offset=10000000', 'async=false',
  ...signal.audio, '!', 'opusenc', 'frame-size=20', '!', 'rtpopuspay', 'pt=111', '!',
  'udpsink', `host=${address}`, `port=${port + 1}`, 'sync=true', 'ts-offset=20000000',
  'async=false',
];
