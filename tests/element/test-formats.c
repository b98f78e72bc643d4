/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every class of pixel format, odd sizes, foreign strides, JPEG: the same picture gives the same answer.
 */
#include "tests/element/rig.h"

#include <string.h>

/* From make-expected.py. */
#define RED "class_2", 0.42030
#define GREEN "class_3", 0.63815
#define BLUE "class_3", 0.50284
#define WHITE "class_3", 0.58490
#define BLACK "class_3", 0.37442
#define GRADIENT "class_3", 0.41898

/* In float, nothing but rounding. */
#define EXACT 1e-4
/* 8-bit YUV holds saturated colors to ±2 of 255, worth about 0.003 here; the gradient also loses chroma
 * resolution. */
#define YUV 4e-3
#define SUBSAMPLED 2e-2
/* YUV in 16-bit RGB and the like: 5 bits a component. */
#define COARSE 1e-2

static void
see (const char *format, int width, int height, Picture picture, const char *label, double confidence, double tolerance)
{
  g_autoptr (GstPipeloadFrame) frame = NULL;
  Rig rig;

  g_test_message ("%s %d × %d", format, width, height);
  rig_open (&rig, "threshold=0");
  rig_set_caps (&rig, format, width, height);
  frame = rig_see (&rig, rig_picture (picture, gst_video_format_from_string (format), width, height), width, height);
  rig_assert_best (frame, label, confidence, tolerance);
  rig_close (&rig);
}

static void
test_rgb (void)
{
  see ("RGB", 48, 48, PICTURE_GRADIENT, GRADIENT, EXACT);
  see ("RGB", 48, 48, PICTURE_RED, RED, EXACT);
  see ("RGB", 48, 48, PICTURE_GREEN, GREEN, EXACT);
  see ("RGB", 48, 48, PICTURE_BLUE, BLUE, EXACT);
  see ("RGB", 48, 48, PICTURE_WHITE, WHITE, EXACT);
  see ("RGB", 48, 48, PICTURE_BLACK, BLACK, EXACT);
}

static void
test_packed_rgb (void)
{
  static const char *const formats[]
      = { "BGR", "RGBx", "BGRx", "xRGB", "xBGR", "RGBA", "BGRA", "ARGB", "ABGR", "GBR", "RGBP" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      see (formats[i], 48, 48, PICTURE_GRADIENT, GRADIENT, EXACT);
      see (formats[i], 48, 48, PICTURE_RED, RED, EXACT);
    }
}

static void
test_yuv (void)
{
  static const char *const formats[]
      = { "I420", "YV12", "NV12", "NV21", "NV16", "NV61", "NV24", "YUY2", "YVYU", "UYVY",
          "VYUY", "Y42B", "Y444", "Y41B", "YUV9", "YVU9", "AYUV", "VUYA", "v308", "A420" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      see (formats[i], 48, 48, PICTURE_GRADIENT, GRADIENT, SUBSAMPLED);
      see (formats[i], 48, 48, PICTURE_RED, RED, YUV);
      see (formats[i], 96, 96, PICTURE_BLUE, BLUE, YUV);
      see (formats[i], 48, 48, PICTURE_WHITE, WHITE, YUV);
    }
}

static void
test_gray (void)
{
  static const char *const formats[] = { "GRAY8", "GRAY16_LE", "GRAY16_BE", "GRAY10_LE32" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      see (formats[i], 48, 48, PICTURE_WHITE, WHITE, YUV);
      see (formats[i], 48, 48, PICTURE_BLACK, BLACK, YUV);
    }
}

