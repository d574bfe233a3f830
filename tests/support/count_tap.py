#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints "PASSED FAILED SKIPPED" of what `node --test --test-reporter=tap` wrote, and then the name
of each failed test, and why, on a line of its own."""
import pathlib
import re
import sys

with open(sys.argv[1], encoding="utf-8") as report:
    text = report.read()
counts = [
    sum(int(number) for number in re.findall(rf"^# {name} (\d+)$", text, re.MULTILINE))
    for name in ("pass", "fail", "skipped")
]
cancelled = sum(int(n) for n in re.findall(r"^# cancelled (\d+)$", text, re.MULTILINE))
if sum(counts) + cancelled == 0:
    sys.exit("no tests in the report")
print(counts[0], counts[1] + cancelled, counts[2])
# With the beginning of what it said, which node writes behind "error:", or below it.
for name, block in re.findall(r"^ *not ok \d+ - (.*)\n((?: +.*\n)*)", text, re.MULTILINE):
    said = re.search(r"^  error: (?:\|-?\n)?(.*(?:\n    .*)*)", block, re.MULTILINE)
    reason = f": {' '.join(said[1].split())[:300]}" if said else ""
    print(f"{pathlib.Path(sys.argv[1]).stem}: {name}{reason}")
