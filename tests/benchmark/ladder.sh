#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Processor time of a minute of stream with one, two and three renditions, and passed through: abrladder, stock
# elements by gst-launch-1.0, and ffmpeg, each in one process, with the same codecs, rates and threads, in turn; the medians of
# three rounds, of ten times as many where a run takes a second.
# And how much the pictures are like the source, which is a minute of 1280x720 at 30 frames a second, with noise.
#   tests/benchmark/ladder.sh [BUILD [ROUNDS [RENDITIONS...]]]     RENDITIONS: rows of the table, 0 passes through
set -euo pipefail
build=$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")/../../build}")
rounds=${2:-3}
rows=("${@:3}")
[[ ${#rows[@]} -gt 0 ]] || rows=(0 1 2 3)
export GST_PLUGIN_PATH=$build/gst
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source=$work/in.mkv
ff=(ffmpeg -nostdin -hide_banner -loglevel error -y)

"${ff[@]}" -f lavfi -i testsrc2=size=1280x720:rate=30:duration=60,noise=alls=6:allf=t \
  -f lavfi -i anoisesrc=color=pink:amplitude=0.2:duration=60:sample_rate=48000 -ac 2 \
  -c:v libx264 -preset veryfast -tune zerolatency -profile:v main -b:v 4M -maxrate 4M -bufsize 2M -g 300 \
  -x264-params scenecut=0 -pix_fmt yuv420p -c:a libopus -b:a 64k "$source"

# Of each rendition. abrladder gives its encoder 0.88 of the bits that may be spent, and a quarter of a second of
# them as buffer (gst/abrladder/rate_budget.hpp); the others are told so.
names=(hd sd low) widths=(1280 640 320) heights=(720 360 180) rates=(30 30 15) bps=(2500000 800000 250000)
kilobits=(2200 704 220) sound=(128 96 64)

# Each of these says the command that makes the first N renditions into files OUT.N, or into nothing.
sink() { # OUT RENDITION
  [[ -z $1 ]] && echo "fakesink sync=false async=false" || echo "filesink async=false location=$1.$2"
}
read_source="filesrc location=$source ! matroskademux name=d"

abrladder() { # N OUT
  local i list='' pads=''
  for ((i = 0; i < $1; ++i)); do
    list+="${list:+,}[${names[i]},width=${widths[i]},height=${heights[i]},fps=${rates[i]},bps=${bps[i]},audio-bps=${sound[i]}000]"
    pads+=" l.video_src_$i ! b.video_$i b.video_src_$i ! $(sink "$2" "$i")"
    pads+=" l.audio_src_$i ! b.audio_$i b.audio_src_$i ! fakesink sync=false async=false"
  done
  echo "gst-launch-1.0 -q abrladder name=l video-decoders=libav video-encoders=x264 renditions=<$list> hlsbalancer name=b" \
    "$read_source d.video_0 ! queue ! l.video_0 d.audio_0 ! queue ! l.audio_0 $pads"
}
stock() { # N OUT
  local i fps branches=''
  for ((i = 0; i < $1; ++i)); do
    fps=''
    [[ ${rates[i]} -eq 30 ]] || fps="! videorate drop-only=true ! video/x-raw,framerate=${rates[i]}/1"
    # Without their colorimetry, small pictures are converted from BT.709 to BT.601 as well.
    branches+=" v. ! queue $fps ! videoconvertscale"
    branches+=" ! video/x-raw,format=I420,width=${widths[i]},height=${heights[i]},colorimetry=bt709"
    branches+=" ! x264enc tune=zerolatency speed-preset=veryfast key-int-max=${rates[i]} option-string=scenecut=0 threads=1"
    branches+=" bitrate=${kilobits[i]} vbv-buf-capacity=250 ! video/x-h264,profile=main ! h264parse config-interval=-1"
    branches+=" ! video/x-h264,stream-format=byte-stream,alignment=au ! queue ! $(sink "$2" "$i")"
    branches+=" a. ! queue ! lamemp3enc target=bitrate cbr=true bitrate=${sound[i]} ! audio/mpeg,rate=48000"
    branches+=" ! mpegaudioparse ! queue ! fakesink sync=false async=false"
  done
  echo "gst-launch-1.0 -q $read_source d.video_0 ! queue ! h264parse ! avdec_h264 max-threads=1 ! tee name=v" \
    "d.audio_0 ! queue ! opusdec plc=true use-inband-fec=true ! audioconvert ! audioresample" \
    "! audio/x-raw,format=S16LE,rate=48000,channels=2 ! tee name=a $branches"
}
ffmpeg_ladder() { # N OUT
  local i filters="[0:v]split=$1" scaled='' outputs=''
  for ((i = 0; i < $1; ++i)); do
    filters+="[v$i]"
    scaled+=";[v$i]fps=${rates[i]},scale=${widths[i]}:${heights[i]}:flags=bilinear[s$i]"
    outputs+=" -map [s$i] -c:v libx264 -threads 1 -preset veryfast -tune zerolatency -profile:v main -g ${rates[i]}"
    outputs+=" -x264-params scenecut=0 -b:v ${kilobits[i]}k -maxrate ${kilobits[i]}k -bufsize $((kilobits[i] / 4))k"
    outputs+=" $([[ -z $2 ]] && echo "-f null -" || echo "-f h264 $2.$i")"
    outputs+=" -map 0:a -c:a libmp3lame -b:a ${sound[i]}k -f null -"
  done
  echo "${ff[*]} -threads 1 -c:a libopus -i $source -filter_complex $filters$scaled $outputs"
}
abrladder_through() {
  echo "gst-launch-1.0 -q abrladder name=l mode=passthrough renditions=<[hd,width=1280,height=720,bps=2500000,audio-bps=128000]>" \
    "hlsbalancer name=b mode=passthrough $read_source d.video_0 ! queue ! l.video_0 d.audio_0 ! queue ! l.audio_0" \
    "l.video_src_0 ! b.video_0 b.video_src_0 ! fakesink sync=false async=false" \
    "l.audio_src_0 ! b.audio_0 b.audio_src_0 ! fakesink sync=false async=false"
}
stock_through() {
  echo "gst-launch-1.0 -q $read_source d.video_0 ! queue ! h264parse config-interval=-1" \
    "! video/x-h264,stream-format=byte-stream,alignment=au ! queue ! fakesink sync=false async=false" \
    "d.audio_0 ! queue ! opusdec plc=true use-inband-fec=true ! audioconvert ! audioresample" \
    "! audio/x-raw,format=S16LE,rate=48000,channels=2 ! queue ! lamemp3enc target=bitrate cbr=true bitrate=128" \
    "! audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! fakesink sync=false async=false"
}
ffmpeg_through() {
  echo "${ff[*]} -c:a libopus -i $source -map 0:v -c:v copy -bsf:v h264_mp4toannexb -f null -" \
    "-map 0:a -c:a libmp3lame -b:a 128k -f null -"
}

run() { # COMMAND: as it was said; words have no spaces
  local words
  read -ra words <<<"$1"
  timeout -k 5 600 "${words[@]}" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    return 1
  }
}
processor_time() { # COMMAND: in seconds, of the process and its threads
  local spent TIMEFORMAT='%U %S'
  spent=$({ time run "$1" 2>&3; } 3>&2 2>&1)
  awk '{printf "%.3f\n", $1 + $2}' <<<"$spent"
}
median() { sort -n "$1" | awk '{its[NR] = $1} END {printf "%.3f", (its[int((NR + 1) / 2)] + its[int(NR / 2) + 1]) / 2}'; }
# The order changes from round to round: who comes first has the colder caches.
row() { # NAME ROUNDS ABRLADDER STOCK FFMPEG
  local round maker order
  rm -f "$work"/time.*
  for ((round = 0; round < $2; ++round)); do
    ((round % 2)) && order="5 4 3" || order="3 4 5"
    for maker in $order; do processor_time "${!maker}" >>"$work/time.$maker"; done
  done
  awk -v name="$1" -v a="$(median "$work/time.3")" -v b="$(median "$work/time.4")" -v c="$(median "$work/time.5")" \
    'BEGIN {printf "| %s | %.2f s | %.2f s | %.2f s | %.3f | %.3f |\n", name, a, b, c, a / b, a / c}'
}

echo "| a minute of | abrladder | stock elements | ffmpeg | to stock | to ffmpeg |"
echo "|---|---:|---:|---:|---:|---:|"
for n in "${rows[@]}"; do
  case $n in
    0) row "passthrough" $((10 * rounds)) "$(abrladder_through)" "$(stock_through)" "$(ffmpeg_through)" ;;
    1) row "1 rendition" "$rounds" "$(abrladder 1 "")" "$(stock 1 "")" "$(ffmpeg_ladder 1 "")" ;;
    *) row "$n renditions" "$rounds" "$(abrladder "$n" "")" "$(stock "$n" "")" "$(ffmpeg_ladder "$n" "")" ;;
  esac
