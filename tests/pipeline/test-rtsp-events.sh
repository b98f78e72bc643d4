#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rtsp-events.sh: a camera that shows one walk and ends, is away, and is back.
. "$(dirname "$0")/lib.sh"
need rtspsrc rtpjpegpay rtpjpegdepay avimux avidemux pipeloadevents
server=$PIPELOAD_BUILD/tests/pipeline/rtsp-server
[ -x "$server" ] || skip "built without gstreamer-rtsp-server-1.0"
[ -f "$top/models/bundled/person-detector/model.safetensors" ] || skip "no bundled model"
export PIPELOAD_MODELS=$top/models/bundled PIPELOAD_BUILD
cd "$work" || exit 1
"$PIPELOAD_BUILD/tests/pipeline/make-walk" walk.avi 50 jpegenc avimux 5 50 || fail "make-walk"

serve() {
  "$server" "$1" "$work/walk.avi" >"$work/url" &
  camera=$!
  wait_until has rtsp: "$work/url"
}

trap 'kill $camera $guard 2>/dev/null; rm -rf "$work"' EXIT
guard=
serve 0
url=$(cat url)
port=${url##*:} port=${port%%/*}
"$top/pipelines/rtsp-events.sh" "$url" events.jsonl --camera=gate --motion-threshold=0 >out 2>err &
guard=$!
wait_until has '"enter"' out
wait_until has 'the camera is away' err

# Away: it goes on trying, here at a server that hangs up.
kill $camera
wait $camera 2>/dev/null
entered=$(grep -c '"enter"' out)
timeout 300 python3 - "$port" <<'PYTHON' || fail "it does not try again"
import socket, sys

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    for _ in range(2):
        server.accept()[0].close()
PYTHON
kill -0 $guard || fail "it ends with its camera"

# Back.
serve "$port"
wait_until has 'the camera is back' err
wait_until has '"enter"' out $((entered + 1))

# A person who is in view when it is stopped leaves.
kill -INT $guard
wait $guard
[ $? = 130 ] || fail "interrupted: no exit status 130"
guard=
cmp out events.jsonl || fail "the file has other events"
python3 - <<'PYTHON' || fail "events"
import json

events = [json.loads(line) for line in open("out")]
inside = set()
for event in events:
    assert event["camera"] == "gate" and event["label"] == "person" and event["system_timestamp"], event
    if event["event"] == "enter":
        assert event["id"] not in inside, event
        inside.add(event["id"])
    elif event["event"] == "leave":
        inside.remove(event["id"])
assert not inside, inside
PYTHON

# refuses STATUS WORD ARGUMENT...
refuses() {
  local status=$1 word=$2 got
  shift 2
  timeout 20 "$top/pipelines/rtsp-events.sh" "$@" >"$work/out" 2>&1
  got=$?
  [ $got = "$status" ] || fail "exit status $got, not $status: $*"
  expect "$word"
}
refuses 1 'pipelines/rtsp-events.sh'
refuses 1 'timeout' "$url" --timeout=0
refuses 2 '/nonexistent/model' "$url" --model=/nonexistent/model
refuses 2 '/nonexistent/events' "$url" /nonexistent/events
refuses 2 '/nonexistent/zones' "$url" --zones=/nonexistent/zones
"$top/pipelines/rtsp-events.sh" --help >out || fail "--help"
expect 'pipelines/rtsp-events.sh'
exit 0
