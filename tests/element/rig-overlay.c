/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frames and pixels for the tests of pipeloadoverlay.
 */
#include "tests/element/rig-overlay.h"

void
overlay_open (Rig *rig, const char *properties)
{
  g_autofree char *line = g_strdup_printf ("pipeloadoverlay %s", properties);
  g_autoptr (GError) error = NULL;

  rig->element = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (rig->element);
  rig->bus = gst_bus_new ();
  gst_element_set_bus (rig->element, rig->bus);
  rig_play (rig);
}

GstBuffer *
overlay_flat (int width, int height, guint number)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, (gsize) width * height * 4, NULL);
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = i % 4 == 3 ? 255 : 128;
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = number * (GST_SECOND / 25);
  return buffer;
}

void
overlay_detect (GstBuffer *buffer, int width, int height, int id, const char *label, double x, double y, double right,
                double bottom)
{
  GstVideoRegionOfInterestMeta *meta = gst_buffer_add_video_region_of_interest_meta (buffer, label, 0, 0, 1, 1);

  meta->id = id;
  gst_video_region_of_interest_meta_add_param (
      meta, gst_structure_new ("detection", "confidence", G_TYPE_DOUBLE, 0.875, "x_min", G_TYPE_DOUBLE, x / width,
                               "y_min", G_TYPE_DOUBLE, y / height, "x_max", G_TYPE_DOUBLE, right / width, "y_max",
                               G_TYPE_DOUBLE, bottom / height, NULL));
}

GstBuffer *
overlay_push (Rig *rig, GstBuffer *buffer)
{
  GstBuffer *out = gst_harness_push_and_pull (rig->harness, buffer);

  g_assert_nonnull (out);
  return out;
}

guint
overlay_pixel (GstBuffer *buffer, int width, int x, int y)
{
  guint8 pixel[4];

  g_assert_cmpuint (gst_buffer_extract (buffer, ((gsize) y * width + x) * 4, pixel, 4), ==, 4);
  g_assert_cmpuint (pixel[3], ==, 255);
  return (guint) pixel[0] << 16 | pixel[1] << 8 | pixel[2];
}

OverlayArea
overlay_changed (GstBuffer *buffer, int width, int from, int until)
{
  OverlayArea area = { G_MAXINT, G_MAXINT, 0, 0, 0 };
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  for (int y = from; y < until; y++)
    for (int x = 0; x < width; x++)
      {
        const guint8 *pixel = map.data + ((gsize) y * width + x) * 4;

        if (pixel[0] == 128 && pixel[1] == 128 && pixel[2] == 128)
          continue;
        area.x = MIN (area.x, x);
        area.y = MIN (area.y, y);
        area.right = MAX (area.right, x + 1);
        area.bottom = MAX (area.bottom, y + 1);
        area.count++;
      }
  gst_buffer_unmap (buffer, &map);
  return area;
}
