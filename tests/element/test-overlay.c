/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The drawing of pipeloadoverlay, by the frames' pixels.
 */
#include "tests/element/rig-overlay.h"

#include <math.h>

#define WIDTH 160
#define HEIGHT 120
/* At 120 lines. */
#define LINE 2

#define CAPS_OF(rig) rig_set_caps ((rig), "RGBA", WIDTH, HEIGHT)
#define BOXES "labels=false confidence=false ids=false trails=0"

/* HSV (id · 137.50776405°, 0.75, 1) by Python's colorsys. */
static const guint colors[] = { 0, 0x40ff78, 0xaf40ff, 0xffe740 };

/* Pushes a flat frame with one detection. Returns: (transfer full): what comes out */
static GstBuffer *
push_one (Rig *rig, guint number, int id, const char *label, double x, double y, double right, double bottom)
{
  GstBuffer *buffer = overlay_flat (WIDTH, HEIGHT, number);

  overlay_detect (buffer, WIDTH, HEIGHT, id, label, x, y, right, bottom);
  return overlay_push (rig, buffer);
}

static gboolean
is_edge (int x, int y, int left, int top, int right, int bottom)
{
  return x >= left && x < right && y >= top && y < bottom
         && (x < left + LINE || x >= right - LINE || y < top + LINE || y >= bottom - LINE);
}

static void
test_box (void)
{
  Rig rig;

  overlay_open (&rig, BOXES);
  CAPS_OF (&rig);
  for (int id = 1; id <= 3; id++)
    {
      g_autoptr (GstBuffer) out = push_one (&rig, id, id, "person", 30, 20, 90, 100);

      for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
          g_assert_cmphex (overlay_pixel (out, WIDTH, x, y), ==,
                           is_edge (x, y, 30, 20, 90, 100) ? colors[id] : 0x808080);
    }
  rig_close (&rig);
}

/* The Y'CbCr color of an RGB color, BT.709, studio range; from the standard's numbers. */
static void
to_yuv (guint rgb, int yuv[3])
{
  const double red = (rgb >> 16) / 255.0, green = (rgb >> 8 & 255) / 255.0, blue = (rgb & 255) / 255.0;
  const double y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;

  yuv[0] = (int) lround (16 + 219 * y);
  yuv[1] = (int) lround (128 + 224 * (blue - y) / 1.8556);
  yuv[2] = (int) lround (128 + 224 * (red - y) / 1.5748);
}

/* Returns: the value of component @c of the pixel at @data. GStreamer 1.22's table has the second one of P010's
 * pairs begin in the middle of the first. */
static guint
read_component (const GstVideoFormatInfo *facts, guint c, const guint8 *data)
{
  const guint depth = GST_VIDEO_FORMAT_INFO_DEPTH (facts, c), shift = GST_VIDEO_FORMAT_INFO_SHIFT (facts, c);
  guint value = *data;

  if (g_str_has_prefix (GST_VIDEO_FORMAT_INFO_NAME (facts), "P01") && c == 2)
    data += 2 - GST_VIDEO_FORMAT_INFO_POFFSET (facts, c);
  if (g_str_has_suffix (GST_VIDEO_FORMAT_INFO_NAME (facts), "BE"))
    value = GST_READ_UINT16_BE (data);
  else if (depth + shift > 8)
    value = GST_READ_UINT16_LE (data);
  return value >> shift & ((1u << depth) - 1);
}

/* Every format of the pad template: the box has its color, to a step where it is computed in 16 bits, and nothing
 * else changes by a bit. Edges lie at even pixels. */
