/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads and prints the stats of a pipeloadvit.
 */
#include "apps/common/figures.h"

#include "pipeload/pipeload.h"

#include <sys/resource.h>

guint64
pld_figure (const GstStructure *stats, const char *name)
{
  guint64 value = 0;

  gst_structure_get_uint64 (stats, name, &value);
  return value;
}

double
pld_figure_ms (const GstStructure *stats, const char *name)
{
  double value = 0;

  gst_structure_get_double (stats, name, &value);
  return value;
}

void
pld_figures_print_memory (const GstStructure *stats, FILE *to)
{
  g_autofree char *now = pld_size_format (pld_figure (stats, "engine-bytes"));
  g_autofree char *peak = pld_size_format (pld_figure (stats, "engine-peak"));
  g_autofree char *limit = pld_size_format (pld_figure (stats, "memory-limit"));
  g_autofree char *streamed = pld_size_format (pld_figure (stats, "bytes-streamed"));
  g_autofree char *each = pld_size_format (pld_figure (stats, "streamed-per-pass"));
  g_autofree char *process = NULL;
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  process = pld_size_format ((guint64) usage.ru_maxrss * 1024);
  fprintf (to, "engine bytes     %s, at most %s\n", now, peak);
  fprintf (to, "memory limit     %s\n", pld_figure (stats, "memory-limit") > 0 ? limit : "none");
  fprintf (to, "process          %s resident at most\n", process);
  fprintf (to, "streamed         %s, %s a pass\n", streamed, each);
  fprintf (to, "loader stalls    %" G_GUINT64_FORMAT ", %.1f ms in all\n", pld_figure (stats, "stalls"),
           pld_figure_ms (stats, "stall-time"));
}
