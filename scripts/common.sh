# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installing and building, for demo.sh and tests/run.sh. Source it from anywhere; bash, with or without `set -euo pipefail`: a function
# that fails says why and returns a status other than 0.
#
#   pld_install PACKAGE...   installs what is missing of these
#   pld_install_build        what the build needs
#   pld_install_demo         that, and what the demo and the ready pipelines play
#   pld_build [FOLDER]       builds the working tree into FOLDER (build-demo) and sets PLD_BUILD
#   pld_run COMMAND...       runs a command quietly; shows the end of what it said if it fails

pld_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

pld_build_packages=(gcc pkg-config meson ninja-build libglib2.0-dev libjson-glib-dev libjpeg62-turbo-dev libmosquitto-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libcairo2-dev libpango1.0-dev)
pld_demo_packages=(gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav)

pld_run() {
  local log status=0
  log=$(mktemp) || return 1
  "$@" >"$log" 2>&1 || status=$?
  if [ $status != 0 ]; then
    echo "failed: $*" >&2
    tail -n 30 "$log" >&2
  fi
  rm -f "$log"
  return $status
}

pld_as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "needs root, or sudo: $*" >&2
    return 1
  fi
}

pld_apt_install() {
  pld_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 \
    -o DPkg::Lock::Timeout=300 "$@"
}

pld_apt_update() {
  pld_as_root apt-get update -q
}

# Those of the packages that dpkg does not list as installed, one a line.
pld_missing() {
  local listed package
  # It fails as soon as one package is unknown to it, and lists the others all the same.
  listed=$(dpkg-query -W -f '${db:Status-Status}=${Package} ' "$@" 2>/dev/null) || true
  for package in "$@"; do
    case " $listed" in
      *" installed=$package "*) ;;
      *) echo "$package" ;;
    esac
  done
}

pld_install() {
  local list missing
  list=$(pld_missing "$@") || return
  [ -n "$list" ] || return 0
  mapfile -t missing <<<"$list"
  if ! command -v apt-get >/dev/null; then
    echo "install these first: ${missing[*]}" >&2
    return 1
  fi
  echo "installing ${missing[*]}" >&2
  # The package lists may be missing or old: only then are they fetched.
  pld_apt_install "${missing[@]}" >/dev/null 2>&1 && return 0
  pld_run pld_apt_update && pld_run pld_apt_install "${missing[@]}"
}

pld_install_build() {
  pld_install "${pld_build_packages[@]}"
}

pld_install_demo() {
  pld_install "${pld_build_packages[@]}" "${pld_demo_packages[@]}"
}

pld_build() {
  PLD_BUILD=${1:-$pld_top/build-demo}
  if [ ! -f "$PLD_BUILD/build.ninja" ]; then
    echo "building in $PLD_BUILD" >&2
    pld_run meson setup "$PLD_BUILD" "$pld_top" --buildtype=release -Dtests=false -Dgst=enabled || return
  fi
  pld_run ninja -C "$PLD_BUILD"
}

# pld_example_video: the path of vtest.avi, pedestrians in front of a surveillance camera, out of Debian's opencv-doc
pld_example_video() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipeload
  local video=$cache/vtest.avi
  [ -s "$video" ] || pld_run pld_fetch_example "$cache" || return 1
  echo "$video"
}

pld_fetch_example() {
  local cache=$1 work status=0
  mkdir -p "$cache" && work=$(mktemp -d "$cache/fetch.XXXXXX") || return 1
  (
    cd "$work" || exit 1
    # As root, apt would hand the download to a user who may not write here.
    sandbox=()
    [ "$(id -u)" = 0 ] && sandbox=(-o APT::Sandbox::User=root)
    apt-get download -q "${sandbox[@]}" opencv-doc || { pld_apt_update && apt-get download -q "${sandbox[@]}" opencv-doc; } || exit 1
    dpkg-deb -x opencv-doc_*.deb . && mv usr/share/doc/opencv-doc/examples/data/vtest.avi "$cache/vtest.avi"
  ) || status=$?
  rm -rf "$work"
  return $status
}
