#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# GStreamer's own tools on the plugins: gst-inspect-1.0 without warnings, the leaks tracer without objects, identity
# of the metas that frames carry.
. "$(dirname "$0")/lib.sh"

gst-inspect-1.0 pipeload >"$work/out" 2>&1 || fail "gst-inspect-1.0 pipeload"
expect 'License +LGPL'
expect '^  pipeloadevents: '
expect '^  pipeloadllm: '
expect '^  pipeloadtrack: '
expect '^  pipeloadvit: '
expect '^  4 features:'

# check_element NAME PROPERTY...: gst-inspect-1.0 shows these without complaint; the element's section of docs/elements.md has a row for each
# property, with the default that gst-inspect-1.0 shows, and names each field of the stats.
check_element () {
  local element=$1 property default row word field
  shift
  gst-inspect-1.0 "$element" >"$work/out" 2>&1 || fail "gst-inspect-1.0 $element"
  grep -E 'WARNING|CRITICAL|\*\* ' "$work/out" && fail "gst-inspect-1.0 complains about $element"
  for property in "$@"; do
    expect "^  $property +: ."
  done
  awk -v "title=## $element" '/^## / { on = $0 == title } on' "$top/docs/elements.md" >"$work/section"
  while read -r property default; do
    row=$(grep -E "^\| \`$property\` \|" "$work/section") || fail "docs/elements.md: $element has no row for $property"
    case $default in
      null) word=', unset |' ;;
      *) word="\`$default\` |" ;;
    esac
    case $row in *"$word"*) ;; *) fail "docs/elements.md: $element: $property: not $default" ;; esac
  done < <(awk '/^  [a-z-]+ +: / { name = $1 } /Default: / { gsub (/"/, "", $NF); print name, $NF }' "$work/out" |
    grep -Ev '^(name|parent|qos) ')
  # shellcheck disable=SC2013
  for field in $(sed -nE 's/^ +([a-z-]+): 0$/\1/p' "$work/out"); do
    grep -q "\`$field\`" "$work/section" || fail "docs/elements.md: $element: the stats' $field is missing"
  done
}
check_element pipeloadvit model memory-limit loaders threads labels classes threshold top-k interval mode region input-size max-batch \
  motion-threshold messages stats
check_element pipeloadllm model memory-limit loaders threads context-size cache-type system-prompt template history max-tokens \
  temperature top-k top-p min-p repeat-penalty presence-penalty frequency-penalty seed stop trim output messages stats
check_element pipeloadtrack high-threshold low-threshold match-iou min-hits max-age hold stats
check_element pipeloadoverlay boxes labels confidence ids trails zones corner font line-width
check_element pipeloadpublish location fsync broker ca-file topic camera home-assistant what queue-size drain stats
check_element pipeloadevents zones camera start-time threshold median inertia min-area min-height update-interval leave-after

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
