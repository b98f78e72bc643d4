/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Results as element messages and as JSON.
 */
#include "gst/common/meta.h"

#include "pipeload/pipeload.h"

static void
clear_object (gpointer object)
{
  g_free (((GstPipeloadObject *) object)->zones);
  g_list_free_full (((GstPipeloadObject *) object)->others, (GDestroyNotify) gst_structure_free);
}

GstPipeloadFrame *
gst_pipeload_frame_new (guint64 number)
{
  GstPipeloadFrame *frame = g_new0 (GstPipeloadFrame, 1);

  g_atomic_ref_count_init (&frame->refs);
  frame->number = number;
  frame->timestamp = frame->stream_time = frame->running_time = GST_CLOCK_TIME_NONE;
  frame->system_time = g_get_real_time ();
  frame->objects = g_array_new (FALSE, TRUE, sizeof (GstPipeloadObject));
  g_array_set_clear_func (frame->objects, clear_object);
  return frame;
}

GstPipeloadFrame *
gst_pipeload_frame_ref (GstPipeloadFrame *frame)
{
  g_atomic_ref_count_inc (&frame->refs);
  return frame;
}

void
gst_pipeload_frame_unref (GstPipeloadFrame *frame)
{
  if (frame == NULL || !g_atomic_ref_count_dec (&frame->refs))
    return;
  g_array_unref (frame->objects);
  g_free (frame);
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  const guint *left = a, *right = b;

  return *left < *right ? -1 : *left > *right;
}

/* Returns: (transfer full): the label ids that @frame shows, sorted. */
static GArray *
sorted_ids (const GstPipeloadFrame *frame)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; frame != NULL && i < frame->objects->len; i++)
    g_array_append_val (ids, gst_pipeload_frame_object (frame, i)->label_id);
  g_array_sort (ids, compare_ids);
  return ids;
}

gboolean
gst_pipeload_frame_same_labels (const GstPipeloadFrame *a, const GstPipeloadFrame *b)
{
  g_autoptr (GArray) left = sorted_ids (a);
  g_autoptr (GArray) right = sorted_ids (b);

  if (left->len != right->len)
    return FALSE;
  for (guint i = 0; i < left->len; i++)
    if (g_array_index (left, guint, i) != g_array_index (right, guint, i))
      return FALSE;
  return TRUE;
}

GstPipeloadVideo
gst_pipeload_video_from_caps (const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  int width = 0, height = 0, rate = 0, per = 0;
  GstPipeloadVideo video = { .duration = GST_SECOND / 25 };

  gst_structure_get_int (structure, "width", &width);
  gst_structure_get_int (structure, "height", &height);
  video.width = (guint) MAX (width, 0);
  video.height = (guint) MAX (height, 0);
  if (gst_structure_get_fraction (structure, "framerate", &rate, &per) && rate > 0 && per > 0)
    video.duration = gst_util_uint64_scale (GST_SECOND, (guint64) per, (guint64) rate);
  return video;
}

/* ---- objects ------------------------------------------------------------------------------- */

GstPipeloadObject
gst_pipeload_object_from_pld (const PldObject *object, const char *label)
{
  return (GstPipeloadObject) { .label_id = object->label_id,
                               .label = label,
                               .confidence = object->confidence,
                               .box = { object->x_min, object->y_min, object->x_max, object->y_max } };
}

PldObject
gst_pipeload_object_to_pld (const GstPipeloadObject *object)
{
  return (PldObject) { .label_id = object->label_id,
                       .label = object->label,
                       .confidence = (float) object->confidence,
                       .x_min = (float) object->box.x_min,
                       .y_min = (float) object->box.y_min,
                       .x_max = (float) object->box.x_max,
                       .y_max = (float) object->box.y_max };
}

gboolean
gst_pipeload_object_same_place (const GstPipeloadObject *a, const GstPipeloadObject *b)
{
  return a->id == b->id && a->box.x_min == b->box.x_min && a->box.y_min == b->box.y_min && a->box.x_max == b->box.x_max
         && a->box.y_max == b->box.y_max;
}

/* ---- on the bus ---------------------------------------------------------------------------- */

static void
append_object (GValue *list, const GstPipeloadObject *object)
{
  GValue item = G_VALUE_INIT;
  GstStructure *structure
      = gst_structure_new ("object", "id", G_TYPE_INT, object->id, "label", G_TYPE_STRING, object->label, "label-id",
                           G_TYPE_UINT, object->label_id, "confidence", G_TYPE_DOUBLE, object->confidence, "x-min",
                           G_TYPE_DOUBLE, object->box.x_min, "y-min", G_TYPE_DOUBLE, object->box.y_min, "x-max",
                           G_TYPE_DOUBLE, object->box.x_max, "y-max", G_TYPE_DOUBLE, object->box.y_max, NULL);

  g_value_init (&item, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&item, structure);
  gst_value_array_append_and_take_value (list, &item);
}

