#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks at a camera's raw pictures, five times a second, and prints what changes. Frames never wait for the model.
#
#   pipelines/camera.sh [DEVICE]      DEVICE: /dev/video0
#
# PIPELOAD_SOURCE_BIN replaces the camera by other elements; PIPELOAD_VIT adds properties to pipeloadvit.

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
case ${1:-} in -h | --help) usage; exit ;; esac

# Words are meant to be split: they are elements and properties.
# shellcheck disable=SC2086
exec gst-launch-1.0 -e -m ${PIPELOAD_SOURCE_BIN:-v4l2src device="${1:-/dev/video0}" ! video/x-raw} \
  ! videorate drop-only=true ! video/x-raw,framerate=5/1 \
  ! queue leaky=downstream max-size-buffers=2 \
  ! pipeloadvit mode=async ${PIPELOAD_VIT:-} \
  ! fakesink sync=false
