#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# boxes.sh into a file, and onto a screen that is none.
. "$(dirname "$0")/lib.sh"
need avimux matroskamux matroskademux pipeloadoverlay
[ -f "$top/models/bundled/person-detector/model.safetensors" ] || skip "no bundled model"
export PIPELOAD_MODELS=$top/models/bundled
cd "$work" || exit 1
"$PIPELOAD_BUILD/tests/pipeline/make-walk" walk.avi 20 jpegenc avimux 0 20 || fail "make-walk"

# colored FILE: how many pixels of its last frame are far from all colors of make-walk's picture
colored() {
  gst-launch-1.0 -q filesrc location="$1" ! decodebin ! videoconvert ! video/x-raw,format=RGB ! filesink location=raw 2>/dev/null || fail "$1"
  python3 - <<'PYTHON'
WIDE, HIGH = 512, 384
frame = open("raw", "rb").read()[-WIDE * HIGH * 3 :]
pixels = zip(frame[::3], frame[1::3], frame[2::3])
print(sum(max(pixel) - min(pixel) > 110 for pixel in pixels))
PYTHON
}

PIPELOAD_VIT=interval=2 PIPELOAD_OVERLAY=corner=none "$top/pipelines/boxes.sh" walk.avi boxes.mkv >out 2>&1 || fail "exit status $?"
before=$(colored walk.avi) after=$(colored boxes.mkv)
[ "$before" = 0 ] || fail "$before colored pixels in a gray video"
# A box of 150 pixels' height has edges of some hundred pixels.
[ "$after" -gt 150 ] || fail "$after colored pixels: no box"
[ "$(find . -name '.boxes.mkv*' | wc -l)" = 0 ] || fail "something unfinished is left"

PIPELOAD_SOURCE_BIN="videotestsrc num-buffers=20 is-live=true ! video/x-raw,width=320,height=240,framerate=20/1" PIPELOAD_SINK=fakesink \
  "$top/pipelines/boxes.sh" >out 2>&1 || fail "on a screen: exit status $?"
"$top/pipelines/boxes.sh" /nonexistent.avi >out 2>&1 && fail "a video that is not there"
expect 'no such file'
"$top/pipelines/boxes.sh" walk.avi /nonexistent/boxes.mkv >out 2>&1 && fail "a folder that is not there"
"$top/pipelines/boxes.sh" --help >out || fail "--help"
expect 'pipelines/boxes.sh'
exit 0
