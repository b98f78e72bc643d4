#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/run.sh, with stand-ins for all that it runs: each failure is counted, and each skip is listed once.
# shellcheck disable=SC2016
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export WORK=$work PATH=$work/bin:$PATH

fail() {
  echo "failed: $*" >&2
  cat "$work/out" >&2
  exit 1
}

# stub FILE: an executable whose body is on stdin; it fails if the file "fails" has its command line
stub() {
  {
    printf '%s\n' '#!/bin/bash' 'if grep -qsxF -- "${0##*/} $*" "$WORK/fails"; then echo "its reason"; exit 4; fi'
    cat
  } >"$1"
  chmod +x "$1"
}

mkdir -p "$work/bin" "$work/tree/tests" "$work/tree/scripts"
cp "$PIPELOAD_SOURCE/tests/run.sh" "$work/tree/tests/"
cp "$PIPELOAD_SOURCE/scripts/common.sh" "$PIPELOAD_SOURCE/scripts/test-log.py" "$work/tree/scripts/"
for script in "$PIPELOAD_SOURCE"/scripts/*; do
  [ -e "$work/tree/scripts/${script##*/}" ] || stub "$work/tree/scripts/${script##*/}" </dev/null
done
for command in shellcheck ninja valgrind qemu-x86_64; do
  stub "$work/bin/$command" </dev/null
done
stub "$work/tree/tests/cross-arm64.sh" <<<'mkdir -p "$1/meson-logs"'
stub "$work/bin/dpkg-query" <<<'shift 3; for package in "$@"; do printf "installed=%s " "$package"; done'
# Setup makes a build; a test run has two tests that pass, one that is skipped, and one that is as the file "result" says.
stub "$work/bin/meson" <<'END'
if [ "$1" = setup ]; then
  mkdir -p "$2/meson-logs" && : >"$2/build.ninja"
else
  echo "$*" >>"$WORK/runs"
  while [ "$1" != -C ]; do shift; done
  folder=$2
  while [ "$1" != --logbase ]; do shift; done
  for result in OK OK SKIP $(cat "$WORK/result" 2>/dev/null); do
    printf '{"name": "pipeload:unit / %s", "result": "%s", "stdout": "skipped: no camera\\n", "duration": 1}\n' "test-$result" "$result"
  done >"$folder/meson-logs/$2.json"
fi
END

# run STATUS FAILURES [COMMAND...]: runs it with these commands failing; the last line counts what passed and failed
run() {
  local status=0 expected=$1 failures=$2 passed=0 runs=0
  shift 2
  rm -rf "$work/runs"
  printf '%s\n' "$@" >"$work/fails"
  "$work/tree/tests/run.sh" $mode >"$work/out" 2>&1 || status=$?
  [ "$status" = "$expected" ] || fail "exit status $status, not $expected"
  [ ! -e "$work/runs" ] || runs=$(wc -l <"$work/runs")
  # Each run of tests has a failure in it, or none.
  [ ! -e "$work/result" ] || failures=$((failures + runs))
  passed=$(tail -n 1 "$work/out" | sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p')
  [ "$(tail -n 1 "$work/out")" = "$passed passed, $failures failed" ] || fail "the last line"
  # Steps that are one test each print "ok".
  [ "$passed" = $((2 * runs + $(grep -c '^ok ' "$work/out"))) ] || fail "$passed passed in $runs runs"
  [ "$runs" = 0 ] || [ "$(grep -c '^skipped test-SKIP: no camera (gcc' "$work/out")" = 1 ] || fail "what was skipped"
}

says() {
  grep -q -- "$1" "$work/out" || fail "no \"$1\""
}

mode=--quick
run 0 0
says '^ok      shellcheck'
says '^2 passed, 0 failed, 1 skipped in gcc,'
run 1 1 "shellcheck $(cd "$work/tree" && echo .ci/run scripts/*.sh tests/*.sh)"
says '^FAILED  shellcheck'
says 'its reason'

# A build that fails: not tested.
rm -r "$work/tree/build-test"
run 1 1 "meson setup build-test/gcc --werror -Dbuildtype=release -Ddocs=enabled"
says '^FAILED  build-gcc'
says 'its reason'
[ ! -e "$work/runs" ] || fail "tests a build that failed"
run 1 1 "ninja -C build-test/gcc"
says '^FAILED  build-gcc'
[ ! -e "$work/runs" ] || fail "tests a build that failed"

# A run of tests that writes no log: that of an earlier run does not count.
run 0 0
run 1 1 "meson test -C build-test/gcc --no-rebuild --logbase gcc -t 3"
says '^0 passed, 1 failed, 0 skipped in gcc,'
says 'its reason'

# A run of tests that ends early.
echo 'exit 1' >>"$work/bin/meson"
run 1 "$(grep -c ' in gcc' "$work/out")"
says '^2 passed, 1 failed, 1 skipped in gcc,'
sed -i '$d' "$work/bin/meson"

# Tests that fail, in each run of tests.
for result in FAIL TIMEOUT; do
  echo $result >"$work/result"
  run 1 0
  says "^$result test-$result, 1 s"
done
rm "$work/result"

# Everything: a step in the background that fails, and a build.
mode=
run 0 0
for step in build-gcc build-clang build-asan build-arm64 build-tsan valgrind; do
  says "^ok      $step, "
done
says '^2 passed, 0 failed, 1 skipped in tsan,'
run 1 1 "cross-arm64.sh build-test/arm64"
says '^FAILED  build-arm64, '
grep -q 'in arm64' "$work/out" && fail "tests a build that failed"
says '^2 passed, 0 failed, 1 skipped in tsan,'
