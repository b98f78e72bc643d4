/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Distinct colors for ids and labels.
 */
#include "gst/overlay/color.h"

#include <math.h>

/* @hue: turns. Saturation 0.75, value 1: strong, and no colour that a camera's picture is full of. */
static GstPipeloadColour
colour_of_hue (double hue)
{
  double part[3];

  for (guint i = 0; i < 3; i++)
    {
      double k = fmod (5 - 2 * i + 6 * hue, 6);

      part[i] = 1 - 0.75 * CLAMP (MIN (k, 4 - k), 0, 1);
    }
  return (GstPipeloadColour) { part[0], part[1], part[2] };
}

GstPipeloadColour
gst_pipeload_colour_of_id (int id)
{
  double turns = id * (137.50776405003785 / 360);

  return colour_of_hue (turns - floor (turns));
}

GstPipeloadColour
gst_pipeload_colour_of_text (const char *text)
{
  return colour_of_hue ((g_str_hash (text) % 1024) / 1024.0);
}

guint32
gst_pipeload_colour_to_pixel (GstPipeloadColour colour)
{
  return 0xff000000u | (guint32) lround (colour.red * 255) << 16 | (guint32) lround (colour.green * 255) << 8
         | (guint32) lround (colour.blue * 255);
}

gboolean
gst_pipeload_colour_is_light (GstPipeloadColour colour)
{
  return 0.299 * colour.red + 0.587 * colour.green + 0.114 * colour.blue > 0.5;
}
