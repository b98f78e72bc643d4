# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by the scripts of pipelines/: their help, and the build whose plugins and command they run. Source it first; any POSIX shell.
#
# Plugins and command are those of the build PIPELOAD_BUILD names, or else of demo.sh's; then the installed ones. GST_PLUGIN_PATH, where it
# is set, names the plugins' folder.
pld_build=${PIPELOAD_BUILD:-$(dirname "$(realpath "$0")")/../build-demo}
export GST_PLUGIN_PATH="${GST_PLUGIN_PATH:-$pld_build/gst}"

# In a source tree, the bundled models are next to their recipes
if [ -d "$(dirname "$(realpath "$0")")/../models/bundled" ]; then
  export PIPELOAD_MODELS="${PIPELOAD_MODELS:-$(dirname "$(realpath "$0")")/../models/bundled}"
fi

# The comment at the top of the script
usage() {
  sed -n '1,2d; /^#/!q; s/^# \{0,1\}//p' "$0"
}

# The command of the build, or else the installed one
pipeload=$pld_build/apps/pipeload/pipeload
[ -x "$pipeload" ] || pipeload=pipeload
