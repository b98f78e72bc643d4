/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The error domain, and sizes and limits as text.
 */
#include "pipeload/base.h"

#include <math.h>

G_DEFINE_QUARK (pld - error - quark, pld_error)

gboolean
pld_size_parse (const char *text, guint64 *bytes, GError **error)
{
  static const struct
  {
    const char *name;
    double factor;
  } units[] = { { "", 1 },
                { "B", 1 },
                { "KB", 1e3 },
                { "MB", 1e6 },
                { "GB", 1e9 },
                { "TB", 1e12 },
                { "KiB", 1024.0 },
                { "MiB", 1048576.0 },
                { "GiB", 1073741824.0 },
                { "K", 1e3 },
                { "M", 1e6 },
                { "G", 1e9 },
                { "TiB", 1099511627776.0 } };
  g_autofree char *unit = NULL;
  char *end = NULL;
  double value;

  g_return_val_if_fail (text != NULL && bytes != NULL, FALSE);
  value = g_ascii_strtod (text, &end);
  unit = g_strstrip (g_strdup (end));
  if (end == text || !isfinite (value) || value < 0)
    goto bad;
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_ascii_strcasecmp (unit, units[i].name) == 0)
      {
        if (value * units[i].factor >= 9.2e18)
          goto bad;
        *bytes = (guint64) (value * units[i].factor + 0.5);
        return TRUE;
      }
bad:
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
               "\"%s\" is not a size: write a number and a unit, such as 64MB, 2.1GB or 512MiB", text);
  return FALSE;
}

gboolean
pld_limit_parse (const char *text, guint64 *limit, GError **error)
{
  g_return_val_if_fail (text != NULL && limit != NULL, FALSE);
  if (g_ascii_strcasecmp (text, "auto") == 0)
    *limit = PLD_LIMIT_AUTO;
  else if (!pld_size_parse (text, limit, NULL))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "\"%s\" is not a size: write a number and a unit, such as 64MB, 2.1GB or 512MiB; 0 for no limit; or "
                   "auto for what the "
                   "machine can spare",
                   text);
      return FALSE;
    }
  return TRUE;
}

char *
pld_size_format (guint64 bytes)
{
  if (bytes < 10000)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " B", bytes);
  if (bytes < 1000000)
    return g_strdup_printf ("%.1f kB", bytes / 1e3);
  if (bytes < 1000000000)
    return g_strdup_printf ("%.1f MB", bytes / 1e6);
  return g_strdup_printf ("%.2f GB", bytes / 1e9);
}
