#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A typed chat. Ctrl-C ends an answer, Ctrl-D the chat.
#
#   pipelines/chat.sh [MODEL] [OPTION...]      /models/llama.gguf --memory-limit=2.1GB --system="You are brief."; see "pipeload help run"
#
# The bundled model only reads logs of cameras.

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"

case ${1:-} in -h | --help) usage; echo ;; esac
exec "$pipeload" run --quiet --history=16 "$@"
