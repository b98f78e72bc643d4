/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * region=roi-list: each region of interest that came with a frame gets its own classes.
 */
#include "tests/element/rig.h"

/* From make-expected.py. */
#define RED "class_2", 0.42030
#define GREEN "class_3", 0.63815
#define EXACT 1e-4
#define YUV 4e-3

/* Red left of the middle, green right of it. */
static GstBuffer *
two_halves (GstVideoFormat format, int width, int height)
{
  GstBuffer *rgb = rig_picture (PICTURE_RED, GST_VIDEO_FORMAT_RGB, width, height), *buffer;
  GstVideoInfo from, to;
  GstVideoFrame frame, out;
  GstVideoConverter *converter;

  gst_video_info_set_format (&from, GST_VIDEO_FORMAT_RGB, width, height);
  gst_video_info_set_format (&to, format, width, height);
  g_assert_true (gst_video_frame_map (&frame, &from, rgb, GST_MAP_READWRITE));
  for (int y = 0; y < height; y++)
    for (int x = width / 2; x < width; x++)
      {
        guint8 *pixel
            = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0) + y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0) + 3 * x;

        pixel[0] = 0;
        pixel[1] = 255;
      }
  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&to), NULL);
  g_assert_true (gst_video_frame_map (&out, &to, buffer, GST_MAP_WRITE));
  converter = gst_video_converter_new (&from, &to, NULL);
  gst_video_converter_frame (converter, &frame, &out);
  gst_video_converter_free (converter);
  gst_video_frame_unmap (&frame);
  gst_video_frame_unmap (&out);
  gst_buffer_unref (rgb);
  GST_BUFFER_PTS (buffer) = 0;
  return buffer;
}

static GstVideoRegionOfInterestMeta *
add_region (GstBuffer *buffer, int id, guint x, guint y, guint width, guint height)
{
  GstVideoRegionOfInterestMeta *meta
      = gst_buffer_add_video_region_of_interest_meta (buffer, "thing", x, y, width, height);

  meta->id = id;
  return meta;
}

static void
assert_region (GstBuffer *buffer, int id, const char *label, double confidence, double tolerance)
{
  GstVideoRegionOfInterestMeta *meta = gst_buffer_get_video_region_of_interest_meta_id (buffer, id);
  GstStructure *param = gst_video_region_of_interest_meta_get_param (meta, "classification");
  double seen;

  g_assert_nonnull (param);
  g_assert_cmpstr (g_quark_to_string (meta->roi_type), ==, "thing"); /* upstream's word stays */
  g_assert_cmpstr (gst_structure_get_string (param, "label"), ==, label);
  g_assert_true (gst_structure_get_double (param, "confidence", &seen));
  g_assert_cmpfloat_with_epsilon (seen, confidence, tolerance);
}

static void
compare (const char *format, int width, int height, guint batch, double tolerance)
{
  g_autofree char *properties = g_strdup_printf ("region=roi-list threshold=0 max-batch=%u", batch);
  int half = width / 2;
  GstBuffer *buffer;
  Rig rig;

  g_test_message ("%s %d × %d, batch %u", format, width, height, batch);
  rig_open (&rig, properties);
  rig_set_caps (&rig, format, width, height);
  buffer = two_halves (gst_video_format_from_string (format), width, height);
  add_region (buffer, 1, 0, 0, half - 2, height);
  add_region (buffer, 2, half + 2, 0, half - 2, height);
  add_region (buffer, 3, half + 4, height / 2, 100000, 100000); /* goes over the edge */
  add_region (buffer, 4, 3, 5, 1, 1);
  buffer = gst_harness_push_and_pull (rig.harness, buffer);
  g_assert_cmpuint (gst_buffer_get_n_meta (buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), ==, 4);
  assert_region (buffer, 1, RED, tolerance);
  assert_region (buffer, 2, GREEN, tolerance);
  assert_region (buffer, 3, GREEN, tolerance);
  assert_region (buffer, 4, RED, tolerance);
  gst_buffer_unref (buffer);
  rig_close (&rig);
}

static void
test_formats (void)
{
  static const char *const formats[] = { "I420", "NV12", "YUY2", "UYVY", "Y444", "Y41B", "I420_10LE", "AYUV" };

  for (guint batch = 1; batch <= 4; batch++)
    compare ("RGB", 100, 50, batch, EXACT);
  compare ("BGRx", 99, 51, 0, EXACT);
  compare ("RGB", 48, 48, 0, EXACT);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    compare (formats[i], 160, 90, 0, YUV);
  compare ("I420_10LE", 1280, 720, 0, YUV); /* converted to a smaller picture first */
}

static void
test_none (void)
{
  GstBuffer *buffer;
  Rig rig;

  rig_open (&rig, "region=roi-list threshold=0");
  rig_set_caps (&rig, "RGB", 48, 48);
  buffer = rig_frame (PICTURE_RED, 0);
  add_region (buffer, 1, 48, 0, 10, 10); /* outside */
  add_region (buffer, 2, 0, 0, 0, 10);   /* empty */
  buffer = gst_harness_push_and_pull (rig.harness, buffer);
  for (int id = 1; id <= 2; id++)
    g_assert_null (gst_video_region_of_interest_meta_get_param (
        gst_buffer_get_video_region_of_interest_meta_id (buffer, id), "classification"));
  gst_buffer_unref (buffer);
  rig_close (&rig);
}

/* Between inferences, a result follows its region as far as half of it stays in place. */
static void
test_riding (void)
{
  GstBuffer *buffer;
  Rig rig;

  rig_open (&rig, "region=roi-list threshold=0 interval=5");
  rig_set_caps (&rig, "RGB", 96, 48);
  for (guint i = 0; i < 3; i++)
    {
      buffer = two_halves (GST_VIDEO_FORMAT_RGB, 96, 48);
      add_region (buffer, 1, 0, 0, 48, 48);
      if (i == 0)
        add_region (buffer, 2, 48, 0, 48, 48);
      else if (i == 1)
        add_region (buffer, 2, 44, 2, 48, 46);
      else
        add_region (buffer, 2, 24, 0, 48, 48); /* a third of either: neither's */
      buffer = gst_harness_push_and_pull (rig.harness, buffer);
      assert_region (buffer, 1, RED, EXACT);
      if (i < 2)
        assert_region (buffer, 2, GREEN, EXACT);
      else
        g_assert_null (gst_video_region_of_interest_meta_get_param (
            gst_buffer_get_video_region_of_interest_meta_id (buffer, 2), "classification"));
      gst_buffer_unref (buffer);
    }
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 1);
  rig_close (&rig);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/regions/formats", test_formats);
  g_test_add_func ("/regions/none", test_none);
  g_test_add_func ("/regions/riding", test_riding);
  return g_test_run ();
}
