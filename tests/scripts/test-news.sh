#!/bin/sh
# The first heading of NEWS.md names the version of meson.build, and every heading is a version, newest first.
# test-news.sh VERSION
set -eu
news=$PIPELOAD_SOURCE/NEWS.md
headings=$(sed -n 's/^## //p' "$news")
first=$(echo "$headings" | sed -n '1s/ (unreleased)$//;1p')
if [ "$first" != "$1" ]; then
  echo "NEWS.md: the first heading is \"$first\", but meson.build has version $1: add a section"
  exit 1
fi
versions=$(echo "$headings" | sed '1s/ (unreleased)$//')
if echo "$versions" | grep -vxE '[0-9]+\.[0-9]+\.[0-9]+'; then
  echo "NEWS.md: these headings are not versions"
  exit 1
fi
if [ "$versions" != "$(echo "$versions" | sort -rV -u)" ]; then
  echo "NEWS.md: the versions do not fall from top to bottom"
  exit 1
fi
