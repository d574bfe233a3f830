#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs what is missing, builds, starts the live server and prints the addresses of its pages.
# All options are those of the server; --help lists them.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/setup.sh"

pages=$root/examples/live-server/pages
install_packages build run
install_npm "$pages"
options=(-Dtests=disabled -Dwhip=enabled -Dsora=enabled -Dhlsorigin=enabled -Dencryption=enabled
  -Dlive-server=enabled)
[[ ! -d $root/build ]] || options=() # as it was configured, by us or by tests/check.sh
build "$root/build" "${options[@]}" live
export GST_PLUGIN_PATH=$root/build/gst:$root/build/ext${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}
say "starting the live server (Ctrl-C stops it)"
exec "$root/build/examples/live-server/onair-live-server" --pages "$pages" "$@"