done

# Frame by frame: each file has as many as the source, or half.
likeness() { # FILE RENDITION
  local log
  log=$(ffmpeg -nostdin -hide_banner -i "$1" -i "$source" -filter_complex \
    "[0:v]setpts=N[made];[1:v]select=not(mod(n\,30/${rates[$2]})),scale=${widths[$2]}:${heights[$2]}:flags=area,setpts=N[wanted];[made][wanted]ssim" \
    -an -f null - 2>&1)
  grep -o 'All:[0-9.]*' <<<"$log" | cut -d: -f2
}
frames() { ffprobe -v error -count_packets -select_streams v -show_entries stream=nb_read_packets -of csv=p=0 "$1"; }
kilobits_of() { # FILE
  echo $(($(stat -c %s "$1") * 8 / 60000))
}
run "$(abrladder 3 "$work/abrladder")"
run "$(ffmpeg_ladder 3 "$work/ffmpeg")"
echo
echo "| rendition | abrladder: mean SSIM | kbit/s | frames | ffmpeg: mean SSIM | kbit/s | frames |"
echo "|---|---:|---:|---:|---:|---:|---:|"
for i in 0 1 2; do
  echo "| ${widths[i]}x${heights[i]} at ${rates[i]} |$(for made in abrladder ffmpeg; do
    printf ' %.4f | %s | %s |' "$(likeness "$work/$made.$i" "$i")" "$(kilobits_of "$work/$made.$i")" "$(frames "$work/$made.$i")"
  done)"
done
