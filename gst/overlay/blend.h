/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Formats whose pixels outside of a picture stay as they are to the last bit. */
#define GST_PIPELOAD_OVERLAY_FORMATS                                                                                   \
  "{ I420, NV12, YV12, NV21, YUY2, UYVY, YVYU, Y42B, Y41B, Y444, NV16, NV24, AYUV, VUYA, RGB, BGR, RGBx, "             \
  "BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, ABGR, RGB16, RGB15, GBR, GBRA, GRAY8, GRAY16_LE, GRAY16_BE, "                   \
  "I420_10LE, I422_10LE, Y444_10LE, I420_12LE, I422_12LE, Y444_12LE, P010_10LE, P012_LE, P016_LE, AYUV64, "            \
  "ARGB64, GBR_10LE, GBR_12LE }"

/* Blends @composition, unscaled pictures inside of the frame, into @frame, mapped for reading and writing and
 * of one of these formats. Costs time for the pictures' pixels alone, where
 * gst_video_overlay_composition_blend () goes through whole lines of the frame. */
void gst_pipeload_overlay_blend (GstVideoOverlayComposition *composition, GstVideoFrame *frame);

G_END_DECLS
