#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Answers each line of a text file, each for itself, through appsrc ! pipeloadllm ! appsink.
#
#   pipelines/answer-file.sh FILE [OPTION...]      FILE: - for stdin; options go to pipeload-chat: see its --help

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
case ${1:-} in
  -h | --help) usage; exit ;;
  '') usage >&2; exit 1 ;;
esac
file=$1
shift
[ "$file" = - ] && file=/dev/stdin

exec "$(program pipeload-chat)" --history=0 "$@" "$file"
