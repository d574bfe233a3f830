#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# WHIP → decoded, brought to 1280x720, encoded again → HLS: a ladder of one. Whatever the publisher's
# picture does, players see one steady stream.
#   publish to http://127.0.0.1:8889/whip with the token "secret", play DIR/master.m3u8
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
decoder=$(first_of nvh264dec avdec_h264)
read -ra encoder <<<"$(h264_encoder 2500)"

exec gst-launch-1.0 -e \
  avaligner name=align audio-delay="$opus_to_mp3_delay" \
  hlslivesink name=hls location="$dir" target-duration="$target_duration" "$playlist" \
  whiplistensrc name=whip address="$address" port="$port" token="$token" send-eos=true \
  whip.video_0 ! rtph264depay request-keyframe=true wait-for-keyframe=true \
    ! h264parse ! align.video_0  align.video_src_0 ! "$decoder" ! videoconvert \
    ! videoscale add-borders=true \
    ! video/x-raw,format=I420,width=1280,height=720,pixel-aspect-ratio=1/1 \
    ! flywheel ! queue ! "${encoder[@]}" ! video/x-h264,profile=main ! h264parse ! queue \
    ! hls.video_0 \
  whip.audio_0 ! rtpopusdepay ! align.audio_0  align.audio_src_0 ! opusdec plc=true use-inband-fec=true \
    ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! flywheel \
    ! lamemp3enc target=bitrate bitrate=128 cbr=true ! audio/mpeg,rate=48000 ! mpegaudioparse \
    ! queue ! hls.audio_0
