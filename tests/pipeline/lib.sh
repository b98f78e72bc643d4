# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For the tests of pipelines/: the built plugin, the small random model of tests/golden, which sees class_2 with a confidence
# of 0.42 in a red picture (tests/element/make-expected.py), and a folder to work in. A test waits for a state, never for a time.
set -u
top=$PIPELOAD_SOURCE
# shellcheck disable=SC2034
model=$top/tests/golden/data/vit-random
export GST_PLUGIN_PATH=$PIPELOAD_BUILD/gst
# Of its own: tests run side by side, and each would rewrite the user's.
GST_REGISTRY=$PIPELOAD_BUILD/tests/pipeline/registry-$(basename "$0" .sh).bin
export GST_REGISTRY LC_ALL=C.UTF-8
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

fail() {
  echo "failed: $*" >&2
  [ -f "$work/out" ] && tail -n 40 "$work/out" >&2
  exit 1
}

skip() {
  echo "skipped: $*"
  exit 77
}

# need ELEMENT...
need() {
  local element
  for element in "$@"; do
    gst-inspect-1.0 "$element" >/dev/null 2>&1 || skip "no element $element"
  done
}

# expect PATTERN: an extended regular expression in the output
expect() {
  grep -Eq -- "$1" "$work/out" || fail "no \"$1\" in the output"
}

# wait_until COMMAND...: until it succeeds. The end after five minutes is a watchdog's: nothing here takes this long.
wait_until() {
  local _
  for _ in $(seq 3000); do
    "$@" && return
    sleep 0.1
  done
  fail "never: $*"
}

# has PATTERN FILE [COUNT]: at least as many lines, one by default, match an extended regular expression
has() {
  local n
  n=$(grep -Ecs -- "$1" "$2")
  [ "${n:-0}" -ge "${3:-1}" ]
}

# sees N LABEL CONFIDENCE: exactly N element messages, at least one, each with this label and a confidence that starts so
sees() {
  local all right
  all=$(grep -c '): pipeload-vit, ' "$work/out")
  right=$(grep -Ec "\): pipeload-vit, .* label=\(string\)$2, .* confidence=\(double\)$3" "$work/out")
  { [ "$all" -ge 1 ] && [ "$all" = "$right" ]; } || fail "$right of $all messages say $2 $3"
  [ "$1" = any ] || [ "$all" = "$1" ] || fail "$all messages, not $1"
}

need videotestsrc jpegenc
command -v gst-launch-1.0 >/dev/null || skip "no gst-launch-1.0"
