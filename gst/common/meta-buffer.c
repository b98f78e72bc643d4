/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Results on frames: region of interest metas, and the custom meta that marks frames with a result.
 */
#include "gst/common/meta.h"
#include "gst/common/relations.h"

#define RESULT_META "GstPipeloadResultMeta"

/* ---- the mark of a result ------------------------------------------------------------------ */

/* Readers need not register: an unregistered meta cannot be on any buffer. So it is one plugin that registers, though
 * each has this code, and so have programs. */
static void
register_result (void)
{
  static gsize done = 0;
  static const char *no_tags[] = { NULL };

  if (!g_once_init_enter (&done))
    return;
  if (gst_meta_get_info (RESULT_META) == NULL)
    gst_meta_register_custom (RESULT_META, no_tags, NULL, NULL, NULL);
  g_once_init_leave (&done, 1);
}

static void
mark_result (GstBuffer *buffer, guint64 number, guint64 age)
{
  GstCustomMeta *meta;

  register_result ();
  meta = gst_buffer_get_custom_meta (buffer, RESULT_META);
  if (meta == NULL)
    meta = gst_buffer_add_custom_meta (buffer, RESULT_META);
  gst_structure_set (gst_custom_meta_get_structure (meta), "frame", G_TYPE_UINT64, number, "age", G_TYPE_UINT64, age,
                     NULL);
}

static gboolean
read_result (GstBuffer *buffer, guint64 *number, guint64 *age)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, RESULT_META);

  return meta != NULL
         && gst_structure_get (gst_custom_meta_get_structure (meta), "frame", G_TYPE_UINT64, number, "age",
                               G_TYPE_UINT64, age, NULL);
}

GstPipeloadResultState
gst_pipeload_result_next (GstPipeloadResultCursor *cursor, GstBuffer *buffer)
{
  guint64 number, age;
  gboolean held;

  cursor->age = 0;
  if (!read_result (buffer, &number, &age))
    return GST_PIPELOAD_RESULT_NONE;
  held = cursor->any && number == cursor->number;
  *cursor = (GstPipeloadResultCursor) { TRUE, number, age };
  return held ? GST_PIPELOAD_RESULT_HELD : GST_PIPELOAD_RESULT_NEW;
}

/* ---- regions ------------------------------------------------------------------------------- */

