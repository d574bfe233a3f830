// SPDX-License-Identifier: LGPL-2.1-or-later
// The time signal as raw files, for senders made of stock GStreamer elements.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { pattern, synthesize } from './sound_pattern.mjs';
import { kCodeMs } from './time_signal.mjs';
import { timecodeBits } from './video_frames.mjs';

const kRate = 48_000;
// Each cell of the code is two pixels wide and high; the sender's videoscale makes a picture of it.
const kWidth = 40;
const kHeight = 30;
const kColumns = 20;

function drawPicture(picture, ms) {
  timecodeBits(Math.round(ms / kCodeMs)).forEach((bit, cell) => {
    const left = 2 * (cell % kColumns);
    const top = 2 * Math.floor(cell / kColumns);
    for (const y of [top, top + 1]) picture.fill(bit ? 235 : 16, y * kWidth + left, y * kWidth + left + 2);
  });
  // A bar that goes round once a second, so that there is something to encode.
  const column = Math.floor((ms % 1000) / 1000 * kWidth);
  for (let y = 4; y < kHeight; y += 1) {
    picture.fill(60, y * kWidth, (y + 1) * kWidth);
    picture[y * kWidth + column] = 235;
  }
}

// Writes so many seconds; gives back the beginnings of two pipelines, both of which start at time 0
// and are exact to the sample. The sound can be late, or early, by some ms.
export async function writeTimeSignal(
  dir, seconds, { fps = 30, width = 640, height = 360, soundLateMs = 0 } = {}) {
  const late = Math.round((soundLateMs * kRate) / 1000);
  const published = synthesize(new Float32Array(seconds * kRate), kRate, pattern);
  const sound = new Float32Array(published.length);
  sound.set(published.subarray(Math.max(0, -late), published.length - Math.max(0, late)),
    Math.max(0, late));
  const soundFile = path.join(dir, 'sound.raw');
  await writeFile(soundFile, Buffer.from(Int16Array.from(sound, (value) => value * 32_767).buffer));
  const size = kWidth * kHeight;
  const pictures = Buffer.alloc(seconds * fps * size);
  for (let i = 0; i < seconds * fps; i += 1)
    drawPicture(pictures.subarray(i * size, (i + 1) * size), (i * 1000) / fps);
  const pictureFile = path.join(dir, 'pictures.raw');
  await writeFile(pictureFile, pictures);
  return {
    audio: ['filesrc', `location=${soundFile}`, 'blocksize=1920', '!', 'rawaudioparse',
      'use-sink-caps=false', 'format=pcm', 'pcm-format=s16le', `sample-rate=${kRate}`,
      'num-channels=1', '!', 'audioconvert', '!', `audio/x-raw,rate=${kRate},channels=2`],
    video: ['filesrc', `location=${pictureFile}`, `blocksize=${size}`, '!', 'rawvideoparse',
      'format=gray8', `width=${kWidth}`, `height=${kHeight}`, `framerate=${fps}/1`, '!',
      'videoscale', 'method=nearest-neighbour', 'add-borders=false', '!', 'videoconvert', '!',
      `video/x-raw,format=I420,width=${width},height=${height},pixel-aspect-ratio=1/1`],
  };
}
