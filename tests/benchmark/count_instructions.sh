#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# count_instructions.sh PROGRAM [FACTORY [PROPERTY=VALUE]...]: what jitterbuffer_workload (PROGRAM)
# costs per packet with FACTORY (rtpadaptivejitterbuffer if none is named) beside stock
# rtpjitterbuffer, as a table in markdown. Properties are for FACTORY alone; the workloads' own are
# set on both.
#
# Instructions are counted by callgrind, in all threads. Each figure is the difference of two runs
# with different numbers of packets, so that starting up and making buffers cancel, less the same
# for the rig without an element. GLib before 2.76 takes its slices from malloc under valgrind.
#
# WORKLOADS="audio-lost video-lost" in the environment measures these only.
set -eu
program=$1
shift
ours=${1:-rtpadaptivejitterbuffer}
[ $# -eq 0 ] || shift
stock=rtpjitterbuffer
few=2000
many=8000
. "$(dirname "$0")/callgrind.sh"

per_packet() { # FACTORY WORKLOAD PROPERTY=VALUE...
  factory=$1
  workload=$2
  shift 2
  small=$(instructions "$factory" "$workload" "$few" "$@")
  large=$(instructions "$factory" "$workload" "$many" "$@")
  echo $(((large - small) / (many - few)))
}

allocations() { # SLICES FACTORY WORKLOAD PROPERTY=VALUE...: with G_SLICE=SLICES
  slices=$1
  factory=$2
  workload=$3
  shift 3
  G_SLICE=$slices "$program" "$factory" "$workload" 8000 "$@" |
    sed -n 's/.*; \([0-9.]*\) allocations.*/\1/p'
}

repairing='do-lost=true do-retransmission=true'
workloads=${WORKLOADS:-audio-in-order audio-reordered audio-lost audio-repaired \
video-in-order video-reordered video-lost video-repaired}
echo "| workload | properties | $stock: instructions | $ours: instructions | ratio \
| $stock: malloc | with slices | $ours: malloc | with slices |"
echo '|---|---|---:|---:|---:|---:|---:|---:|---:|'
for workload in $workloads; do
  rig=$(per_packet none "$workload")
  for properties in '' 'do-lost=true' "$repairing"; do
    case "$workload:$properties" in
      *-repaired:"$repairing" | *-lost:*) ;;
      *-repaired:* | *:do-lost=true) continue ;; # as without, or nothing to see
    esac
    # One word for each property.
    # shellcheck disable=SC2086
    theirs=$(($(per_packet $stock "$workload" $properties) - rig))
    # shellcheck disable=SC2086
    mine=$(($(per_packet "$ours" "$workload" $properties "$@") - rig))
    # shellcheck disable=SC2086
    echo "| $workload | ${properties:-none} | $theirs | $mine | $(ratio $mine $theirs)" \
      "| $(allocations '' $stock "$workload" $properties)" \
      "| $(allocations always-malloc $stock "$workload" $properties)" \
      "| $(allocations '' "$ours" "$workload" $properties "$@")" \
      "| $(allocations always-malloc "$ours" "$workload" $properties "$@") |"
  done
done
echo
echo "Per packet, between ${few} and ${many}; the rig's own share is taken off. malloc: calls of it and"
echo 'its kin in the second half, as GLib is here; with slices: every slice counted as one of them'
echo '(G_SLICE=always-malloc), which is what happens from GLib 2.76 on.'
