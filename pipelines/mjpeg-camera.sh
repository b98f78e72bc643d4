#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks at a camera that sends JPEG pictures, as most USB cameras do: they go straight into pipeloadvit, which decodes
# them at the smallest size that covers the model's input, or not at all when it does not look.
#
#   pipelines/mjpeg-camera.sh [DEVICE]      DEVICE: /dev/video0
#
# PIPELOAD_SOURCE_BIN replaces the camera by other elements; PIPELOAD_VIT adds properties to pipeloadvit.

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
case ${1:-} in -h | --help) usage; exit ;; esac

# Words are meant to be split: they are elements and properties.
# shellcheck disable=SC2086
exec gst-launch-1.0 -e -m ${PIPELOAD_SOURCE_BIN:-v4l2src device="${1:-/dev/video0}"} ! image/jpeg \
  ! queue leaky=downstream max-size-buffers=2 \
  ! pipeloadvit mode=async interval=6 ${PIPELOAD_VIT:-} \
  ! fakesink sync=false
