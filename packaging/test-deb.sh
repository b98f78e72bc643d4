#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs the Debian packages on a fresh Debian 12 tree with apt, and uses them there without the source tree: the demo's pipeline on a
# video, the command on a picture, a report from the bundled language model, and a program built with the development package. Needs root.
#
#   packaging/test-deb.sh FOLDER [TREE]    FOLDER: where build-deb.sh put the packages
#                                          TREE: a debootstrap tree to use and keep; made anew and removed by default
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"

packages=$(realpath "$1")
[ "$(id -u)" = 0 ] || { echo "debootstrap and chroot need root" >&2; exit 1; }
pld_install debootstrap
tree=${2:-}
own=
[ -n "$tree" ] || { own=$(mktemp -d) && tree=$own/tree; }
finish() {
  umount -q "$tree/proc" "$tree/dev" || true
  # Never removes what is still mounted
  [ -z "$own" ] || rm -rf --one-file-system "$own"
}
trap finish EXIT

[ -e "$tree/usr/bin/apt-get" ] || debootstrap --variant=minbase bookworm "$tree"

# The tree reaches the same package servers as this machine.
rm -rf "$tree/etc/apt/sources.list"
cp -rL /etc/apt/sources.list* /etc/apt/apt.conf.d /etc/apt/trusted.gpg.d "$tree/etc/apt/"
cp -rL /usr/share/keyrings "$tree/usr/share/"
mkdir -p "$tree/etc/ssl/certs"
cp -L /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/" 2>/dev/null || true
cp -L /etc/resolv.conf /etc/hosts "$tree/etc/"
mount -t proc proc "$tree/proc"
mount --bind /dev "$tree/dev"

rm -rf "$tree/packages"
mkdir -p "$tree/packages"
cp "$packages"/*.deb "$tree/packages/"
cp "$(pld_example_video)" "$tree/root/vtest.avi"

inside() {
  echo "+ $*"
  chroot "$tree" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive sh -euc "cd /root; $*"
}

# expect PATTERN COMMAND: the command's output has a line that matches
expect() {
  local pattern=$1 log
  shift
  log=$(mktemp)
  inside "$@" 2>&1 | tee "$log" | tail -n 8
  grep -qE "$pattern" "$log" || { echo "no line matches $pattern: $*" >&2; rm -f "$log"; return 1; }
  rm -f "$log"
}

inside 'apt-get update -q'
# A tree that is used again may have other packages of the same version.
inside 'apt-get install -y -q --no-install-recommends --reinstall /packages/*.deb'
inside 'apt-get install -y -q --no-install-recommends gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-libav gcc libc6-dev pkg-config'

expect 'objects.*person' 'gst-launch-1.0 -m filesrc location=vtest.avi ! decodebin ! videoconvert ! pipeloadvit threshold=0.2 interval=8' \
  '! pipeloadtrack ! pipeloadevents ! fakesink'
expect '^[1-9]' 'gst-launch-1.0 -q filesrc location=vtest.avi ! decodebin ! videoconvert ! pipeloadvit threshold=0.2 interval=8 ! pipeloadtrack' \
  '! pipeloadoverlay ! jpegenc ! multifilesink max-files=1 location=last.jpg && stat -c "%s bytes in last.jpg" last.jpg && stat -c %s last.jpg'
expect 'person' 'pipeload detect last.jpg'
expect '.' 'pipeload run -p "person 1, driveway, 08:00 to 08:05" --max-tokens=24'
expect '^pipeload' 'pipeload --version'
expect '^0\.' 'pkg-config --modversion pipeload'
for example in detect chat; do
  inside "cc /usr/share/doc/libpipeload-dev/examples/$example.c -o $example \$(pkg-config --cflags --libs pipeload)"
done
expect 'person' './detect last.jpg'
expect '.' './chat "person 1, driveway, 08:00 to 08:05"'
inside "! grep -rl '$top' /usr/bin /usr/lib/*/libpipeload* /usr/lib/*/gstreamer-1.0/libgstpipeload*"
echo "the packages work on a fresh Debian 12"
