#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh from its first line, in the build that is there, on a short video, with the bundled model.
. "$(dirname "$0")/lib.sh"
need avimux
# shellcheck source=pipelines/common.sh
. "$top/pipelines/common.sh"
[ -f "$top/models/bundled/person-detector/model.safetensors" ] || skip "no bundled model"
[ -f "$top/models/bundled/report-llama/report-llama.gguf" ] || skip "no bundled language model"
pld_install_demo >/dev/null 2>&1 || skip "packages are missing"

gst-launch-1.0 -q videotestsrc num-buffers=15 ! video/x-raw,width=320,height=240,framerate=10/1 ! jpegenc ! avimux \
  ! filesink location="$work/short.avi" || fail "avimux"
cd "$work" || exit 1
export PIPELOAD_DEMO_BUILD=$PIPELOAD_BUILD
"$top/pipelines/demo.sh" "$work/short.avi" >"$work/out" 2>&1 || fail "exit status $?"
expect '^(0:00:0.\.... +person|Nothing was seen)'
expect '^frames +15, looked at 15$'
expect '^results +detections.jsonl$'
# The report follows, as report.sh writes it.
"$top/pipelines/report.sh" >"$work/report" 2>&1 || fail "report.sh: exit status $?"
[ -s "$work/report" ] || fail "no report"
tail -n "$(wc -l <"$work/report")" "$work/out" | cmp - "$work/report" || fail "another report than report.sh's"
[ "$(wc -l <detections.jsonl)" = 15 ] || fail "detections.jsonl"

# The engine's peak, the limit, and the weights, in this order.
python3 - "$work/out" "$top/models/bundled/person-detector/model.safetensors" <<'PYTHON' || fail "memory"
import os, re, sys
unit = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
text = open(sys.argv[1]).read()
peak, limit, streamed = (
    float(number) * unit[kind]
    for number, kind in (
        re.search(pattern + r" ([\d.]+) (\w+)", text).groups()
        for pattern in (r"engine bytes .*at most", r"memory limit +", r"streamed +")
    )
)
weights = os.path.getsize(sys.argv[2])
assert peak <= limit, (peak, limit, weights)
assert streamed > 15 * weights / 2, streamed
PYTHON

# What fails is not reported on.
"$top/pipelines/demo.sh" /nonexistent.avi >"$work/out" 2>&1
[ $? = 2 ] || fail "a missing video: exit status $?"
grep -q 'seen' "$work/out" && fail "a report of nothing"
exit 0
