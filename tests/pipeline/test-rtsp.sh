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
wait_until has . "$work/url"
url=$(cat "$work/url")

"$PIPELOAD_BUILD/apps/pipeload/pipeload" detect --stats --threshold=0 --model="$model" --frames=10 "$url" >"$work/out" 2>&1 || fail "pipeload detect: exit status $?"
expect 'class_2 0\.4[0-9]$'
expect '^frames +10'

# The server's stream never ends; the script is interrupted after its first result. By way of timeout, which passes the signal to all children.
PIPELOAD_VIT="model=$model threshold=0" timeout 600 "$top/pipelines/rtsp.sh" "$url" >"$work/out" 2>&1 &
script=$!
wait_until has '): pipeload-vit, ' "$work/out"
kill -INT $script
wait $script
sees 1 class_2 0.4
exit 0
