/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The plugin pipeload: registers its elements.
 */
#include "pipeload/version.h"
#include "gst/events/gstpipeloadevents.h"
#include "gst/llm/gstpipeloadllm.h"
#include "gst/track/gstpipeloadtrack.h"
#include "gst/vit/gstpipeloadvit.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER (pipeloadevents, plugin) && GST_ELEMENT_REGISTER (pipeloadllm, plugin)
         && GST_ELEMENT_REGISTER (pipeloadtrack, plugin) && GST_ELEMENT_REGISTER (pipeloadvit, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, pipeload,
                   "Transformers in pipelines under a hard memory limit, their weights streamed from storage",
                   plugin_init, PLD_VERSION, "LGPL", "pipeload", "Unknown package origin")
