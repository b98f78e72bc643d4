#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What GStreamer's own tools say of the plugin: gst-inspect-1.0 without warnings, the leaks tracer without objects, identity
# of the metas that frames carry.
. "$(dirname "$0")/lib.sh"

gst-inspect-1.0 pipeload >"$work/out" 2>&1 || fail "gst-inspect-1.0 pipeload"
expect 'pipeloadvit: '
expect 'License +LGPL'
gst-inspect-1.0 pipeloadvit >"$work/out" 2>&1 || fail "gst-inspect-1.0 pipeloadvit"
grep -Ei 'warning|critical|error' "$work/out" && fail "gst-inspect-1.0 complains"
for property in model memory-limit loaders threads labels classes threshold top-k interval mode region input-size max-batch \
  motion-threshold messages stats; do
  expect "^  $property +: ."
done

# docs/elements.md has a row for each property, with the default that gst-inspect-1.0 shows, and names each field of the stats.
while read -r property default; do
  row=$(grep -E "^\| \`$property\` \|" "$top/docs/elements.md") || fail "docs/elements.md has no row for $property"
  case $default in
    null) word=', unset |' ;;
    *) word="\`$default\` |" ;;
  esac
  case $row in *"$word"*) ;; *) fail "docs/elements.md: $property: not $default" ;; esac
done < <(awk '/^  [a-z-]+ +: / { name = $1 } /Default: / { gsub (/"/, "", $NF); print name, $NF }' "$work/out" |
  grep -Ev '^(name|parent|qos) ')
for field in $(sed -nE 's/^ +([a-z-]+): 0$/\1/p' "$work/out"); do
  grep -q "\`$field\`" "$top/docs/elements.md" || fail "docs/elements.md: the stats' $field is missing"
done

for mode in sync async; do
  GST_TRACERS=leaks GST_DEBUG="GST_TRACER:7,*:2" GST_DEBUG_NO_COLOR=1 gst-launch-1.0 videotestsrc num-buffers=20 \
    ! video/x-raw,width=64,height=64 ! pipeloadvit model="$model" mode=$mode messages=all ! fakesink >"$work/out" 2>&1 ||
    fail "gst-launch-1.0, $mode"
  grep -E 'object-alive|WARN|CRITICAL' "$work/out" && fail "leaks or warnings, $mode"
done

gst-launch-1.0 -v videotestsrc num-buffers=3 pattern=red ! pipeloadvit model="$model" threshold=0 \
  ! identity silent=false ! fakesink >"$work/out" 2>&1 || fail "identity"
[ "$(grep -c 'GstVideoRegionOfInterestMeta' "$work/out")" = 3 ] || fail "no ROI meta on the frames"
exit 0
