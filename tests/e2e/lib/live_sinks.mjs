// SPDX-License-Identifier: LGPL-2.1-or-later
// One live programme, the time signal, in many forms: a gst-launch pipeline with an hlslivesink for each,
// all of which have an origin of their own.
import { Program, run } from './process.mjs';
import { parseStrictly } from './strict_playlists.mjs';
import { environment } from './sync_chain.mjs';
import { signalOf } from './time_signal.mjs';

const kEncoders = {
  mp3: 'lamemp3enc target=bitrate bitrate=128 cbr=true ! audio/mpeg,rate=48000',
  aac: 'avenc_aac bitrate=128000',
};
// Behind the tee, as each container wants another form.
const kParsers = { mp3: 'mpegaudioparse', aac: 'aacparse' };
// The grid of the key frames is that of the sound.
const kH264 = 'x264enc tune=zerolatency speed-preset=ultrafast bitrate=600 key-int-max=100000 ' +
  'option-string=scenecut=0 ! video/x-h264,profile=constrained-baseline ! h264parse ! ' +
  'video/x-h264,stream-format=byte-stream,alignment=au';
const kWhole = 'queue max-size-buffers=0 max-size-bytes=0 max-size-time=2000000000';

const words = (text) => text.split(' ');

// As words. `sinks`: a name for each, and the properties of its hlslivesink, and `sound`: mp3 or aac.
export function pipelineOf(signal, sinks) {
  const codecs = [...new Set(Object.values(sinks).map(({ sound }) => sound))];
  const line = [...signal.video, ...words('! clocksync ! tee name=pictures'),
    ...signal.audio, ...words('! clocksync ! tee name=sounds')];
  for (const codec of codecs) {
    line.push(...words(`pictures. ! ${kWhole} ! ${kH264} ! tee name=${codec}-pictures`));
    line.push(...words(`sounds. ! ${kWhole} ! audioconvert ! ${kEncoders[codec]} ! tee name=${codec}-sounds`));
  }
  for (const [name, { sound, ...properties }] of Object.entries(sinks)) {
    line.push('hlslivesink', `name=${name}`, 'origin-port=0', 'origin-address=127.0.0.1',
      ...Object.entries(properties).map(([key, value]) => `${key}=${value}`),
      ...words(`${sound}-pictures. ! ${kWhole} ! h264parse ! ${name}.video_0`),
      ...words(`${sound}-sounds. ! ${kWhole} ! ${kParsers[sound]} ! ${name}.audio_0`));
  }
  return line;
}

// Gives back the program, and the address of each one's master playlist.
export async function startLiveSinks(signal, sinks) {
  const program = new Program('gst-launch-1.0', ['-v', '-e', ...pipelineOf(signal, sinks)],
    { env: environment });
  const urls = {};
  try {
    for (const name of Object.keys(sinks)) {
      const port = await program.says(
        new RegExp(`${name}/GstHlsOrigin:origin: current-port = (\\d+)`), 20_000);
      urls[name] = `http://127.0.0.1:${port[1]}/master.m3u8`;
    }
  } catch (error) {
    await program.stop('SIGKILL');
    throw error;
  }
  return { program, urls };
}

// What the pipeline said that is worth reading.
export const complaintsOf = ({ output }) =>
  output.split('\n').filter((line) => !/: caps = |Redistribute latency/.test(line)).join('\n');

// The only rendition of a master playlist.
export async function mediaPlaylistUrl(master) {
  const response = await fetch(master);
  if (!response.ok) return null;
  const [variant] = parseStrictly(await response.text()).variants;
  return variant ? new URL(variant.uri, master).href : null;
}

// The wall time, in ms, of the signal's zero, as the newest segment of a playlist tells it.
export async function dateOfSignal(master) {
  const url = await mediaPlaylistUrl(master);
  const { segments } = parseStrictly(await (await fetch(url)).text());
  const segment = segments.findLast(({ uri }) => uri);
  const bytes = await (await fetch(new URL(segment.uri, url))).arrayBuffer();
  const picture = await run('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-map', '0:v:0', '-frames:v',
    '1', '-vf', 'scale=40:30:flags=area,format=gray', '-f', 'rawvideo', '-'],
  { input: Buffer.from(bytes) });
  const code = signalOf(picture.subarray(0, 40 * 4));
  if (code === null) throw new Error(`no time can be read in ${segment.uri}`);
  return segment.programDateTime.getTime() - code;
}
