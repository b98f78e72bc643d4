#!/usr/bin/env bash
# Formats the C files by .clang-format, with the one version of clang-format that everybody has. It is installed from PyPI into a virtual
# environment under the user's cache the first time.
#
#   scripts/format.sh [--check] [FILE...]      --check: changes nothing; exit status 1 if a file is not formatted. Without files: all
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

version=19.1.7
tools=${XDG_CACHE_HOME:-$HOME/.cache}/pipeload/clang-format-$version

mode=(-i)
if [ "${1:-}" = --check ]; then
  mode=(--dry-run --Werror)
  shift
fi
if ! [ -x "$tools/bin/clang-format" ]; then
  pld_install python3-venv git
  pld_run python3 -m venv "$tools"
  pld_run "$tools/bin/pip" install --quiet "clang-format==$version"
fi
if [ $# = 0 ]; then
  list=$(git ls-files '*.c' '*.h')
  mapfile -t files <<<"$list"
  set -- "${files[@]}"
fi
"$tools/bin/clang-format" "${mode[@]}" "$@"
