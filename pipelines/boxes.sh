#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Draws boxes around people, with their ids and paths: on the screen, or into a file.
#
#   pipelines/boxes.sh [SOURCE] [FILE.mkv]     SOURCE: /dev/videoN (/dev/video0), a video file, rtsp://…
#
# PIPELOAD_SOURCE_BIN replaces the source by other elements; PIPELOAD_VIT and PIPELOAD_OVERLAY add properties to pipeloadvit and
# pipeloadoverlay; PIPELOAD_SINK replaces the screen.

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
case ${1:-} in -h | --help) usage; exit ;; esac

input=${1:-/dev/video0} file=${2:-}

# A camera's pictures wait for nobody; each one of a recording that is written is looked at.
mode=async
case $input in
  /dev/*) set -- v4l2src device="$input" ! decodebin ;;
  rtsp://* | rtsps://*) set -- rtspsrc location="$input" latency=200 ! decodebin ;;
  *)
    [ -f "$input" ] || [ -n "${PIPELOAD_SOURCE_BIN:-}" ] || { echo "$input: no such file" >&2; exit 1; }
    set -- filesrc location="$input" ! decodebin ! videoconvert ! videoflip video-direction=auto
    [ -z "$file" ] || mode=sync
    ;;
esac

# Words are meant to be split: they are elements and properties.
# shellcheck disable=SC2086
[ -z "${PIPELOAD_SOURCE_BIN:-}" ] || set -- $PIPELOAD_SOURCE_BIN
# shellcheck disable=SC2086
set -- "$@" ! queue max-size-buffers=2 ! videoconvert ! pipeloadvit threshold=0.2 mode=$mode ${PIPELOAD_VIT:-} ! pipeloadtrack \
  ! pipeloadoverlay corner=top-left ${PIPELOAD_OVERLAY:-} ! videoconvert
if [ -z "$file" ]; then
  # shellcheck disable=SC2086
  exec gst-launch-1.0 -e "$@" ! ${PIPELOAD_SINK:-autovideosink}
fi

encoder=jpegenc
if gst-inspect-1.0 --exists x264enc; then
  encoder="x264enc speed-preset=veryfast tune=zerolatency ! h264parse"
elif gst-inspect-1.0 --exists openh264enc; then
  encoder="openh264enc bitrate=2000000 ! h264parse"
elif gst-inspect-1.0 --exists vp8enc; then
  encoder="vp8enc deadline=1 target-bitrate=2000000"
fi
# Under its own name only once it is whole.
unfinished=$(dirname "$file")/.$(basename "$file").$$
trap 'rm -f "$unfinished"' EXIT
trap : INT # which ends the recording, not this script
# shellcheck disable=SC2086
gst-launch-1.0 -e "$@" ! $encoder ! matroskamux ! filesink location="$unfinished" || exit
mv -f "$unfinished" "$file"
