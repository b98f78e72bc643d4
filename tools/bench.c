/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/tools.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#define PIXEL_SEED 1

typedef struct
{
  char *cpu;
  guint cores;
  guint n_passes, n_frames, batch;
  double median_ms, min_ms, max_ms; /* a frame */
  double frames_per_second;
  double floor_ms;   /* a frame */
  double over_floor; /* the mean pass in floors, warm-up included: both are means over all passes */
  guint64 peak_rss;
  PldStats stats;
} Result;

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
static char *
cpu_name (void)
{
  char *name = proc_field ("/proc/cpuinfo", "model name");
  struct utsname machine;

  if (name == NULL)
    name = proc_field ("/proc/cpuinfo", "Model");
  if (name == NULL && !g_file_get_contents ("/sys/firmware/devicetree/base/model", &name, NULL, NULL))
    name = g_strdup (uname (&machine) == 0 ? machine.machine : "unknown");
  return name;
}

static guint64
peak_rss (void)
{
  g_autofree char *text = proc_field ("/proc/self/status", "VmHWM");
  struct rusage usage;

  if (text != NULL)
    return 1024 * g_ascii_strtoull (text, NULL, 10);
  return getrusage (RUSAGE_SELF, &usage) == 0 ? 1024 * (guint64) usage.ru_maxrss : 0;
}

static gboolean
load_pixels (PldVision *vision, guint batch, GError **error)
{
  const PldVisionInfo *info = pld_vision_get_info (vision);
  gsize n = (gsize) 3 * info->input_width * info->input_height;
  g_autofree float *pixels = g_new (float, n);
  GRand *random = g_rand_new_with_seed (PIXEL_SEED);
  gboolean ok = TRUE;

  for (guint slot = 0; ok && slot < batch; slot++)
    {
      for (gsize i = 0; i < n; i++)
        pixels[i] = (float) g_rand_double_range (random, -1, 1);
      ok = pld_vision_load_pixels (vision, slot, pixels, error);
    }
  g_rand_free (random);
  return ok;
}

static int
compare_double (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
summarise (double *ms, guint n, guint batch, const PldStats *stats, Result *result)
{
  double total = 0;

  for (guint i = 0; i < n; i++)
    total += ms[i];
  qsort (ms, n, sizeof *ms, compare_double);
  result->batch = batch;
  result->n_passes = n;
  result->n_frames = n * batch;
  result->median_ms = (ms[(n - 1) / 2] + ms[n / 2]) / 2 / batch;
  result->min_ms = ms[0] / batch;
  result->max_ms = ms[n - 1] / batch;
  result->frames_per_second = total > 0 ? 1e3 * n * batch / total : 0;
  result->floor_ms = (double) stats->floor_ns / 1e6 / batch;
  result->over_floor = stats->floor_ns > 0 ? (double) stats->mean_pass_ns / (double) stats->floor_ns : 0;
  result->stats = *stats;
}

static gboolean
measure (PldVision *vision, guint n_passes, guint n_warmup, guint batch, Result *result, GError **error)
{
  GCancellable *cancellable = pld_tool_cancellable ();
  g_autofree double *ms = g_new (double, n_passes);
  PldStats before, after;

  if (!load_pixels (vision, batch, error))
    return FALSE;
  for (guint i = 0; i < n_warmup; i++)
    if (!pld_vision_run (vision, batch, NULL, NULL, cancellable, error))
      return FALSE;
  pld_vision_get_stats (vision, &before);
  for (guint i = 0; i < n_passes; i++)
    {
      gint64 start = g_get_monotonic_time ();

      if (!pld_vision_run (vision, batch, NULL, NULL, cancellable, error))
        return FALSE;
      ms[i] = (double) (g_get_monotonic_time () - start) / 1e3;
      pld_tool_progress ("measuring", 100 * (i + 1) / n_passes, NULL);
    }
  pld_tool_progress_end ();
  pld_vision_get_stats (vision, &after);
  after.stalls -= before.stalls;
  after.stall_ns -= before.stall_ns;
  after.bytes_streamed -= before.bytes_streamed;
  summarise (ms, n_passes, batch, &after, result);
  return TRUE;
}

static void
print_text (const PldVisionInfo *info, const Result *r)
{
  const PldStats *s = &r->stats;

  pld_tool_line ("machine", "%s, %u cores", r->cpu, r->cores);
  pld_tool_line ("model", "%s (%s, %u×%u)", info->path, info->architecture, info->input_width,
                 info->input_height);
  pld_tool_line_size ("weights", info->weight_bytes, "as stored");
  if (s->memory_limit > 0)
    pld_tool_line_size ("memory limit", s->memory_limit, NULL);
  else
    pld_tool_line ("memory limit", "none");
  pld_tool_line_size ("engine peak", s->engine_peak, NULL);
  pld_tool_line_size ("process peak RSS", r->peak_rss, NULL);
  pld_tool_line ("threads", "%u, loaders %u, batch %u, direct I/O %s", s->threads, s->loaders, r->batch,
                 s->direct_io ? "yes" : "no");
  pld_tool_line ("frames", "%u in %u passes", r->n_frames, r->n_passes);
  pld_tool_line ("ms a frame", "%.2f median, %.2f min, %.2f max", r->median_ms, r->min_ms, r->max_ms);
  pld_tool_line ("frames/s", "%.2f", r->frames_per_second);
  pld_tool_line_size ("streamed a pass", s->streamed_per_pass, NULL);
  if (s->read_bandwidth > 0)
    pld_tool_line_size ("read bandwidth", s->read_bandwidth, "a second");
  pld_tool_line ("stalls", "%" G_GUINT64_FORMAT ", %.2f ms in all", s->stalls, (double) s->stall_ns / 1e6);
  if (r->floor_ms > 0)
    pld_tool_line ("floor", "%.2f ms a frame, measured/floor %.2f", r->floor_ms, r->over_floor);
}

static void
add_double (JsonObject *object, const char *name, double value)
{
  json_object_set_double_member (object, name, value);
}

static void
add_uint (JsonObject *object, const char *name, guint64 value)
{
  json_object_set_int_member (object, name, (gint64) value);
}

static void
print_json (const PldVisionInfo *info, const Result *r)
{
  const PldStats *s = &r->stats;
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "cpu", r->cpu);
  add_uint (object, "cores", r->cores);
  json_object_set_string_member (object, "model", info->path);
  json_object_set_string_member (object, "architecture", info->architecture);
  add_uint (object, "input_width", info->input_width);
  add_uint (object, "input_height", info->input_height);
  add_uint (object, "weight_bytes", info->weight_bytes);
  add_uint (object, "memory_limit", s->memory_limit);
  add_uint (object, "engine_peak", s->engine_peak);
  add_uint (object, "process_peak_rss", r->peak_rss);
  add_uint (object, "threads", s->threads);
  add_uint (object, "loaders", s->loaders);
  add_uint (object, "batch", r->batch);
  json_object_set_boolean_member (object, "direct_io", s->direct_io);
  add_uint (object, "frames", r->n_frames);
  add_uint (object, "passes", r->n_passes);
  add_double (object, "median_ms", r->median_ms);
  add_double (object, "min_ms", r->min_ms);
  add_double (object, "max_ms", r->max_ms);
  add_double (object, "frames_per_second", r->frames_per_second);
  add_uint (object, "streamed_per_pass", s->streamed_per_pass);
  add_uint (object, "read_bandwidth", s->read_bandwidth);
  add_uint (object, "stalls", s->stalls);
  add_double (object, "stall_ms", (double) s->stall_ns / 1e6);
  add_double (object, "floor_ms", r->floor_ms);
  add_double (object, "measured_over_floor", r->over_floor);
  json_node_take_object (node, object);
  text = json_to_string (node, TRUE);
  puts (text);
}