static void
check_format (GstVideoFormat format, int width, int height)
{
  const GstVideoFormatInfo *facts = gst_video_format_get_info (format);
  const gboolean rgb = GST_VIDEO_FORMAT_INFO_IS_RGB (facts);
  GstBuffer *in = rig_picture (PICTURE_GRADIENT, format, width, height), *out;
  GstVideoFrame before, after;
  GstVideoInfo info;
  int wanted[4] = { colors[1] >> 16, colors[1] >> 8 & 255, colors[1] & 255, 255 };
  Rig rig;

  g_test_message ("%s %d x %d", GST_VIDEO_FORMAT_INFO_NAME (facts), width, height);
  if (!rgb)
    to_yuv (colors[1], wanted);
  overlay_open (&rig, BOXES);
  rig_set_caps (&rig, GST_VIDEO_FORMAT_INFO_NAME (facts), width, height);
  gst_video_info_set_format (&info, format, width, height);
  out = gst_buffer_copy_deep (in);
  overlay_detect (out, width, height, 1, "person", 20, 10, width, 50);
  out = overlay_push (&rig, out);
  g_assert_true (gst_video_frame_map (&before, &info, in, GST_MAP_READ)
                 && gst_video_frame_map (&after, &info, out, GST_MAP_READ));
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&info); c++)
    for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (&before, c); y++)
      for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (&before, c); x++)
        {
          const gsize at
              = (gsize) y * GST_VIDEO_FRAME_COMP_STRIDE (&before, c) + x * GST_VIDEO_FRAME_COMP_PSTRIDE (&before, c);
          const guint old = read_component (facts, c, (guint8 *) GST_VIDEO_FRAME_COMP_DATA (&before, c) + at);
          const guint new = read_component (facts, c, (guint8 *) GST_VIDEO_FRAME_COMP_DATA (&after, c) + at);
          const int depth = GST_VIDEO_FORMAT_INFO_DEPTH (facts, c), less = MAX (8 - depth, 0),
                    more = MAX (depth - 8, 0);

          if (is_edge (x << GST_VIDEO_FORMAT_INFO_W_SUB (facts, c), y << GST_VIDEO_FORMAT_INFO_H_SUB (facts, c), 20, 10,
                       GST_ROUND_UP_2 (width), 50))
            g_assert_cmpint (ABS ((int) (new >> more) - (wanted[c] >> less)), <=, rgb ? depth > 8 : 3);
          else
            g_assert_cmphex (old, ==, new);
        }
  gst_video_frame_unmap (&before);
  gst_video_frame_unmap (&after);
  gst_buffer_unref (in);
  gst_buffer_unref (out);
  rig_close (&rig);
}

static void
test_formats (void)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("pipeloadoverlay");
  g_autoptr (GstElement) element = gst_object_ref_sink (gst_element_factory_create (factory, NULL));
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstCaps) caps = gst_pad_get_pad_template_caps (pad);
  const GValue *formats = gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");

  g_assert_cmpuint (gst_value_list_get_size (formats), >, 40);
  for (guint i = 0; i < gst_value_list_get_size (formats); i++)
    {
      GstVideoFormat format = gst_video_format_from_string (g_value_get_string (gst_value_list_get_value (formats, i)));

      check_format (format, 96, 96);
      check_format (format, 101, 67);
    }
}

/* Nothing to draw: the very buffer, although others hold it too. */
static void
test_untouched (void)
{
  GstBuffer *in = overlay_flat (WIDTH, HEIGHT, 0), *out;
  Rig rig;

  overlay_open (&rig, "");
  CAPS_OF (&rig);
  out = overlay_push (&rig, gst_buffer_ref (in));
  g_assert_true (out == in);
  g_assert_cmpuint (overlay_changed (out, WIDTH, 0, HEIGHT).count, ==, 0);
  gst_buffer_unref (out);
  gst_buffer_unref (in);
  rig_close (&rig);
}

/* Other holders of a frame do not see the drawing. */
static void
test_shared (void)
{
  GstBuffer *in = overlay_flat (WIDTH, HEIGHT, 0), *out;
  Rig rig;

  overlay_open (&rig, BOXES);
  CAPS_OF (&rig);
  overlay_detect (in, WIDTH, HEIGHT, 1, "person", 30, 20, 90, 100);
  out = overlay_push (&rig, gst_buffer_ref (in));
  g_assert_cmpuint (overlay_changed (in, WIDTH, 0, HEIGHT).count, ==, 0);
  g_assert_cmpuint (overlay_changed (out, WIDTH, 0, HEIGHT).count, ==, 60 * 80 - 56 * 76);
  g_assert_cmpuint (gst_buffer_get_n_meta (out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), ==, 1);
  gst_buffer_unref (in);
  gst_buffer_unref (out);
  rig_close (&rig);
}

