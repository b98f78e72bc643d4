#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Reports who enters and leaves the view of a network camera, one JSON object a line; infers about five times a second while something moves. A camera
# that goes away is retried.
#
#   pipelines/rtsp-events.sh rtsp://user:password@camera/stream [FILE|mqtt://broker] [OPTION...]
#
# Events go to a file or an MQTT broker, too, where one is named. Options: see "pipeload help guard".

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
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

exec "$pipeload" guard "$@" "$camera"
