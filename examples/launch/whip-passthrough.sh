#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# WHIP → HLS with the picture as the browser encoded it: a few per cent of a CPU core. Browsers make
# key frames only when asked, and at once, which stock hlssink2 does not expect: so whiplistensrc asks,
# once per segment. Under packet loss stock hlssink2 may stop: prefer whip-transcode.sh there.
#   publish to http://127.0.0.1:8889/whip with the token "secret", play DIR/live.m3u8
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

exec gst-launch-1.0 -e \
  avaligner name=align audio-delay="$opus_to_mp3_delay" \
  whiplistensrc name=whip address="$address" port="$port" token="$token" send-eos=true \
    keyframe-interval="${target_duration}000000000" \
  whip.video_0 ! rtph264depay request-keyframe=true wait-for-keyframe=true ! align.video_0 \
    align.video_src_0 ! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au ! queue ! hls.video \
  whip.audio_0 ! rtpopusdepay ! align.audio_0  align.audio_src_0 ! opusdec plc=true use-inband-fec=true \
    ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! flywheel \
    ! lamemp3enc target=bitrate bitrate=128 cbr=true ! audio/mpeg,rate=48000 ! mpegaudioparse \
    ! queue ! hls.audio \
  hlssink2 name=hls send-keyframe-requests=false target-duration="$target_duration" \
    max-files=20 playlist-length=10 \
    location="$dir/segment%05d.ts" playlist-location="$dir/live.m3u8"
