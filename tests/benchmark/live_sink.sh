#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Processor time of writing HLS, per second of what is written: stock hlssink2 behind hlsbalancer, and hlslivesink.
# Ten minutes of 1.2 Mbit/s H.264 and 128 kbit/s MP3, as fast as they go, without encoding; reading them is taken off.
#   tests/benchmark/live_sink.sh [BUILD]
set -euo pipefail
build=$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")/../../build}")
export GST_PLUGIN_PATH=$build/gst:$build/ext
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seconds=600

gst-launch-1.0 -q matroskamux name=mux ! filesink location="$work/in.mkv" \
  videotestsrc pattern=ball num-buffers=$((seconds * 30)) ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 \
    ! x264enc tune=zerolatency speed-preset=ultrafast pass=cbr bitrate=1200 key-int-max=30 option-string=nal-hrd=cbr \
    ! h264parse ! mux. \
  audiotestsrc wave=pink-noise num-buffers=$((seconds * 50)) samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=2 \
    ! lamemp3enc target=bitrate bitrate=128 cbr=true ! audio/mpeg,rate=48000 ! mpegaudioparse ! mux.

measure() { # NAME PIPELINE…: best of three, in ms of processor time
  local best=
  for _ in 1 2 3; do
    rm -rf "$work/out" && mkdir "$work/out"
    local spent
    spent=$(cd "$work/out" && TIMEFORMAT='%U %S' && { time gst-launch-1.0 -q "${@:2}" \
      filesrc location="$work/in.mkv" ! matroskademux name=d >/dev/null 2>&1; } 2>&1 |
      awk '{printf "%.0f", ($1 + $2) * 1000}')
    [[ -z $best || $spent -lt $best ]] && best=$spent
  done
  echo "$best"
}

video='d.video_0 ! queue ! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au'
audio='d.audio_0 ! queue ! mpegaudioparse'
read -ra none <<<"fakesink name=v fakesink name=a $video ! v. $audio ! a."
read -ra stock <<<"hlsbalancer name=b mode=passthrough hlssink2 name=h playlist-length=12 max-files=24 \
  $video ! b.video_0 b.video_src_0 ! h.video $audio ! b.audio_0 b.audio_src_0 ! h.audio"
read -ra plain <<<"hlslivesink name=h location=. balancer::mode=passthrough $video ! h.video_0 $audio ! h.audio_0"
read -ra parts <<<"hlslivesink name=h balancer::mode=passthrough $video ! h.video_0 $audio ! h.audio_0"

rig=$(measure none "${none[@]}")
echo "| | processor time of a second of HLS |"
echo "|---|---:|"
for row in "hlsbalancer ! hlssink2|stock" "hlslivesink, on disk|plain" "hlslivesink, in memory, with parts of 200 ms|parts"; do
  declare -n pipeline=${row#*|}
  spent=$(measure "${row%|*}" "${pipeline[@]}")
  awk -v name="${row%|*}" -v ms=$((spent - rig)) -v s=$seconds 'BEGIN {printf "| `%s` | %.2f ms |\n", name, ms / s}'
done
