/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/pipeloadmeta.h"

#include "engine/pipeload.h"

GstPipeloadFrame *
gst_pipeload_frame_new (guint64 number)
{
  GstPipeloadFrame *frame = g_new0 (GstPipeloadFrame, 1);

  g_atomic_ref_count_init (&frame->refs);
  frame->number = number;
  frame->timestamp = frame->stream_time = frame->running_time = GST_CLOCK_TIME_NONE;
  frame->system_time = g_get_real_time ();
  frame->objects = g_array_new (FALSE, TRUE, sizeof (GstPipeloadObject));
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
  if (!g_atomic_ref_count_dec (&frame->refs))
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

/* ---- on the buffer ------------------------------------------------------------------------- */

static GstVideoRegionOfInterestMeta *
next_region (GstBuffer *buffer, gpointer *state)
{
  return (GstVideoRegionOfInterestMeta *) gst_buffer_iterate_meta_filtered (
      buffer, state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
}

/* A result of ours over the whole frame is no region to look into. */
static gboolean
is_own_result (GstVideoRegionOfInterestMeta *meta, guint width, guint height)
{
  return meta->x == 0 && meta->y == 0 && meta->w == width && meta->h == height
         && gst_video_region_of_interest_meta_get_param (meta, "classification") != NULL;
}

GArray *
gst_pipeload_regions_read (GstBuffer *buffer, guint width, guint height)
{
  GArray *regions = g_array_new (FALSE, TRUE, sizeof (GstPipeloadRegion));
  GstVideoRegionOfInterestMeta *meta;
  gpointer state = NULL;

  while ((meta = next_region (buffer, &state)) != NULL)
    {
      GstPipeloadRegion region = { meta->id, meta->x, meta->y, 0, 0 };

      if (meta->x >= width || meta->y >= height || is_own_result (meta, width, height))
        continue;
      region.width = MIN (meta->w, width - meta->x);
      region.height = MIN (meta->h, height - meta->y);
      if (region.width > 0 && region.height > 0)
        g_array_append_val (regions, region);
    }
  return regions;
}

static GstStructure *
object_to_param (const GstPipeloadObject *object, guint64 number, guint64 age)
{
  return gst_structure_new ("classification", "label", G_TYPE_STRING, object->label, "label_id", G_TYPE_UINT,
                            object->label_id, "confidence", G_TYPE_DOUBLE, object->confidence, "x_min",
                            G_TYPE_DOUBLE, object->x_min, "y_min", G_TYPE_DOUBLE, object->y_min, "x_max",
                            G_TYPE_DOUBLE, object->x_max, "y_max", G_TYPE_DOUBLE, object->y_max, "frame",
                            G_TYPE_UINT64, number, "age", G_TYPE_UINT64, age, NULL);
}

static gboolean
same_box (const GstPipeloadObject *a, const GstPipeloadObject *b)
{
  return a->id == b->id && a->x_min == b->x_min && a->y_min == b->y_min && a->x_max == b->x_max
         && a->y_max == b->y_max;
}

/* The share of their union that the object's box and the ROI have in common. */
static double
overlap (const GstPipeloadObject *object, GstVideoRegionOfInterestMeta *meta, guint width, guint height)
{
  double x_min = (double) meta->x / width, x_max = (double) (meta->x + meta->w) / width;
  double y_min = (double) meta->y / height, y_max = (double) (meta->y + meta->h) / height;
  double across = MIN (object->x_max, MIN (x_max, 1)) - MAX (object->x_min, x_min);
  double down = MIN (object->y_max, MIN (y_max, 1)) - MAX (object->y_min, y_min);
  double common = MAX (across, 0) * MAX (down, 0);
  double whole = (object->x_max - object->x_min) * (object->y_max - object->y_min)
                 + (MIN (x_max, 1) - x_min) * (MIN (y_max, 1) - y_min) - common;

  return whole > 0 ? common / whole : 0;
}

/* In older results the region has moved on: half of the union in common still makes it the same one. */
static void
attach_to_region (const GstPipeloadFrame *frame, GstVideoRegionOfInterestMeta *meta, guint64 age)
{
  const GstPipeloadObject *best = NULL;
  double most = 0.5;

  for (guint i = 0; i < frame->objects->len; i++)
    {
      const GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);
      double common = overlap (object, meta, frame->width, frame->height);

      if (common > most || (best == NULL && common >= most))
        {
          best = object;
          most = common;
        }
    }
  for (guint i = 0; best != NULL && i < frame->objects->len; i++)
    if (same_box (best, gst_pipeload_frame_object (frame, i)))
      gst_video_region_of_interest_meta_add_param (
          meta, object_to_param (gst_pipeload_frame_object (frame, i), frame->number, age));
}

void
gst_pipeload_frame_attach (const GstPipeloadFrame *frame, GstBuffer *buffer, guint64 age)
{
  GstVideoRegionOfInterestMeta *meta;
  gpointer state = NULL;

  if (frame->objects->len == 0)
    return;
  if (!frame->in_regions)
    {
      meta = gst_buffer_add_video_region_of_interest_meta (
          buffer, gst_pipeload_frame_object (frame, 0)->label, 0, 0, frame->width, frame->height);
      for (guint i = 0; i < frame->objects->len; i++)
        gst_video_region_of_interest_meta_add_param (
            meta, object_to_param (gst_pipeload_frame_object (frame, i), frame->number, age));
      return;
    }
  while ((meta = next_region (buffer, &state)) != NULL)
    if (!is_own_result (meta, frame->width, frame->height))
      attach_to_region (frame, meta, age);
}

static void
object_from_param (GstPipeloadFrame *frame, GstVideoRegionOfInterestMeta *meta, const GstStructure *param)
{
  const char *label = gst_structure_get_string (param, "label");
  GstPipeloadObject object = { .id = meta->id };
  guint64 number;

  object.label = g_intern_string (label != NULL ? label : g_quark_to_string (meta->roi_type));
  if (frame->width > 0 && frame->height > 0)
    {
      object.x_min = (double) meta->x / frame->width;
      object.y_min = (double) meta->y / frame->height;
      object.x_max = (double) (meta->x + meta->w) / frame->width;
      object.y_max = (double) (meta->y + meta->h) / frame->height;
    }
  gst_structure_get (param, "x_min", G_TYPE_DOUBLE, &object.x_min, "y_min", G_TYPE_DOUBLE, &object.y_min,
                     "x_max", G_TYPE_DOUBLE, &object.x_max, "y_max", G_TYPE_DOUBLE, &object.y_max, NULL);
  gst_structure_get_uint (param, "label_id", &object.label_id);
  gst_structure_get_double (param, "confidence", &object.confidence);
  if (gst_structure_get_uint64 (param, "frame", &number))
    frame->number = number;
  g_array_append_val (frame->objects, object);
}

GstPipeloadFrame *
gst_pipeload_frame_from_buffer (GstBuffer *buffer, guint width, guint height)
{
  GstPipeloadFrame *frame = gst_pipeload_frame_new (0);
  GstVideoRegionOfInterestMeta *meta;
  gpointer state = NULL;

  frame->timestamp = GST_BUFFER_PTS (buffer);
  frame->width = width;
  frame->height = height;
  while ((meta = next_region (buffer, &state)) != NULL)
    for (GList *l = meta->params; l != NULL; l = l->next)
      if (gst_structure_has_name (l->data, "classification") || gst_structure_has_name (l->data, "detection"))
        object_from_param (frame, meta, l->data);
  return frame;
}

/* ---- on the bus ---------------------------------------------------------------------------- */

static void
append_object (GValue *list, const GstPipeloadObject *object)
{
  GValue item = G_VALUE_INIT;
  GstStructure *structure = gst_structure_new (
      "object", "id", G_TYPE_INT, object->id, "label", G_TYPE_STRING, object->label, "label-id", G_TYPE_UINT,
      object->label_id, "confidence", G_TYPE_DOUBLE, object->confidence, "x-min", G_TYPE_DOUBLE,
      object->x_min, "y-min", G_TYPE_DOUBLE, object->y_min, "x-max", G_TYPE_DOUBLE, object->x_max, "y-max",
      G_TYPE_DOUBLE, object->y_max, NULL);

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

  structure = gst_structure_new (
      GST_PIPELOAD_VIT_MESSAGE, "frame", G_TYPE_UINT64, frame->number, "timestamp", G_TYPE_UINT64,
      frame->timestamp, "stream-time", G_TYPE_UINT64, frame->stream_time, "running-time", G_TYPE_UINT64,
      frame->running_time, "system-time", G_TYPE_INT64, frame->system_time, "width", G_TYPE_UINT,
      frame->width, "height", G_TYPE_UINT, frame->height, "changed", G_TYPE_BOOLEAN, changed, NULL);
  if (best != NULL)
    gst_structure_set (structure, "label", G_TYPE_STRING, best->label, "label-id", G_TYPE_UINT,
                       best->label_id, "confidence", G_TYPE_DOUBLE, best->confidence, NULL);
  gst_value_array_init (&list, frame->objects->len);
  for (guint i = 0; i < frame->objects->len; i++)
    append_object (&list, gst_pipeload_frame_object (frame, i));
  gst_structure_take_value (structure, "objects", &list);
  return structure;
}

static void
take_object (GstPipeloadFrame *frame, const GValue *value)
{
  const GstStructure *structure = GST_VALUE_HOLDS_STRUCTURE (value) ? gst_value_get_structure (value) : NULL;
  GstPipeloadObject object = { 0 };

  if (structure == NULL
      || !gst_structure_get (structure, "id", G_TYPE_INT, &object.id, "label-id", G_TYPE_UINT,
                             &object.label_id, "confidence", G_TYPE_DOUBLE, &object.confidence, "x-min",
                             G_TYPE_DOUBLE, &object.x_min, "y-min", G_TYPE_DOUBLE, &object.y_min, "x-max",
                             G_TYPE_DOUBLE, &object.x_max, "y-max", G_TYPE_DOUBLE, &object.y_max, NULL))
    return;
  object.label = g_intern_string (gst_structure_get_string (structure, "label"));
  g_array_append_val (frame->objects, object);
}

GstPipeloadFrame *
gst_pipeload_frame_from_structure (const GstStructure *structure)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_new (0);
  const GValue *list = gst_structure_get_value (structure, "objects");

  if (!gst_structure_has_name (structure, GST_PIPELOAD_VIT_MESSAGE) || list == NULL
      || !GST_VALUE_HOLDS_ARRAY (list)
      || !gst_structure_get (structure, "frame", G_TYPE_UINT64, &frame->number, "timestamp", G_TYPE_UINT64,
                             &frame->timestamp, "stream-time", G_TYPE_UINT64, &frame->stream_time,
                             "running-time", G_TYPE_UINT64, &frame->running_time, "system-time", G_TYPE_INT64,
                             &frame->system_time, "width", G_TYPE_UINT, &frame->width, "height", G_TYPE_UINT,
                             &frame->height, NULL))
    return NULL;
  for (guint i = 0; i < gst_value_array_get_size (list); i++)
    take_object (frame, gst_value_array_get_value (list, i));
  return g_steal_pointer (&frame);
}

/* ---- as JSON ------------------------------------------------------------------------------- */

char *
gst_pipeload_frame_to_json (const GstPipeloadFrame *frame, const char *camera)
{
  const guint n = frame->objects->len;
  g_autofree PldObject *objects = g_new (PldObject, n);
  g_autofree int *ids = g_new (int, n);
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

      objects[i] = (PldObject) {
        .label_id = object->label_id,
        .label = object->label,
        .confidence = (float) object->confidence,
        .x_min = (float) object->x_min,
        .y_min = (float) object->y_min,
        .x_max = (float) object->x_max,
        .y_max = (float) object->y_max,
      };
      ids[i] = object->id;
    }
  return pld_frame_to_json (&where, objects, ids, n);
}
