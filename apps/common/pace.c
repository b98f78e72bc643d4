/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/common/pace.h"

/* Streaming thread. */
static GstPadProbeReturn
take_caps (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
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
  interval = (guint) gst_util_uint64_scale_int_round ((guint64) rate, 1, per * WATCH_PACE);
  g_object_set (user_data, "interval", MAX (interval, 1), NULL);
  return GST_PAD_PROBE_OK;
}

void
watch_pace_follow (GstElement *vit)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (vit, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, take_caps, vit, NULL);
}
