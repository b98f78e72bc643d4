#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds the Debian packages of the working tree, checks them, and lists them. Debian 12 or later; installs what the build needs.
#
#   packaging/build-deb.sh [FOLDER]      FOLDER: where the packages go, build-deb by default
#
# Two runs on one tree give the same packages, byte for byte, wherever FOLDER is.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"

pld_install_build
pld_install debhelper dpkg-dev lintian

output=$(realpath -m "${1:-$top/build-deb}")
version=$(sed -n "s/^ *version: '\(.*\)',$/\1/p;T;q" "$top/meson.build")
packaged=$(dpkg-parsechangelog -l "$top/packaging/debian/changelog" -S Version)
if [ "${packaged%-*}" != "$version" ]; then
  echo "packaging/debian/changelog has version $packaged, but meson.build has $version: add an entry" >&2
  exit 1
fi

rm -rf "$output"
mkdir -p "$output/pipeload-$version"
tar -C "$top" --exclude-vcs --exclude='./build*' --exclude=__pycache__ --exclude=node_modules -c . | tar -C "$output/pipeload-$version" -x
cp -r "$top/packaging/debian" "$output/pipeload-$version/debian"
cd "$output/pipeload-$version"
DEB_BUILD_OPTIONS='noautodbgsym nocheck' pld_run dpkg-buildpackage --build=binary --no-sign
cd "$output"
rm -rf "pipeload-$version"
"$top/packaging/check-deb.py" .
lintian --fail-on error --suppress-tags bogus-mail-host ./*.changes
ls -- *.deb
