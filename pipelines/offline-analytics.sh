#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Finds who is in recordings, and when: events.jsonl, visits.csv, summary.csv and a contact sheet of each visit (docs/offline.md). After an
# interruption the same command goes on where it was.
#
#   pipelines/offline-analytics.sh FILE|FOLDER... [OPTION...]
#
# Options go to "pipeload analyse".

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
case ${1:-} in
  -h | --help) usage; exit ;;
  '') usage >&2; exit 1 ;;
esac

exec "$pipeload" analyse "$@"
