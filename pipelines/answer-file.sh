#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Answers each line of a text file, each for itself, through appsrc ! pipeloadllm ! appsink.
#
#   pipelines/answer-file.sh FILE [OPTION...]      FILE: - for stdin; options go to pipeload-chat: see its --help
usage () { sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"; }
case ${1:-} in
  -h | --help) usage; exit ;;
  '') usage >&2; exit 1 ;;
esac
file=$1
shift
[ "$file" = - ] && file=/dev/stdin

# The program and the plugin that demo.sh built, unless others are named.
build=${PIPELOAD_BUILD:-$(dirname "$0")/../build-demo}
export GST_PLUGIN_PATH="${GST_PLUGIN_PATH:-$build/gst}"
program=$build/pipelines/pipeload-chat
[ -x "$program" ] || program=pipeload-chat

exec "$program" --history=0 "$@" "$file"
