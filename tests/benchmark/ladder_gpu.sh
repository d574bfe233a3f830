#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How many streams of 1280x720 at 30 frames a second one NVIDIA GPU decodes and scales to three renditions in real time:
# through abrladder, encoded by NVIDIA's encoder where there is one and x264 elsewhere, and without encoding. Checks that
# NVIDIA's decoder was used and that pictures were in the GPU's memory when they were scaled.
# Exit status 77 where there is no such GPU.
#   tests/benchmark/ladder_gpu.sh [BUILD [libav]]     libav: on the CPU, to try this script
set -euo pipefail
build=$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")/../../build}")
decoders=${2:-nvidia}
most=${MOST:-512} # streams that are tried
seconds=20
export GST_PLUGIN_PATH=$build/gst

has() { gst-inspect-1.0 --exists "$1"; }
if [[ $decoders == nvidia ]] && ! { has nvh264dec && has cudaconvertscale && has cudadownload; }; then
  echo "no NVIDIA GPU with NVDEC here: skipped, nothing was measured"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ffmpeg -nostdin -hide_banner -loglevel error -y \
  -f lavfi -i testsrc2=size=1280x720:rate=30:duration=$seconds,noise=alls=6:allf=t -c:v libx264 -preset veryfast \
  -tune zerolatency -profile:v main -b:v 4M -maxrate 4M -bufsize 2M -g 300 -pix_fmt yuv420p "$work/in.mkv"

if [[ $decoders == nvidia ]]; then
  decode="nvh264dec" scale="cudaconvertscale" memory="(memory:CUDAMemory)" fetch="! cudadownload"
  { has nvh264enc || has nvcudah264enc; } && encoder=nvidia || encoder=x264
else
  decode="avdec_h264 max-threads=1" scale="videoconvertscale" memory="" fetch=""
  encoder=x264
fi
sizes=("1280 720 30 2500000" "640 360 30 800000" "320 180 15 250000")
# As fast as the clock goes, and slower if need be.
sink="fakesink sync=true"
read_source="filesrc location=$work/in.mkv ! matroskademux ! queue"

through_abrladder() { # STREAM
  local i=0 list='' pads='' width height fps bps size
  for size in "${sizes[@]}"; do
    read -r width height fps bps <<<"$size"
    list+="${list:+,}[r$i,width=$width,height=$height,fps=$fps,bps=$bps]"
    pads+=" l$1.video_src_$i ! $sink"
    i=$((i + 1))
  done
  echo "abrladder name=l$1 video-decoders=$decoders video-encoders=$encoder renditions=<$list> $read_source ! l$1.video_0 $pads"
}
without_encoding() { # STREAM
  local branches='' width height size
  for size in "${sizes[@]}"; do
    read -r width height _ <<<"$size"
    branches+=" t$1. ! queue max-size-buffers=4 ! $scale ! video/x-raw$memory,format=I420,width=$width,height=$height $fetch ! $sink"
  done
  echo "$read_source ! h264parse ! $decode ! tee name=t$1 $branches"
}

run() { # MAKER STREAMS: what ladder-run says, into $work/said
  local stream words all=()
  for ((stream = 0; stream < $2; ++stream)); do
    read -ra words <<<"$("$1" "$stream")"
    all+=("${words[@]}")
  done
  timeout -k 5 300 "$build/tests/benchmark/ladder-run" "${all[@]}" >"$work/said" 2>"$work/errors"
}
# A second is what starting and ending may take; a lack of power of a twentieth takes as much.
keeps_up() {
  run "$@" && awk -F= -v most="$((seconds + 1))" '/^seconds=/ {kept = $2 <= most} END {exit !kept}' "$work/said"
}
most_streams() { # MAKER: the largest number that keeps up, within a tenth of it; 0 if not even one does
  local good=0 bad=1 middle
  while [[ $bad -le $most ]] && keeps_up "$1" "$bad"; do
    good=$bad bad=$((bad * 2))
  done
  if [[ $bad -gt $most ]]; then
    echo "at least $good"
    return
  fi
  while [[ $((bad - good)) -gt 1 && $(((bad - good) * 10)) -gt $bad ]]; do
    middle=$(((good + bad) / 2))
    if keeps_up "$1" "$middle"; then good=$middle; else bad=$middle; fi
  done
  echo "$good"
}

if ! run through_abrladder 1; then
  echo "one stream does not go through:" >&2
  cat "$work/errors" >&2
  exit 1
fi
cat "$work/said"
if [[ $decoders == nvidia ]]; then
  wanted='video-decoder=nv[a-z0-9]* .*scaled-on-gpu=3 scaled-in-memory=0$'
else
  wanted='video-decoder=avdec_h264 .*scaled-on-gpu=0 scaled-in-memory=3$'
fi
if ! grep -q "$wanted" "$work/said"; then
  echo "these pictures were decoded or scaled elsewhere than they should have been" >&2
  exit 1
fi

gpu=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1) || gpu=
echo
echo "${gpu:-processor: $(nproc) cores}, $(gst-launch-1.0 --version | sed -n 2p)"
echo
echo "| 1280x720 at 30 frames a second, three renditions | streams in real time |"
echo "|---|---:|"
echo "| abrladder: $decoders, encoded by $encoder | $(most_streams through_abrladder) |"
echo "| decoded and scaled, without encoding | $(most_streams without_encoding) |"
