#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes docs/elements/*.md: the section comment of each element, and its pads, properties and signals
# as the built plugin shows them.   scripts/generate_docs.sh [--check]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

export GST_PLUGIN_PATH=$root/build/gst:$root/build/ext
check=${1:-}
status=0

# The first /** … */ of a source file as Markdown.
section_comment() {
  awk '/^\/\*\*/ {on = 1; next} on && /^ \*\// {exit} on {sub(/^ \* ?/, ""); print}' "$1" |
    sed -e '/^SECTION:/d' -e '/^@title:/d' -e 's/^@short_description: \(.*\)/\1./' \
      -e 's/^|\[$/```sh/' -e 's/^\]| *\(.*\)/```\n\n\1/' -e 's/#Gst[A-Za-z]*:\([a-z-]*\)/`\1`/g'
}

page() { # ELEMENT SOURCE
  printf '<!-- made by scripts/generate_docs.sh -->\n# %s\n\n' "$1"
  section_comment "$root/$2"
  "$root/build/docs/describe-element" "$1"
}

while read -r element source; do
  target=$root/docs/elements/$element.md
  if [[ $check == --check ]]; then
    page "$element" "$source" | diff -u "$target" - ||
      { say "$target is stale: run scripts/generate_docs.sh" && status=1; }
  else
    mkdir -p "$(dirname "$target")"
    page "$element" "$source" >"$target"
  fi
done <<'LIST'
abrladder gst/abrladder/gstabrladder.cpp
avaligner gst/avalign/gstavaligner.cpp
cmafpartmux gst/cmaf/gstcmafpartmux.cpp
fallbackdecoder gst/abrladder/gstfallbackdecoder.cpp
flywheel gst/flywheel/gstflywheel.cpp
hlsbalancer gst/hlsbalance/gsthlsbalancer.cpp
hlsdirectory gst/hlslive/gsthlsdirectory.cpp
hlslivesink gst/hlslive/gsthlslivesink.cpp
hlsorigin ext/hlsorigin/gsthlsorigin.cpp
rtpadaptivejitterbuffer gst/rtpadaptive/gstrtpadaptivejitterbuffer.cpp
rtplistensrc gst/rtplisten/gstrtplistensrc.cpp
soralistensrc ext/sora/gstsoralistensrc.cpp
whiplistensrc ext/whip/gstwhiplistensrc.cpp
LIST
exit $status
