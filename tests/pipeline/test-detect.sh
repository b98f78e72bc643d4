#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# pipeload detect on videos and folders: its table of figures, its JSON, its exit status.
. "$(dirname "$0")/lib.sh"
need avimux pngenc
pipeload=$PIPELOAD_BUILD/apps/pipeload/pipeload

gst-launch-1.0 -q videotestsrc pattern=red num-buffers=20 ! video/x-raw,width=64,height=48,framerate=10/1 ! jpegenc \
  ! avimux ! filesink location="$work/red.avi" || fail "avimux"

"$pipeload" detect --stats --model="$model" --threshold=0 --camera=gate --memory-limit=small --output="$work/red.jsonl" "$work/red.avi" >"$work/out" 2>&1 || fail "exit status $?"
expect '^00:00:00\.000 class_2 0\.4[12]$'
expect '^frames +20, inferred 20$'
expect '^frames/s +[0-9]'
expect '^latency +[0-9.]+ ms'
expect '^engine bytes +[0-9.]+ .?B'
expect '^memory limit +[0-9.]+ .?B$'
expect '^process +[0-9.]+ MB'
expect '^streamed +[0-9.]+ .?B'
expect '^loader stalls +[0-9]+'
python3 - "$work/red.jsonl" <<'PYTHON' || fail "$work/red.jsonl"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == 20, len(lines)
for number, line in enumerate(lines):
    assert line["timestamp"] == number * 100_000_000, line
    assert line["camera"] == "gate" and line["resolution"] == {"width": 64, "height": 48}
    (seen,) = line["objects"]
    assert seen["label"] == "class_2" and abs(seen["confidence"] - 0.4203) < 0.01, seen
    assert seen["box"] == {"x_min": 0, "y_min": 0, "x_max": 1, "y_max": 1} and seen["w"] == 64 and seen["zones"] == []
PYTHON

# The engine stays inside the limit, which is the smallest one.
limit=$("$PIPELOAD_BUILD/apps/pipeload/pipeload" plan --no-profile --json "$model" | python3 -c 'import json, sys; print(json.load(sys.stdin)["minimum_limit"])')
[ -n "$limit" ] || fail "pipeload plan"
"$pipeload" detect --stats --model="$model" --memory-limit="$limit" --frames=7 "$work/red.avi" >"$work/out" 2>&1 || fail "exit status $?"
expect '^frames +7, inferred 7$'
"$pipeload" detect --stats --model="$model" --interval=5 "$work/red.avi" >"$work/out" 2>&1 || fail "exit status $?"
expect '^frames +20, inferred 4$'
"$pipeload" detect --stats --threshold=0 --model="$model" --mode=async "$work/red.avi" >"$work/out" 2>&1 || fail "exit status $?"
expect '^frames +20, inferred [1-9]'

# A folder with both kinds of pictures, one of them damaged; and one picture.
mkdir "$work/pictures"
gst-launch-1.0 -q videotestsrc pattern=red num-buffers=1 ! jpegenc ! filesink location="$work/pictures/a.jpg"
gst-launch-1.0 -q videotestsrc pattern=green num-buffers=1 ! pngenc ! filesink location="$work/pictures/b.png"
head -c 300 "$work/pictures/a.jpg" >"$work/pictures/c.jpg"
"$pipeload" detect --threshold=0 --model="$model" "$work/pictures" >"$work/out" 2>&1
[ $? = 2 ] || fail "a damaged picture: exit status $?"
expect '/a\.jpg  class_2 0\.4[0-9]$'
expect '/b\.png  class_3 0\.6[0-9]$'
expect '^pipeload: .*/c\.jpg: '

# Interrupted after its first result, within a minute of video that it plays as fast as it was recorded: the table is printed all the same.
gst-launch-1.0 -q videotestsrc pattern=red num-buffers=600 ! video/x-raw,width=64,height=48,framerate=10/1 ! jpegenc \
  ! avimux ! filesink location="$work/minute.avi" || fail "avimux"
"$pipeload" detect --stats --threshold=0 --model="$model" --mode=async "$work/minute.avi" >"$work/out" 2>&1 &
pid=$!
wait_until has '^00:00:[0-9.]+ class_2' "$work/out"
kill -INT $pid
wait $pid
[ $? = 130 ] || fail "interrupted: exit status $?"
expect '^frames +[1-9]'

# refuses STATUS WORD ARGUMENT...
refuses() {
  local status=$1 word=$2 got
  shift 2
  "$pipeload" detect --stats "$@" >"$work/out" 2>&1
  got=$?
  [ $got = "$status" ] || fail "exit status $got, not $status: $*"
  expect "$word"
}
refuses 1 'too few arguments'
refuses 1 'mode' --mode=maybe "$work/red.avi"
refuses 2 '/nonexistent/video.avi' /nonexistent/video.avi
refuses 2 '/nonexistent/model' --model=/nonexistent/model "$work/red.avi"
refuses 2 'smallest' --model="$model" --memory-limit=10kB "$work/red.avi"
refuses 2 'no pictures' --model="$model" "$top/gst/track"
refuses 2 '/nonexistent/out' --model="$model" --output=/nonexistent/out "$work/red.avi"
exit 0
