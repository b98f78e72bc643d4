#!/bin/sh
# Each public header compiles alone, as C11 and as C++17, without a warning; no struct holds an array of a fixed size.
# test-headers.sh SOURCE BUILD
set -eu
source=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Warnings in GLib's headers are GLib's.
flags="$(pkg-config --cflags gio-2.0 | sed 's/-I/-isystem /g') -I$source/include -I$build/include"
warnings='-Wall -Wextra -Wpedantic -Werror -Wno-missing-field-initializers'
cxx=$(command -v g++ || command -v clang++ || true)
n=0
for header in "$source"/include/pipeload/*.h "$build"/include/pipeload/*.h; do
  printf '#include "pipeload/%s"\nextern int user;\n' "$(basename "$header")" >"$work/user.c"
  cp "$work/user.c" "$work/user.cpp"
  # shellcheck disable=SC2086
  ${CC:-cc} -std=c11 $warnings -Wstrict-prototypes $flags -fsyntax-only "$work/user.c"
  # shellcheck disable=SC2086
  [ -z "$cxx" ] || "$cxx" -std=c++17 $warnings $flags -fsyntax-only "$work/user.cpp"
  n=$((n + 1))
done
[ "$n" -ge 8 ]
if grep -nE '^  [^(]*\[[^]]+\];' "$source"/include/pipeload/*.h; then
  echo "a public struct holds an array of a fixed size"
  exit 1
fi
if [ -z "$cxx" ]; then
  echo "no C++ compiler: headers were not compiled as C++17"
  exit 77
fi
