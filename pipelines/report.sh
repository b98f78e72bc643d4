#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Writes a report of what cameras saw, from the JSON lines that "pipeload detect --json" or demo.sh wrote.
#
#   pipelines/report.sh [LOG] [MODEL] [OPTION...]      LOG: detections.jsonl; MODEL: the bundled one
#
# Options: see "pipeload help report".

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
case ${1:-} in -h | --help) usage; exit ;; esac
log=detections.jsonl
case ${1:-} in '' | -?*) ;; *) log=$1; shift ;; esac
case ${1:-} in
  '' | -*) ;;
  *)
    model=$1
    shift
    set -- --model="$model" "$@"
    ;;
esac

exec "$pipeload" report "$@" "$log"
