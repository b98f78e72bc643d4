/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Draws the contact sheets.
 */
#include "apps/analyse/sheet.h"

#include "apps/analyse/picture.h"

#include <errno.h>
#include <gio/gio.h>
#include <math.h>
#include <string.h>

#define PICTURES 8
#define COLUMNS 4
/* Pixels. */
#define WIDE 192
#define HIGH 240
#define GAP 8
#define LINE 22 /* of text */
#define TEXT 13
/* A picture shows this much of the frame: the box's height times as much, and not so little that it is nothing but
 * blur. */
#define AROUND 1.6
#define LEAST_PIXELS 96.0

typedef struct
{
  cairo_surface_t *surface;
  GstClockTime time;
} Picture;

typedef struct
{
  guint number;
  guint64 id;
  char *label, *zone;
  guint looked, stride; /* frames it was in; every stride-th became a picture */
  GArray *pictures;     /* Picture */
} Visit;

struct _AnalyseSheets
{
  char *folder, *name;
  GPtrArray *visits; /* Visit */
  guint numbers;
};

static void
picture_clear (gpointer data)
{
  cairo_surface_destroy (((Picture *) data)->surface);
}

static void
visit_free (gpointer data)
{
  Visit *visit = data;

  g_free (visit->label);
  g_free (visit->zone);
  g_array_unref (visit->pictures);
  g_free (visit);
}

AnalyseSheets *
analyse_sheets_new (const char *folder, const char *name)
{
  AnalyseSheets *sheets = g_new0 (AnalyseSheets, 1);

  sheets->folder = g_strdup (folder);
  sheets->name = g_strdup (name);
  sheets->visits = g_ptr_array_new_with_free_func (visit_free);
  return sheets;
}

void
analyse_sheets_free (AnalyseSheets *sheets)
{
  if (sheets == NULL)
    return;
  g_free (sheets->folder);
  g_free (sheets->name);
  g_ptr_array_unref (sheets->visits);
  g_free (sheets);
}

char *
analyse_time_text (GstClockTime time)
{
  const guint64 tenths = time / (GST_SECOND / 10);

  return g_strdup_printf ("%" G_GUINT64_FORMAT ":%02u:%02u.%u", tenths / 36000, (guint) (tenths / 600 % 60),
                          (guint) (tenths / 10 % 60), (guint) (tenths % 10));
}

/* ---- collecting ---------------------------------------------------------------------------- */

void
analyse_sheets_enter (AnalyseSheets *sheets, guint64 id, const char *label, const char *zone)
{
  Visit *visit = g_new0 (Visit, 1);

  visit->number = ++sheets->numbers;
  visit->id = id;
  visit->label = g_strdup (label);
  visit->zone = g_strdup (zone);
  visit->stride = 1;
  visit->pictures = g_array_new (FALSE, FALSE, sizeof (Picture));
  g_array_set_clear_func (visit->pictures, picture_clear);
  g_ptr_array_add (sheets->visits, visit);
}

/* Returns: (nullable): the likeliest of those that may be who visits; whom the frame does not show is not there */
static const GstPipeloadObject *
find_object (const Visit *visit, const GstPipeloadFrame *frame)
{
  const GstPipeloadObject *best = NULL;

  for (guint i = 0; i < frame->objects->len; i++)
    {
      const GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);

      if (!object->predicted && (guint64) MAX (object->id, 0) == visit->id && g_str_equal (object->label, visit->label)
          && (*visit->zone == '\0' || object->zones == NULL || g_strv_contains (object->zones, visit->zone))
          && (best == NULL || object->confidence > best->confidence))
        best = object;
    }
  return best;
}

/* The part to show around @object in a frame of @width × @height pixels: of a picture's shape, inside of the frame as
 * far as that is large enough. */
static AnalyseArea
area_around (const GstPipeloadObject *object, double width, double height)
{
  const PldBox *box = &object->box;
  const double box_wide = (box->x_max - box->x_min) * width, box_high = (box->y_max - box->y_min) * height;
  double high = MAX (MAX (box_high, box_wide * HIGH / WIDE) * AROUND, LEAST_PIXELS);
  double wide, x, y;

  high = MIN (high, MIN (height, width * HIGH / WIDE));
  wide = high * WIDE / HIGH;
  x = (box->x_min + box->x_max) / 2 * width - wide / 2;
  y = (box->y_min + box->y_max) / 2 * height - high / 2;
  x = CLAMP (x, 0, width - wide);
  y = CLAMP (y, 0, height - high);
  return (AnalyseArea) { x / width, y / height, wide / width, high / height };
}

static cairo_surface_t *
make_picture (GstSample *sample, const GstPipeloadObject *object)
{
  const GstStructure *caps = gst_caps_get_structure (gst_sample_get_caps (sample), 0);
  int width = 0, height = 0;
  const PldBox *box = &object->box;
  cairo_surface_t *surface;
  AnalyseArea area;
  cairo_t *cr;

  if (!gst_structure_get (caps, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height, NULL))
    return NULL;
  area = area_around (object, width, height);
  surface = analyse_picture_cut (sample, &area, WIDE, HIGH);
  if (surface == NULL)
    return NULL;
  cr = cairo_create (surface);
  cairo_rectangle (cr, (box->x_min - area.x) / area.width * WIDE, (box->y_min - area.y) / area.height * HIGH,
                   (box->x_max - box->x_min) / area.width * WIDE, (box->y_max - box->y_min) / area.height * HIGH);
  cairo_set_source_rgb (cr, 1, 0.8, 0);
  cairo_set_line_width (cr, 1.5);
  cairo_stroke (cr);
  cairo_destroy (cr);
  return surface;
}

