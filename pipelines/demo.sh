#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Person or no person, by a vision transformer that needs less memory than it has weights; then, by a small language model, a report
# of what was seen.
# On a fresh Debian 12, as root or with sudo: installs what is missing, builds, and runs.
#
#   pipelines/demo.sh [INPUT] [OPTION...]
#
# INPUT is a video file, a picture or a folder of pictures, rtsp://…, or /dev/videoN; by default pedestrians before a
# surveillance camera (vtest.avi of Debian's opencv-doc). Options go to pipeload-watch: see --help. Results: detections.jsonl,
# which report.sh reads.
set -u
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"

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
export GST_PLUGIN_PATH=$PLD_BUILD/gst${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}

case " $* " in
  *" --help "* | *" -h "*) exec "$PLD_BUILD/pipelines/pipeload-watch" --help ;;
  *" --input"* | *" -i "*) ;;
  *)
    [ -n "$input" ] || input=$(pld_example_video) || exit 1
    set -- --input="$input" --memory-limit=small "$@"
    ;;
esac
log=detections.jsonl
"$PLD_BUILD/pipelines/pipeload-watch" --output="$log" "$@" || exit

# Where the results went elsewhere there is nothing to report here.
case " $* " in *" --output"* | *" -o"*) exit ;; esac
echo
PIPELOAD_BUILD=$PLD_BUILD "$pld_top/pipelines/report.sh" "$log"
