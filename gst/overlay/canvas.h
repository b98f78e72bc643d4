/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drawing on a frame without a picture as large as the frame: everything becomes small pictures (the strips of a box's
 * edges, the pieces of a line, a label), which make a GstVideoOverlayComposition. All of them lie inside of the frame,
 * and begin at even pixels, so that formats with halved chroma show the whole of their color. One thread at a time.
 */
#pragma once

#include "gst/overlay/color.h"

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Pixels of the frame from its top left corner; finite, and at most some frames away. */
typedef struct
{
  double x, y;
} GstPipeloadCanvasPoint;

typedef struct _GstPipeloadCanvas GstPipeloadCanvas;

GstPipeloadCanvas *gst_pipeload_canvas_new (void);
void gst_pipeload_canvas_free (GstPipeloadCanvas *canvas);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadCanvas, gst_pipeload_canvas_free)

/* The frame's size, the width of lines in pixels (0: from the frame's height) and a Pango font description (NULL: Sans;
 * without a size, that follows the frame's height). Returns: whether anything is new. */
gboolean gst_pipeload_canvas_set_up (GstPipeloadCanvas *canvas, guint width, guint height, guint line_width,
                                     const char *font);

/* Of all lines, and of all texts, in pixels. */
guint gst_pipeload_canvas_get_line_width (const GstPipeloadCanvas *canvas);
guint gst_pipeload_canvas_get_text_height (const GstPipeloadCanvas *canvas);

/* The even pixel nearest to @value. */
int gst_pipeload_canvas_snap (double value);

/* The edges of a box, drawn on the inside of it, at snapped pixels and at least 2 x 2 of them; what lies outside of the
 * frame is left out. */
void gst_pipeload_canvas_add_box (GstPipeloadCanvas *canvas, GstPipeloadCanvasPoint from, GstPipeloadCanvasPoint to,
                                  GstPipeloadColor color, gboolean dashed);

/* A line through @n points. */
void gst_pipeload_canvas_add_line (GstPipeloadCanvas *canvas, const GstPipeloadCanvasPoint *points, guint n,
                                   GstPipeloadColor color);

/* One line of @text, on a ground of @color whose top left corner is at @x, @y, or as near as the frame allows. @text
 * is untrusted: shortened, made valid, and no markup. */
void gst_pipeload_canvas_add_text (GstPipeloadCanvas *canvas, const char *text, int x, int y, GstPipeloadColor color);

/* All of @composition, which a canvas of this size made. */
void gst_pipeload_canvas_add_composition (GstPipeloadCanvas *canvas, GstVideoOverlayComposition *composition);

/* Returns: (transfer full) (nullable): what was added since the last call; NULL = nothing. */
GstVideoOverlayComposition *gst_pipeload_canvas_take (GstPipeloadCanvas *canvas);

G_END_DECLS