static GstVideoRegionOfInterestMeta *
next_region (GstBuffer *buffer, gpointer *state)
{
  return (GstVideoRegionOfInterestMeta *) gst_buffer_iterate_meta_filtered (buffer, state,
                                                                            GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
}

/* A result of ours over the whole frame is not a region to process. */
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
object_to_param (const GstPipeloadObject *object, const char *name, guint64 number, guint64 age)
{
  return gst_structure_new (name, "label", G_TYPE_STRING, object->label, "label_id", G_TYPE_UINT, object->label_id,
                            "confidence", G_TYPE_DOUBLE, object->confidence, "x_min", G_TYPE_DOUBLE, object->box.x_min,
                            "y_min", G_TYPE_DOUBLE, object->box.y_min, "x_max", G_TYPE_DOUBLE, object->box.x_max,
                            "y_max", G_TYPE_DOUBLE, object->box.y_max, "frame", G_TYPE_UINT64, number, "age",
                            G_TYPE_UINT64, age, NULL);
}

/* The share of their union that the object's box and the ROI have in common. */
static double
overlap (const GstPipeloadObject *object, GstVideoRegionOfInterestMeta *meta, guint width, guint height)
{
  const PldBox *box = &object->box;
  double x_min = (double) meta->x / width, x_max = (double) (meta->x + meta->w) / width;
  double y_min = (double) meta->y / height, y_max = (double) (meta->y + meta->h) / height;
  double across = MIN (box->x_max, MIN (x_max, 1)) - MAX (box->x_min, x_min);
  double down = MIN (box->y_max, MIN (y_max, 1)) - MAX (box->y_min, y_min);
  double common = MAX (across, 0) * MAX (down, 0);
  double whole = (box->x_max - box->x_min) * (box->y_max - box->y_min)
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
    if (gst_pipeload_object_same_place (best, gst_pipeload_frame_object (frame, i)))
      gst_video_region_of_interest_meta_add_param (
          meta, object_to_param (gst_pipeload_frame_object (frame, i), "classification", frame->number, age));
}

static void
attach_classes (const GstPipeloadFrame *frame, GstBuffer *buffer, guint64 age)
{
  GstVideoRegionOfInterestMeta *meta;

  if (frame->objects->len == 0)
    return;
  meta = gst_buffer_add_video_region_of_interest_meta (buffer, gst_pipeload_frame_object (frame, 0)->label, 0, 0,
                                                       frame->width, frame->height);
  for (guint i = 0; i < frame->objects->len; i++)
    gst_video_region_of_interest_meta_add_param (
        meta, object_to_param (gst_pipeload_frame_object (frame, i), "classification", frame->number, age));
}

static GstStructure *
track_to_param (const GstPipeloadObject *object)
{
  return gst_structure_new ("track", "id", G_TYPE_INT, object->id, "state", G_TYPE_STRING,
                            object->predicted ? "predicted" : "measured", "start", G_TYPE_UINT64, object->start, "dx",
                            G_TYPE_DOUBLE, object->dx, "dy", G_TYPE_DOUBLE, object->dy, NULL);
}

static GstStructure *
zones_to_param (const GstPipeloadObject *object)
{
  GstStructure *structure = gst_structure_new_empty ("zones");
  GValue list = G_VALUE_INIT;

  gst_value_array_init (&list, 0);
  for (guint i = 0; object->zones[i] != NULL; i++)
    {
      GValue name = G_VALUE_INIT;

      g_value_init (&name, G_TYPE_STRING);
      g_value_set_static_string (&name, object->zones[i]);
      gst_value_array_append_and_take_value (&list, &name);
    }
  gst_structure_take_value (structure, "names", &list);
  return structure;
}

static guint
to_pixels (double share, guint size)
{
  return share > 0 ? (guint) (MIN (share, 1) * size + 0.5) : 0; /* not a number: 0 */
}

static void
attach_detection (const GstPipeloadFrame *frame, const GstPipeloadObject *object, GstBuffer *buffer, guint64 age)
{
  const guint x = to_pixels (object->box.x_min, frame->width), y = to_pixels (object->box.y_min, frame->height);
  const guint right = to_pixels (object->box.x_max, frame->width),
              bottom = to_pixels (object->box.y_max, frame->height);
  GstVideoRegionOfInterestMeta *meta = gst_buffer_add_video_region_of_interest_meta (
      buffer, object->label, x, y, MAX (right, x) - x, MAX (bottom, y) - y);

  meta->id = object->id;
  gst_video_region_of_interest_meta_add_param (meta, object_to_param (object, "detection", frame->number, age));
  if (object->tracked)
    gst_video_region_of_interest_meta_add_param (meta, track_to_param (object));
  if (object->zones != NULL)
    gst_video_region_of_interest_meta_add_param (meta, zones_to_param (object));
  for (GList *l = object->others; l != NULL; l = l->next)
    gst_video_region_of_interest_meta_add_param (meta, gst_structure_copy (l->data));
}

static void
attach_detections (const GstPipeloadFrame *frame, GstBuffer *buffer, guint64 age)
{
  for (guint i = 0; i < frame->objects->len; i++)
    attach_detection (frame, gst_pipeload_frame_object (frame, i), buffer, age);
}

static gboolean
drop_detection (GstBuffer *buffer, GstMeta **meta, gpointer user_data)
{
  if ((*meta)->info->api == GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE
      && gst_video_region_of_interest_meta_get_param ((GstVideoRegionOfInterestMeta *) *meta, "detection") != NULL)
    *meta = NULL;
  return TRUE;
}

void
gst_pipeload_frame_replace (const GstPipeloadFrame *frame, GstBuffer *buffer, guint64 age)
{
  gst_buffer_foreach_meta (buffer, drop_detection, NULL);
  attach_detections (frame, buffer, age);
  gst_pipeload_relations_write (frame, buffer, TRUE);
}

static void
attach_region_classes (const GstPipeloadFrame *frame, GstBuffer *buffer, guint64 age)
{
  GstVideoRegionOfInterestMeta *meta;
  gpointer state = NULL;

  while ((meta = next_region (buffer, &state)) != NULL)
    if (!is_own_result (meta, frame->width, frame->height))
      attach_to_region (frame, meta, age);
}

void
gst_pipeload_frame_attach (const GstPipeloadFrame *frame, GstBuffer *buffer, guint64 age)
{
  switch (frame->kind)
    {
    case GST_PIPELOAD_FRAME_CLASSES:
      attach_classes (frame, buffer, age);
      break;
    case GST_PIPELOAD_FRAME_REGION_CLASSES:
      attach_region_classes (frame, buffer, age);
      break;
    case GST_PIPELOAD_FRAME_DETECTIONS:
      attach_detections (frame, buffer, age);
      break;
    }
  gst_pipeload_relations_write (frame, buffer, FALSE);
  /* The regions of the frame were written by another element. */
  if (frame->kind != GST_PIPELOAD_FRAME_REGION_CLASSES)
    mark_result (buffer, frame->number, age);
}

/* ---- and back ------------------------------------------------------------------------------ */

static void
read_track (GstPipeloadObject *object, const GstStructure *param)
{
  object->tracked = gst_structure_get (param, "id", G_TYPE_INT, &object->id, "start", G_TYPE_UINT64, &object->start,
                                       "dx", G_TYPE_DOUBLE, &object->dx, "dy", G_TYPE_DOUBLE, &object->dy, NULL);
  object->predicted = g_strcmp0 (gst_structure_get_string (param, "state"), "predicted") == 0;
}

static void
read_zones (GstPipeloadObject *object, const GstStructure *param)
{
  const GValue *list = gst_structure_get_value (param, "names");
  const guint n = list != NULL && GST_VALUE_HOLDS_ARRAY (list) ? gst_value_array_get_size (list) : 0;
  guint kept = 0;

  object->zones = g_new0 (const char *, n + 1);
  for (guint i = 0; i < n; i++)
    {
      const GValue *name = gst_value_array_get_value (list, i);

      if (G_VALUE_HOLDS_STRING (name) && g_value_get_string (name) != NULL)
        object->zones[kept++] = g_intern_string (g_value_get_string (name));
    }
}

/* Elements that write detections anew keep what others have said of them, such as classes. */
static void
read_others (GstPipeloadObject *object, GstVideoRegionOfInterestMeta *meta)
{
  for (GList *l = meta->params; l != NULL; l = l->next)
    if (!gst_structure_has_name (l->data, "detection") && !gst_structure_has_name (l->data, "track")
        && !gst_structure_has_name (l->data, "zones"))
      object->others = g_list_append (object->others, gst_structure_copy (l->data));
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
      object.box
          = (PldBox) { (double) meta->x / frame->width, (double) meta->y / frame->height,
                       (double) (meta->x + meta->w) / frame->width, (double) (meta->y + meta->h) / frame->height };
    }
  gst_structure_get (param, "x_min", G_TYPE_DOUBLE, &object.box.x_min, "y_min", G_TYPE_DOUBLE, &object.box.y_min,
                     "x_max", G_TYPE_DOUBLE, &object.box.x_max, "y_max", G_TYPE_DOUBLE, &object.box.y_max, NULL);
  gst_structure_get_uint (param, "label_id", &object.label_id);
  gst_structure_get_double (param, "confidence", &object.confidence);
  if (gst_structure_get_uint64 (param, "frame", &number))
    frame->number = number;
  param = gst_video_region_of_interest_meta_get_param (meta, "track");
  if (param != NULL)
    read_track (&object, param);
  param = gst_video_region_of_interest_meta_get_param (meta, "zones");
  if (param != NULL)
    read_zones (&object, param);
  if (frame->kind == GST_PIPELOAD_FRAME_DETECTIONS)
    read_others (&object, meta);
  g_array_append_val (frame->objects, object);
}

static void
objects_from_params (GstPipeloadFrame *frame, GstBuffer *buffer, const char *name)
{
  GstVideoRegionOfInterestMeta *meta;
  gpointer state = NULL;

  while ((meta = next_region (buffer, &state)) != NULL)
    for (GList *l = meta->params; l != NULL; l = l->next)
      if (gst_structure_has_name (l->data, name))
        object_from_param (frame, meta, l->data);
}

GstPipeloadFrame *
gst_pipeload_frame_from_buffer (GstBuffer *buffer, guint width, guint height)
{
  GstPipeloadFrame *frame = gst_pipeload_frame_new (0);
  guint64 number, age;

  frame->timestamp = GST_BUFFER_PTS (buffer);
  frame->width = width;
  frame->height = height;
  frame->kind = GST_PIPELOAD_FRAME_DETECTIONS;
  objects_from_params (frame, buffer, "detection");
  if (frame->objects->len == 0)
    {
      frame->kind = GST_PIPELOAD_FRAME_CLASSES;
      objects_from_params (frame, buffer, "classification");
    }
  if (read_result (buffer, &number, &age))
    frame->number = number;
  return frame;
}