/* Where a track's place is predicted, its box has gaps. */
static void
test_predicted (void)
{
  GstBuffer *in = overlay_flat (WIDTH, HEIGHT, 0), *out;
  GstVideoRegionOfInterestMeta *meta;
  Rig rig;

  overlay_open (&rig, BOXES);
  CAPS_OF (&rig);
  overlay_detect (in, WIDTH, HEIGHT, 2, "person", 30, 20, 90, 100);
  meta = gst_buffer_get_video_region_of_interest_meta_id (in, 2);
  gst_video_region_of_interest_meta_add_param (
      meta, gst_structure_new ("track", "id", G_TYPE_INT, 2, "state", G_TYPE_STRING, "predicted", "start",
                               G_TYPE_UINT64, (guint64) 0, "dx", G_TYPE_DOUBLE, 0.0, "dy", G_TYPE_DOUBLE, 0.0, NULL));
  out = overlay_push (&rig, in);
  for (int x = 30; x < 90; x++)
    g_assert_cmphex (overlay_pixel (out, WIDTH, x, 20), ==, (x - 30) / (4 * LINE) % 2 == 0 ? colors[2] : 0x808080);
  gst_buffer_unref (out);
  rig_close (&rig);
}

/* Without an id, the label has a color: always the same one. */
static void
test_color_of_label (void)
{
  guint seen[4];
  Rig rig;

  overlay_open (&rig, BOXES);
  CAPS_OF (&rig);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GstBuffer) out = push_one (&rig, i, 0, i % 2 == 0 ? "person" : "dog", 30, 20, 90, 100);

      seen[i] = overlay_pixel (out, WIDTH, 30, 20);
    }
  g_assert_cmphex (seen[0], !=, 0x808080);
  g_assert_cmphex (seen[0], ==, seen[2]);
  g_assert_cmphex (seen[1], ==, seen[3]);
  g_assert_cmphex (seen[0], !=, seen[1]);
  rig_close (&rig);
}

/* Returns: what the label of a detection covers above its box. */
static OverlayArea
label_area (const char *properties, const char *label, double x, double y)
{
  g_autoptr (GstBuffer) out = NULL;
  OverlayArea area;
  Rig rig;

  overlay_open (&rig, properties);
  CAPS_OF (&rig);
  out = push_one (&rig, 0, 1, label, x, y, x + 40, y + 40);
  area = overlay_changed (out, WIDTH, 0, (int) y);
  if (area.count > 0)
    {
      gboolean ink = FALSE;

      g_assert_cmphex (overlay_pixel (out, WIDTH, area.x, area.y), ==, colors[1]);
      for (int i = area.x; i < area.right; i++)
        for (int j = area.y; j < area.bottom; j++)
          ink = ink || overlay_pixel (out, WIDTH, i, j) < 0x404040; /* dark on light green */
      g_assert_true (ink);
      g_assert_cmpuint (area.count, ==, (area.right - area.x) * (area.bottom - area.y));
    }
  rig_close (&rig);
  return area;
}

static void
test_label (void)
{
  const OverlayArea all = label_area ("trails=0", "person", 40, 60),
                    name = label_area ("trails=0 ids=false confidence=false", "person", 40, 60);
  const OverlayArea id = label_area ("trails=0 labels=false confidence=false", "person", 40, 60);
  const OverlayArea none = label_area (BOXES, "person", 40, 60);

  g_assert_cmpuint (none.count, ==, 0);
  g_assert_cmpint (name.x, ==, 40);
  g_assert_cmpint (name.bottom, ==, 60);
  g_assert_cmpint (name.right, <, all.right);
  g_assert_cmpint (id.right, <, all.right);
  g_assert_cmpint (id.bottom - id.y, ==, name.bottom - name.y);
}

