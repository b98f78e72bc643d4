#!/usr/bin/env bash
# Two builds of the library in different folders are the same file: it holds no path of the tree or the build.
#
# test-reproducible.sh SOURCE
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in one another/folder; do
  mkdir -p "$work/$name"
  git -C "$source" ls-files -z | (cd "$source" && xargs -0 cp --parents -t "$work/$name")
  meson setup "$work/$name/build" "$work/$name" -Dbuildtype=release -Dgst=disabled -Dtests=false >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  library=$(cd "$work/$name/build" && ninja -t targets all | sed -n 's/^\(libpipeload\.so\.[0-9.]*\): .*/\1/p' | head -n 1)
  ninja -C "$work/$name/build" "$library" >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
  cp "$work/$name/build/$library" "$work/$(basename "$name").so"
done
cmp "$work/one.so" "$work/folder.so"
