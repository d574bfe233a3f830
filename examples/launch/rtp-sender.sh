#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A sender for full-chain.sh: a test picture and a tick each second, as plain RTP to two UDP ports.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

exec gst-launch-1.0 \
  videotestsrc is-live=true pattern=ball \
    ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 \
    ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=30 \
    ! video/x-h264,profile=constrained-baseline \
    ! rtph264pay pt=96 aggregate-mode=zero-latency config-interval=-1 \
    ! udpsink host="$address" port="$video_port" sync=false \
  audiotestsrc is-live=true wave=ticks samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=2 \
    ! opusenc inband-fec=true frame-size=20 ! rtpopuspay pt=111 \
    ! udpsink host="$address" port="$audio_port" sync=false
