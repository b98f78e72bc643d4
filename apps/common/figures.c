/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/common/figures.h"

#include "pipeload/pipeload.h"

#include <sys/resource.h>

/* Each thread needs memory of its own: of many cores only as many compute as leave room for weights that are streamed.
 * Where none does, all of them compute. */
char *
watch_limit_choose (const char *model, const char *limit, guint users, guint *threads, GError **error)
{
  PldVisionOptions options = { .model = model, .batch = users, .threads = MIN (g_get_num_processors (), 8) };
  PldPlanInfo plan;
  guint64 least = 0;

  *threads = 0;
  if (g_strcmp0 (limit, "small") != 0)
    return g_strdup (limit);
  for (guint all = options.threads; options.threads > 0; options.threads--)
    {
      if (!pld_vision_plan (&options, &plan, error))
        return NULL;
      if (plan.minimum_limit < plan.weight_bytes)
        {
          *threads = options.threads;
          return g_strdup_printf ("%" G_GUINT64_FORMAT, (plan.minimum_limit + plan.weight_bytes) / 2);
        }
      if (options.threads == all)
        {
          least = plan.minimum_limit;
          *threads = all;
        }
    }
  return g_strdup_printf ("%" G_GUINT64_FORMAT, least);
}

guint64
watch_figure (const GstStructure *stats, const char *name)
{
  guint64 value = 0;

  gst_structure_get_uint64 (stats, name, &value);
  return value;
}

double
watch_figure_ms (const GstStructure *stats, const char *name)
{
  double value = 0;

  gst_structure_get_double (stats, name, &value);
  return value;
}

void
watch_memory_print (const GstStructure *stats)
{
  g_autofree char *now = pld_size_format (watch_figure (stats, "engine-bytes"));
  g_autofree char *peak = pld_size_format (watch_figure (stats, "engine-peak"));
  g_autofree char *limit = pld_size_format (watch_figure (stats, "memory-limit"));
  g_autofree char *streamed = pld_size_format (watch_figure (stats, "bytes-streamed"));
  g_autofree char *each = pld_size_format (watch_figure (stats, "streamed-per-pass"));
  g_autofree char *process = NULL;
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  process = pld_size_format ((guint64) usage.ru_maxrss * 1024);
  g_print ("engine bytes     %s, at most %s\n", now, peak);
  g_print ("memory limit     %s\n", watch_figure (stats, "memory-limit") > 0 ? limit : "none");
  g_print ("process          %s resident at most\n", process);
  g_print ("streamed         %s, %s a pass\n", streamed, each);
  g_print ("loader stalls    %" G_GUINT64_FORMAT ", %.1f ms in all\n", watch_figure (stats, "stalls"),
           watch_figure_ms (stats, "stall-time"));
}
