/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lays out zones, trails, boxes, labels and the corner on a canvas.
 */
#include "gst/overlay/scene.h"

#include "gst/common/meta.h"
#include "gst/overlay/canvas.h"
#include "gst/overlay/trails.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* Nobody can read more, and each costs time. */
#define MAX_OBJECTS 256
/* Bytes of a line of classes after which none is added. */
#define MAX_LINE 256

static const GstPipeloadColor gray = { 0.6, 0.6, 0.6 };

struct _GstPipeloadScene
{
  GstPipeloadOverlaySettings settings;
  guint width, height;
  GstClockTime frame_duration;
  GstClockTime now; /* of the last frame */
  GstPipeloadCanvas *canvas;
  GstPipeloadTrails *trails;
  PldZones *zones;
  GstVideoOverlayComposition *zones_drawn; /* NULL if they are to be drawn anew */

  /* The corner. */
  gint64 second; /* when the one began that is counted, microseconds; 0 = none */
  guint frames;  /* in it */
  char *corner;
};

/* ---- shares and pixels --------------------------------------------------------------------- */

/* A frame's size outside of it is as good as any other place there. */
static GstPipeloadCanvasPoint
to_pixels (const GstPipeloadScene *scene, double x, double y)
{
  return (GstPipeloadCanvasPoint) { CLAMP (x, -1, 2) * scene->width, CLAMP (y, -1, 2) * scene->height };
}

static gboolean
has_place (const GstPipeloadObject *object)
{
  const PldBox *box = &object->box;

  return isfinite (box->x_min) && isfinite (box->y_min) && isfinite (box->x_max) && isfinite (box->y_max)
         && box->x_min < box->x_max && box->y_min < box->y_max && box->x_min < 1 && box->y_min < 1 && box->x_max > 0
         && box->y_max > 0;
}

/* A class of the whole frame has no place in it. */
static gboolean
is_of_frame (const GstPipeloadFrame *frame, const GstPipeloadObject *object)
{
  const PldBox *box = &object->box;

  return frame->kind == GST_PIPELOAD_FRAME_CLASSES && box->x_min <= 0 && box->y_min <= 0 && box->x_max >= 1
         && box->y_max >= 1;
}

static const char *
label_of (const GstPipeloadObject *object)
{
  return object->label != NULL ? object->label : "";
}

static GstPipeloadColor
color_of (const GstPipeloadObject *object)
{
  return object->id > 0 ? gst_pipeload_color_of_id (object->id) : gst_pipeload_color_of_text (label_of (object));
}

/* ---- objects ------------------------------------------------------------------------------- */

static void append_word (GString *text, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
append_word (GString *text, const char *format, ...)
{
  va_list arguments;

  if (text->len > 0)
    g_string_append_c (text, ' ');
  va_start (arguments, format);
  g_string_append_vprintf (text, format, arguments);
  va_end (arguments);
}

/* The best class that a second pipeloadvit has given @object; NULL: none has. */
static const char *
class_of (const GstPipeloadObject *object)
{
  for (GList *l = object->others; l != NULL; l = l->next)
    if (gst_structure_has_name (l->data, "classification"))
      return gst_structure_get_string (l->data, "label");
  return NULL;
}

/* The text of @object's label by the settings, as far as it fits: the short facts before a name that may be long. */
static void
append_object (const GstPipeloadScene *scene, const GstPipeloadObject *object, GString *text)
{
  if (scene->settings.ids && object->id > 0)
    append_word (text, "#%d", object->id);
  if (scene->settings.confidence && object->confidence >= 0 && object->confidence <= 1)
    append_word (text, "%d%%", (int) (object->confidence * 100 + 0.5));
  if (scene->settings.labels)
    append_word (text, "%.256s", label_of (object));
  if (scene->settings.labels && class_of (object) != NULL)
    append_word (text, "%.256s", class_of (object));
}

static void
draw_box (GstPipeloadScene *scene, const GstPipeloadObject *object)
{
  gst_pipeload_canvas_add_box (scene->canvas, to_pixels (scene, object->box.x_min, object->box.y_min),
                               to_pixels (scene, object->box.x_max, object->box.y_max), color_of (object),
                               object->predicted);
}

/* On the box, or in it where there is no room above. */
static void
draw_label (GstPipeloadScene *scene, const GstPipeloadObject *object)
{
  const int height = gst_pipeload_canvas_get_text_height (scene->canvas);
  const GstPipeloadCanvasPoint corner = to_pixels (scene, object->box.x_min, object->box.y_min);
  const int x = gst_pipeload_canvas_snap (corner.x), y = gst_pipeload_canvas_snap (corner.y);
  g_autoptr (GString) text = g_string_new (NULL);

  append_object (scene, object, text);
  if (text->len > 0)
    gst_pipeload_canvas_add_text (scene->canvas, text->str, x, y >= height ? y - height : y, color_of (object));
}

static void
draw_trail (GstPipeloadScene *scene, const GstPipeloadObject *object)
{
  const GArray *points;

  if (object->id <= 0 || scene->settings.trails <= 0)
    return;
  gst_pipeload_trails_add (scene->trails, object->id, scene->now,
                           to_pixels (scene, (object->box.x_min + object->box.x_max) / 2, object->box.y_max),
                           2 * gst_pipeload_canvas_get_line_width (scene->canvas));
  points = gst_pipeload_trails_get (scene->trails, object->id);
  if (points != NULL)
    gst_pipeload_canvas_add_line (scene->canvas, (const GstPipeloadCanvasPoint *) points->data, points->len,
                                  color_of (object));
}

/* Labels lie on boxes, boxes on trails. */
static void
draw_objects (GstPipeloadScene *scene, const GstPipeloadFrame *frame)
{
  static void (*const layers[]) (GstPipeloadScene *, const GstPipeloadObject *) = { draw_trail, draw_box, draw_label };
  const guint n = MIN (frame->objects->len, MAX_OBJECTS);

  for (guint layer = 0; layer < G_N_ELEMENTS (layers); layer++)
    for (guint i = 0; i < n; i++)
      {
        const GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);

        if (has_place (object) && !is_of_frame (frame, object) && (layers[layer] != draw_box || scene->settings.boxes))
          layers[layer](scene, object);
      }
}

