#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# WHIP → low-latency HLS out of memory: whip-transcode.sh with segments of a second in parts of a fifth, and an
# HTTP origin that players wait at. A player is about a second behind the camera. The sound is AAC, as hls.js 1.7
# cannot play MP3 in parts.
#   publish to http://127.0.0.1:8889/whip with the token "secret", play http://127.0.0.1:8080/master.m3u8
# Also WIDTH, HEIGHT, FRAMERATE, BITRATE (kbit/s), PART_TARGET (ns), and LOW_LATENCY=false for whole segments, with
# START_OFFSET (ns): where players begin, from the end if negative.
# Where the time goes: docs/algorithms/hlslive.md. capssetter: without a frame rate in its caps x264enc holds
# each picture back until it has seen the next; so does each further thread of avdec_h264.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
decoder=$(first_of nvh264dec avdec_h264)
[[ $decoder != avdec_h264 ]] || decoder+=" max-threads=1"
read -ra decoder <<<"$decoder"
read -ra encoder <<<"$(h264_encoder "${BITRATE:-2500}")"

exec gst-launch-1.0 -e \
  avaligner name=align audio-delay="$opus_to_aac_delay" \
  hlslivesink name=hls origin-address="$address" origin-port="$hls_port" \
    low-latency="${LOW_LATENCY:-true}" target-duration="${TARGET_DURATION:-1000000000}" \
    part-target="${PART_TARGET:-170000000}" start-offset="${START_OFFSET:-0}" "$playlist" \
  whiplistensrc name=whip address="$address" port="$port" token="$token" send-eos=true \
  whip.video_0 ! rtph264depay request-keyframe=true wait-for-keyframe=true \
    ! h264parse ! align.video_0  align.video_src_0 ! "${decoder[@]}" ! videoconvert \
    ! videoscale add-borders=true \
    ! "video/x-raw,format=I420,width=${WIDTH:-1280},height=${HEIGHT:-720},pixel-aspect-ratio=1/1" \
    ! flywheel ! capssetter caps="video/x-raw,framerate=${FRAMERATE:-30/1}" ! queue ! "${encoder[@]}" \
    ! video/x-h264,profile=main ! h264parse ! queue ! hls.video_0 \
  whip.audio_0 ! rtpopusdepay ! align.audio_0  align.audio_src_0 ! opusdec plc=true use-inband-fec=true \
    ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! flywheel \
    ! audioconvert ! avenc_aac bitrate=128000 ! aacparse ! queue ! hls.audio_0
