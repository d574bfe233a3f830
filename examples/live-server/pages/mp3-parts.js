// SPDX-License-Identifier: LGPL-2.1-or-later
// MP3 where its timestamps say. hls.js gives MP3 to the browser as it is (audio/mpeg), without timestamps, and
// tells it once a segment where that belongs, by the playlist; which is not where its timestamps say, once the
// two have come apart. And since 1.7 it gives what follows in the segment, as parts do, the offset of MP4, which
// puts it in front of everything: of each segment only the first part can be played.

const kTouching = 0.01;  // seconds; half a frame

// For hls.js as `bufferController` of its configuration; with sound in MP4 it changes nothing.
export const mp3PartsController = (Hls) => class extends Hls.DefaultConfig.bufferController {
  #end = 0;

  onBufferAppending(event, data) {
    const isMp3 = data.type === 'audio' && this.tracks.audio?.container === 'audio/mpeg';
    const times = isMp3 && (data.part ?? data.frag).elementaryStreams.audio;
    if (!times) {
      super.onBufferAppending(event, data);
      return;
    }
    // What touches the frame before it goes on behind it.
    const isNext = Math.abs(times.startPTS - this.#end) < kTouching;
    this.#end = times.endPTS;
    // Not the beginning of a segment, of which hls.js would know better.
    const chunkMeta = { ...data.chunkMeta, id: 2 };
    this.lastMpegAudioChunk = chunkMeta;
    super.onBufferAppending(event, { ...data, chunkMeta, offset: isNext ? undefined : times.startPTS });
  }
};
