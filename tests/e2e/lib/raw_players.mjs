// SPDX-License-Identifier: LGPL-2.1-or-later
// Players that are no browsers. Each writes the pictures that it shows as 40 x 30 grey ones, when it
// shows them.
import { Program } from './process.mjs';
import { signalOf } from './time_signal.mjs';

const kSize = 40 * 30;

class RawPlayer {
  readings = []; // { at, code }: wall time in ms, and the time of the signal in ms or null
  #rest = Buffer.alloc(0);

  constructor(command, args) {
    this.program = new Program(command, args, { stdio: ['ignore', 'pipe', 'pipe'] },
      { onOutput: (data) => this.#take(data) });
  }

  #take(data) {
    const at = Date.now();
    this.#rest = Buffer.concat([this.#rest, data]);
    for (; this.#rest.length >= kSize; this.#rest = this.#rest.subarray(kSize))
      this.readings.push({ at, code: signalOf(this.#rest.subarray(0, 40 * 4)) });
  }

  // What it complained of.
  get complaints() { return this.program.output; }
}

// At the pace of the clock (-re), as a player does; the sound is decoded too. Times stay those of the stream:
// counted in pictures, two that lie between two counts can get the same one, and FFmpeg complains.
export const playWithFfmpeg = (url) => new RawPlayer('ffmpeg', ['-v', 'error', '-nostdin', '-re', '-i',
  url, '-map', '0:v:0', '-vf', 'scale=40:30:flags=area,format=gray', '-fps_mode', 'passthrough', '-enc_time_base',
  '-1', '-f', 'rawvideo', '-flush_packets', '1', 'pipe:1', '-map', '0:a:0', '-f', 'null', '/dev/null']);

// playbin3 takes hlsdemux2, of the plugin adaptivedemux2.
export const playWithGStreamer = (url) => new RawPlayer('gst-launch-1.0', ['-q', 'playbin3', `uri=${url}`,
  'video-sink=videoconvert ! videoscale add-borders=false ! ' +
  'video/x-raw,format=GRAY8,width=40,height=30,pixel-aspect-ratio=1/1 ! fdsink fd=1 sync=true',
  'audio-sink=fakesink sync=true']);
