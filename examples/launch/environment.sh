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
target_duration=${TARGET_DURATION:-2} # whole seconds: hlssink2 takes no others
dir=${DIR:-hls}
mkdir -p "$dir"
