#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
. "$(dirname "$0")/lib.sh"
export PIPELOAD_VIT="model=$model threshold=0"

PIPELOAD_SOURCE_BIN="videotestsrc pattern=red num-buffers=20 is-live=true ! video/x-raw,framerate=20/1" \
  "$top/pipelines/camera.sh" >"$work/out" 2>&1 || fail "camera.sh: exit status $?"
sees 1 class_2 0.4

PIPELOAD_SOURCE_BIN="videotestsrc pattern=red num-buffers=20 is-live=true ! video/x-raw,framerate=20/1 ! jpegenc" \
  "$top/pipelines/mjpeg-camera.sh" >"$work/out" 2>&1 || fail "mjpeg-camera.sh: exit status $?"
sees 1 class_2 0.4
grep -q jpegdec "$work/out" && fail "mjpeg-camera.sh decodes in full"

"$top/pipelines/camera.sh" /nonexistent/device >"$work/out" 2>&1 && fail "camera.sh takes a device that is not there"
for script in camera mjpeg-camera rtsp folder; do
  "$top/pipelines/$script.sh" --help >"$work/out" || fail "$script.sh --help"
  expect "pipelines/$script.sh"
done
exit 0
