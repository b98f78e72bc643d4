#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A network camera: a server of our own on this machine.
. "$(dirname "$0")/lib.sh"
need rtspsrc rtpjpegpay rtpjpegdepay jpegdec
server=$PIPELOAD_BUILD/tests/pipeline/rtsp-server
[ -x "$server" ] || skip "built without gstreamer-rtsp-server-1.0"

"$server" >"$work/url" &
pid=$!
trap 'kill $pid; rm -rf "$work"' EXIT
for _ in $(seq 100); do
  [ -s "$work/url" ] && break
  sleep 0.1
done
url=$(cat "$work/url")
[ -n "$url" ] || fail "the server does not start"

"$PIPELOAD_BUILD/apps/pipeload-watch" --model="$model" --frames=10 "$url" >"$work/out" 2>&1 || fail "pipeload-watch: exit status $?"
expect 'class_2 \(4[0-9] %\)'
expect '^frames +10'

# The server's stream never ends; the script is interrupted.
PIPELOAD_VIT="model=$model threshold=0" timeout -s INT 4 "$top/pipelines/rtsp.sh" "$url" >"$work/out" 2>&1
sees 1 class_2 0.4
exit 0
