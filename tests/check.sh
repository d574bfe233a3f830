#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs what is missing, builds and runs every test. Closes with the names of what failed, and
# "N passed, N failed, N skipped".
#   tests/check.sh            everything: style docs sanitizers e2e
#   tests/check.sh SUITE...   some of these, or of unit elements contract: what sanitizers runs, as it is built for use
#   tests/check.sh soak       not part of everything: a simulated day of hlslivesink; whole chains for
#                             minutes in bad weather, as root; WEATHER_SEED=N for that of an earlier run
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/setup.sh"

suites=("$@")
[[ ${#suites[@]} -gt 0 ]] || suites=(style docs sanitizers e2e)
wants() { # SUITE...: any of them
  local suite
  for suite in "$@"; do [[ " ${suites[*]} " != *" $suite "* ]] || return 0; done
  return 1
}

passed=0 failed=0 skipped=0 failures=() unsteady=()
count() { # PASSED FAILED SKIPPED
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}
fail() { # NAME
  count 0 1 0
  failures+=("$1")
}
# read_report SCRIPT FILE: counts=(PASSED FAILED SKIPPED) and reasons=(a line for each failure), as the script says.
read_report() {
  local lines
  mapfile -t lines < <(python3 "$root/tests/support/$1" "$2")
  if [[ ${#lines[@]} -eq 0 ]]; then
    counts=(0 1 0) reasons=("no report in ${2#"$root"/}")
  else
    # shellcheck disable=SC2206
    counts=(${lines[0]}) reasons=("${lines[@]:1}")
  fi
}
# What fails runs once more, with nothing beside it: somebody else's work on the machine makes a test late once, a fault
# makes it fail twice. What passes then is told at the end all the same.
again() { # FIRST_COUNTS FIRST_REASONS (names of arrays), with counts and reasons of the second time
  local -n first=$1 said=$2
  local of_both=$((first[1] > counts[1] ? first[1] - counts[1] : 0))
  count $((first[0] + of_both)) "${counts[1]}" "${first[2]}"
  failures+=("${reasons[@]}")
  [[ ${counts[1]} -gt 0 ]] || unsteady+=("${said[@]}")
}

# run_meson DIR SUITE... | --test NAME...: counts single test cases, from the report that meson makes of them.
run_meson() {
  local dir=$1 suite arguments=() counts reasons programs
  shift
  if [[ $1 == --test ]]; then
    arguments=("${@:2}")
  else
    for suite in "$@"; do arguments+=(--suite "$suite"); done
  fi
  meson_once "$dir" 2 "${arguments[@]}"
  mapfile -t programs < <(python3 "$root/tests/support/count_junit.py" --programs "$dir/meson-logs")
  if [[ ${#programs[@]} -eq 0 ]]; then
    count "${counts[@]}"
    failures+=("${reasons[@]}")
  else
    # shellcheck disable=SC2034 # by name
    local first_counts=("${counts[@]}") first_reasons=("${reasons[@]}")
    say "once more: ${programs[*]}"
    meson_once "$dir" 1 "${programs[@]}"
    again first_counts first_reasons
  fi
}
meson_once() { # DIR JOBS ARGUMENT...
  rm -f "$1"/meson-logs/testlog.{junit.xml,json}
  meson test -C "$1" --no-rebuild --print-errorlogs --num-processes "$2" "${@:3}" >&2
  read_report count_junit.py "$1/meson-logs"
}

# run_node JOBS FILE...: counts single tests, from the report that node makes of each file.
run_node() {
  local file report counts reasons
  mkdir -p "$root/artefacts"
  printf '%s\0' "${@:2}" | xargs -0 -P "$1" -n 1 "$root/tests/support/node_test.sh" "$root/artefacts"
  for file in "${@:2}"; do
    report=$root/artefacts/$(basename "$file" .test.mjs).tap
    read_report count_tap.py "$report"
    if [[ ${counts[1]} -eq 0 ]]; then
      count "${counts[@]}"
      continue
    fi
    # shellcheck disable=SC2034 # by name
    local first_counts=("${counts[@]}") first_reasons=("${reasons[@]}")
    say "once more: ${file#"$root"/}"
    mv "$report" "${report%.tap}-first.tap"
    "$root/tests/support/node_test.sh" "$root/artefacts" "$file"
    read_report count_tap.py "$report"
    again first_counts first_reasons
  done
}

say "suites: ${suites[*]}"
install_packages build run test
install_npm "$root/examples/live-server/pages"
install_npm "$root/tests/e2e"

if wants style; then
  say "style"
  mapfile -t sources < <(cd "$root" && git ls-files '*.cpp' '*.hpp' '*.h')
  if (cd "$root" && clang-format --dry-run --Werror "${sources[@]}"); then
    count 1 0 0
  else
    fail "style; run: clang-format -i \$(git ls-files '*.cpp' '*.hpp' '*.h')"
  fi
fi

export GST_PLUGIN_PATH=$root/build/gst:$root/build/ext
targets=(e2e)
! wants unit elements contract soak || targets=() # all of it
! wants docs unit elements contract e2e soak ||
  build "$root/build" -Dtests=enabled -Dwhip=enabled -Dsora=enabled -Dencryption=enabled \
    -Dhlsorigin=enabled -Dlive-server=enabled "${targets[@]}"
if wants docs; then
  say "generated pages"
  if "$root/scripts/generate_docs.sh" --check; then
    count 1 0 0
  else
    fail "docs: generated pages are stale; run: scripts/generate_docs.sh"
  fi
fi
for suite in unit elements contract; do
  if wants $suite; then
    say "suite $suite"
    run_meson "$root/build" $suite
  fi
done

if wants sanitizers; then
  export ONAIR_PLAYLISTS=$root/artefacts/playlists # what hlslivesink publishes; e2e reads it
  rm -rf "$ONAIR_PLAYLISTS"
  mkdir -p "$ONAIR_PLAYLISTS"
  # Line numbers are all that a report needs of debug information, and build in two thirds of the time. Without
  # what UBSan puts in front of each access it takes 2/3 of that: null pointers crash by themselves, objects that
  # end too early are AddressSanitizer's, and x86 reads at any address.
  unchecked="-fno-sanitize=null -fno-sanitize=object-size -fno-sanitize=vptr -fno-sanitize=alignment"
  build "$root/build-asan" -Dtests=enabled -Doptimization=1 \
    "-Dcpp_args=-g1 $unchecked" -Db_sanitize=address,undefined -Db_lundef=false meson-test-prereq
  say "suites unit, elements and contract under AddressSanitizer and UBSan"
  run_meson "$root/build-asan" unit elements contract
  # All elements with threads but whiplistensrc and soralistensrc, whose threads are webrtcbin's;
  # tests/support/tsan_glib.cpp tells it of GLib's locks.
  build "$root/build-tsan" -Dtests=enabled -Doptimization=0 -Dcpp_args=-g1 \
    -Db_sanitize=thread -Db_lundef=false \
    tests/unit/unit_{glue,hlslive_storage,tsan_glib} tests/support/libtsan_glib.so gst/avalign/libgstonairavalign.so \
    gst/flywheel/libgstonairflywheel.so gst/hlsbalance/libgstonairhlsbalance.so \
    gst/rtpadaptive/libgstonairrtpadaptive.so gst/rtplisten/libgstonairrtplisten.so gst/cmaf/libgstonaircmaf.so gst/hlslive/libgstonairhlslive.so \
    ext/hlsorigin/libgstonairhlsorigin.so \
    tests/elements/element-{avaligner,flywheel,hlsbalancer,hlslivesink,hlslivesink-faults,hlsorigin} \
    tests/elements/element-{rtpadaptivejitterbuffer,rtplistensrc}
  say "what threads share, under ThreadSanitizer"
  run_meson "$root/build-tsan" --test unit_tsan_glib unit_glue unit_hlslive_storage avaligner flywheel \
    hlsbalancer hlslivesink hlslivesink_faults hlsorigin rtpadaptivejitterbuffer rtplistensrc
fi

if wants e2e; then
  say "suite e2e: a real browser"
  # Mostly they wait; what is measured in time, or wants both processors, has the machine to itself.
  run_node 2 "$root"/tests/e2e/{archive,cache,channel_api,channels,channels_sora,encryption,faults,launch,meters,operations,orphans,passthrough,pause,playlists,replaced,server,simulcast,sora}.test.mjs
  run_node 1 "$root"/tests/e2e/{crowd,hold,ladder,live,multi,players,rtp,sync,weather}.test.mjs
fi

if wants soak; then
  say "suite soak: a day of segments, and a writer that is killed a hundred times"
  run_meson "$root/build" soak
  say "suite soak: whole chains for minutes, most of them in bad weather"
  run_node 1 "$root"/tests/e2e/soak/*.test.mjs
fi

[[ ${#unsteady[@]} -eq 0 ]] || printf 'failed once, then passed alone: %s\n' "${unsteady[@]}"
[[ ${#failures[@]} -eq 0 ]] || printf 'failed: %s\n' "${failures[@]}"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[[ $failed -eq 0 && $passed -gt 0 ]]