static int
bench (const PldVisionOptions *options, guint n_frames, guint n_warmup, gboolean json)
{
  g_autoptr (GError) error = NULL;
  Result result = { .cpu = NULL };
  guint batch = MAX (options->batch, 1);
  PldVision *vision;
  int status = PLD_EXIT_OK;

  vision = pld_vision_open (options, pld_tool_progress, NULL, pld_tool_cancellable (), &error);
  if (vision == NULL)
    return pld_tool_fail (error);
  if (measure (vision, (n_frames + batch - 1) / batch, n_warmup, batch, &result, &error))
    {
      result.cpu = cpu_name ();
      result.cores = g_get_num_processors ();
      result.peak_rss = peak_rss ();
      if (json)
        print_json (pld_vision_get_info (vision), &result);
      else
        print_text (pld_vision_get_info (vision), &result);
    }
  else
    status = pld_tool_fail (error);
  g_free (result.cpu);
  pld_vision_close (&vision);
  return status;
}

int
pld_tool_bench (int argc, char **argv)
{
  g_auto (PldToolModel) model = { NULL };
  int frames = 20, warmup = 2;
  gboolean json = FALSE;
  const GOptionEntry options[]
      = { PLD_TOOL_MODEL_OPTIONS (model),
          { "frames", 'n', 0, G_OPTION_ARG_INT, &frames, "Pictures to measure (20)", "N" },
          { "warmup", 'w', 0, G_OPTION_ARG_INT, &warmup, "Passes before that (2)", "N" },
          { "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
          { NULL } };
  PldVisionOptions vision;

  if (!pld_tool_parse (&argc, &argv, options, "[MODEL]",
                       "Measures how fast a model runs on random pictures.\nWithout MODEL: the bundled one.",
                       0, 1)
      || !pld_tool_model (&model, argc > 1 ? argv[1] : NULL, &vision))
    return PLD_EXIT_USAGE;
  if (frames < 1 || frames > 1000000 || warmup < 0 || warmup > 1000000)
    return pld_tool_usage ("--frames must be from 1 and --warmup from 0 to 1000000");
  return bench (&vision, (guint) frames, (guint) warmup, json);
}
