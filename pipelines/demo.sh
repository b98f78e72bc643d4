#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Finds the persons in a video with a vision transformer whose weights are streamed, and follows them. Makes an annotated copy of the video and
# a contact sheet of each visit; a small language model then writes a report of what was seen.
# On a fresh Debian 12, as root or with sudo: installs what is missing, builds, and runs.
#
#   pipelines/demo.sh [INPUT] [OPTION...]
#
# INPUT is a video file; by default pedestrians in front of a surveillance camera (vtest.avi of Debian's opencv-doc). Results are in
# demo-output/, and in detections.jsonl, which report.sh reads. Options go to "pipeload analyse": see --help.
# A picture, a folder of pictures, rtsp://…, or /dev/videoN goes to "pipeload detect", with the options.
set -u
# shellcheck source=scripts/common.sh
. "$(dirname "$(realpath "$0")")/../scripts/common.sh"

input=
case ${1:-} in
  -h | --help)
    sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"
    echo
    ;;
  '' | -*) ;;
  *)
    input=$1
    shift
    ;;
esac

pld_install_demo || exit 1
pld_build "${PIPELOAD_DEMO_BUILD:-}" || exit 1
export PIPELOAD_MODELS=${PIPELOAD_MODELS:-$pld_top/models/bundled}
export GST_PLUGIN_PATH=$PLD_BUILD/gst${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}
log=detections.jsonl
pipeload=$PLD_BUILD/apps/pipeload/pipeload

case " $* " in *" --help "* | *" -h "*) exec "$pipeload" analyse --help ;; esac
[ -n "$input" ] || input=$(pld_example_video) || exit 1

# is_video INPUT: as opposed to cameras and pictures
is_video() {
  case $1 in *://* | /dev/* | *.[jJ][pP][gG] | *.[jJ][pP][eE][gG] | *.[pP][nN][gG]) return 1 ;; esac
  [ ! -d "$1" ]
}

# Lines such as "0:00:01.6 to 0:00:37.2   person 4", in the order of their beginnings
print_visits() {
  tail -n +2 "$1" | awk -F, '
    function clock(s) { return sprintf("%d:%02d:%04.1f", int(s / 3600), int(s / 60) % 60, s - 60 * int(s / 60)) }
    { printf "%.3f\t%s to %s   %s %s\n", $(NF - 5), clock($(NF - 5)), clock($(NF - 4)), $(NF - 3), $(NF - 2) }' |
    sort -s -k 1,1n | cut -f 2-
}

# analyse OPTION...
analyse() {
  local output=demo-output folder='' each
  # One encoder says "Error" at the end of every video; the exit status shows true ones.
  "$pipeload" analyse --output="$output" --again --annotate --detections --jobs=1 --memory-limit=small \
    "$@" "$input" >"$output.txt" 2> >(grep -v '^\[OpenH264\]' >&2) || { rm -f "$output.txt"; return 2; }
  print_visits "$output/visits.csv"
  echo
  grep -v '^results ' "$output.txt"
  rm -f "$output.txt"
  for each in "$output"/files/*/; do # of other videos, too
    { [ -z "$folder" ] || [ "$each" -nt "$folder" ]; } && folder=$each
  done
  echo "annotated video  ${folder}annotated.mkv"
  for each in "$folder"visit-*.png; do
    [ -e "$each" ] && echo "contact sheets   $each ..." && break
  done
  echo "results          $output/events.jsonl, visits.csv, summary.csv"
  cp "$output/detections.jsonl" "$log"
}

if is_video "$input"; then
  analyse "$@" || exit
else
  "$pipeload" detect --stats --memory-limit=small --output="$log" "$@" "$input" || exit
fi
echo
PIPELOAD_BUILD=$PLD_BUILD "$pld_top/pipelines/report.sh" "$log"