GstStructure *
gst_pipeload_frame_to_structure (const GstPipeloadFrame *frame, gboolean changed)
{
  const GstPipeloadObject *best = frame->objects->len > 0 ? gst_pipeload_frame_object (frame, 0) : NULL;
  GValue list = G_VALUE_INIT;
  GstStructure *structure;

  structure = gst_structure_new (GST_PIPELOAD_VIT_MESSAGE, "frame", G_TYPE_UINT64, frame->number, "timestamp",
                                 G_TYPE_UINT64, frame->timestamp, "stream-time", G_TYPE_UINT64, frame->stream_time,
                                 "running-time", G_TYPE_UINT64, frame->running_time, "system-time", G_TYPE_INT64,
                                 frame->system_time, "width", G_TYPE_UINT, frame->width, "height", G_TYPE_UINT,
                                 frame->height, "changed", G_TYPE_BOOLEAN, changed, NULL);
  if (best != NULL)
    gst_structure_set (structure, "label", G_TYPE_STRING, best->label, "label-id", G_TYPE_UINT, best->label_id,
                       "confidence", G_TYPE_DOUBLE, best->confidence, NULL);
  gst_value_array_init (&list, frame->objects->len);
  for (guint i = 0; i < frame->objects->len; i++)
    append_object (&list, gst_pipeload_frame_object (frame, i));
  gst_structure_take_value (structure, "objects", &list);
  return structure;
}

static void
read_object (GstPipeloadFrame *frame, const GValue *value)
{
  const GstStructure *structure = GST_VALUE_HOLDS_STRUCTURE (value) ? gst_value_get_structure (value) : NULL;
  GstPipeloadObject object = { 0 };

  if (structure == NULL
      || !gst_structure_get (structure, "id", G_TYPE_INT, &object.id, "label-id", G_TYPE_UINT, &object.label_id,
                             "confidence", G_TYPE_DOUBLE, &object.confidence, "x-min", G_TYPE_DOUBLE, &object.box.x_min,
                             "y-min", G_TYPE_DOUBLE, &object.box.y_min, "x-max", G_TYPE_DOUBLE, &object.box.x_max,
                             "y-max", G_TYPE_DOUBLE, &object.box.y_max, NULL))
    return;
  object.label = g_intern_string (gst_structure_get_string (structure, "label"));
  g_array_append_val (frame->objects, object);
}

GstPipeloadFrame *
gst_pipeload_frame_from_structure (const GstStructure *structure)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_new (0);
  const GValue *list = gst_structure_get_value (structure, "objects");

  if (!gst_structure_has_name (structure, GST_PIPELOAD_VIT_MESSAGE) || list == NULL || !GST_VALUE_HOLDS_ARRAY (list)
      || !gst_structure_get (structure, "frame", G_TYPE_UINT64, &frame->number, "timestamp", G_TYPE_UINT64,
                             &frame->timestamp, "stream-time", G_TYPE_UINT64, &frame->stream_time, "running-time",
                             G_TYPE_UINT64, &frame->running_time, "system-time", G_TYPE_INT64, &frame->system_time,
                             "width", G_TYPE_UINT, &frame->width, "height", G_TYPE_UINT, &frame->height, NULL))
    return NULL;
  for (guint i = 0; i < gst_value_array_get_size (list); i++)
    read_object (frame, gst_value_array_get_value (list, i));
  return g_steal_pointer (&frame);
}

/* ---- as JSON ------------------------------------------------------------------------------- */

char *
gst_pipeload_frame_to_json (const GstPipeloadFrame *frame, const char *camera)
{
  const guint n = frame->objects->len;
  g_autofree PldObject *objects = g_new (PldObject, n);
  g_autofree PldIdentity *identities = g_new (PldIdentity, n);
  const PldFrame where = {
    .timestamp = frame->timestamp, /* GST_CLOCK_TIME_NONE is none here too */
    .system_time = frame->system_time,
    .camera = camera,
    .number = -1,
    .width = frame->width,
    .height = frame->height,
  };

  for (guint i = 0; i < n; i++)
    {
      const GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);

      objects[i] = gst_pipeload_object_to_pld (object);
      identities[i] = (PldIdentity) { (guint64) MAX (object->id, 0), object->zones };
    }
  return pld_frame_to_json (&where, objects, identities, n);
}
