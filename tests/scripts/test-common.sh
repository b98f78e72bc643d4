#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# common.sh, with stand-ins for dpkg, apt and meson: exactly the missing packages are installed, and each failure is an error that names the
# command that failed, whichever of bash's options the calling script has set.
# shellcheck disable=SC2016
set -u
common=$PIPELOAD_SOURCE/scripts/common.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

fail() {
  echo "failed with \"set $options\", \"$guard\": $*" >&2
  for file in calls out; do
    echo "--- $file"
    cat "$work/$file"
  done >&2
  exit 1
}

# stub NAME: an executable whose body is on stdin
stub() {
  { echo '#!/bin/bash'; cat; } >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}

# The only commands on PATH: real packages are never touched.
fresh() {
  local tool
  rm -rf "${work:?}"/*
  mkdir "$work/bin" "$work/tmp"
  printf '%s\n' 'gcc installed' 'meson installed' 'removed config-files' >"$work/packages"
  : >"$work/calls"
  for tool in bash cat dirname env mkdir mktemp mv rm sed tail; do
    ln -s "$(command -v "$tool")" "$work/bin/$tool"
  done
  stub id <<<'echo 0'
  # Like the real one, prints the packages that it knows, and ends with status 1 if it does not know them all.
  stub dpkg-query <<'END'
[ "$1 $2 $3" = '-W -f ${db:Status-Status}=${Package} ' ] || exit 2
shift 3
status=0
for package in "$@"; do
  state=$(sed -n "s/^$package //p" "$WORK/packages")
  if [ -n "$state" ]; then
    printf '%s=%s ' "$state" "$package"
  else
    echo "dpkg-query: no packages found matching $package" >&2
    status=1
  fi
done
exit $status
END
  # The file apt-fails holds how many of the calls to come fail.
  stub apt-get <<'END'
[ "$1" = install ] && set -- install "${@:9}"
echo "apt-get $*" >>"$WORK/calls"
left=$(cat "$WORK/apt-fails" 2>/dev/null)
if [ "${left:-0}" -gt 0 ]; then
  echo $((left - 1)) >"$WORK/apt-fails"
  echo "E: Unable to locate package ${*: -1}" >&2
  exit 100
fi
END
}

# run STATUS COMMAND...: a script that sources common.sh; it reaches its end exactly if the status is 0
run() {
  local expected=$1 status=0
  shift
  env -i WORK="$work" PATH="$work/bin" HOME="$work" TMPDIR="$work/tmp" bash -c "set $options; . '$common'; $* $guard; echo the end" \
    >"$work/out" 2>&1 || status=$?
  [ "$status" = "$expected" ] || fail "$*: exit status $status, not $expected"
  if [ "$expected" = 0 ]; then
    [ "$(tail -n 1 "$work/out")" = "the end" ] || fail "$*: ended early"
  else
    grep -qx "the end" "$work/out" && fail "$*: went on"
  fi
  [ -z "$(ls "$work/tmp")" ] || fail "$*: left $(ls "$work/tmp")"
}

# calls LINE...: exactly these were made
calls() {
  diff "$work/calls" <(for line in "$@"; do echo "$line"; done) || fail "other calls"
}

# says TEXT...
says() {
  local text
  for text in "$@"; do
    grep -qF -- "$text" "$work/out" || fail "no \"$text\""
  done
}

check_all() {
  fresh
  run 0 pld_install gcc meson
  calls

  # Unknown packages, and one that was removed.
  fresh
  run 0 pld_install gcc new removed meson other
  says "installing new removed other"
  calls "apt-get install new removed other"

  # A name that is the end of an installed one's.
  fresh
  run 0 pld_install cc
  calls "apt-get install cc"

  # Old package lists.
  fresh
  echo 1 >"$work/apt-fails"
  run 0 pld_install gcc new
  calls "apt-get install new" "apt-get update -q" "apt-get install new"

  # A package that does not exist.
  fresh
  stub apt-get <<<'echo "apt-get $1" >>"$WORK/calls"; [ $1 = update ] || { echo "E: Unable to locate package new" >&2; exit 100; }'
  run 100 pld_install gcc new
  calls "apt-get install" "apt-get update" "apt-get install"
  says "failed: pld_apt_install new" "E: Unable to locate package new"

  # No network.
  fresh
  echo 9 >"$work/apt-fails"
  run 100 pld_install new
  calls "apt-get install new" "apt-get update -q"
  says "failed: pld_apt_update" "E: Unable"

  # Not Debian.
  fresh
  rm "$work/bin/apt-get" "$work/bin/dpkg-query"
  run 1 pld_install one two
  says "install these first: one two"

  # Not root: through sudo, or not at all.
  fresh
  stub id <<<'echo 1000'
  stub sudo <<<'echo sudo >>"$WORK/calls"; exec "$@"'
  run 0 pld_install new
  calls sudo "apt-get install new"
  rm "$work/bin/sudo"
  run 1 pld_install new
  says "needs root, or sudo: apt-get update"

  # The packages for the build and the demo are asked for by name.
  fresh
  run 0 pld_install_build
  grep -Eq '^apt-get install .*\blibglib2.0-dev\b' "$work/calls" || fail "no libglib2.0-dev"
  grep -Eq '\b(gcc|meson)\b' "$work/calls" && fail "installs what is installed"
  fresh
  run 0 pld_install_demo
  grep -Eq '\blibglib2.0-dev\b.*\bgstreamer1.0-tools\b' "$work/calls" || fail "no gstreamer1.0-tools"

  # A command that fails is shown with the end of its output, and nothing of one that succeeds.
  fresh
  run 3 pld_run bash -c "'echo its words; exit 3'"
  says "failed: bash -c echo its words; exit 3" "its words"
  run 0 pld_run bash -c "'echo its words'"
  [ "$(cat "$work/out")" = "the end" ] || fail "not quiet"

  # A build: configured once; each step's failure is an error.
  fresh
  stub meson <<<'echo "meson $1 $2" >>"$WORK/calls"; mkdir -p "$2"; : >"$2/build.ninja"'
  stub ninja <<<'echo "ninja $*" >>"$WORK/calls"'
  run 0 pld_build "$work/build"
  run 0 pld_build "$work/build"
  calls "meson setup $work/build" "ninja -C $work/build" "ninja -C $work/build"
  stub ninja <<<'echo "error: no such type"; exit 5'
  run 5 pld_build "$work/build"
  says "failed: ninja -C $work/build" "error: no such type"
  stub meson <<<'echo "ERROR: no glib"; exit 6'
  run 6 pld_build "$work/another"
  says "building in $work/another" "failed: meson setup" "ERROR: no glib"

  # The example video: downloaded once, through old package lists, too; a download that fails leaves nothing behind.
  fresh
  stub dpkg-deb <<<'echo "dpkg-deb $1" >>"$WORK/calls"; mkdir -p "$3/usr/share/doc/opencv-doc/examples/data"
    echo pictures >"$3/usr/share/doc/opencv-doc/examples/data/vtest.avi"'
  echo 1 >"$work/apt-fails"
  run 0 pld_example_video
  says "$work/.cache/pipeload/vtest.avi"
  run 0 pld_example_video
  calls "apt-get download -q -o APT::Sandbox::User=root opencv-doc" "apt-get update -q" \
    "apt-get download -q -o APT::Sandbox::User=root opencv-doc" "dpkg-deb -x"
  rm -r "$work/.cache"
  echo 9 >"$work/apt-fails"
  run 1 pld_example_video
  says "failed: pld_fetch_example" "E: Unable to locate package opencv-doc"
  [ -z "$(ls "$work/.cache/pipeload")" ] || fail "left $(ls "$work/.cache/pipeload")"
}

# With errexit, a failure ends the script by itself; otherwise, and where a script looks at the status, errexit is off within the function.
for options in +e -eu '-euo pipefail'; do
  guard='|| exit'
  check_all
done
for options in -eu '-euo pipefail'; do
  guard=
  check_all
done
