#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# WHIP → adaptive HLS without any transcoding of the picture: the browser sends three layers of it (simulcast), which
# become the renditions. All layers are asked for key frames as much before the end of each segment as they take to answer. A
# few per cent of a CPU core.
#   publish three layers to http://127.0.0.1:8889/whip with the token "secret", play DIR/master.m3u8
# The publisher says what the layers are (sendEncodings); video_0 is the first that it names.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

chain() { # LAYER: from the ingest to the sink
  echo "whip.video_$1 ! rtph264depay request-keyframe=true wait-for-keyframe=true" \
    "! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au ! align.video_$1" \
    "align.video_src_$1 ! ladder.video_$1 ladder.video_src_$1 ! hls.video_$1"
}

# shellcheck disable=SC2046
exec gst-launch-1.0 -e \
  avaligner name=align audio-delay="$opus_to_mp3_delay" \
  abrladder name=ladder mode=passthrough renditions='<[all,audio-bps=128000,video=none]>' \
  hlslivesink name=hls location="$dir" target-duration="$target_duration" "$playlist" \
    balancer::mode=passthrough \
  whiplistensrc name=whip address="$address" port="$port" token="$token" simulcast=true send-eos=true \
  $(chain 0) $(chain 1) $(chain 2) \
  whip.audio_0 ! rtpopusdepay ! align.audio_0  align.audio_src_0 ! opusdec plc=true use-inband-fec=true \
    ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! flywheel \
    ! ladder.audio_0  ladder.audio_src_0 ! hls.audio_0
