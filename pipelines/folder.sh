#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks at every JPEG picture of a folder, in the order of their names, and prints what it sees in each.
#
#   pipelines/folder.sh FOLDER
#
# PIPELOAD_VIT adds properties to pipeloadvit.

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
case ${1:-} in
  -h | --help) usage; exit ;;
  '') usage >&2; exit 1 ;;
esac

# multifilesrc counts: give it numbered names.
numbered=$(mktemp -d) || exit 1
trap 'rm -rf "$numbered"' EXIT
trap 'exit 130' INT TERM
number=0
for picture in "$1"/*; do
  case $picture in *.[jJ][pP][gG] | *.[jJ][pP][eE][gG]) ;; *) continue ;; esac
  ln -s "$(realpath "$picture")" "$numbered/$(printf %06d $number).jpg"
  echo "picture $number: $picture"
  number=$((number + 1))
done
[ $number -gt 0 ] || { echo "$1: no JPEG pictures in this folder" >&2; exit 1; }

# Words are meant to be split: they are properties.
# shellcheck disable=SC2086
gst-launch-1.0 -m multifilesrc location="$numbered/%06d.jpg" caps=image/jpeg,framerate=1/1 stop-index=$((number - 1)) \
  ! pipeloadvit messages=all ${PIPELOAD_VIT:-} \
  ! fakesink sync=false
