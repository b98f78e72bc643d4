#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A typed chat, through appsrc ! pipeloadllm history=16 ! appsink. Ctrl-C ends an answer
# (and what was said is forgotten), Ctrl-D the chat.
#
#   pipelines/chat.sh [OPTION...]      --model=/models/llama.gguf --memory-limit=2.1GB --system="You are brief."; see --help
#
# The bundled model only reads logs of cameras.

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"

case ${1:-} in -h | --help) usage; echo ;; esac
exec "$(program pipeload-chat)" --history=16 "$@"
