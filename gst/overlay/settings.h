/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gst/common/settings.h"

G_BEGIN_DECLS

typedef enum
{
  GST_PIPELOAD_CORNER_NONE,
  GST_PIPELOAD_CORNER_TOP_LEFT,
  GST_PIPELOAD_CORNER_TOP_RIGHT,
  GST_PIPELOAD_CORNER_BOTTOM_LEFT,
  GST_PIPELOAD_CORNER_BOTTOM_RIGHT,
} GstPipeloadCorner;

#define GST_TYPE_PIPELOAD_CORNER (gst_pipeload_corner_get_type ())
GType gst_pipeload_corner_get_type (void);

/* The things to draw; see gst/common/settings.h. */
typedef struct
{
  gboolean boxes, labels, confidence, ids;
  double trails; /* seconds */
  GstPipeloadCorner corner;
  guint line_width; /* pixels; 0: from the frame's height */
  char *font;
  char *zones; /* JSON or a file; NULL: those of pipeloadevents */
} GstPipeloadOverlaySettings;

void gst_pipeload_overlay_settings_install (GObjectClass *klass);
void gst_pipeload_overlay_settings_init (GstPipeloadOverlaySettings *settings);
void gst_pipeload_overlay_settings_clear (GstPipeloadOverlaySettings *settings);
/* @copy: the caller clears it; not initialized before */
void gst_pipeload_overlay_settings_copy (GstPipeloadOverlaySettings *copy, const GstPipeloadOverlaySettings *settings);

G_END_DECLS
