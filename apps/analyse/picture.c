/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cuts small pictures out of frames.
 */
#include "apps/analyse/picture.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>
#include <math.h>
#include <string.h>

GstSample *
analyse_picture_decode (GstSample *sample)
{
  GstCaps *caps = gst_sample_get_caps (sample);
  GstElement *pipeline, *in, *out;
  GstSample *decoded;

  if (!gst_structure_has_name (gst_caps_get_structure (caps, 0), "image/jpeg"))
    return gst_sample_ref (sample);
  pipeline = gst_parse_launch ("appsrc name=in format=time ! jpegdec ! appsink name=out sync=false", NULL);
  if (pipeline == NULL)
    return NULL;
  in = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gst_app_src_push_sample (GST_APP_SRC (in), sample);
  gst_app_src_end_of_stream (GST_APP_SRC (in));
  /* The stream ends in any case, so this does. */
  decoded = gst_app_sink_pull_sample (GST_APP_SINK (out));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (in);
  gst_object_unref (out);
  gst_object_unref (pipeline);
  return decoded;
}

static GstVideoConverter *
make_converter (const GstVideoInfo *from, const AnalyseArea *area, GstVideoInfo *to)
{
  const int wide = GST_VIDEO_INFO_WIDTH (from), high = GST_VIDEO_INFO_HEIGHT (from);
  const int x = CLAMP ((int) floor (area->x * wide), 0, wide - 1),
            y = CLAMP ((int) floor (area->y * high), 0, high - 1);
  const int width = CLAMP ((int) lround (area->width * wide), 1, wide - x);
  const int height = CLAMP ((int) lround (area->height * high), 1, high - y);

  return gst_video_converter_new (from, to,
                                  gst_structure_new ("options", GST_VIDEO_CONVERTER_OPT_SRC_X, G_TYPE_INT, x,
                                                     GST_VIDEO_CONVERTER_OPT_SRC_Y, G_TYPE_INT, y,
                                                     GST_VIDEO_CONVERTER_OPT_SRC_WIDTH, G_TYPE_INT, width,
                                                     GST_VIDEO_CONVERTER_OPT_SRC_HEIGHT, G_TYPE_INT, height, NULL));
}

/* Returns: (transfer full): cairo's rows may be longer than @frame's */
static cairo_surface_t *
to_surface (GstVideoFrame *frame)
{
  const int width = GST_VIDEO_FRAME_WIDTH (frame), height = GST_VIDEO_FRAME_HEIGHT (frame);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
  guint8 *rows = cairo_image_surface_get_data (surface);
  const guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);

  for (int y = 0; rows != NULL && y < height; y++)
    memcpy (rows + (gsize) y * cairo_image_surface_get_stride (surface),
            data + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0), (gsize) width * 4);
  cairo_surface_mark_dirty (surface);
  return surface;
}

cairo_surface_t *
analyse_picture_cut (GstSample *sample, const AnalyseArea *area, int width, int height)
{
  const GstVideoFormat native = G_BYTE_ORDER == G_LITTLE_ENDIAN ? GST_VIDEO_FORMAT_BGRx : GST_VIDEO_FORMAT_xRGB;
  cairo_surface_t *surface = NULL;
  GstVideoConverter *converter = NULL;
  GstVideoFrame in, out;
  GstVideoInfo from, to;
  GstBuffer *buffer;

  if (!gst_video_info_from_caps (&from, gst_sample_get_caps (sample))
      || !gst_video_frame_map (&in, &from, gst_sample_get_buffer (sample), GST_MAP_READ))
    return NULL;
  gst_video_info_set_format (&to, native, (guint) width, (guint) height);
  to.fps_n = from.fps_n; /* a converter wants them to be the same */
  to.fps_d = from.fps_d;
  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&to), NULL);
  converter = make_converter (&from, area, &to);
  if (converter != NULL && gst_video_frame_map (&out, &to, buffer, GST_MAP_READWRITE))
    {
      gst_video_converter_frame (converter, &in, &out);
      surface = to_surface (&out);
      gst_video_frame_unmap (&out);
    }
  g_clear_pointer (&converter, gst_video_converter_free);
  gst_video_frame_unmap (&in);
  gst_buffer_unref (buffer);
  return surface;
}
