/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Draws with cairo and Pango into small pieces that cover just the drawing.
 */
#include "gst/overlay/canvas.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>

/* Pixels of a font, characters of a text at most, bytes of rendered texts that are kept. */
#define MAX_FONT 512
#define MAX_TEXT 96
#define MAX_CACHE (8 << 20)
/* Pixels of a piece of a line at most, for each pixel of the line's width: less is more pictures, more is more
 * emptiness in them. */
#define PIECE_AREA 512

struct _GstPipeloadCanvas
{
  int width, height; /* of the frame */
  int line_width;
  int padding; /* of a text's sides */
  int text_height;
  guint requested; /* line width as it was set */
  char *font;
  PangoFontMap *fonts; /* our own: the default one belongs to a thread */
  PangoLayout *layout;
  GHashTable *texts; /* color and text → GstBuffer */
  gsize text_bytes;
  GArray *piece; /* GstPipeloadCanvasPoint; of the line that is being drawn */
  GstVideoOverlayComposition *composition;
};

/* ---- pictures ------------------------------------------------------------------------------ */

static GstBuffer *
picture_new (int width, int height, GstMapInfo *map)
{
  GstBuffer *picture = gst_buffer_new_allocate (NULL, (gsize) width * height * 4, NULL);

  gst_buffer_add_video_meta (picture, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width,
                             height);
  gst_buffer_map (picture, map, GST_MAP_WRITE);
  memset (map->data, 0, map->size);
  return picture;
}

static cairo_t *
picture_draw (GstMapInfo *map, int width, int height, GstPipeloadColor color)
{
  cairo_surface_t *surface
      = cairo_image_surface_create_for_data (map->data, CAIRO_FORMAT_ARGB32, width, height, width * 4);
  cairo_t *cairo = cairo_create (surface);

  cairo_surface_destroy (surface);
  cairo_set_source_rgb (cairo, color.red, color.green, color.blue);
  return cairo;
}

/* @smooth: some of its pixels are half there. Others are the same premultiplied or not, and then it is faster not to
 * say so. */
static void
add_picture (GstPipeloadCanvas *canvas, GstBuffer *picture, int x, int y, gboolean smooth)
{
  GstVideoMeta *meta = gst_buffer_get_video_meta (picture);
  GstVideoOverlayRectangle *rectangle = gst_video_overlay_rectangle_new_raw (
      picture, x, y, meta->width, meta->height,
      smooth ? GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA : GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);

  if (canvas->composition == NULL)
    canvas->composition = gst_video_overlay_composition_new (NULL);
  gst_video_overlay_composition_add_rectangle (canvas->composition, rectangle);
  gst_video_overlay_rectangle_unref (rectangle);
}

void
gst_pipeload_canvas_add_composition (GstPipeloadCanvas *canvas, GstVideoOverlayComposition *composition)
{
  if (canvas->composition == NULL)
    canvas->composition = gst_video_overlay_composition_new (NULL);
  for (guint i = 0; i < gst_video_overlay_composition_n_rectangles (composition); i++)
    gst_video_overlay_composition_add_rectangle (canvas->composition,
                                                 gst_video_overlay_composition_get_rectangle (composition, i));
}

GstVideoOverlayComposition *
gst_pipeload_canvas_take (GstPipeloadCanvas *canvas)
{
  return g_steal_pointer (&canvas->composition);
}

int
gst_pipeload_canvas_snap (double value)
{
  return 2 * (int) floor (value / 2 + 0.5);
}

/* ---- boxes --------------------------------------------------------------------------------- */

typedef struct
{
  int x, y, right, bottom;
} Area;

/* Returns: whether anything of it is in the frame. */
static gboolean
clip (const GstPipeloadCanvas *canvas, Area *area)
{
  area->x = MAX (area->x, 0);
  area->y = MAX (area->y, 0);
  area->right = MIN (area->right, canvas->width);
  area->bottom = MIN (area->bottom, canvas->height);
  return area->x < area->right && area->y < area->bottom;
}

/* An area of the box at @x, @y in one color; if @dash, with gaps at every second @dash pixels from the box's
 * beginning. */
