#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks at every fifth frame of a network camera while its picture has changed, and prints what changes.
#
#   pipelines/rtsp.sh rtsp://user:password@camera/stream
#
# PIPELOAD_SOURCE_BIN replaces the camera by other elements; PIPELOAD_VIT adds properties to pipeloadvit.

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
case ${1:-}${PIPELOAD_SOURCE_BIN:-} in
  -h | --help) usage; exit ;;
  '') usage >&2; exit 1 ;;
esac

# Words are meant to be split: they are elements and properties.
# shellcheck disable=SC2086
exec gst-launch-1.0 -e -m ${PIPELOAD_SOURCE_BIN:-rtspsrc location="$1" latency=200 ! decodebin} \
  ! queue leaky=downstream max-size-buffers=2 \
  ! pipeloadvit mode=async interval=5 motion-threshold=0.03 ${PIPELOAD_VIT:-} \
  ! fakesink sync=false
