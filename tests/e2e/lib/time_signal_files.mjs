// SPDX-License-Identifier: LGPL-2.1-or-later
// The time signal from files, for senders made of stock GStreamer elements.
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
const kBlack = 16;
const kWhite = 235;

function drawPicture(picture, ms) {
  const row = (y) => y * kWidth;
  picture.fill(60, row(4));
  timecodeBits(Math.round(ms / kCodeMs)).forEach((bit, cell) => {
    const left = 2 * (cell % kColumns);
    const top = 2 * Math.floor(cell / kColumns);
    for (const y of [top, top + 1])
      picture.fill(bit ? kWhite : kBlack, row(y) + left, row(y) + left + 2);
  });
  // A bar that goes round once a second, so that there is something to encode.
  const column = Math.floor(((ms % 1000) / 1000) * kWidth);
  for (let y = 4; y < kHeight; y += 1) picture[row(y) + column] = kWhite;
}

const isWithin = (ms, stretch) => stretch && ms >= stretch[0] * 1000 && ms < stretch[1] * 1000;

// Writes so many seconds; gives back the beginnings of two pipelines, as lists of words, both of
// which start at time 0 and are exact to the sample.
//   soundLateMs     the sound is late by so much, or early
//   mute, dark      [from, to] in seconds: silence, black
//   swap            { at, width, height }: from then on the picture has another size
export async function writeTimeSignal(dir, seconds, options = {}) {
  const { fps = 30, width = 640, height = 360, soundLateMs = 0, mute, dark, swap } = options;
  const late = Math.round((soundLateMs * kRate) / 1000);
  const published = synthesize(new Float32Array(seconds * kRate), kRate, pattern);
  const sound = new Float32Array(published.length);
  sound.set(published.subarray(Math.max(0, -late), published.length - Math.max(0, late)),
    Math.max(0, late));
  if (mute) sound.fill(0, mute[0] * kRate + late, mute[1] * kRate + late);
  const soundFile = path.join(dir, 'sound.raw');
  await writeFile(soundFile, Buffer.from(Int16Array.from(sound, (value) => value * 32_767).buffer));

  const size = kWidth * kHeight;
  const frames = Array.from({ length: seconds * fps }, (_, i) => {
    const picture = Buffer.alloc(size, kBlack);
    const ms = (i * 1000) / fps;
    if (!isWithin(ms, dark)) drawPicture(picture, ms);
    return picture;
  });
  const camera = async (name, pictures, shape) => {
    const file = path.join(dir, name);
    await writeFile(file, Buffer.concat(pictures));
    return ['filesrc', `location=${file}`, `blocksize=${size}`, '!', 'rawvideoparse',
      'format=gray8', `width=${kWidth}`, `height=${kHeight}`, `framerate=${fps}/1`, '!',
      'videoscale', 'method=nearest-neighbour', 'add-borders=false', '!', 'videoconvert', '!',
      `video/x-raw,format=I420,width=${shape.width},height=${shape.height},` +
      'pixel-aspect-ratio=1/1'];
  };
  const swapAt = swap ? swap.at * fps : frames.length;
  const first = await camera('pictures.raw', frames.slice(0, swapAt), { width, height });
  const video = !swap ? first : [
    ...first, '!', 'cameras.',
    ...await camera('other.raw', frames.slice(swapAt), swap), '!', 'cameras.',
    'concat', 'name=cameras',
  ];
  return {
    audio: ['filesrc', `location=${soundFile}`, 'blocksize=1920', '!', 'rawaudioparse',
      'use-sink-caps=false', 'format=pcm', 'pcm-format=s16le', `sample-rate=${kRate}`,
      'num-channels=1', '!', 'audioconvert', '!', `audio/x-raw,rate=${kRate},channels=2`],
    video,
  };
}