static void
add_strip (GstPipeloadCanvas *canvas, Area area, int x, int y, int dash, guint32 pixel)
{
  GstBuffer *picture;
  GstMapInfo map;
  guint32 *out;

  if (!clip (canvas, &area))
    return;
  picture = picture_new (area.right - area.x, area.bottom - area.y, &map);
  out = (guint32 *) map.data;
  for (int row = area.y; row < area.bottom; row++)
    for (int column = area.x; column < area.right; column++, out++)
      if (dash == 0 || (MAX (column - x, row - y) / dash) % 2 == 0)
        *out = pixel;
  gst_buffer_unmap (picture, &map);
  add_picture (canvas, picture, area.x, area.y, FALSE);
  gst_buffer_unref (picture);
}

void
gst_pipeload_canvas_add_box (GstPipeloadCanvas *canvas, GstPipeloadCanvasPoint from, GstPipeloadCanvasPoint to,
                             GstPipeloadColor color, gboolean dashed)
{
  const int x = gst_pipeload_canvas_snap (from.x), y = gst_pipeload_canvas_snap (from.y);
  const Area box = { x, y, MAX (gst_pipeload_canvas_snap (to.x), x + 2), MAX (gst_pipeload_canvas_snap (to.y), y + 2) };
  const int dash = dashed ? 4 * canvas->line_width : 0;
  const int top = MIN (box.y + canvas->line_width, box.bottom), bottom = MAX (box.bottom - canvas->line_width, top);
  const int left = MIN (box.x + canvas->line_width, box.right), right = MAX (box.right - canvas->line_width, left);
  const guint32 pixel = gst_pipeload_color_to_pixel (color);

  add_strip (canvas, (Area) { box.x, box.y, box.right, top }, box.x, box.y, dash, pixel);
  add_strip (canvas, (Area) { box.x, bottom, box.right, box.bottom }, box.x, box.bottom, dash, pixel);
  add_strip (canvas, (Area) { box.x, top, left, bottom }, box.x, box.y, dash, pixel);
  add_strip (canvas, (Area) { right, top, box.right, bottom }, box.right, box.y, dash, pixel);
}

/* ---- lines --------------------------------------------------------------------------------- */

/* The area that a line's points from @from to @to cover. */
static Area
area_of_points (const GstPipeloadCanvas *canvas, const GstPipeloadCanvasPoint *points, guint n)
{
  double x = points[0].x, right = x, y = points[0].y, bottom = y;
  const double reach = canvas->line_width / 2.0 + 2; /* to the nearest even pixel, and one where the edge is smoothed */

  for (guint i = 1; i < n; i++)
    {
      x = MIN (x, points[i].x);
      right = MAX (right, points[i].x);
      y = MIN (y, points[i].y);
      bottom = MAX (bottom, points[i].y);
    }
  return (Area) { gst_pipeload_canvas_snap (x - reach), gst_pipeload_canvas_snap (y - reach),
                  gst_pipeload_canvas_snap (right + reach), gst_pipeload_canvas_snap (bottom + reach) };
}

static gboolean
is_small (const GstPipeloadCanvas *canvas, const GstPipeloadCanvasPoint *points, guint n)
{
  Area area = area_of_points (canvas, points, n);

  return (gint64) (area.right - area.x) * (area.bottom - area.y) <= (gint64) PIECE_AREA * canvas->line_width;
}

static void
add_piece (GstPipeloadCanvas *canvas, GstPipeloadColor color)
{
  const GstPipeloadCanvasPoint *points = (const GstPipeloadCanvasPoint *) canvas->piece->data;
  Area area = area_of_points (canvas, points, canvas->piece->len);
  GstBuffer *picture;
  GstMapInfo map;
  cairo_t *cairo;

  if (!clip (canvas, &area))
    return;
  picture = picture_new (area.right - area.x, area.bottom - area.y, &map);
  cairo = picture_draw (&map, area.right - area.x, area.bottom - area.y, color);
  cairo_translate (cairo, -area.x, -area.y);
  cairo_set_line_width (cairo, canvas->line_width);
  cairo_set_line_cap (cairo, CAIRO_LINE_CAP_ROUND);
  cairo_set_line_join (cairo, CAIRO_LINE_JOIN_ROUND);
  for (guint i = 0; i < canvas->piece->len; i++)
    cairo_line_to (cairo, points[i].x, points[i].y);
  cairo_stroke (cairo);
  cairo_destroy (cairo);
  gst_buffer_unmap (picture, &map);
  add_picture (canvas, picture, area.x, area.y, TRUE);
  gst_buffer_unref (picture);
}

