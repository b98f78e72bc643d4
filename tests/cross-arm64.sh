#!/usr/bin/env bash
# Cross-builds the engine, the command and their tests for arm64 in the folder given, against Debian's arm64 libraries unpacked beside it; then
# `QEMU_CPU=cortex-a72 meson test -C FOLDER` runs them under qemu-user as a Raspberry Pi 4, cortex-a76 as a 5, max with all that qemu knows.
#
#   tests/cross-arm64.sh FOLDER
#
# The libraries go into a root of their own: -dev packages of two architectures do not all install side by side.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"
mkdir -p "${1:?usage: tests/cross-arm64.sh FOLDER}"
folder=$(cd "$1" && pwd)
root=$folder/root apt=$folder/apt triplet=aarch64-linux-gnu

pld_install_build
pld_install gcc-$triplet libc6-dev-arm64-cross qemu-user

if [ ! -e "$root/.complete" ]; then
  mkdir -p "$root" "$apt/lists/partial" "$apt/archives/partial"
  : >"$apt/status"
  options=(-q -oAPT::Architecture=arm64 -oAPT::Architectures=arm64 "-oDir::State::Lists=$apt/lists" "-oDir::State::status=$apt/status"
    "-oDir::Cache::archives=$apt/archives" -oAPT::Sandbox::User=root)
  pld_run apt-get "${options[@]}" update
  pld_run apt-get "${options[@]}" install -y --download-only --no-install-recommends \
    libc6-dev libglib2.0-dev libjson-glib-dev libjpeg-dev
  for package in "$apt"/archives/*.deb; do
    dpkg -x "$package" "$root"
  done
  touch "$root/.complete"
fi

lib=$root/usr/lib/$triplet
cat >"$folder/cross.ini" <<END
[binaries]
c = '$triplet-gcc'
ar = '$triplet-ar'
strip = '$triplet-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '$root', '-E', 'LD_LIBRARY_PATH=$lib:$root/lib/$triplet']
[properties]
sys_root = '$root'
pkg_config_libdir = '$lib/pkgconfig:$root/usr/share/pkgconfig'
[built-in options]
c_args = ['--sysroot=$root']
c_link_args = ['--sysroot=$root', '-Wl,-rpath-link,$lib']
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'cortex-a72'
endian = 'little'
END
[ -e "$folder/build.ninja" ] || meson setup "$folder" "$top" --cross-file "$folder/cross.ini" --werror -Dgst=disabled -Dbuildtype=release
ninja -C "$folder"