/* Classes of the whole frame: a line in its top left corner, @y pixels down. */
static void
draw_classes (GstPipeloadScene *scene, const GstPipeloadFrame *frame, int y)
{
  const GstPipeloadObject *best = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < MIN (frame->objects->len, MAX_OBJECTS) && text->len < MAX_LINE; i++)
    {
      const GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);

      if (!is_of_frame (frame, object))
        continue;
      append_object (scene, object, text);
      best = best != NULL ? best : object;
    }
  if (text->len > 0)
    gst_pipeload_canvas_add_text (scene->canvas, text->str, 0, y, color_of (best));
}

/* ---- zones --------------------------------------------------------------------------------- */

static void
draw_points (GstPipeloadScene *scene, const PldPoint *points, guint n, gboolean closed, const char *name)
{
  const GstPipeloadColor color = name != NULL ? gst_pipeload_color_of_text (name) : gray;
  g_autofree GstPipeloadCanvasPoint *pixels = g_new (GstPipeloadCanvasPoint, n + 1);

  for (guint i = 0; i <= n; i++)
    pixels[i] = to_pixels (scene, points[i % n].x, points[i % n].y);
  gst_pipeload_canvas_add_line (scene->canvas, pixels, closed ? n + 1 : n, color);
  if (name != NULL && *name != '\0')
    gst_pipeload_canvas_add_text (scene->canvas, name, (int) pixels[0].x, (int) pixels[0].y, color);
}

static void
draw_zones (GstPipeloadScene *scene)
{
  const PldZones *zones = scene->zones;

  for (guint i = 0; i < zones->masks->len; i++)
    {
      const PldZone *mask = &g_array_index (zones->masks, PldZone, i);

      draw_points (scene, mask->points, mask->n_points, TRUE, NULL);
    }
  for (guint i = 0; i < zones->zones->len; i++)
    {
      const PldZone *zone = &g_array_index (zones->zones, PldZone, i);

      if (zone->n_points > 0)
        draw_points (scene, zone->points, zone->n_points, TRUE, zone->name);
    }
  for (guint i = 0; i < zones->lines->len; i++)
    {
      const PldLine *line = &g_array_index (zones->lines, PldLine, i);

      draw_points (scene, (PldPoint[]) { line->from, line->to }, 2, FALSE, line->name);
    }
}

/* They stay the same from frame to frame, and so do their pictures. */
static void
add_zones (GstPipeloadScene *scene)
{
  if (scene->zones != NULL && scene->zones_drawn == NULL)
    {
      draw_zones (scene);
      scene->zones_drawn = gst_pipeload_canvas_take (scene->canvas);
    }
  if (scene->zones_drawn != NULL)
    gst_pipeload_canvas_add_composition (scene->canvas, scene->zones_drawn);
}

/* ---- corner -------------------------------------------------------------------------------- */

/* Returns: the process's resident memory in MB, as proc(5) has it; 0 if unknown. */
static double
resident_megabytes (void)
{
  g_autofree char *text = NULL;
  unsigned long long pages = 0;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL) || sscanf (text, "%*u %llu", &pages) != 1)
    return 0;
  return pages * (double) sysconf (_SC_PAGESIZE) / 1e6;
}

