// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a broadcast comes from. Both kinds have a `stream` and a `stop()`.

import { TimeSignal } from './timesignal.js';

export class SourceError extends Error {}

export const cameraIsPossible = () => Boolean(navigator.mediaDevices?.getUserMedia);

export function cameraObstacle() {
  if (cameraIsPossible()) return '';
  return isSecureContext
    ? 'This browser offers no camera to web pages. Try a recent Chrome, Edge, Firefox or Safari.'
    : 'Browsers give a camera only to pages that come by https, or from localhost, and this one ' +
      `came from ${location.origin}. Open it by https, or choose the time signal.`;
}

const kReasons = {
  NotAllowedError: 'The browser or the system does not let this page use the camera or ' +
    'microphone. Allow it at the symbol beside the address (and in the privacy settings of the ' +
    'system), then try again.',
  NotFoundError: 'No camera or microphone was found. Plug one in, or untick Microphone if only ' +
    'that is missing, or choose the time signal.',
  NotReadableError: 'The camera or microphone is in use by another program, or does not respond. ' +
    'Close the other program and try again.',
  OverconstrainedError: 'The camera cannot deliver this size. Choose another one.',
};

export async function openCamera({ width, height, fps, microphone }) {
  const obstacle = cameraObstacle();
  if (obstacle) throw new SourceError(obstacle);
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      // "ideal": a camera that comes near is better than none.
      video: {
        width: { ideal: width },
        height: { ideal: height },
        frameRate: { ideal: fps },
        facingMode: 'user',
      },
      // Nobody talks back, so there is no echo to cancel, and music is the better for it.
      audio: microphone && { echoCancellation: false },
    });
  } catch (error) {
    throw new SourceError(kReasons[error.name] ??
      `The camera could not be opened: ${error.message || error.name}.`);
  }
  const tracks = stream.getTracks();
  return { stream, stop: async () => tracks.forEach((track) => track.stop()) };
}

export function openTimeSignal({ width, height, fps }) {
  return new TimeSignal({ width, height, fps });
}