/* Goes on to @point, in a new piece where the one that was begun would become large. */
static void
continue_line (GstPipeloadCanvas *canvas, GstPipeloadCanvasPoint point, GstPipeloadColor color)
{
  GArray *piece = canvas->piece;

  g_array_append_val (piece, point);
  if (piece->len < 3 || is_small (canvas, (const GstPipeloadCanvasPoint *) piece->data, piece->len))
    return;
  g_array_set_size (piece, piece->len - 1);
  add_piece (canvas, color);
  g_array_remove_range (piece, 0, piece->len - 1);
  g_array_append_val (piece, point);
}

void
gst_pipeload_canvas_add_line (GstPipeloadCanvas *canvas, const GstPipeloadCanvasPoint *points, guint n,
                              GstPipeloadColor color)
{
  if (n < 2)
    return;
  g_array_set_size (canvas->piece, 0);
  g_array_append_val (canvas->piece, points[0]);
  for (guint i = 1; i < n; i++)
    {
      const GstPipeloadCanvasPoint from = points[i - 1];
      const double across = points[i].x - from.x, down = points[i].y - from.y;
      guint parts = 1;

      while (!is_small (canvas, (GstPipeloadCanvasPoint[]) { { 0, 0 }, { across / parts, down / parts } }, 2)
             && parts < 4096)
        parts *= 2;
      for (guint part = 1; part <= parts; part++)
        continue_line (
            canvas, (GstPipeloadCanvasPoint) { from.x + across * part / parts, from.y + down * part / parts }, color);
    }
  add_piece (canvas, color);
}

/* ---- texts --------------------------------------------------------------------------------- */

/* Returns: (transfer full): the beginning of @text as valid UTF-8. */
static char *
shorten (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, strnlen (text, MAX_TEXT * 4));
  glong length = g_utf8_strlen (valid, -1);

  return g_utf8_substring (valid, 0, MIN (length, MAX_TEXT));
}

static GstBuffer *
render_text (GstPipeloadCanvas *canvas, const char *text, GstPipeloadColor color)
{
  const int height = MIN (canvas->text_height, canvas->height);
  PangoRectangle extents;
  GstBuffer *picture;
  GstMapInfo map;
  cairo_t *cairo;
  double ink;
  int width;

  pango_layout_set_text (canvas->layout, text, -1);
  pango_layout_get_pixel_extents (canvas->layout, NULL, &extents);
  width = MIN (extents.width + 2 * canvas->padding, canvas->width);
  picture = picture_new (width, height, &map);
  cairo = picture_draw (&map, width, height, color);
  cairo_paint (cairo);
  ink = gst_pipeload_color_is_light (color) ? 0 : 1;
  cairo_set_source_rgb (cairo, ink, ink, ink);
  cairo_move_to (cairo, canvas->padding - extents.x, (canvas->text_height - extents.height) / 2);
  pango_cairo_show_layout (cairo, canvas->layout);
  cairo_destroy (cairo);
  gst_buffer_unmap (picture, &map);
  return picture;
}

void
gst_pipeload_canvas_add_text (GstPipeloadCanvas *canvas, const char *text, int x, int y, GstPipeloadColor color)
{
  g_autofree char *shown = shorten (text);
  g_autofree char *key = g_strdup_printf ("%06x%s", gst_pipeload_color_to_pixel (color) & 0xffffff, shown);
  GstBuffer *picture = g_hash_table_lookup (canvas->texts, key);
  GstVideoMeta *meta;

  if (picture == NULL)
    {
      picture = render_text (canvas, shown, color);
      if (canvas->text_bytes > MAX_CACHE)
        {
          g_hash_table_remove_all (canvas->texts);
          canvas->text_bytes = 0;
        }
      canvas->text_bytes += gst_buffer_get_size (picture);
      g_hash_table_insert (canvas->texts, g_steal_pointer (&key), picture);
    }
  meta = gst_buffer_get_video_meta (picture);
  x = MAX (MIN (x, canvas->width - (int) meta->width), 0);
  y = MAX (MIN (y, canvas->height - (int) meta->height), 0);
  add_picture (canvas, picture, x & ~1, y & ~1, FALSE);
}