/* Full: every second one goes, so that those that stay are spread evenly over the visit. */
static void
thin_out (Visit *visit)
{
  for (guint i = visit->pictures->len; i-- > 0;)
    if (i % 2 == 1)
      g_array_remove_index (visit->pictures, i);
  visit->stride *= 2;
}

void
analyse_sheets_look (AnalyseSheets *sheets, GstBuffer *buffer, GstCaps *caps, const GstPipeloadFrame *frame)
{
  g_autoptr (GstSample) sample = NULL; /* decoded once for all */

  for (guint i = 0; i < sheets->visits->len; i++)
    {
      Visit *visit = sheets->visits->pdata[i];
      const GstPipeloadObject *object = find_object (visit, frame);
      Picture picture = { .time = frame->timestamp };

      if (object == NULL || visit->looked++ % visit->stride != 0)
        continue;
      if (sample == NULL)
        {
          g_autoptr (GstSample) coded = gst_sample_new (buffer, caps, NULL, NULL);

          sample = analyse_picture_decode (coded);
        }
      picture.surface = sample != NULL ? make_picture (sample, object) : NULL;
      if (picture.surface == NULL)
        continue;
      g_array_append_val (visit->pictures, picture);
      if (visit->pictures->len > PICTURES)
        thin_out (visit);
    }
}

/* ---- drawing ------------------------------------------------------------------------------- */

static void
draw_text (cairo_t *cr, double x, double y, const char *text)
{
  cairo_move_to (cr, x, y + LINE * 0.7);
  cairo_show_text (cr, text);
}

static char *
title (const AnalyseSheets *sheets, const Visit *visit, GstClockTime start, GstClockTime end)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *from = analyse_time_text (start);
  g_autofree char *to = analyse_time_text (end);

  g_string_append_printf (text, "%s   %s", sheets->name, visit->label);
  if (visit->id > 0)
    g_string_append_printf (text, " %" G_GUINT64_FORMAT, visit->id);
  if (*visit->zone != '\0')
    g_string_append_printf (text, "   %s", visit->zone);
  g_string_append_printf (text, "   %s to %s", from, to);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Returns: (transfer full) */
static cairo_surface_t *
draw (const AnalyseSheets *sheets, const Visit *visit, GstClockTime start, GstClockTime end)
{
  const int rows = MAX (((int) visit->pictures->len + COLUMNS - 1) / COLUMNS, 1);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, GAP + COLUMNS * (WIDE + GAP),
                                                         GAP + LINE + rows * (HIGH + LINE + GAP));
  g_autofree char *heading = title (sheets, visit, start, end);
  cairo_t *cr = cairo_create (surface);

  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_paint (cr);
  cairo_set_source_rgb (cr, 0.1, 0.1, 0.1);
  cairo_select_font_face (cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size (cr, TEXT);
  draw_text (cr, GAP, GAP / 2, heading);
  for (guint i = 0; i < visit->pictures->len; i++)
    {
      const Picture *picture = &g_array_index (visit->pictures, Picture, i);
      const double x = GAP + i % COLUMNS * (WIDE + GAP), y = GAP + LINE + i / COLUMNS * (HIGH + LINE + GAP);
      g_autofree char *time = analyse_time_text (picture->time);

      cairo_set_source_surface (cr, picture->surface, x, y);
      cairo_paint (cr);
      cairo_set_source_rgb (cr, 0.1, 0.1, 0.1);
      draw_text (cr, x, y + HIGH, time);
    }
  cairo_destroy (cr);
  return surface;
}

static gboolean
save (const AnalyseSheets *sheets, const Visit *visit, const char *name, GstClockTime start, GstClockTime end,
      GError **error)
{
  g_autofree char *path = g_build_filename (sheets->folder, name, NULL);
  cairo_surface_t *surface = draw (sheets, visit, start, end);
  cairo_status_t status;

  errno = 0;
  status = cairo_surface_write_to_png (surface, path);
  if (status != CAIRO_STATUS_SUCCESS)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", path,
                 errno != 0 ? g_strerror (errno) : cairo_status_to_string (status));
  cairo_surface_destroy (surface);
  return status == CAIRO_STATUS_SUCCESS;
}

char *
analyse_sheets_leave (AnalyseSheets *sheets, guint64 id, const char *label, const char *zone, GstClockTime start,
                      GstClockTime end, GError **error)
{
  for (guint i = 0; i < sheets->visits->len; i++)
    {
      Visit *visit = sheets->visits->pdata[i];
      g_autofree char *name = NULL;
      gboolean ok;

      if (visit->id != id || !g_str_equal (visit->label, label) || !g_str_equal (visit->zone, zone))
        continue;
      name = g_strdup_printf ("visit-%04u.png", visit->number);
      ok = save (sheets, visit, name, start, end, error);
      g_ptr_array_remove_index (sheets->visits, i);
      return ok ? g_steal_pointer (&name) : NULL;
    }
  return NULL;
}
