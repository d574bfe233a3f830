#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# link_plugins.sh PLUGINSDIR FOLDER NAME...: makes FOLDER hold links to the stock plugins NAME... and
# nothing else, so that a test sees only the plugins it names. Prints the names it did not find.
set -eu
plugins=$1
folder=$2
shift 2
rm -rf "$folder"
mkdir -p "$folder"
for name in "$@"; do
  if [ -e "$plugins/libgst$name.so" ]; then
    ln -s "$plugins/libgst$name.so" "$folder/"
  else
    echo "$name"
  fi
done
