#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Person or no person, by a vision transformer that needs less memory than it has weights.
# On a fresh Debian 12, as root or with sudo: installs what is missing, builds, and runs.
#
#   pipelines/demo.sh [INPUT] [OPTION...]
#
# INPUT is a video file, a picture or a folder of pictures, rtsp://…, or /dev/videoN; by default pedestrians before a
# surveillance camera (vtest.avi of Debian's opencv-doc). Options go to pipeload-watch: see --help. Results: detections.jsonl.
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

if [ -z "$input" ]; then
  case " $* " in
    *" --help "* | *" -h "* | *" --input"* | *" -i "*) exec "$PLD_BUILD/pipelines/pipeload-watch" --output=detections.jsonl "$@" ;;
  esac
  input=$(pld_example_video) || exit 1
fi
exec "$PLD_BUILD/pipelines/pipeload-watch" --input="$input" --memory-limit=auto --output=detections.jsonl "$@"
