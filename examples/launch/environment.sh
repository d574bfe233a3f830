# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by the launch scripts: where the plugins are, and what may be set from outside, as in
#   DIR=/srv/hls PORT=9000 TOKEN=mine examples/launch/whip-transcode.sh
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[[ -e $root/build/ext/whip/libgstonairwhip.so ]] || {
  echo "not built yet: run examples/live.sh once, or: meson setup build && ninja -C build" >&2
  exit 1
}
export GST_PLUGIN_PATH=$root/build/gst:$root/build/ext${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}

address=${ADDRESS:-127.0.0.1}
port=${PORT:-8889} # of the WHIP endpoint
token=${TOKEN:-secret}
video_port=${VIDEO_PORT:-5004}
audio_port=${AUDIO_PORT:-5006}
# How late the sound is behind perfect timestamps, in ns: Opus looks ahead by 312 samples, LAME's filter bank
# takes 576, that of an MP3 decoder 529 (FFmpeg's; Chromium takes its own off).
opus_to_mp3_delay=$(((312 + 576 + 529) * 1000000000 / 48000))
opus_to_aac_delay=$(((312 + 1024) * 1000000000 / 48000)) # avenc_aac begins with a frame of nothing
# Of a segment on average, in ns: any, as in TARGET_DURATION=1500000000.
target_duration=${TARGET_DURATION:-2000000000}
# Segments that the playlist lists: 0 for all, for a broadcast that can be watched from its beginning.
playlist_length=${PLAYLIST_LENGTH:-10}
# Segments that stay on the disk, where stock hlssink2 writes: 0 for all. hlslivesink removes what nobody
# may ask for any more.
max_files=${MAX_FILES:-20}
dir=${DIR:-hls}
hls_port=${HLS_PORT:-8080} # of the origin, for scripts that have one
case $playlist_length in
0) playlist="playlist-type=event" ;;
*) playlist="window=$((playlist_length * target_duration))" ;;
esac

# The first of these elements that works on this machine: NVIDIA's are only there with a GPU for them.
first_of() {
  local element
  for element in "$@"; do
    gst-inspect-1.0 --exists "$element" && echo "$element" && return
  done
  echo "none of these elements is installed: $*" >&2
  return 1
}

# H.264 of $1 kbit/s, without reordering, key frames only when asked.
h264_encoder() {
  case $(first_of nvh264enc x264enc) in
  nvh264enc)
    echo "nvh264enc preset=low-latency-hq zerolatency=true bitrate=$1 gop-size=-1 bframes=0" ;;
  x264enc)
    echo "x264enc tune=zerolatency speed-preset=superfast bitrate=$1 key-int-max=100000" \
      "option-string=scenecut=0" ;;
  esac
}
