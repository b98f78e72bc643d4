#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh from its first line, in the build that is there, on a short video, with the bundled model.
. "$(dirname "$0")/lib.sh"
need avimux avidemux matroskamux matroskademux pngdec pipeloadoverlay
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"
[ -f "$top/models/bundled/person-detector/model.safetensors" ] || skip "no bundled model"
[ -f "$top/models/bundled/report-llama/report-llama.gguf" ] || skip "no bundled language model"
pld_install_demo >/dev/null 2>&1 || skip "packages are missing"

cd "$work" || exit 1
"$PIPELOAD_BUILD/tests/pipeline/make-walk" short.avi 30 jpegenc avimux 0 30 || fail "make-walk"
export PIPELOAD_DEMO_BUILD=$PIPELOAD_BUILD
"$top/pipelines/demo.sh" "$work/short.avi" >"$work/out" 2>&1 || fail "exit status $?"
expect '^0:00:0[01]\.[0-9] to 0:00:02\.[0-9]   person 1$'
expect '^frames +30, looked at 15$'
expect '^frames/s +[0-9]'
expect '^latency +[0-9.]+ ms'
expect '^process +[0-9.]+ MB'

# What it names is there.
video=$(sed -n 's/^annotated video  //p' "$work/out") sheet=$(sed -n 's/^contact sheets   \(.*\) \.\.\.$/\1/p' "$work/out")
gst-launch-1.0 -q filesrc location="$video" ! matroskademux ! fakesink sync=false || fail "annotated video: \"$video\""
gst-launch-1.0 -q filesrc location="$sheet" ! pngdec ! fakesink || fail "contact sheet: \"$sheet\""
for file in events.jsonl visits.csv summary.csv; do
  [ -s "demo-output/$file" ] || fail "demo-output/$file"
done

# The report follows, as report.sh writes it.
"$top/pipelines/report.sh" >"$work/report" 2>&1 || fail "report.sh: exit status $?"
[ -s "$work/report" ] || fail "no report"
tail -n "$(wc -l <"$work/report")" "$work/out" | cmp - "$work/report" || fail "another report than report.sh's"
[ "$(wc -l <detections.jsonl)" = 15 ] || fail "detections.jsonl"

# The engine's peak, the limit, and the weights, in this order: they are streamed.
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

# A second time: the video is analysed again.
"$top/pipelines/demo.sh" "$work/short.avi" >"$work/out" 2>&1 || fail "a second time: exit status $?"
expect '^frames +30, looked at 15$'

# Pictures go to pipeload detect.
gst-launch-1.0 -q videotestsrc num-buffers=1 ! jpegenc ! filesink location=picture.jpg
"$top/pipelines/demo.sh" "$work/picture.jpg" >"$work/out" 2>&1 || fail "a picture: exit status $?"
expect '/picture\.jpg  '
[ "$(wc -l <detections.jsonl)" = 1 ] || fail "a picture: $(wc -l <detections.jsonl) lines"

# There is no report about an input that fails.
"$top/pipelines/demo.sh" /nonexistent.avi >"$work/out" 2>&1
[ $? = 2 ] || fail "a missing video: exit status $?"
grep -q 'seen' "$work/out" && fail "a report of nothing"
exit 0