/* These go through GstVideoConverter. */
static void
test_converted (void)
{
  static const char *const deep[] = { "I420_10LE", "I420_12BE", "P010_10LE", "Y444_10LE",  "Y444_16LE", "v210", "v216",
                                      "Y210",      "Y410",      "NV12_4L4",  "NV12_64Z32", "UYVP",      "IYU1" };
  static const char *const rgb[] = { "ARGB64", "RGBA64_LE", "GBR_10LE", "GBRA_12BE", "r210", "BGR10A2_LE" };
  static const char *const coarse[] = { "RGB16", "BGR15", "RGB8P" };

  for (guint i = 0; i < G_N_ELEMENTS (deep); i++)
    {
      see (deep[i], 48, 48, PICTURE_GRADIENT, GRADIENT, SUBSAMPLED);
      see (deep[i], 48, 48, PICTURE_RED, RED, YUV);
    }
  for (guint i = 0; i < G_N_ELEMENTS (rgb); i++)
    see (rgb[i], 48, 48, PICTURE_GRADIENT, GRADIENT, YUV);
  for (guint i = 0; i < G_N_ELEMENTS (coarse); i++)
    see (coarse[i], 48, 48, PICTURE_RED, RED, COARSE);
  /* Large enough to be scaled down by the converter. */
  see ("I420_10LE", 960, 480, PICTURE_GREEN, GREEN, YUV);
  see ("RGBA64_LE", 961, 481, PICTURE_GREEN, GREEN, YUV);
}

static void
test_sizes (void)
{
  static const char *const formats[] = { "RGB", "BGRx", "I420", "NV12", "YUY2", "Y41B", "GRAY8", "P010_10LE", "v210" };
  static const int sizes[][2]
      = { { 1, 1 }, { 1, 7 }, { 7, 1 }, { 2, 2 }, { 3, 5 }, { 47, 49 }, { 321, 241 }, { 1921, 17 } };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    for (guint k = 0; k < G_N_ELEMENTS (sizes); k++)
      see (formats[i], sizes[k][0], sizes[k][1], PICTURE_WHITE, WHITE, YUV);
}

/* A copy of @buffer whose planes lie far apart, in rows with room at their ends, filled with what must not be
 * seen. */
static GstBuffer *
spread (GstBuffer *buffer, const GstVideoInfo *info)
{
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 }, end = 64;
  int stride[GST_VIDEO_MAX_PLANES] = { 0 };
  GstVideoFrame from, to;
  GstBuffer *wide;

  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++)
    {
      offset[i] = end;
      stride[i] = GST_VIDEO_INFO_PLANE_STRIDE (info, i) + 36;
      end += (gsize) stride[i] * info->height + 100;
    }
  wide = gst_buffer_new_allocate (NULL, end, NULL);
  gst_buffer_memset (wide, 0, 0x5a, end);
  gst_buffer_add_video_meta_full (wide, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT (info), info->width,
                                  info->height, GST_VIDEO_INFO_N_PLANES (info), offset, stride);
  g_assert_true (gst_video_frame_map (&from, (GstVideoInfo *) info, buffer, GST_MAP_READ));
  g_assert_true (gst_video_frame_map (&to, (GstVideoInfo *) info, wide, GST_MAP_WRITE));
  g_assert_true (gst_video_frame_copy (&to, &from));
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);
  gst_buffer_unref (buffer);
  return wide;
}

static void
test_strides (void)
{
  static const char *const formats[] = { "RGB", "BGRx", "I420", "NV12", "YUY2", "GRAY8", "I420_10LE" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GstPipeloadFrame) tight = NULL;
      g_autoptr (GstPipeloadFrame) wide = NULL;
      GstVideoFormat format = gst_video_format_from_string (formats[i]);
      GstVideoInfo info;
      Rig rig;

      gst_video_info_set_format (&info, format, 94, 93);
      rig_open (&rig, "threshold=0");
      rig_set_caps (&rig, formats[i], 94, 93);
      tight = rig_see (&rig, rig_picture (PICTURE_GRADIENT, format, 94, 93), 94, 93);
      wide = rig_see (&rig, spread (rig_picture (PICTURE_GRADIENT, format, 94, 93), &info), 94, 93);
      rig_assert_best (wide, gst_pipeload_frame_object (tight, 0)->label,
                       gst_pipeload_frame_object (tight, 0)->confidence, 1e-9);
      rig_close (&rig);
    }
}