/* A label that is longer than the frame, or begins near its right edge, is moved, and then cut. */
static void
test_long_label (void)
{
  g_autofree char *text = g_strnfill (300, 'w');
  const OverlayArea cut = label_area ("trails=0", text, 40, 60), moved = label_area ("trails=0", "person", 118, 60);

  g_assert_cmpint (cut.x, ==, 0);
  g_assert_cmpint (cut.right, >, WIDTH - 10);
  g_assert_cmpint (cut.y, ==, moved.y);
  g_assert_cmpint (moved.right, <=, WIDTH);
  g_assert_cmpint (moved.x, <, 118);
}

/* No label is markup, breaks lines, or needs to be UTF-8. */
static void
test_hostile_label (void)
{
  const char *const names = "trails=0 ids=false confidence=false";
  const OverlayArea plain = label_area (names, "ab", 20, 60), markup = label_area (names, "<b>ab</b>", 20, 60);
  const OverlayArea lines = label_area (names, "a\n\n\nb", 20, 60), bytes = label_area (names, "\xff\xfe\xc0", 20, 60);

  g_assert_cmpint (markup.right, >, plain.right + 20);
  g_assert_cmpint (lines.y, ==, plain.y);
  g_assert_cmpint (bytes.y, ==, plain.y);
}

static void
test_strange_boxes (void)
{
  static const double boxes[][4] = {
    { NAN, 20, 90, 100 },
    { 30, NAN, 90, 100 },
    { 30, 20, INFINITY, 100 },
    { 30, 20, 90, -INFINITY },
    { 90, 20, 30, 100 },
    { 30, 20, 30, 100 },
    { 30, 100, 90, 20 },
    { -50, 20, -1, 100 },
    { 160, 20, 300, 100 },
    { 30, 130, 90, 200 },
    { 1e300, 1e300, 1e301, 1e301 },
    { -1e300, 0, -1e299, 9 },
  };
  Rig rig;

  overlay_open (&rig, "");
  CAPS_OF (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (boxes); i++)
    {
      g_autoptr (GstBuffer) out = push_one (&rig, i, 1, "person", boxes[i][0], boxes[i][1], boxes[i][2], boxes[i][3]);

      g_assert_cmpuint (overlay_changed (out, WIDTH, 0, HEIGHT).count, ==, 0);
    }
  rig_close (&rig);
}

/* The visible part of a box of any size is drawn; and any number of boxes. */
static void
test_clipped (void)
{
  g_autoptr (GstBuffer) huge = NULL, many = overlay_flat (WIDTH, HEIGHT, 1);
  OverlayArea area;
  Rig rig;

  overlay_open (&rig, BOXES);
  CAPS_OF (&rig);
  huge = push_one (&rig, 0, 1, "person", -1e300, 20, 90, 1e300);
  area = overlay_changed (huge, WIDTH, 0, HEIGHT);
  g_assert_true (area.x == 0 && area.y == 20 && area.right == 90 && area.bottom == HEIGHT);
  g_assert_cmpuint (area.count, ==, 90 * LINE + (HEIGHT - 20 - LINE) * LINE);
  for (int i = 0; i < 20000; i++)
    overlay_detect (many, WIDTH, HEIGHT, i, "person", 30, 20, 90, 100);
  many = overlay_push (&rig, many);
  g_assert_cmpuint (overlay_changed (many, WIDTH, 0, HEIGHT).count, ==, 60 * 80 - 56 * 76);
  rig_close (&rig);
}