/* ---- object -------------------------------------------------------------------------------- */

static void
unref_buffer (gpointer buffer)
{
  gst_buffer_unref (buffer);
}

GstPipeloadCanvas *
gst_pipeload_canvas_new (void)
{
  GstPipeloadCanvas *canvas = g_new0 (GstPipeloadCanvas, 1);
  cairo_font_options_t *options = cairo_font_options_create ();
  PangoContext *context;

  canvas->fonts = pango_cairo_font_map_new ();
  context = pango_font_map_create_context (canvas->fonts);
  cairo_font_options_set_antialias (options, CAIRO_ANTIALIAS_GRAY);
  pango_cairo_context_set_font_options (context, options);
  cairo_font_options_destroy (options);
  canvas->layout = pango_layout_new (context);
  g_object_unref (context);
  pango_layout_set_single_paragraph_mode (canvas->layout, TRUE);
  pango_layout_set_ellipsize (canvas->layout, PANGO_ELLIPSIZE_END);
  canvas->texts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, unref_buffer);
  canvas->piece = g_array_new (FALSE, FALSE, sizeof (GstPipeloadCanvasPoint));
  return canvas;
}

void
gst_pipeload_canvas_free (GstPipeloadCanvas *canvas)
{
  if (canvas == NULL)
    return;
  g_clear_pointer (&canvas->composition, gst_video_overlay_composition_unref);
  g_hash_table_unref (canvas->texts);
  g_array_unref (canvas->piece);
  g_object_unref (canvas->layout);
  g_object_unref (canvas->fonts);
  g_free (canvas->font);
  g_free (canvas);
}

static void
set_font (GstPipeloadCanvas *canvas, const char *font)
{
  PangoFontDescription *description = pango_font_description_from_string (font != NULL ? font : "Sans");
  const int size = pango_font_description_get_size (description);
  PangoRectangle extents;

  if (size <= 0)
    pango_font_description_set_absolute_size (description, CLAMP (canvas->height / 45, 9, MAX_FONT) * PANGO_SCALE);
  else if (size > MAX_FONT * PANGO_SCALE)
    pango_font_description_set_absolute_size (description, MAX_FONT * PANGO_SCALE);
  pango_layout_set_font_description (canvas->layout, description);
  pango_font_description_free (description);
  pango_layout_set_width (canvas->layout, -1);
  pango_layout_set_text (canvas->layout, "Ag|", -1);
  pango_layout_get_pixel_extents (canvas->layout, NULL, &extents);
  canvas->text_height = GST_ROUND_UP_2 (MAX (extents.height, 1));
  canvas->padding = MAX (canvas->text_height / 6, 1);
  pango_layout_set_width (canvas->layout, MAX (canvas->width - 2 * canvas->padding, 0) * PANGO_SCALE);
}

gboolean
gst_pipeload_canvas_set_up (GstPipeloadCanvas *canvas, guint width, guint height, guint line_width, const char *font)
{
  if (canvas->width == (int) width && canvas->height == (int) height && canvas->requested == line_width
      && g_strcmp0 (canvas->font, font) == 0)
    return FALSE;
  canvas->width = width;
  canvas->height = height;
  canvas->requested = line_width;
  /* Even, as all edges are: 2 at 480 and 720 lines, 4 at 1080, 8 at 2160. */
  canvas->line_width = line_width > 0 ? (int) line_width : 2 * MAX (((int) height + 270) / 540, 1);
  g_free (canvas->font);
  canvas->font = g_strdup (font);
  g_hash_table_remove_all (canvas->texts);
  canvas->text_bytes = 0;
  set_font (canvas, font);
  return TRUE;
}

guint
gst_pipeload_canvas_get_line_width (const GstPipeloadCanvas *canvas)
{
  return canvas->line_width;
}

guint
gst_pipeload_canvas_get_text_height (const GstPipeloadCanvas *canvas)
{
  return canvas->text_height;
}
