/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The resident memory of this process.
 */
#include "tests/support/resident.h"

#include <stdio.h>
#include <unistd.h>

guint64
resident_bytes (void)
{
  g_autofree char *text = NULL;
  guint64 size = 0, resident = 0;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &size, &resident), ==, 2);
  return resident * (guint64) sysconf (_SC_PAGESIZE);
}
