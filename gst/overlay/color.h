/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Colours that stay the same for the same thing. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* 0..1 each */
typedef struct
{
  double red, green, blue;
} GstPipeloadColour;

/* A colour for each number: hues a golden angle (137.508°) apart, so that neighbours differ most. */
GstPipeloadColour gst_pipeload_colour_of_id (int id);
GstPipeloadColour gst_pipeload_colour_of_text (const char *text);

/* 0xffRRGGBB */
guint32 gst_pipeload_colour_to_pixel (GstPipeloadColour colour);

/* Whether dark text is read best on it; luma as in BT.601. */
gboolean gst_pipeload_colour_is_light (GstPipeloadColour colour);

G_END_DECLS
