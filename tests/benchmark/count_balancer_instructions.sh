#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# count_balancer_instructions.sh PROGRAM: what balancer_workload (PROGRAM) costs per buffer with
# hlsbalancer beside stock identity, as a table in markdown.
#
# Counted as in count_instructions.sh: the difference of two runs with different numbers of buffers, less
# the same for the rig without an element.
set -eu
program=$1
few=4000
many=16000
. "$(dirname "$0")/callgrind.sh"

per_buffer() { # FACTORY WORKLOAD
  small=$(instructions "$1" "$2" "$few")
  large=$(instructions "$1" "$2" "$many")
  echo $(((large - small) / (many - few)))
}

allocations() { # FACTORY WORKLOAD
  G_SLICE=always-malloc "$program" "$1" "$2" "$many" | sed -n 's/.*; \([0-9.]*\) allocations.*/\1/p'
}

echo '| workload | identity: instructions | hlsbalancer: instructions | ratio' \
  '| identity: allocations | hlsbalancer: allocations |'
echo '|---|---:|---:|---:|---:|---:|'
for workload in steady cuts; do
  rig=$(per_buffer none $workload)
  theirs=$(($(per_buffer identity $workload) - rig))
  mine=$(($(per_buffer hlsbalancer $workload) - rig))
  echo "| $workload | $theirs | $mine | $(ratio $mine $theirs)" \
    "| $(allocations identity $workload) | $(allocations hlsbalancer $workload) |"
done
echo
echo "Per buffer, between ${few} and ${many}; the rig's own share is taken off. cuts: a segment each"
echo 'second. Allocations: calls of malloc and its kin, GLib slices included (G_SLICE=always-malloc).'
