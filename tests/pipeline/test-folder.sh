#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
. "$(dirname "$0")/lib.sh"
need multifilesink multifilesrc

mkdir "$work/pictures"
for name in a.jpg "b c.JPG" d.jpeg; do
  gst-launch-1.0 -q videotestsrc pattern=red num-buffers=1 ! jpegenc ! filesink location="$work/one.jpg" || fail "jpegenc"
  mv "$work/one.jpg" "$work/pictures/$name"
done
: >"$work/pictures/e.jpg"
echo text >"$work/pictures/notes.txt"

PIPELOAD_VIT="model=$model threshold=0" "$top/pipelines/folder.sh" "$work/pictures" >"$work/out" 2>&1 || fail "folder.sh: exit status $?"
sees 3 class_2 0.4
expect "picture 1: .*b c.JPG"
expect "WARNING: .*0 bytes"

mkdir "$work/empty"
"$top/pipelines/folder.sh" "$work/empty" >"$work/out" 2>&1 && fail "an empty folder is not an error"
expect "no JPEG pictures"
exit 0
