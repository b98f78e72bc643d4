/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opens zones, and geometry of polygons and lines.
 */
#include "analytics/zones.h"

#include "pipeload/pipeload.h"

#include <gio/gio.h>
#include <string.h>

static gboolean
read_file (const char *path, char **text, gsize *length, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info = NULL;
  g_autoptr (GError) why = NULL;

  info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_STANDARD_TYPE,
                            G_FILE_QUERY_INFO_NONE, NULL, &why);
  if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    g_set_error (error, PLD_ERROR, PLD_ERROR_NOT_FOUND,
                 "there is no such file; property zones names a file of zones, or holds its JSON");
  else if (info == NULL)
    g_set_error_literal (error, PLD_ERROR, PLD_ERROR_IO, why->message);
  else if (g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR)
    g_set_error (error, PLD_ERROR, PLD_ERROR_IO,
                 "that is not a file; property zones names a file of zones, or holds its JSON");
  else if (g_file_info_get_size (info) > PLD_ZONES_MAX_BYTES)
    g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "larger than a megabyte: no file of zones is");
  else if (g_file_get_contents (path, text, length, &why))
    return TRUE;
  else
    g_set_error_literal (error, PLD_ERROR, PLD_ERROR_IO, why->message);
  return FALSE;
}

PldZones *
pld_zones_load (const char *setting, GError **error)
{
  const char *inline_text = setting != NULL ? setting + strspn (setting, " \t\r\n") : "{}";
  g_autofree char *file_text = NULL;
  PldZones *zones = NULL;
  gsize length;

  if (*inline_text == '{')
    zones = pld_zones_parse (inline_text, strlen (inline_text), error);
  else if (read_file (setting, &file_text, &length, error))
    zones = pld_zones_parse (file_text, length, error);
  if (zones == NULL)
    g_prefix_error (error, "%s: ", *inline_text == '{' ? "property zones" : setting);
  return zones;
}

/* ---- geometry ------------------------------------------------------------------------------ */

/* 1: @p is right of the way from @a to @b, -1: left, 0: on it. Products are compared, not subtracted, which compilers
 * may fuse on one machine and not on the next. */
static int
side (PldPoint a, PldPoint b, PldPoint p)
{
  double right = (b.x - a.x) * (p.y - a.y), left = (b.y - a.y) * (p.x - a.x);

  return right > left ? 1 : right < left ? -1 : 0;
}

static gboolean
on_edge (PldPoint a, PldPoint b, PldPoint p)
{
  return side (a, b, p) == 0 && p.x >= MIN (a.x, b.x) && p.x <= MAX (a.x, b.x) && p.y >= MIN (a.y, b.y)
         && p.y <= MAX (a.y, b.y);
}

/* A ray from the point to the right crosses an odd number of edges (M. Shimrat, Algorithm 112, CACM 5, 1962). */
gboolean
pld_zone_contains (const PldZone *zone, PldPoint point)
{
  gboolean inside = zone->n_points == 0;

  for (guint i = 0; i < zone->n_points; i++)
    {
      PldPoint a = zone->points[i], b = zone->points[(i + 1) % zone->n_points];

      if (on_edge (a, b, point))
        return TRUE;
      /* An edge that goes down has on its right what is before it, as the ray goes; y grows downwards. */
      if ((a.y > point.y) != (b.y > point.y) && side (a, b, point) == (b.y > a.y ? 1 : -1))
        inside = !inside;
    }
  return inside;
}

gboolean
pld_labels_have (char **labels, const char *label)
{
  return labels == NULL || g_strv_contains ((const char *const *) labels, label);
}

int
pld_line_crossed (const PldLine *line, PldPoint a, PldPoint b)
{
  gboolean before = side (line->from, line->to, a) >= 0, after = side (line->from, line->to, b) >= 0;

  if (before == after || side (a, b, line->from) * side (a, b, line->to) > 0)
    return 0;
  return after ? 1 : -1;
}
