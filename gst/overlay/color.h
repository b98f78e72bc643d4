/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Colors that stay the same for the same thing. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* 0..1 each */
typedef struct
{
  double red, green, blue;
} GstPipeloadColor;

/* A color for each number: hues a golden angle (137.508°) apart, so that neighbors differ most. */
GstPipeloadColor gst_pipeload_color_of_id (int id);
GstPipeloadColor gst_pipeload_color_of_text (const char *text);

/* 0xffRRGGBB */
guint32 gst_pipeload_color_to_pixel (GstPipeloadColor color);

/* Whether dark text is read best on it; luma as in BT.601. */
gboolean gst_pipeload_color_is_light (GstPipeloadColor color);

G_END_DECLS
