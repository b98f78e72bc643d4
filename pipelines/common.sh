# Shared by the scripts here and tests/run.sh; sourced, from any folder. Debian 12 and its relatives.
# shellcheck shell=bash
# pld_top: the source tree; pld_build_dir: where it is built.
pld_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pld_build_dir=${PIPELOAD_BUILD_DIR:-$pld_top/build}

PLD_BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config python3 libglib2.0-dev libjson-glib-dev libopenblas-dev
  libjpeg-dev libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev gstreamer1.0-tools gstreamer1.0-plugins-base"
PLD_DEMO_PACKAGES="gstreamer1.0-plugins-good gstreamer1.0-libav ca-certificates"

pld_say() {
  printf '%s\n' "$*" >&2
}

# pld_root COMMAND...: as root, through sudo where we are not.
pld_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    pld_say "pipeload: root rights are needed to run: $*; run this as root, or install sudo"
    return 1
  fi
}

# pld_logged WHAT COMMAND...: silent when it works, the end of its output when it does not.
pld_logged() {
  local what=$1 log
  shift
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    pld_say "pipeload: $what failed:"
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# pld_install PACKAGE...: those that are missing; quick and silent when none is.
pld_install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return 0
  command -v apt-get >/dev/null || { pld_say "pipeload: needs ${missing[*]}, and there is no apt-get to install them"; return 1; }
  pld_say "installing ${missing[*]}"
  # A list of packages that is missing or old shows as a failed install; then it is fetched and tried again.
  pld_apt "${missing[@]}" >/dev/null 2>&1 && return 0
  pld_logged "apt-get update" pld_root env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
    pld_logged "apt-get install ${missing[*]}" pld_apt "${missing[@]}"
}

pld_apt() {
  pld_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
}

pld_install_build() {
  # shellcheck disable=SC2086
  pld_install $PLD_BUILD_PACKAGES
}

pld_install_demo() {
  # shellcheck disable=SC2086
  pld_install $PLD_DEMO_PACKAGES
}

# Builds into $pld_build_dir and makes programs and plugin there usable.
pld_build() {
  [ -f "$pld_build_dir/build.ninja" ] || pld_logged "configuring" meson setup "$pld_build_dir" "$pld_top" -Dbuildtype=release || return 1
  pld_logged "building" ninja -C "$pld_build_dir" || return 1
  pld_use_build
}

pld_use_build() {
  export GST_PLUGIN_PATH="$pld_build_dir/gst${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"
  export PATH="$pld_build_dir/tools:$pld_build_dir/pipelines:$PATH"
}
