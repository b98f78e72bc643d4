#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Says who comes and goes before a network camera, one JSON object a line; looks about five times a second while something moves. A camera
# that goes away is waited for.
#
#   pipelines/rtsp-events.sh rtsp://user:password@camera/stream [FILE|mqtt://broker] [OPTION...]
#
# Events go to a file or an MQTT broker, too, where one is named. Options go to pipeload-guard: see its --help.
usage () { sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"; }
case ${1:-} in
  -h | --help) usage; exit ;;
  '') usage >&2; exit 1 ;;
esac
camera=$1
shift
case ${1:-} in
  '' | -*) ;;
  mqtt://* | mqtts://*)
    broker=$1
    shift
    set -- --broker="$broker" "$@"
    ;;
  *)
    file=$1
    shift
    set -- --output="$file" "$@"
    ;;
esac

# The program and the plugins that demo.sh built, unless others are named.
build=${PIPELOAD_BUILD:-$(dirname "$0")/../build-demo}
export GST_PLUGIN_PATH="${GST_PLUGIN_PATH:-$build/gst}"
program=$build/pipelines/pipeload-guard
[ -x "$program" ] || program=pipeload-guard

exec "$program" "$@" "$camera"
