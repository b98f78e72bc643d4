/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blends the drawn pieces into frames, or attaches them as a composition.
 */
#include "gst/overlay/blend.h"

/* No format here shares chroma between more columns. */
#define COLUMNS 4

/* @frame from column @from to before @until, both multiples of COLUMNS or the frame's edge. */
static GstVideoFrame
view_columns (const GstVideoFrame *frame, int from, int until)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  gboolean moved[GST_VIDEO_MAX_PLANES] = { FALSE };
  GstVideoFrame view = *frame;

  view.info.width = until - from;
  for (guint i = 0; i < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format); i++)
    {
      const guint plane = GST_VIDEO_FORMAT_INFO_PLANE (format, i);
      const int column = from >> GST_VIDEO_FORMAT_INFO_W_SUB (format, i);

      if (!moved[plane])
        view.data[plane] = (guint8 *) frame->data[plane] + column * GST_VIDEO_FORMAT_INFO_PSTRIDE (format, i);
      moved[plane] = TRUE;
    }
  return view;
}

static void
blend_rectangle (GstVideoOverlayRectangle *rectangle, GstVideoFrame *frame)
{
  const GstVideoOverlayFormatFlags flags = gst_video_overlay_rectangle_get_flags (rectangle);
  GstBuffer *pixels = gst_video_overlay_rectangle_get_pixels_unscaled_raw (rectangle, flags);
  GstVideoFrame picture, view;
  GstVideoInfo info;
  guint width, height;
  int x, y, from;

  gst_video_overlay_rectangle_get_render_rectangle (rectangle, &x, &y, &width, &height);
  gst_video_info_set_format (&info, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  if (flags & GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA)
    GST_VIDEO_INFO_FLAGS (&info) |= GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA;
  if (!gst_video_frame_map (&picture, &info, pixels, GST_MAP_READ))
    return;
  from = x - x % COLUMNS;
  view = view_columns (frame, from, MIN (GST_ROUND_UP_N (x + (int) width, COLUMNS), GST_VIDEO_FRAME_WIDTH (frame)));
  gst_video_blend (&view, &picture, x - from, y, 1);
  gst_video_frame_unmap (&picture);
}

void
gst_pipeload_overlay_blend (GstVideoOverlayComposition *composition, GstVideoFrame *frame)
{
  for (guint i = 0; i < gst_video_overlay_composition_n_rectangles (composition); i++)
    blend_rectangle (gst_video_overlay_composition_get_rectangle (composition, i), frame);
}
