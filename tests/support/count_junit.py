#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints "PASSED FAILED SKIPPED" of meson's reports in the given directory (single test cases, not
programs), and then each failure on a line of its own. With --programs in front of it, the names of
the programs that failed instead."""
import json
import os
import sys
import xml.etree.ElementTree as ElementTree

logs = sys.argv[-1]
with open(os.path.join(logs, "testlog.json"), encoding="utf-8") as lines:
    failed_programs = [run for run in map(json.loads, lines) if run["result"] not in ("OK", "SKIP")]
if sys.argv[1] == "--programs":
    for program in failed_programs:
        print(program["name"].split(" / ")[-1])
    sys.exit()
passed = skipped = 0
failures = []
for suite in ElementTree.parse(os.path.join(logs, "testlog.junit.xml")).getroot().iter("testsuite"):
    name = suite.get("name").split(" / ")[-1]
    for case in suite.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            said = (case.find("failure") if case.find("failure") is not None else case.find("error")).get("message")
            reason = f": {' '.join(said.split())[:200]}" if said else ""
            failures.append(f"{name}.{case.get('name')}{reason}")
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1
# Programs that crashed or ran too long have not reported all of their cases; others have, and then
# found a leak.
for program in failed_programs:
    name = program["name"].split(" / ")[-1]
    if not any(failure.startswith(name) for failure in failures):
        failures.append(f"{name}: {program['result']}, exit status {program['returncode']}")
print(passed, len(failures), skipped)
for failure in failures:
    print(failure)
