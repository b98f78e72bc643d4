#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: gcc, clang, ASan + UBSan, TSan, valgrind, each instruction set of this CPU.
# The last line is "N passed, N failed"; the exit status is 0 only if nothing failed. Builds and logs lie in build-test/.
#
#   tests/run.sh [--quick]      --quick: the gcc build alone
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
# shellcheck source=scripts/common.sh
. scripts/common.sh

quick=no
[ "${1:-}" = --quick ] && quick=yes
passed=0 failed=0 logs=$top/build-test/logs
mkdir -p "$logs"

# one NAME COMMAND...: a step that counts as one test
one() {
  local name=$1
  shift
  if "$@" >"$logs/$name.log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $name"
  else
    failed=$((failed + 1))
    echo "FAILED  $name: $*"
    tail -n 40 "$logs/$name.log"
  fi
}

# build NAME CC OPTION...: configures and builds build-test/NAME; a failure counts, success is shown by its tests
build() {
  local name=$1 cc=$2
  shift 2
  if ! { [ -f "build-test/$name/build.ninja" ] || CC=$cc meson setup "build-test/$name" --werror "$@"; } >"$logs/build-$name.log" 2>&1 ||
    ! ninja -C "build-test/$name" >>"$logs/build-$name.log" 2>&1; then
    failed=$((failed + 1))
    echo "FAILED  build $name"
    tail -n 40 "$logs/build-$name.log"
    return 1
  fi
}

# tests NAME BUILD ARGUMENT...: runs meson's tests in a build and adds their counts
tests() {
  local name=$1 dir=$2 out ok bad
  shift 2
  out=$logs/$name.log
  meson test -C "build-test/$dir" --no-rebuild --logbase "$name" "$@" >"$out" 2>&1
  ok=$(count 'Ok' "$out") bad=$(($(count 'Fail' "$out") + $(count 'Timeout' "$out") + $(count 'Unexpected Pass' "$out")))
  if [ $((ok + bad)) = 0 ]; then
    bad=1
    tail -n 20 "$out"
  fi
  passed=$((passed + ok)) failed=$((failed + bad))
  echo "$ok passed, $bad failed, $(count 'Skipped' "$out") skipped in $name"
  if [ "$bad" -gt 0 ]; then
    grep -E 'FAIL|TIMEOUT|ERROR' "$out"
    grep -E '^not ok|ERROR|runtime error|Sanitizer|Bail out|assert' "build-test/$dir/meson-logs/$name.txt" | head -n 60
  fi
}

count() {
  local n
  n=$(sed -n "s/^$1: *\([0-9]*\).*/\1/p" "$2" | tail -n 1)
  echo "${n:-0}"
}

pld_install_build || { echo "0 passed, 1 failed"; exit 1; }
pld_install_demo && pld_install libgstrtspserver-1.0-dev mosquitto mosquitto-clients || { echo "0 passed, 1 failed"; exit 1; }

build gcc gcc -Dbuildtype=release && {
  tests gcc gcc
  # Every instruction set below this CPU's own.
  for level in baseline:avx2 avx2:avx512f avxvnni:avx512f.*avx_vnni avx512:avx512_vnni; do
    grep -q "${level#*:}" /proc/cpuinfo && level=${level%:*} && PIPELOAD_CPU=$level tests "gcc-$level" gcc --suite kernel --suite golden
  done
}
if [ $quick = no ]; then
  pld_install clang libclang-rt-14-dev valgrind || failed=$((failed + 1))
  # It knows no AVX-512.
  one valgrind env PIPELOAD_CPU=avx2 G_SLICE=always-malloc G_TEST_SRCDIR="$top/tests" \
    valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 \
    build-test/gcc/tests/unit/test-vision -p /vision/shared -p /vision/batch -p /vision/limit-refused -p /vision/missing
  build clang clang -Dbuildtype=release && tests clang clang --suite unit --suite kernel --suite golden --suite element --suite fault
  build asan gcc -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false && {
    # The slow unwinder, since GLib and GStreamer have no frame pointers to tell who leaked.
    ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0 LSAN_OPTIONS=suppressions=$top/tests/support/lsan.supp G_SLICE=always-malloc \
      UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
      tests asan asan --suite unit --suite kernel --suite golden --suite element --suite fuzz --suite fault --suite soak -t 4
  }
  # As a Raspberry Pi 4 has it, a Raspberry Pi 5, and with all that qemu knows; emulated, so without what is long.
  one build-arm64 tests/cross-arm64.sh build-test/arm64 && {
    for cpu in cortex-a72 cortex-a76 max; do
      QEMU_CPU=$cpu tests "arm64-kernels-$cpu" arm64 kernels -t 10
    done
    for cpu in cortex-a72 max; do
      QEMU_CPU=$cpu PIPELOAD_DATA=/nonexistent tests "arm64-vit-$cpu" arm64 golden-vit -t 10
      QEMU_CPU=$cpu PIPELOAD_DATA=/nonexistent tests "arm64-yolos-$cpu" arm64 golden-yolos --test-args="-p /yolos/golden" -t 10
      for part in logits chunks; do
        QEMU_CPU=$cpu PIPELOAD_DATA=/nonexistent tests "arm64-$part-$cpu" arm64 golden-llama --test-args="-p /llama/$part" -t 10
      done
    done
    QEMU_CPU=cortex-a72 PIPELOAD_DATA=/nonexistent tests arm64 arm64 unit-base unit-team unit-stream unit-format unit-image unit-image-jpeg unit-vision \
      unit-sampler unit-stop unit-template unit-tokenizer fault fault-llm -t 10
    # PIPELOAD_CPU only chooses a table; this CPU would run what instructions of a better one stray into it.
    if [ "$(uname -m)" = x86_64 ]; then
      for cpu in qemu64 Haswell; do
        one "kernels-$cpu" qemu-x86_64 -cpu "$cpu" build-test/gcc/tests/kernel/test-kernels
      done
    fi
  }
  build tsan gcc -Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false && {
    # GLib and GStreamer are not built for it, so only reports that end in a source file of ours count.
    rm -f "$logs"/tsan-report.*
    export TSAN_OPTIONS=exitcode=0:log_path=$logs/tsan-report:suppressions=$top/tests/support/tsan.supp G_SLICE=always-malloc
    tests tsan tsan golden-vit golden-vit-buffered golden-yolos golden-llama -t 4
    tests tsan-elements tsan --suite element --suite soak -t 4
    tests tsan-unit tsan unit-team unit-base unit-stream unit-profile unit-vision unit-llm -t 4
    one tsan-reports sh -c "! grep -hE 'SUMMARY.* [^ ]*(engine|models|analytics|gst|apps|tests)/[^ ]*[.]c:' '$logs'/tsan-report.*"
  }
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
