// SPDX-License-Identifier: LGPL-2.1-or-later
// A time that survives a video encoder: two rows of 20 black or white cells across the very top of
// the picture, each 1/20 of the width and 1/15 of the height. They hold the wall clock at the
// instant of drawing, in milliseconds modulo 2^32 (49.7 days), big-endian, and a CRC-8 of it.

const kColumns = 20;
const kCells = 40;
const kPictureRows = 15;

// Video of any use keeps black and white much further apart; a dark scene does not look like code.
const kLeastContrast = 60;

const crc8 = (bytes) => bytes.reduce((crc, byte) => {
  crc ^= byte;
  for (let bit = 0; bit < 8; ++bit) crc = crc & 0x80 ? (crc << 1 ^ 0x07) & 0xff : crc << 1;
  return crc;
}, 0);

const toBytes = (value) => [value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff];

export const kTimecodeHeight = 2 / kPictureRows;  // share of the picture's height

export function timecodeBits(ms) {
  const bytes = toBytes(ms % 2 ** 32 >>> 0);
  bytes.push(crc8(bytes));
  return bytes.flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => byte >> bit & 1));
}

export function drawTimecode(context, width, height, ms) {
  const cellHeight = height / kPictureRows;
  timecodeBits(ms).forEach((bit, cell) => {
    // Whole pixels, with no seam: a blurred edge costs bits and invites the encoder to ring.
    const column = cell % kColumns;
    const row = Math.floor(cell / kColumns);
    const left = Math.round(column * width / kColumns);
    const top = Math.round(row * cellHeight);
    const right = Math.round((column + 1) * width / kColumns);
    const bottom = Math.round((row + 1) * cellHeight);
    context.fillStyle = bit ? '#fff' : '#000';
    context.fillRect(left, top, right - left, bottom - top);
  });
}

// `source` is an ImageData or a 2D context; width and height are those of the whole picture, of
// which the source needs to hold only the top. The 32-bit time, or null when there is none.
export function readTimecode(source, width, height) {
  const cellWidth = width / kColumns;
  const cellHeight = height / kPictureRows;
  const rows = Math.ceil(2 * cellHeight);
  const image = source.getImageData ? source.getImageData(0, 0, width, rows) : source;
  if (image.height < Math.floor(2 * cellHeight)) return null;

  const cells = Array.from({ length: kCells }, (_, cell) => brightness(image,
    cell % kColumns * cellWidth, Math.floor(cell / kColumns) * cellHeight, cellWidth, cellHeight));
  const darkest = Math.min(...cells);
  const brightest = Math.max(...cells);
  // Without this, an all-black picture would be a valid code: the CRC of four zeros is zero.
  if (brightest - darkest < kLeastContrast) return null;

  // Halfway between what is seen, rather than 128: ranges get squeezed and gammas bent on the way.
  const threshold = (darkest + brightest) / 2;
  const bytes = [0, 0, 0, 0, 0];
  cells.forEach((value, cell) => {
    if (value > threshold) bytes[cell >> 3] |= 0x80 >> (cell & 7);
  });
  const crc = bytes.pop();
  if (crc8(bytes) !== crc) return null;
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

// How long before `nowMs` the code was drawn; negative when its clock is ahead of ours.
export const timecodeAge = (code, nowMs) => Math.trunc(nowMs % 2 ** 32) - code | 0;

// The middle half of a cell: scaling and the encoder smear its edges into the neighbours.
function brightness({ data, width: stride }, left, top, width, height) {
  const x0 = Math.floor(left + width / 4);
  const x1 = Math.max(x0 + 1, Math.floor(left + width * 3 / 4));
  const y0 = Math.floor(top + height / 4);
  const y1 = Math.max(y0 + 1, Math.floor(top + height * 3 / 4));
  let sum = 0;
  for (let y = y0; y < y1; ++y) {
    for (let x = x0; x < x1; ++x) {
      const at = (y * stride + x) * 4;
      sum += data[at] * 0.299 + data[at + 1] * 0.587 + data[at + 2] * 0.114;
    }
  }
  return sum / ((x1 - x0) * (y1 - y0));
}
