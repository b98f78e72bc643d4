#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Detector, tracker and events on real video, where it is there: six persons who walk through a room one after the other; pedestrians whose ids were
# followed by hand. The same run twice gives the same bytes.
. "$(dirname "$0")/lib.sh"
clip=${PIPELOAD_DATA:-$top/../shared/data}/video/one-by-one-person-detection.mp4
vtest=${XDG_CACHE_HOME:-$HOME/.cache}/pipeload/vtest.avi
detector=$top/models/bundled/person-detector
[ -f "$clip" ] || [ -f "$vtest" ] || skip "no video"
need decodebin

# analyse VIDEO VIT-PROPERTIES PUBLISH-PROPERTIES
analyse() {
  # Words are meant to be split: they are properties.
  # shellcheck disable=SC2086
  gst-launch-1.0 -q filesrc location="$1" ! decodebin ! pipeloadvit model="$detector" threshold=0.2 $2 ! pipeloadtrack ! pipeloadevents \
    ! pipeloadpublish $3 queue-size=10000 ! fakesink sync=false >"$work/out" 2>&1 || fail "gst-launch-1.0"
}

if [ -f "$clip" ] && gst-inspect-1.0 avdec_h264 >/dev/null 2>&1; then
  for run in 1 2; do
    analyse "$clip" interval=3 location="$work/events$run"
  done
  cmp "$work/events1" "$work/events2" || fail "two runs report different events"
  [ "$(grep -c '"event":"enter"' "$work/events1")" = 6 ] || fail "$(grep -c '"event":"enter"' "$work/events1") persons came, not 6"
  [ "$(grep -c '"event":"leave"' "$work/events1")" = 6 ] || fail "not all of them have left"
  [ "$(grep -o '"event":"enter","zone":"","id":[0-9]*' "$work/events1" | sort -u | wc -l)" = 6 ] || fail "ids"
fi

if [ -f "$vtest" ]; then
  analyse "$vtest" interval=1 "what=frames location=$work/frames"
  [ "$(wc -l <"$work/frames")" = 795 ] || fail "frames"
  for range in "25 300" "325 600"; do
    # shellcheck disable=SC2086
    python3 "$top/tests/pipeline/tracks.py" "$work/frames" "$top/tests/golden/data/vtest-tracks.json" $range >"$work/out" || fail "tracks.py"
    echo "$range: $(cat "$work/out")"
    # The results are 2 and 1 switches, 7 and 1 missed of 85 and 58 persons.
    awk '{ exit !($2 >= 50 && $4 <= 10 && $6 <= 6 && $8 <= 4 && $12 <= 1.3) }' "$work/out" || fail "tracks are worse than they were"
  done
fi
exit 0
