/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Builds the elements that follow people, for recordings and cameras alike.
 */
#include "apps/common/chain.h"
#include "apps/common/engine.h"

#include <string.h>

#define PACE 5 /* results per second */

GstElement *
pld_chain_append (GstBin *bin, GstElement *tail, const char *name, GError **error)
{
  GstElement *element = gst_element_factory_make (name, NULL);

  if (element == NULL)
    {
      g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN, "the element %s is missing; %s", name,
                   g_str_has_prefix (name, "pipeload") ? "set GST_PLUGIN_PATH to the folder of libgstpipeload.so"
                                                       : "install GStreamer's base and good plugins");
      return NULL;
    }
  gst_bin_add (bin, element);
  if (tail == NULL || gst_element_link (tail, element))
    return element;
  g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_PAD, "%s cannot be linked", name);
  return NULL;
}

gboolean
pld_chain_add (PldChain *chain, GstBin *bin, GstElement *tail, gboolean tracked, const char *limit, const char *camera,
               const char *zones, GError **error)
{
  if ((tail = chain->vit = pld_chain_append (bin, tail, "pipeloadvit", error)) == NULL
      || (tracked && (tail = pld_chain_append (bin, tail, "pipeloadtrack", error)) == NULL)
      || (chain->events = pld_chain_append (bin, tail, "pipeloadevents", error)) == NULL)
    return FALSE;
  g_object_set (chain->vit, "model", pld_engine.model, "memory-limit", limit != NULL ? limit : "0", NULL);
  if (tracked)
    g_object_set (chain->vit, "threshold", PLD_CHAIN_FAINT, NULL);
  gst_util_set_object_arg (G_OBJECT (chain->vit), "messages", "none");
  g_object_set (chain->events, "zones", zones, "camera", camera, NULL);
  return TRUE;
}

/* Streaming thread. */
static GstPadProbeReturn
on_caps (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstCaps *caps;
  int rate = 0, per = 0;
  guint interval;

  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps (event, &caps);
  if (!gst_structure_get_fraction (gst_caps_get_structure (caps, 0), "framerate", &rate, &per) || rate <= 0 || per <= 0)
    {
      rate = 25;
      per = 1;
    }
  /* Rounded: 2 for 10 frames a second, 6 for 29.97. */
  interval = (guint) gst_util_uint64_scale_int_round ((guint64) rate, 1, per * PACE);
  g_object_set (user_data, "interval", MAX (interval, 1), NULL);
  return GST_PAD_PROBE_OK;
}

void
pld_chain_pace (GstElement *vit)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (vit, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_caps, vit, NULL);
}
