# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by count_*.sh, which set `program`.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# instructions ARGUMENT...: what the program executes with these, in all threads.
instructions() {
  if ! valgrind --tool=callgrind --callgrind-out-file="$folder/out" "$program" "$@" \
    >"$folder/log" 2>&1; then
    cat "$folder/log" >&2
    exit 1
  fi
  sed -n 's/^totals: *//p' "$folder/out"
}

ratio() { # OURS STOCK
  awk "BEGIN { if ($2 == 0) print \"-\"; else printf \"%.2f\", $1 / $2 }"
}