static void
test_jpeg (void)
{
  Rig rig;

  rig_open (&rig, "threshold=0");
  gst_harness_set_src_caps_str (rig.harness, "image/jpeg");
  for (int scale = 1; scale <= 8; scale *= 2)
    {
      g_autoptr (GstPipeloadFrame) red
          = rig_see (&rig, rig_jpeg (PICTURE_RED, 48 * scale, 48 * scale), 48 * scale, 48 * scale);
      g_autoptr (GstPipeloadFrame) white = rig_see (&rig, rig_jpeg (PICTURE_WHITE, 48 * scale, 40), 48 * scale, 40);

      rig_assert_best (red, RED, 1e-2);
      rig_assert_best (white, WHITE, 1e-2);
    }
  rig_close (&rig);
}

/* The ROI over a JPEG has the picture's own size, though the caps do not name it. */
static void
test_jpeg_size (void)
{
  GstVideoRegionOfInterestMeta *meta;
  GstBuffer *out;
  Rig rig;

  rig_open (&rig, "threshold=0");
  gst_harness_set_src_caps_str (rig.harness, "image/jpeg");
  out = gst_harness_push_and_pull (rig.harness, rig_jpeg (PICTURE_RED, 123, 77));
  meta = gst_buffer_get_video_region_of_interest_meta_id (out, 0);
  g_assert_nonnull (meta);
  g_assert_cmpuint (meta->w, ==, 123);
  g_assert_cmpuint (meta->h, ==, 77);
  gst_buffer_unref (out);
  rig_close (&rig);
}

static void
test_caps_change (void)
{
  static const struct
  {
    const char *format;
    int width, height;
    Picture picture;
    const char *label;
    double confidence;
  } steps[] = { { "RGB", 48, 48, PICTURE_RED, RED },        { "I420", 320, 240, PICTURE_WHITE, WHITE },
                { "I420", 640, 480, PICTURE_GREEN, GREEN }, { "P010_10LE", 64, 64, PICTURE_RED, RED },
                { "GRAY8", 31, 17, PICTURE_BLACK, BLACK },  { "RGB", 48, 48, PICTURE_BLUE, BLUE } };
  g_autoptr (GstPipeloadFrame) jpeg = NULL;
  Rig rig;

  rig_open (&rig, "threshold=0 motion-threshold=1 interval=100");
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GstPipeloadFrame) frame = NULL;

      rig_set_caps (&rig, steps[i].format, steps[i].width, steps[i].height);
      frame = rig_see (&rig,
                       rig_picture (steps[i].picture, gst_video_format_from_string (steps[i].format), steps[i].width,
                                    steps[i].height),
                       steps[i].width, steps[i].height);
      rig_assert_best (frame, steps[i].label, steps[i].confidence, YUV);
    }
  gst_harness_set_src_caps_str (rig.harness, "image/jpeg");
  jpeg = rig_see (&rig, rig_jpeg (PICTURE_RED, 48, 48), 48, 48);
  rig_assert_best (jpeg, RED, 1e-2);
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, G_N_ELEMENTS (steps) + 1);
  rig_close (&rig);
}

/* The caps of downstream are visible upstream. */
static void
test_allocation (void)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string ("video/x-raw,format=I420,width=64,height=64,framerate=30/1");
  Rig rig;

  for (int offered = 0; offered <= 1; offered++)
    {
      GstQuery *query = gst_query_new_allocation (caps, TRUE);

      rig_open (&rig, "");
      if (offered)
        gst_harness_add_propose_allocation_meta (rig.harness, GST_VIDEO_META_API_TYPE, NULL);
      rig_set_caps (&rig, "I420", 64, 64);
      gst_pad_peer_query (rig.harness->srcpad, query);
      g_assert_cmpint (gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL), ==, offered);
      gst_query_unref (query);
      rig_close (&rig);
    }
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/formats/rgb", test_rgb);
  g_test_add_func ("/formats/packed-rgb", test_packed_rgb);
  g_test_add_func ("/formats/yuv", test_yuv);
  g_test_add_func ("/formats/gray", test_gray);
  g_test_add_func ("/formats/converted", test_converted);
  g_test_add_func ("/formats/sizes", test_sizes);
  g_test_add_func ("/formats/strides", test_strides);
  g_test_add_func ("/formats/jpeg", test_jpeg);
  g_test_add_func ("/formats/jpeg-size", test_jpeg_size);
  g_test_add_func ("/formats/caps-change", test_caps_change);
  g_test_add_func ("/formats/allocation", test_allocation);
  return g_test_run ();
}
