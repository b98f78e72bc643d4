#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Answers each line of a text file on its own.
#
#   pipelines/answer-file.sh FILE [MODEL] [OPTION...]      FILE: - for stdin; options: see "pipeload help run"

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
case ${1:-} in
  -h | --help) usage; exit ;;
  '') usage >&2; exit 1 ;;
esac
file=$1
shift
[ "$file" = - ] || exec <"$file"

exec "$pipeload" run --quiet --history=0 "$@"
