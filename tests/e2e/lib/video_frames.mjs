// SPDX-License-Identifier: LGPL-2.1-or-later
// Which of the published pictures arrived: each has the wall time of its drawing in its top rows.
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { root, run } from './process.mjs';

// The page's own reader. It imports nothing, so it can come as text: its folder is no node package.
const source = path.join(root, 'examples/live-server/pages/timecode.js');
export const { readTimecode, timecodeBits } =
  await import(`data:text/javascript,${encodeURIComponent(await readFile(source, 'utf8'))}`);

// The picture is brought to two pixels for each cell of the code.
const kWidth = 40;
const kHeight = 30;
const kRows = 4;

// Wall times modulo 2^32, in ms, of the frames in the order in which they are shown; null where a
// picture has none that can be read.
export async function timecodesOf(file) {
  const out = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:v:0', '-vf',
    `crop=iw:ih*${kRows}/${kHeight}:0:0,scale=${kWidth}:${kRows}:flags=area,format=rgba`,
    '-fps_mode', 'passthrough', '-f', 'rawvideo', '-']);
  const size = kWidth * kRows * 4;
  return Array.from({ length: Math.floor(out.length / size) }, (_, i) => {
    const data = out.subarray(i * size, (i + 1) * size);
    return readTimecode({ data, width: kWidth, height: kRows }, kWidth, kHeight);
  });
}
