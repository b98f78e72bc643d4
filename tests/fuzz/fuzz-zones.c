/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Zones as users write them.
 */
#include "analytics/zones.h"
#include "tests/fuzz/fuzz.h"

static void
check_point (PldPoint point)
{
  if (!(point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1))
    g_error ("a point outside of the picture");
}

static void
check_zone (const PldZone *zone, gboolean whole)
{
  if (zone->n_points < 3 && !(whole && zone->n_points == 0))
    g_error ("a polygon of fewer than three points");
  for (guint i = 0; i < zone->n_points; i++)
    {
      check_point (zone->points[i]);
      if (!pld_zone_contains (zone, zone->points[i]))
        g_error ("a corner outside of its polygon");
    }
}

static void
check_line (const PldLine *line)
{
  check_point (line->from);
  check_point (line->to);
  if (*line->name == '\0' || pld_line_crossed (line, line->from, line->to) != 0)
    g_error ("a line without a name, or that crosses itself");
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (PldZones) zones = NULL;
  GError *error = NULL;

  zones = pld_zones_parse ((const char *) data, size, &error);
  fuzz_check_error (zones != NULL, &error);
  if (zones == NULL)
    return 0;
  if (zones->zones->len == 0)
    g_error ("no zone at all");
  for (guint i = 0; i < zones->zones->len; i++)
    check_zone (&g_array_index (zones->zones, PldZone, i), TRUE);
  for (guint i = 0; i < zones->masks->len; i++)
    check_zone (&g_array_index (zones->masks, PldZone, i), FALSE);
  for (guint i = 0; i < zones->lines->len; i++)
    check_line (&g_array_index (zones->lines, PldLine, i));
  return 0;
}