static void
count_frame (GstPipeloadScene *scene)
{
  const gint64 now = g_get_monotonic_time (), passed = now - scene->second;

  scene->frames++;
  if (scene->second != 0 && passed < G_USEC_PER_SEC)
    return;
  if (scene->second != 0)
    {
      g_free (scene->corner);
      scene->corner = g_strdup_printf ("%.1f fps  %.0f MB", scene->frames * 1e6 / passed, resident_megabytes ());
    }
  scene->second = now;
  scene->frames = 0;
}

/* Returns: the pixels at the frame's top left that are taken. */
static int
draw_corner (GstPipeloadScene *scene)
{
  const GstPipeloadCorner corner = scene->settings.corner;
  const gboolean right = corner == GST_PIPELOAD_CORNER_TOP_RIGHT || corner == GST_PIPELOAD_CORNER_BOTTOM_RIGHT;
  const gboolean bottom = corner == GST_PIPELOAD_CORNER_BOTTOM_LEFT || corner == GST_PIPELOAD_CORNER_BOTTOM_RIGHT;

  count_frame (scene);
  if (corner == GST_PIPELOAD_CORNER_NONE || scene->corner == NULL)
    return 0;
  gst_pipeload_canvas_add_text (scene->canvas, scene->corner, right ? (int) scene->width : 0,
                                bottom ? (int) scene->height : 0, gray);
  return corner == GST_PIPELOAD_CORNER_TOP_LEFT ? (int) gst_pipeload_canvas_get_text_height (scene->canvas) : 0;
}

/* ---- a frame ------------------------------------------------------------------------------- */

static void
follow_time (GstPipeloadScene *scene, GstBuffer *buffer)
{
  const GstClockTime keep = scene->settings.trails * GST_SECOND;
  GstClockTime time = GST_BUFFER_PTS (buffer);

  if (!GST_CLOCK_TIME_IS_VALID (time))
    time = GST_CLOCK_TIME_IS_VALID (scene->now) ? scene->now + scene->frame_duration : 0;
  if (GST_CLOCK_TIME_IS_VALID (scene->now) && time < scene->now)
    gst_pipeload_trails_clear (scene->trails);
  scene->now = time;
  gst_pipeload_trails_expire (scene->trails, time > keep ? time - keep : 0);
}

GstVideoOverlayComposition *
gst_pipeload_scene_draw (GstPipeloadScene *scene, GstBuffer *buffer)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_from_buffer (buffer, scene->width, scene->height);

  if (gst_pipeload_canvas_set_up (scene->canvas, scene->width, scene->height, scene->settings.line_width,
                                  scene->settings.font))
    g_clear_pointer (&scene->zones_drawn, gst_video_overlay_composition_unref);
  follow_time (scene, buffer);
  add_zones (scene);
  draw_objects (scene, frame);
  draw_classes (scene, frame, draw_corner (scene));
  return gst_pipeload_canvas_take (scene->canvas);
}

/* ---- object -------------------------------------------------------------------------------- */

GstPipeloadScene *
gst_pipeload_scene_new (void)
{
  GstPipeloadScene *scene = g_new0 (GstPipeloadScene, 1);

  gst_pipeload_overlay_settings_init (&scene->settings);
  scene->now = GST_CLOCK_TIME_NONE;
  scene->canvas = gst_pipeload_canvas_new ();
  scene->trails = gst_pipeload_trails_new ();
  return scene;
}

void
gst_pipeload_scene_free (GstPipeloadScene *scene)
{
  if (scene == NULL)
    return;
  gst_pipeload_scene_set_zones (scene, NULL);
  gst_pipeload_overlay_settings_clear (&scene->settings);
  gst_pipeload_canvas_free (scene->canvas);
  gst_pipeload_trails_free (scene->trails);
  g_free (scene->corner);
  g_free (scene);
}

void
gst_pipeload_scene_set_settings (GstPipeloadScene *scene, const GstPipeloadOverlaySettings *settings)
{
  gst_pipeload_overlay_settings_clear (&scene->settings);
  gst_pipeload_overlay_settings_copy (&scene->settings, settings);
}

void
gst_pipeload_scene_set_size (GstPipeloadScene *scene, guint width, guint height, GstClockTime frame_duration)
{
  if (scene->width != width || scene->height != height)
    gst_pipeload_trails_clear (scene->trails);
  scene->width = width;
  scene->height = height;
  scene->frame_duration = frame_duration;
}

void
gst_pipeload_scene_set_zones (GstPipeloadScene *scene, PldZones *zones)
{
  g_clear_pointer (&scene->zones_drawn, gst_video_overlay_composition_unref);
  pld_zones_free (scene->zones);
  scene->zones = zones;
}

void
gst_pipeload_scene_flush (GstPipeloadScene *scene)
{
  gst_pipeload_trails_clear (scene->trails);
  scene->now = GST_CLOCK_TIME_NONE;
}
