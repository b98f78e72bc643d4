/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Links decoded video.
 */
#include "apps/common/video.h"

#include <string.h>

/* ---- times --------------------------------------------------------------------------------- */

/* Of one stream; used by its streaming thread. */
typedef struct
{
  GstSegment segment;
  GstClockTime first; /* running time of the first buffer; NONE: before it */
} Clock;

static GstPadProbeReturn
clock_segment (Clock *clock, GstPadProbeInfo *info)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info), *mine;
  GstSegment plain;

  gst_event_copy_segment (event, &clock->segment);
  if (clock->segment.format != GST_FORMAT_TIME)
    return GST_PAD_PROBE_OK;
  gst_segment_init (&plain, GST_FORMAT_TIME);
  mine = gst_event_new_segment (&plain);
  gst_event_set_seqnum (mine, gst_event_get_seqnum (event));
  gst_event_unref (event);
  GST_PAD_PROBE_INFO_DATA (info) = mine;
  return GST_PAD_PROBE_OK;
}

/* Running time counts what is shown: frames that an edit list cuts off have none. */
static GstPadProbeReturn
clock_buffer (Clock *clock, GstPadProbeInfo *info)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstClockTime time;

  if (clock->segment.format != GST_FORMAT_TIME || !GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_PAD_PROBE_OK;
  time = gst_segment_to_running_time (&clock->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_PAD_PROBE_DROP;
  if (!GST_CLOCK_TIME_IS_VALID (clock->first))
    clock->first = time;
  buffer = gst_buffer_make_writable (buffer);
  GST_BUFFER_PTS (buffer) = time > clock->first ? time - clock->first : 0;
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_data (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    return clock_buffer (user_data, info);
  return GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_SEGMENT ? clock_segment (user_data, info)
                                                                               : GST_PAD_PROBE_OK;
}

void
pld_video_start_at_zero (GstElement *sink)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  Clock *clock = g_new0 (Clock, 1);

  clock->first = GST_CLOCK_TIME_NONE;
  gst_segment_init (&clock->segment, GST_FORMAT_UNDEFINED);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_data, clock, g_free);
}

/* ---- orientation --------------------------------------------------------------------------- */

/* Adds @name to the bin of @sink, ready to play. Returns: (transfer none) (nullable): NULL: it is not installed */
static GstElement *
add (GstElement *sink, const char *name)
{
  g_autoptr (GstObject) bin = gst_object_get_parent (GST_OBJECT (sink));
  GstElement *element = gst_element_factory_make (name, NULL);

  if (element == NULL)
    return NULL;
  gst_bin_add (GST_BIN (bin), element);
  gst_element_sync_state_with_parent (element);
  return element;
}

static gboolean
link_to (GstPad *pad, GstElement *element)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (element, "sink");

  return gst_pad_link (pad, sink) == GST_PAD_LINK_OK;
}

/* videoflip passes on what needs no turning. It does not know every format, videoconvert does. */
static void
link_upright (GstPad *pad, GstCaps *caps, GstElement *sink)
{
  GstElement *flip = add (sink, "videoflip"), *convert = NULL;

  if (flip == NULL)
    {
      link_to (pad, sink);
      return;
    }
  gst_util_set_object_arg (G_OBJECT (flip), "video-direction", "auto");
  gst_element_link (flip, sink);
  if (!gst_element_factory_can_sink_all_caps (gst_element_get_factory (flip), caps)
      && (convert = add (sink, "videoconvert")) != NULL)
    gst_element_link (convert, flip);
  link_to (pad, convert != NULL ? convert : flip);
}

void
pld_video_link (GstPad *pad, GstElement *sink)
{
  g_autoptr (GstPad) target = gst_element_get_static_pad (sink, "sink");
  g_autoptr (GstCaps) current = gst_pad_get_current_caps (pad);
  g_autoptr (GstCaps) caps = current != NULL ? gst_caps_ref (current) : gst_pad_query_caps (pad, NULL);
  g_autoptr (GstCaps) taken = gst_pad_query_caps (target, NULL);

  if (gst_pad_is_linked (target) || !gst_caps_can_intersect (caps, taken))
    return;
  if (!gst_caps_is_empty (caps) && !gst_caps_is_any (caps)
      && strcmp (gst_structure_get_name (gst_caps_get_structure (caps, 0)), "video/x-raw") == 0)
    link_upright (pad, caps, sink);
  else
    gst_pad_link (pad, target);
}
