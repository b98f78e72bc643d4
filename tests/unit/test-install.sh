#!/bin/sh
# ninja install gives plugins that GStreamer finds, a command, a library with header and pkg-config file, and the bundled model.
# test-install.sh BUILD LIBDIR
set -eu
build=$1 libdir=$2 source=$PIPELOAD_SOURCE
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
meson install -C "$build" --no-rebuild --quiet --destdir "$dest"
prefix=$(find "$dest" -path '*/bin/pipeload' -printf '%h\n')/..
export PKG_CONFIG_PATH="$prefix/$libdir/pkgconfig" LD_LIBRARY_PATH="$prefix/$libdir"
sed -i "s|^prefix=.*|prefix=$prefix|" "$PKG_CONFIG_PATH/pipeload.pc"
export PIPELOAD_MODELS="$prefix/share/pipeload/models"
# The examples build against the installation, and run: one finds no person in a gray picture, the other answers.
for example in detect chat; do
  # shellcheck disable=SC2046
  ${CC:-cc} -Wall -Werror "$source/examples/$example.c" -o "$dest/$example" $(pkg-config --cflags --libs pipeload)
done
"$dest/detect" "$source/docs/demo.jpg" | grep -qE '^person 0\.[0-9]+: [01]\.[0-9]{3} '
[ -z "$("$dest/detect" "$source/tests/fuzz/seeds/jpeg/valid-gray")" ]
if "$dest/detect" "$dest/missing.jpg" 2>"$dest/error" || ! grep -q missing.jpg "$dest/error"; then exit 1; fi
"$dest/chat" "Hello" | grep -q '[a-z]'
cmp "$source/models/bundled/person-vit/model.safetensors" "$PIPELOAD_MODELS/person-vit/model.safetensors"
"$prefix/bin/pipeload" --version | grep -q '[0-9]'
# Programs of verbs are found wherever the installation is.
"$prefix/bin/pipeload" detect --version | grep -q '[0-9]'
if [ -e "$build/apps/pipeload/pipeload.1" ]; then
  for page in pipeload pipeload-detect pipeload-run; do [ -s "$prefix/share/man/man1/$page.1" ]; done
  grep -q quantize "$prefix/share/bash-completion/completions/pipeload.bash" "$prefix/share/zsh/site-functions/_pipeload"
fi
if [ -e "$prefix/$libdir/gstreamer-1.0/libgstpipeload.so" ]; then
  for property in pipeloadvit:memory-limit pipeloadoverlay:line-width pipeloadpublish:location; do
    GST_PLUGIN_PATH="$prefix/$libdir/gstreamer-1.0" GST_REGISTRY="$dest/registry" gst-inspect-1.0 "${property%:*}" | grep -q "${property#*:}"
  done
  if /usr/bin/python3 -c 'import gi; gi.require_version("Gst", "1.0"); from gi.repository import Gst' 2>/dev/null; then
    export GST_PLUGIN_PATH="$prefix/$libdir/gstreamer-1.0" GST_REGISTRY="$dest/registry"
    # A picture is a video of one frame.
    /usr/bin/python3 "$source/examples/detect.py" "$source/docs/demo.jpg" | grep -q '^frame 0: person'
    /usr/bin/python3 "$source/examples/chat.py" "Hello" >"$dest/python-answer"
    "$dest/chat" "Hello" | cmp - "$dest/python-answer"
  else
    echo "skipped: examples/*.py; install python3-gi and gir1.2-gstreamer-1.0"
  fi
fi
