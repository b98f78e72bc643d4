#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A typed chat, through appsrc ! pipeloadllm history=16 ! appsink. Ctrl-C ends an answer
# (and what was said is forgotten), Ctrl-D the chat.
#
#   pipelines/chat.sh [OPTION...]      --model=/models/llama.gguf --memory-limit=2.1GB --system="You are brief."; see --help
#
# The bundled model only reads logs of cameras.
usage () { sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# The program and the plugin that demo.sh built, unless others are named.
build=${PIPELOAD_BUILD:-$(dirname "$0")/../build-demo}
export GST_PLUGIN_PATH="${GST_PLUGIN_PATH:-$build/gst}"
program=$build/pipelines/pipeload-chat
[ -x "$program" ] || program=pipeload-chat

case ${1:-} in -h | --help) usage; echo ;; esac
exec "$program" --history=16 "$@"
