// SPDX-License-Identifier: LGPL-2.1-or-later
// MP3 in the parts of low-latency HLS, which hls.js 1.7 puts in the wrong place. It appends MP3 as it is
// (audio/mpeg), and each append goes on where the last one ended, from the place of the segment's first
// part on. But before each other part it moves the SourceBuffer's timestampOffset to where MP4 begins,
// and with it the sound to before the beginning: of each segment only the first part can be played.

// For hls.js as `bufferController` of its configuration; with sound in MP4 it changes nothing.
export const mp3PartsController = (Hls) => class extends Hls.DefaultConfig.bufferController {
  onBufferAppending(event, data) {
    const isMp3 = data.type === 'audio' && this.tracks.audio?.container === 'audio/mpeg';
    super.onBufferAppending(event, isMp3 ? { ...data, offset: undefined } : data);
  }
};
