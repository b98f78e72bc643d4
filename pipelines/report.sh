#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Writes a report of what cameras saw, from the JSON lines that pipeload-watch or demo.sh wrote.
#
#   pipelines/report.sh [LOG] [MODEL] [OPTION...]      LOG: detections.jsonl; MODEL: the bundled one
#
# Options go to pipeload-report: see its --help.
usage () { sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"; }
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

# The program and the plugin that demo.sh built, unless others are named.
build=${PIPELOAD_BUILD:-$(dirname "$0")/../build-demo}
export GST_PLUGIN_PATH="${GST_PLUGIN_PATH:-$build/gst}"
program=$build/pipelines/pipeload-report
[ -x "$program" ] || program=pipeload-report

exec "$program" "$@" "$log"
