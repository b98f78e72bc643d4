#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs what is missing, builds, and runs every test: gcc, clang, ASan + UBSan, TSan, valgrind, arm64 in qemu, each instruction set of this CPU.
# Prints what was skipped, then "N passed, N failed" on the last line; the exit status is 0 only if nothing failed.
# Builds and logs are in build-test/.
#
#   tests/run.sh [--quick | --long]      --quick: the gcc build alone; --long: also what takes minutes and rarely finds anything new
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
shopt -s nullglob
# shellcheck source=scripts/common.sh
. scripts/common.sh

quick=no long=no slow=(--no-suite slow)
case ${1:-} in
  '') ;;
  --quick) quick=yes ;;
  --long) long=yes slow=() ;;
  *) sed -n '1,2d; /^#/!q; s/^# \{0,1\}//p' "$0" >&2; exit 1 ;;
esac
passed=0 failed=0 logs=$top/build-test/logs results=()
rm -rf "$logs"
mkdir -p "$logs"

# measure LOG COMMAND...: sets "took"
measure() {
  local log=$1 TIMEFORMAT='%0R s, CPU %0U s'
  shift
  took=$({ time "$@" >"$log" 2>&1; } 2>&1)
}

# count NAME STATUS: a step that counts as one test
count() {
  if [ "$2" = 0 ]; then
    passed=$((passed + 1))
    echo "ok      $1, $took"
  else
    failed=$((failed + 1))
    echo "FAILED  $1, $took"
    tail -n 40 "$logs/$1.log"
  fi
  return "$2"
}

# one NAME COMMAND...: runs a step
one() {
  local name=$1 status=0
  shift
  measure "$logs/$name.log" "$@" || status=$?
  count "$name" $status
}

# aside NAME COMMAND...: a step of the background process; await NAME: waits for the step, and counts it
aside() {
  local name=$1 status=0
  shift
  measure "$logs/$name.log" "$@" || status=$?
  echo "$status $took" >"$logs/.done"
  mv "$logs/.done" "$logs/$name.done"
}

await() {
  local name=$1 status=1
  took="not run"
  while [ ! -e "$logs/$name.done" ] && kill -0 "$background" 2>/dev/null; do sleep 0.2; done
  [ -e "$logs/$name.done" ] && read -r status took <"$logs/$name.done"
  count "$name" "$status"
}

# tests NAME BUILD ARGUMENT...: runs tests of a build and adds their counts; on a busy machine they take longer than their timeouts say
tests() {
  local name=$1 build=$2 result=build-test/$2/meson-logs/$1.json status=0 ok=0 bad=0 skipped=0
  shift 2
  rm -f "$result"
  measure "$logs/$name.log" meson test -C "build-test/$build" --no-rebuild --logbase "$name" -t 3 "$@" || status=$?
  [ -e "$result" ] && cp "$result" "$logs/" && results+=("$logs/$name.json") &&
    read -r ok bad skipped < <(scripts/test-log.py counts "$logs/$name.json")
  # It ended before its tests did, or had none.
  if [ "$bad" = 0 ] && { [ $status != 0 ] || [ $((ok + skipped)) = 0 ]; }; then
    bad=1
    tail -n 20 "$logs/$name.log"
  fi
  passed=$((passed + ok)) failed=$((failed + bad))
  echo "$ok passed, $bad failed, $skipped skipped in $name, $took"
  [ "$bad" = 0 ] || [ ! -e "$result" ] || scripts/test-log.py failed "$result"
}

compile() {
  local name=$1 cc=$2
  shift 2
  [ -f "build-test/$name/build.ninja" ] || CC=$cc meson setup "build-test/$name" --werror "$@" || return
  ninja -C "build-test/$name"
}

# All builds, in the order in which they are tested, and then what runs on one core. meson's tests run meanwhile.
in_background() {
  local cpu
  aside build-gcc compile gcc gcc -Dbuildtype=release -Ddocs=enabled
  [ $quick = yes ] && return
  aside build-clang compile clang clang -Dbuildtype=release
  aside build-asan compile asan gcc -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
  aside build-arm64 tests/cross-arm64.sh build-test/arm64
  aside build-tsan compile tsan gcc -Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false
  # Without AVX-512, which valgrind does not know.
  aside valgrind env PIPELOAD_CPU=avx2 G_SLICE=always-malloc G_TEST_SRCDIR="$top/tests" PIPELOAD_MODELS="$top/models/bundled" \
    valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 \
    build-test/gcc/tests/unit/test-vision -p /vision/shared -p /vision/batch -p /vision/limit-refused -p /vision/missing
  # PIPELOAD_CPU only chooses a table; this CPU would run what instructions of a better one stray into it.
  for cpu in "${emulated[@]}"; do
    aside "kernels-$cpu" qemu-x86_64 -cpu "$cpu" build-test/gcc/tests/kernel/test-kernels
  done
}

