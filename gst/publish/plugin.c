/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The plugin pipeloadpublish, apart from the others because it loads libmosquitto.
 */
#include "pipeload/version.h"
#include "gst/publish/gstpipeloadpublish.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER (pipeloadpublish, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, pipeloadpublish,
                   "Results and events of pipeload's elements as JSON, to files and MQTT brokers", plugin_init,
                   PLD_VERSION, "LGPL", "pipeload", "Unknown package origin")
