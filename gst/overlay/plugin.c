/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The plugin pipeloadoverlay, apart from the others because it loads Pango and cairo.
 */
#include "pipeload/version.h"
#include "gst/overlay/gstpipeloadoverlay.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER (pipeloadoverlay, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, pipeloadoverlay,
                   "Results of pipeload's elements drawn on video: boxes, labels, ids, trails and zones", plugin_init,
                   PLD_VERSION, "LGPL", "pipeload", "Unknown package origin")