packages=(g++ git gtk-doc-tools shellcheck python3-venv python3-gi gir1.2-gstreamer-1.0 libgstrtspserver-1.0-dev mosquitto mosquitto-clients)
[ $quick = yes ] || packages+=(clang libclang-rt-14-dev valgrind qemu-user)
pld_install_demo && pld_install "${packages[@]}" || { echo "0 passed, 1 failed"; exit 1; }

emulated=()
[ "$(uname -m)" = x86_64 ] && emulated=(qemu64 Haswell)

in_background &
background=$!
trap 'kill $background 2>/dev/null' EXIT

one format scripts/format.sh --check
one prose scripts/check-prose.py
one shellcheck shellcheck .ci/run pipelines/*.sh scripts/*.sh tests/*.sh tests/*/*.sh packaging/*.sh
await build-gcc && {
  one docs ninja -C build-test/gcc docs
  tests gcc gcc
  # Every instruction set below this CPU's own; the kernels' tests have run them all.
  for level in baseline:avx2 avx2:avx512f avxvnni:avx512f.*avx_vnni avx512:avx512_vnni; do
    grep -q "${level#*:}" /proc/cpuinfo && level=${level%:*} && PIPELOAD_CPU=$level tests "gcc-$level" gcc --suite golden
  done
}
if [ $quick = no ]; then
  await build-clang && tests clang clang --suite unit --suite kernel --suite golden --suite element --suite fault
  await build-asan && {
    export LSAN_OPTIONS=suppressions=$top/tests/support/lsan.supp G_SLICE=always-malloc UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    ASAN_OPTIONS=detect_leaks=1 tests asan asan --suite unit --suite kernel --suite golden --suite fuzz --suite fault "${slow[@]}" -t 4
    # The slow unwinder, since GLib and GStreamer have no frame pointers that would show what leaked. It takes three times as long.
    ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0 tests asan-elements asan --suite element --suite soak -t 4
    unset LSAN_OPTIONS UBSAN_OPTIONS G_SLICE
  }
  # As a Raspberry Pi 4 has it, a Raspberry Pi 5, and with all that qemu knows.
  await build-arm64 && {
    golden=(golden-vit golden-yolos golden-llama golden-llama-chunks)
    units=(base team stream format image image-jpeg vision sampler stop template tokenizer)
    QEMU_CPU=cortex-a72 PIPELOAD_DATA=/nonexistent tests arm64-cortex-a72 arm64 kernels "${golden[@]}" "${units[@]/#/unit-}" fault fault-llm -t 10
    QEMU_CPU=cortex-a76 PIPELOAD_DATA=/nonexistent tests arm64-cortex-a76 arm64 kernels -t 10
    QEMU_CPU=max PIPELOAD_DATA=/nonexistent tests arm64-max arm64 kernels "${golden[@]}" -t 10
  }
  await build-tsan && {
    # GLib and GStreamer are not built for it, so only reports that end in a source file of ours count.
    export TSAN_OPTIONS=exitcode=0:log_path=$logs/tsan-report:suppressions=$top/tests/support/tsan.supp G_SLICE=always-malloc
    tests tsan tsan golden-vit golden-vit-buffered golden-yolos golden-llama unit-team unit-base unit-stream unit-profile unit-opening unit-vision \
      unit-llm -t 4
    tests tsan-elements tsan --suite element --suite soak -t 4
    one tsan-reports sh -c "! grep -hE 'SUMMARY.* [^ ]*(engine|models|analytics|gst|apps|tests)/[^ ]*[.]c:' '$logs'/tsan-report.*"
  }
  for step in valgrind "${emulated[@]/#/kernels-}"; do
    await "$step"
  done
fi
if [ $long = yes ]; then
  pld_install python3-venv debhelper lintian debootstrap && {
    one reproducible tests/scripts/test-reproducible.sh "$top"
    one dist meson dist -C build-test/gcc --include-subprojects
    one deb packaging/build-deb.sh build-test/deb
    one deb-install packaging/test-deb.sh build-test/deb
  }
fi
scripts/test-log.py skipped "${results[@]}"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
