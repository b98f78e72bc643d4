#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the logs that `meson test` writes as JSON lines.

test-log.py counts LOG         passed, failed and skipped tests, as three numbers
test-log.py failed LOG         each failed test, with its failed subtests and what it printed last
test-log.py skipped LOG...     each test and subtest that was skipped, why, and in which of the logs; each once
"""
import json
import os
import re
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP", "IGNORED"}
TAP_SKIP = re.compile(r"^ *ok \d+ (?:- )?(\S+) # SKIP ?(.*)$", re.M)
TELLING = re.compile(r"^not ok|ERROR|runtime error|Sanitizer|Bail out|assert|^failed|^skipped", re.M)


def read(log):
    with open(log, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def name_of(test):
    # "pipeload:unit / unit-base"
    return test["name"].split(" / ")[-1]


def counts(log):
    results = [test["result"] for test in read(log)]
    passed = sum(r in PASSED for r in results)
    skipped = sum(r in SKIPPED for r in results)
    print(passed, len(results) - passed - skipped, skipped)


def failed(log):
    for test in read(log):
        if test["result"] in PASSED | SKIPPED:
            continue
        lines = test.get("stdout", "").splitlines() + test.get("stderr", "").splitlines()
        print(f"{test['result']} {name_of(test)}, {test['duration']:.0f} s")
        for line in [line for line in lines if TELLING.search(line)][:30] or lines[-30:]:
            print("   ", line)


def skips(test):
    """The skipped parts of @test, and why: (subtest or "", reason)"""
    found = TAP_SKIP.findall(test.get("stdout", ""))
    if not found and test["result"] in SKIPPED:
        why = re.search(r"^skipped: (.*)$", test.get("stdout", ""), re.M)
        found = [("", why.group(1) if why else "exit status 77")]
    return found


def skipped(*logs):
    seen = {}  # (test, reason) → subtests, logs; in the order of their appearance
    for log in logs:
        for test in read(log):
            for subtest, reason in skips(test):
                subtests, places = seen.setdefault((name_of(test), reason), ({}, {}))
                subtests[subtest] = places[os.path.basename(log).removesuffix(".json")] = True
    for (test, reason), (subtests, places) in seen.items():
        print("skipped", " ".join([test, *filter(None, subtests)]) + f": {reason} ({', '.join(places)})")


if __name__ == "__main__":
    {"counts": counts, "failed": failed, "skipped": skipped}[sys.argv[1]](*sys.argv[2:])
