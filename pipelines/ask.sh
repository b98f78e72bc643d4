#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Answers a prompt with a language model, as it comes.
#
#   pipelines/ask.sh PROMPT...
#
# PIPELOAD_LLM adds properties to pipeloadllm, such as "model=/models/llama.gguf memory-limit=2.1GB"; the bundled model only reads
# logs of cameras.

# shellcheck source=scripts/pipeline.sh
. "$(dirname "$(realpath "$0")")/../scripts/pipeline.sh"
case ${1:-} in
  -h | --help) usage; exit ;;
  '') usage >&2; exit 1 ;;
esac

# A file of one block becomes one buffer, and one buffer is one prompt.
prompt=$(mktemp) || exit 1
trap 'rm -f "$prompt"' EXIT
trap 'exit 130' INT TERM
printf %s "$*" >"$prompt"

# Words are meant to be split: they are properties.
# shellcheck disable=SC2086
gst-launch-1.0 -q filesrc location="$prompt" blocksize=16777216 ! text/x-raw,format=utf8 \
  ! pipeloadllm ${PIPELOAD_LLM:-} \
  ! fdsink fd=1 sync=false || exit 2
echo
