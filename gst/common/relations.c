/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Results as GstAnalyticsRelationMeta, for GStreamer 1.24 and later.
 */
#include "gst/common/relations.h"

#include <gst/analytics/analytics.h>

/* Whether nobody else has written into it: then it can go. */
static gboolean
holds_detections_alone (GstAnalyticsRelationMeta *meta)
{
  GstAnalyticsMtd mtd;
  gpointer state = NULL;

  while (gst_analytics_relation_meta_iterate (meta, &state, GST_ANALYTICS_MTD_TYPE_ANY, &mtd))
    {
      const GstAnalyticsMtdType type = gst_analytics_mtd_get_mtd_type (&mtd);

      if (type != gst_analytics_od_mtd_get_mtd_type () && type != gst_analytics_tracking_mtd_get_mtd_type ())
        return FALSE;
    }
  return TRUE;
}

static void
write_detection (const GstPipeloadFrame *frame, const GstPipeloadObject *object, GstAnalyticsRelationMeta *meta)
{
  const PldBox *place = &object->box;
  const int x = (int) (place->x_min * frame->width + 0.5), y = (int) (place->y_min * frame->height + 0.5);
  const int w = (int) (place->x_max * frame->width + 0.5) - x, h = (int) (place->y_max * frame->height + 0.5) - y;
  GstAnalyticsODMtd box;
  GstAnalyticsTrackingMtd track;

  if (!gst_analytics_relation_meta_add_od_mtd (meta, g_quark_from_static_string (object->label), x, y, w, h,
                                               (float) object->confidence, &box)
      || !object->tracked
      || !gst_analytics_relation_meta_add_tracking_mtd (meta, (guint64) object->id, object->start, &track))
    return;
  gst_analytics_tracking_mtd_update_last_seen (&track, frame->timestamp);
  gst_analytics_relation_meta_set_relation (meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, box.id, track.id);
}

/* @n classes from the object @first on, which belong together. */
static void
write_classes (const GstPipeloadFrame *frame, guint first, guint n, GstAnalyticsRelationMeta *meta)
{
  g_autofree float *confidences = g_new (float, n);
  g_autofree GQuark *labels = g_new (GQuark, n);
  GstAnalyticsClsMtd classes;

  for (guint i = 0; i < n; i++)
    {
      const GstPipeloadObject *object = gst_pipeload_frame_object (frame, first + i);

      confidences[i] = (float) object->confidence;
      labels[i] = g_quark_from_static_string (object->label);
    }
  gst_analytics_relation_meta_add_cls_mtd (meta, n, confidences, labels, &classes);
}

void
gst_pipeload_relations_write (const GstPipeloadFrame *frame, GstBuffer *buffer, gboolean replace)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  guint next;

  if (replace && meta != NULL && holds_detections_alone (meta))
    {
      gst_buffer_remove_meta (buffer, (GstMeta *) meta);
      meta = NULL;
    }
  if (frame->objects->len == 0)
    return;
  if (meta == NULL)
    meta = gst_buffer_add_analytics_relation_meta (buffer);
  for (guint i = 0; i < frame->objects->len; i = next)
    {
      const GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);

      next = i + 1;
      if (frame->kind == GST_PIPELOAD_FRAME_DETECTIONS)
        write_detection (frame, object, meta);
      else
        {
          while (next < frame->objects->len
                 && gst_pipeload_object_same_place (object, gst_pipeload_frame_object (frame, next)))
            next++;
          write_classes (frame, i, next - i, meta);
        }
    }
}
