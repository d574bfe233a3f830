#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# WHIP → HLS with the picture as the browser encoded it: a few per cent of a CPU core. The browser is asked for
# a key frame as much before the end of each segment as it takes to answer. Written by stock hlssink2, which
# hlsbalancer sets up; under packet loss that may stop: prefer whip-transcode.sh there.
#   publish to http://127.0.0.1:8889/whip with the token "secret", play DIR/live.m3u8
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
mkdir -p "$dir"

exec gst-launch-1.0 -e \
  avaligner name=align audio-delay="$opus_to_mp3_delay" \
  hlsbalancer name=balance mode=passthrough target-duration="$target_duration" \
  whiplistensrc name=whip address="$address" port="$port" token="$token" send-eos=true \
  whip.video_0 ! rtph264depay request-keyframe=true wait-for-keyframe=true ! align.video_0 \
  align.video_src_0 ! h264parse config-interval=-1 \
    ! video/x-h264,stream-format=byte-stream,alignment=au ! queue \
    ! balance.video_0  balance.video_src_0 ! hls.video \
  whip.audio_0 ! rtpopusdepay ! align.audio_0  align.audio_src_0 ! opusdec plc=true use-inband-fec=true \
    ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! flywheel \
    ! lamemp3enc target=bitrate bitrate=128 cbr=true ! audio/mpeg,rate=48000 ! mpegaudioparse \
    ! queue ! balance.audio_0  balance.audio_src_0 ! hls.audio \
  hlssink2 name=hls max-files="$max_files" playlist-length="$playlist_length" \
    location="$dir/segment%05d.ts" playlist-location="$dir/live.m3u8"
