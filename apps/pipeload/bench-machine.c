/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Describes the machine and summarizes figures for the bench verb.
 */
#include "apps/pipeload/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

/* The first "key : value" of a /proc file whose key is @key. Returns: (transfer full) (nullable) */
static char *
proc_field (const char *path, const char *key)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *colon = strchr (lines[i], ':');

      if (colon == NULL)
        continue;
      *colon = '\0';
      if (strcmp (g_strstrip (lines[i]), key) == 0)
        return g_strdup (g_strstrip (colon + 1));
    }
  return NULL;
}

/* x86 names the CPU in /proc/cpuinfo, small boards name themselves in the device tree. */
char *
pld_bench_cpu (void)
{
  char *name = proc_field ("/proc/cpuinfo", "model name");
  struct utsname machine;

  if (name == NULL)
    name = proc_field ("/proc/cpuinfo", "Model");
  if (name == NULL && !g_file_get_contents ("/sys/firmware/devicetree/base/model", &name, NULL, NULL))
    name = g_strdup (uname (&machine) == 0 ? machine.machine : "unknown");
  return name;
}

guint64
pld_bench_peak_rss (void)
{
  g_autofree char *text = proc_field ("/proc/self/status", "VmHWM");
  struct rusage usage;

  if (text != NULL)
    return 1024 * g_ascii_strtoull (text, NULL, 10);
  return getrusage (RUSAGE_SELF, &usage) == 0 ? 1024 * (guint64) usage.ru_maxrss : 0;
}

static int
compare_double (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

PldBenchSpread
pld_bench_spread (double *values, guint n)
{
  qsort (values, n, sizeof *values, compare_double);
  return (
      PldBenchSpread) { .median = (values[(n - 1) / 2] + values[n / 2]) / 2, .min = values[0], .max = values[n - 1] };
}

void
pld_bench_print_stats (const PldStats *stats)
{
  if (stats->memory_limit > 0)
    pld_tool_line_size ("memory limit", stats->memory_limit, NULL);
  else
    pld_tool_line ("memory limit", "none");
  pld_tool_line_size ("engine peak", stats->engine_peak, NULL);
  pld_tool_line_size ("process peak RSS", pld_bench_peak_rss (), NULL);
  if (stats->read_bandwidth > 0)
    pld_tool_line_size ("read bandwidth", stats->read_bandwidth, "a second");
  pld_tool_line ("stalls", "%" G_GUINT64_FORMAT ", %.2f ms in all", stats->stalls, (double) stats->stall_ns / 1e6);
}

JsonObject *
pld_bench_json (const PldStats *stats)
{
  g_autofree char *cpu = pld_bench_cpu ();
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "cpu", cpu);
  pld_bench_json_uint (object, "cores", g_get_num_processors ());
  pld_bench_json_uint (object, "memory_limit", stats->memory_limit);
  pld_bench_json_uint (object, "engine_peak", stats->engine_peak);
  pld_bench_json_uint (object, "process_peak_rss", pld_bench_peak_rss ());
  pld_bench_json_uint (object, "threads", stats->threads);
  pld_bench_json_uint (object, "loaders", stats->loaders);
  json_object_set_boolean_member (object, "direct_io", stats->direct_io);
  pld_bench_json_uint (object, "read_bandwidth", stats->read_bandwidth);
  pld_bench_json_uint (object, "stalls", stats->stalls);
  pld_bench_json_uint (object, "retries", stats->retries);
  json_object_set_double_member (object, "stall_ms", (double) stats->stall_ns / 1e6);
  return object;
}

void
pld_bench_json_uint (JsonObject *object, const char *name, guint64 value)
{
  json_object_set_int_member (object, name, (gint64) value);
}

void
pld_bench_json_print (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;

  json_node_take_object (node, object);
  text = json_to_string (node, TRUE);
  puts (text);
}
