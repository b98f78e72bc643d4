/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Distinct colors for ids and labels.
 */
#include "gst/overlay/color.h"

#include <math.h>

/* @hue: turns. Saturation 0.75, value 1: strong, and no color that a camera's picture is full of. */
static GstPipeloadColor
color_of_hue (double hue)
{
  double part[3];

  for (guint i = 0; i < 3; i++)
    {
      double k = fmod (5 - 2 * i + 6 * hue, 6);

      part[i] = 1 - 0.75 * CLAMP (MIN (k, 4 - k), 0, 1);
    }
  return (GstPipeloadColor) { part[0], part[1], part[2] };
}

GstPipeloadColor
gst_pipeload_color_of_id (int id)
{
  double turns = id * (137.50776405003785 / 360);

  return color_of_hue (turns - floor (turns));
}

GstPipeloadColor
gst_pipeload_color_of_text (const char *text)
{
  return color_of_hue ((g_str_hash (text) % 1024) / 1024.0);
}

guint32
gst_pipeload_color_to_pixel (GstPipeloadColor color)
{
  return 0xff000000u | (guint32) lround (color.red * 255) << 16 | (guint32) lround (color.green * 255) << 8
         | (guint32) lround (color.blue * 255);
}

gboolean
gst_pipeload_color_is_light (GstPipeloadColor color)
{
  return 0.299 * color.red + 0.587 * color.green + 0.114 * color.blue > 0.5;
}
