/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures a vision model: the same pictures, pass by pass.
 */
#include "apps/pipeload/bench.h"

#define PIXEL_SEED 1

typedef struct
{
  guint n_passes, n_frames, batch;
  double median_ms, min_ms, max_ms; /* a frame */
  double frames_per_second;
  double floor_ms;   /* a frame */
  double over_floor; /* the mean pass in floors, warm-up included: both are means over all passes */
  PldStats stats;
} Result;

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

static void
summarize (double *ms, guint n, guint batch, const PldStats *stats, Result *result)
{
  PldBenchSpread spread = pld_bench_spread (ms, n);
  double total = 0;

  for (guint i = 0; i < n; i++)
    total += ms[i];
  result->batch = batch;
  result->n_passes = n;
  result->n_frames = n * batch;
  result->median_ms = spread.median / batch;
  result->min_ms = spread.min / batch;
  result->max_ms = spread.max / batch;
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
    if (!pld_vision_run (vision, batch, NULL, NULL, NULL, cancellable, error))
      return FALSE;
  pld_handle_get_stats (PLD_HANDLE (vision), &before);
  for (guint i = 0; i < n_passes; i++)
    {
      gint64 start = g_get_monotonic_time ();

      if (!pld_vision_run (vision, batch, NULL, NULL, NULL, cancellable, error))
        return FALSE;
      ms[i] = (double) (g_get_monotonic_time () - start) / 1e3;
      pld_tool_progress ("measuring", 100 * (i + 1) / n_passes, NULL);
    }
  pld_tool_progress_end ();
  pld_handle_get_stats (PLD_HANDLE (vision), &after);
  after.stalls -= before.stalls;
  after.stall_ns -= before.stall_ns;
  after.bytes_streamed -= before.bytes_streamed;
  summarize (ms, n_passes, batch, &after, result);
  return TRUE;
}

static void
print_text (const PldVisionInfo *info, const Result *r)
{
  g_autofree char *cpu = pld_bench_cpu ();
  const PldStats *s = &r->stats;

  pld_tool_line ("machine", "%s, %u cores", cpu, g_get_num_processors ());
  pld_tool_line ("model", "%s (%s, %u×%u)", info->path, info->architecture, info->input_width, info->input_height);
  pld_tool_line_size ("weights", info->weight_bytes, "as stored");
  pld_bench_print_stats (s);
  pld_tool_line ("threads", "%u, loaders %u, batch %u, direct I/O %s", s->threads, s->loaders, r->batch,
                 s->direct_io ? "yes" : "no");
  pld_tool_line ("frames", "%u in %u passes", r->n_frames, r->n_passes);
  pld_tool_line ("ms a frame", "%.2f median, %.2f min, %.2f max", r->median_ms, r->min_ms, r->max_ms);
  pld_tool_line ("frames/s", "%.2f", r->frames_per_second);
  pld_tool_line_size ("streamed a pass", s->streamed_per_pass, NULL);
  if (r->floor_ms > 0)
    pld_tool_line ("floor", "%.2f ms a frame, measured/floor %.2f", r->floor_ms, r->over_floor);
}

static void
print_json (const PldVisionInfo *info, const Result *r)
{
  JsonObject *object = pld_bench_json (&r->stats);

  json_object_set_string_member (object, "model", info->path);
  json_object_set_string_member (object, "architecture", info->architecture);
  pld_bench_json_uint (object, "input_width", info->input_width);
  pld_bench_json_uint (object, "input_height", info->input_height);
  pld_bench_json_uint (object, "weight_bytes", info->weight_bytes);
  pld_bench_json_uint (object, "batch", r->batch);
  pld_bench_json_uint (object, "frames", r->n_frames);
  pld_bench_json_uint (object, "passes", r->n_passes);
  json_object_set_double_member (object, "median_ms", r->median_ms);
  json_object_set_double_member (object, "min_ms", r->min_ms);
  json_object_set_double_member (object, "max_ms", r->max_ms);
  json_object_set_double_member (object, "frames_per_second", r->frames_per_second);
  pld_bench_json_uint (object, "streamed_per_pass", r->stats.streamed_per_pass);
  json_object_set_double_member (object, "floor_ms", r->floor_ms);
  json_object_set_double_member (object, "measured_over_floor", r->over_floor);
  pld_bench_json_print (object);
}

int
pld_bench_vision (const PldVisionOptions *options, guint n_frames, guint n_warmup, gboolean json)
{
  g_autoptr (GError) error = NULL;
  Result result = { 0 };
  guint batch = MAX (options->batch, 1);
  PldVision *vision;
  int status = PLD_EXIT_OK;

  vision = pld_vision_open (options, pld_tool_progress, NULL, pld_tool_cancellable (), &error);
  if (vision == NULL)
    return pld_tool_fail (error);
  if (measure (vision, (n_frames + batch - 1) / batch, n_warmup, batch, &result, &error))
    {
      if (json)
        print_json (pld_vision_get_info (vision), &result);
      else
        print_text (pld_vision_get_info (vision), &result);
    }
  else
    status = pld_tool_fail (error);
  g_clear_pointer (&vision, pld_vision_close);
  return status;
}
