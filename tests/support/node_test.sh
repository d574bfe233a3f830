#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# node_test.sh DIR FILE: runs the tests of FILE (NAME.test.mjs), leaves node's report in DIR/NAME.tap and shows it.
report=$1/$(basename "$2" .test.mjs).tap
node --test --test-reporter=tap "$2" > "$report" 2>&1
cat "$report" >&2
