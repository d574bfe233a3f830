#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The whole chain: plain RTP on two UDP ports, as an SFU forwards it (no RTCP) → HLS. rtp-sender.sh is a
# sender for a try.
#   H.264 (payload type 96) to UDP 5004, Opus (111) to UDP 5006; play DIR/master.m3u8
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
decoder=$(first_of nvh264dec avdec_h264)
read -ra encoder <<<"$(h264_encoder 2500)"

exec gst-launch-1.0 -e \
  avaligner name=align audio-delay="$opus_to_mp3_delay" \
  hlslivesink name=hls location="$dir" target-duration="$target_duration" "$playlist" \
  udpsrc address="$address" port="$video_port" buffer-size=2000000 \
      caps="application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96" \
    ! rtpadaptivejitterbuffer group=sfu do-lost=true ! rtph264depay wait-for-keyframe=true \
    ! h264parse ! align.video_0  align.video_src_0 ! "$decoder" ! videoconvert \
    ! videoscale add-borders=true \
    ! video/x-raw,format=I420,width=1280,height=720,pixel-aspect-ratio=1/1 \
    ! flywheel ! queue ! "${encoder[@]}" ! video/x-h264,profile=main ! h264parse ! queue \
    ! hls.video_0 \
  udpsrc address="$address" port="$audio_port" buffer-size=500000 \
      caps="application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=111" \
    ! rtpadaptivejitterbuffer group=sfu do-lost=true ! rtpopusdepay ! align.audio_0 \
  align.audio_src_0 ! opusdec plc=true use-inband-fec=true \
    ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! flywheel \
    ! lamemp3enc target=bitrate bitrate=128 cbr=true ! audio/mpeg,rate=48000 ! mpegaudioparse \
    ! queue ! hls.audio_0
