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
cat >"$dest/user.c" <<'END'
#include <pipeload/pipeload.h>
int main (void)
{
  g_autoptr (GError) error = NULL;
  PldVisionOptions options = { 0 };
  PldPlanInfo plan = { 0 };
  if (!pld_vision_plan (&options, &plan, &error))
    g_printerr ("%s\n", error->message);
  return plan.n_tiles == 0;
}
END
# shellcheck disable=SC2046
${CC:-cc} "$dest/user.c" -o "$dest/user" $(pkg-config --cflags --libs pipeload)
export PIPELOAD_MODELS="$prefix/share/pipeload/models"
"$dest/user"
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
fi