/* Whatever the font, a label stays in the frame. */
static void
test_fonts (void)
{
  static const char *const fonts[]
      = { "Sans Bold 7", "Monospace", "no such font 12", "Sans 100000", "Sans 0", ",,, -3px @@" };
  Rig rig;

  overlay_open (&rig, "trails=0 boxes=false");
  CAPS_OF (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (fonts); i++)
    {
      g_autoptr (GstBuffer) out = NULL;

      g_object_set (rig.element, "font", fonts[i], NULL);
      out = push_one (&rig, i, 1, "person", 40, 60, 80, 100);
      g_assert_cmphex (overlay_pixel (out, WIDTH, 40, 59), ==, i == 3 ? overlay_pixel (out, WIDTH, 0, 0) : colors[1]);
      g_assert_cmpuint (overlay_changed (out, WIDTH, 0, HEIGHT).count, <=,
                        i == 3 ? WIDTH * HEIGHT : WIDTH * HEIGHT / 4);
    }
  rig_close (&rig);
}

/* A classifier's classes are a line in the corner, no box. */
static void
test_classes (void)
{
  GstBuffer *in = overlay_flat (WIDTH, HEIGHT, 0), *out;
  GstVideoRegionOfInterestMeta *meta = gst_buffer_add_video_region_of_interest_meta (in, "cat", 0, 0, WIDTH, HEIGHT);
  OverlayArea area;
  Rig rig;

  gst_video_region_of_interest_meta_add_param (
      meta, gst_structure_new ("classification", "label", G_TYPE_STRING, "cat", "confidence", G_TYPE_DOUBLE, 0.5,
                               "x_min", G_TYPE_DOUBLE, 0.0, "y_min", G_TYPE_DOUBLE, 0.0, "x_max", G_TYPE_DOUBLE, 1.0,
                               "y_max", G_TYPE_DOUBLE, 1.0, NULL));
  overlay_open (&rig, "");
  CAPS_OF (&rig);
  out = overlay_push (&rig, in);
  area = overlay_changed (out, WIDTH, 0, HEIGHT);
  g_assert_true (area.x == 0 && area.y == 0 && area.right < WIDTH / 2 && area.bottom < HEIGHT / 4);
  g_assert_cmpuint (area.count, ==, area.right * area.bottom);
  gst_buffer_unref (out);
  rig_close (&rig);
}

/* The class from a second pipeloadvit follows the label of a detection. */
static void
test_class_of_detection (void)
{
  const OverlayArea name = label_area ("trails=0 ids=false confidence=false", "person", 40, 60);
  GstBuffer *in = overlay_flat (WIDTH, HEIGHT, 0), *out;
  GstVideoRegionOfInterestMeta *meta;
  OverlayArea area;
  Rig rig;

  overlay_detect (in, WIDTH, HEIGHT, 1, "person", 40, 60, 80, 100);
  meta = gst_buffer_get_video_region_of_interest_meta_id (in, 1);
  gst_video_region_of_interest_meta_add_param (
      meta, gst_structure_new ("classification", "label", G_TYPE_STRING, "sits", NULL));
  overlay_open (&rig, "trails=0 ids=false confidence=false");
  CAPS_OF (&rig);
  out = overlay_push (&rig, in);
  area = overlay_changed (out, WIDTH, 0, 60);
  g_assert_cmpint (area.x, ==, name.x);
  g_assert_cmpint (area.right, >, name.right + 5);
  gst_buffer_unref (out);
  rig_close (&rig);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/overlay/box", test_box);
  g_test_add_func ("/overlay/formats", test_formats);
  g_test_add_func ("/overlay/untouched", test_untouched);
  g_test_add_func ("/overlay/shared", test_shared);
  g_test_add_func ("/overlay/predicted", test_predicted);
  g_test_add_func ("/overlay/color-of-label", test_color_of_label);
  g_test_add_func ("/overlay/label", test_label);
  g_test_add_func ("/overlay/long-label", test_long_label);
  g_test_add_func ("/overlay/hostile-label", test_hostile_label);
  g_test_add_func ("/overlay/strange-boxes", test_strange_boxes);
  g_test_add_func ("/overlay/clipped", test_clipped);
  g_test_add_func ("/overlay/fonts", test_fonts);
  g_test_add_func ("/overlay/classes", test_classes);
  g_test_add_func ("/overlay/class-of-detection", test_class_of_detection);
  return g_test_run ();
}
