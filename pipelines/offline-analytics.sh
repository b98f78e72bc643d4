#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Says who is in recordings, and when: events.jsonl, visits.csv, summary.csv and a contact sheet of each visit (docs/offline.md). What is
# done stays done: after an interruption the same command goes on where it was.
#
#   pipelines/offline-analytics.sh FILE|FOLDER... [OPTION...]
#
# Options go to pipeload-analyse: see its --help.
usage () { sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"; }
case ${1:-} in
  -h | --help) usage; exit ;;
  '') usage >&2; exit 1 ;;
esac

# The program and the plugin that demo.sh built, unless others are named.
build=${PIPELOAD_BUILD:-$(dirname "$0")/../build-demo}
export GST_PLUGIN_PATH="${GST_PLUGIN_PATH:-$build/gst}"
program=$build/pipelines/pipeload-analyse
[ -x "$program" ] || program=pipeload-analyse

exec "$program" "$@"
