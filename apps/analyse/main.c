/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The analyse verb: finds who is in recordings, and when (docs/offline.md). Recordings analysed at once share one
 * model. Finished results are kept.
 */
#include "apps/analyse/facts.h"
#include "apps/analyse/job.h"
#include "apps/analyse/store.h"
#include "apps/common/engine.h"
#include "apps/common/figures.h"
#include "apps/common/terminal.h"
#include "apps/common/verb.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>

#define DRAW_INTERVAL 250 /* ms */

typedef struct
{
  AnalyseOptions options;
  char **names; /* of files and folders */

  GPtrArray *inputs;
  AnalyseSkipped skipped;
  AnalyseStore *store;
  GMainLoop *loop;
  GPtrArray *slots;   /* Slot: recordings that are being analysed */
  GHashTable *warned; /* texts of warnings: all recordings have the same model */
  guint next;         /* of @inputs, to begin with */
  guint done, damaged;
  guint64 done_bytes, all_bytes; /* of recordings */
  int status;

  /* Figures of this run. */
  guint64 frames, looked;
  double latency; /* ms, in all */
  GstStructure *stats;
  gint64 start;
  double before; /* share of the work that was done at the start, 0..1 */
} Run;

typedef struct
{
  Run *run;
  AnalyseJob *job;
  gint64 start;
} Slot;

static gboolean
is_done (const Run *run, const AnalyseInput *input)
{
  return !run->options.again && analyse_store_has (run->store, input);
}

/* ---- recordings ---------------------------------------------------------------------------- */

static void
fail (Run *run, const char *about, GError *error)
{
  if (run->status == 0)
    pld_tool_say ("pipeload: %s%s%s", about, *about != '\0' ? ": " : "", error->message);
  run->status = PLD_EXIT_FAILED;
  g_main_loop_quit (run->loop);
}

static gboolean on_message (GstBus *bus, GstMessage *message, gpointer user_data);

/* Unfinished, its results go. */
static void
slot_free (gpointer data)
{
  Slot *slot = data;
  GstBus *bus = analyse_job_get_bus (slot->job);
  g_autofree char *folder = g_strdup (analyse_job_folder (slot->job));

  gst_bus_remove_watch (bus);
  gst_object_unref (bus);
  analyse_job_free (slot->job);
  analyse_store_discard (folder);
  g_free (slot);
}

static gboolean
start (Run *run, const AnalyseInput *input, GError **error)
{
  g_autofree char *folder = analyse_store_begin (run->store, input, error);
  g_autofree char *unfinished = g_strdup (folder);
  g_autofree char *path = analyse_store_path (run->store, input);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *place = g_build_filename ("files", name, NULL);
  AnalyseJob *job;
  GstBus *bus;
  Slot *slot;

  if (folder == NULL)
    return FALSE;
  job = analyse_job_new (&run->options, input, g_steal_pointer (&folder), place, error);
  if (job == NULL)
    {
      analyse_store_discard (unfinished);
      return FALSE;
    }
  slot = g_new0 (Slot, 1);
  slot->run = run;
  slot->job = job;
  slot->start = g_get_monotonic_time ();
  g_ptr_array_add (run->slots, slot);
  bus = analyse_job_get_bus (job);
  gst_bus_add_watch (bus, on_message, slot);
  gst_object_unref (bus);
  analyse_job_start (job);
  return TRUE;
}

static void
start_next (Run *run)
{
  while (run->status == 0 && run->next < run->inputs->len)
    {
      const AnalyseInput *input = run->inputs->pdata[run->next++];
      g_autoptr (GError) error = NULL;

      if (is_done (run, input))
        continue;
      if (!start (run, input, &error))
        fail (run, "", error);
      return;
    }
}

static void
count (Run *run, const AnalyseInput *input, GstStructure *stats)
{
  const double looked = (double) pld_figure (stats, "inferred");

  run->done++;
  run->done_bytes += input->size;
  run->frames += pld_figure (stats, "frames");
  run->looked += pld_figure (stats, "inferred");
  run->latency += looked * pld_figure_ms (stats, "mean-latency");
  g_clear_pointer (&run->stats, gst_structure_free);
  run->stats = stats;
}

static void
report_done (Run *run, Slot *slot, const GError *damage)
{
  const AnalyseInput *input = analyse_job_input (slot->job);
  const double seconds = (double) (g_get_monotonic_time () - slot->start) / G_USEC_PER_SEC;
  const guint visits = analyse_job_visits (slot->job);

  if (damage != NULL)
    pld_tool_say ("%s: %s", input->name, damage->message);
  else
    pld_tool_say ("%s: %u visit%s, %.0f frames/s", input->name, visits, visits == 1 ? "" : "s",
                  (double) analyse_job_frames (slot->job) / seconds);
}

static void
finish (Run *run, Slot *slot, const GError *damage)
{
  const AnalyseInput *input = analyse_job_input (slot->job);
  GstStructure *stats = NULL;
  g_autofree char *row = NULL;
  g_autoptr (GError) error = NULL;

  if (analyse_job_finish (slot->job, damage, &row, &stats, &error)
      && analyse_store_commit (run->store, input, analyse_job_folder (slot->job), row, damage != NULL, &error))
    report_done (run, slot, damage);
  else
    fail (run, "", error);
  run->damaged += damage != NULL;
  count (run, input, stats);
  g_ptr_array_remove (run->slots, slot);
}

/* Each text once. Of our elements: a decoder's warnings say little to a user. */
static void
warn (Run *run, GstMessage *message)
{
  GstObject *source = GST_MESSAGE_SRC (message);
  GstElementFactory *factory = GST_IS_ELEMENT (source) ? gst_element_get_factory (GST_ELEMENT (source)) : NULL;
  g_autoptr (GError) warning = NULL;

  if (factory == NULL || !g_str_has_prefix (GST_OBJECT_NAME (factory), "pipeload"))
    return;
  gst_message_parse_warning (message, &warning, NULL);
  if (g_hash_table_add (run->warned, g_strdup (warning->message)))
    pld_tool_say ("pipeload: warning: %s", warning->message);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Slot *slot = user_data;
  Run *run = slot->run;
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
    warn (run, message);
  switch (analyse_job_handle (slot->job, message, &error))
    {
    case ANALYSE_RUNS:
      return G_SOURCE_CONTINUE;
    case ANALYSE_FAILED:
      if (error != NULL)
        fail (run, analyse_job_input (slot->job)->name, error);
      return G_SOURCE_CONTINUE;
    default:
      /* In this order: one more that shares the model might need more memory than the limit leaves. */
      finish (run, slot, error);
      start_next (run);
      if (run->slots->len == 0)
        g_main_loop_quit (run->loop);
      return G_SOURCE_CONTINUE; /* the watch is gone already */
    }
}

/* ---- the run ------------------------------------------------------------------------------- */

/* @share: of the work that is done, 0..1 */
static void
draw_share (const Run *run, double share)
{
  const double seconds = (double) (g_get_monotonic_time () - run->start) / G_USEC_PER_SEC;
  const double now = share - run->before;
  g_autofree char *left = NULL, *remark = NULL;

  if (now > 0.005)
    {
      const guint time = (guint) (seconds * (1 - share) / now + 0.5);

      left = g_strdup_printf ("  %u:%02u:%02u left", time / 3600, time / 60 % 60, time % 60);
    }
  remark = g_strdup_printf ("%u of %u%s", run->done, run->inputs->len, left != NULL ? left : "");
  pld_tool_progress_draw ("analysing", (guint) (100 * share), remark);
}

static gboolean
draw (gpointer user_data)
{
  Run *run = user_data;
  double bytes = (double) run->done_bytes;

  for (guint i = 0; i < run->slots->len; i++)
    {
      Slot *slot = run->slots->pdata[i];

      bytes += analyse_job_progress (slot->job) * (double) analyse_job_input (slot->job)->size;
    }
  draw_share (run, bytes / (double) MAX (run->all_bytes, 1));
  return G_SOURCE_CONTINUE;
}

static gboolean
interrupt (gpointer user_data)
{
  Run *run = user_data;

  run->status = PLD_EXIT_STOPPED;
  g_main_loop_quit (run->loop);
  return G_SOURCE_CONTINUE;
}

static void
count_inputs (Run *run)
{
  for (guint i = 0; i < run->inputs->len; i++)
    {
      const AnalyseInput *input = run->inputs->pdata[i];

      run->all_bytes += input->size;
      if (!is_done (run, input))
        continue;
      run->done++;
      run->done_bytes += input->size;
    }
  run->before = (double) run->done_bytes / (double) MAX (run->all_bytes, 1);
  if (run->done > 0)
    g_printerr ("%u of %u recordings are done already\n", run->done, run->inputs->len);
}

static void
analyse (Run *run)
{
  const guint sources[] = { g_unix_signal_add (SIGINT, interrupt, run), g_unix_signal_add (SIGTERM, interrupt, run),
                            g_timeout_add (DRAW_INTERVAL, draw, run) };

  run->slots = g_ptr_array_new_with_free_func (slot_free);
  run->warned = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  run->start = g_get_monotonic_time ();
  for (int i = 0; i < run->options.jobs; i++)
    start_next (run);
  if (run->slots->len > 0 && run->status == 0)
    g_main_loop_run (run->loop);
  g_ptr_array_set_size (run->slots, 0);
  g_hash_table_unref (run->warned);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  pld_tool_progress_end ();
}

static gboolean
join (Run *run, GError **error)
{
  return analyse_store_join (run->store, run->inputs, "events.jsonl", "", "events.jsonl", error)
         && analyse_store_join (run->store, run->inputs, "visits.csv", ANALYSE_VISITS, "visits.csv", error)
         && analyse_store_join (run->store, run->inputs, "summary.csv", ANALYSE_SUMMARY, "row.csv", error)
         && (!run->options.detections
             || analyse_store_join (run->store, run->inputs, "detections.jsonl", "", "detections.jsonl", error));
}

static void
print_skipped (const AnalyseSkipped *skipped)
{
  const struct
  {
    guint n;
    const char *what;
  } kinds[] = { { skipped->again, "reached before" },
                { skipped->dangling, "links to nothing" },
                { skipped->hidden, "hidden" } };
  const char *separator = "skipped          ";

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (kinds[i].n > 0)
      {
        printf ("%s%u %s", separator, kinds[i].n, kinds[i].what);
        separator = ", ";
      }
  if (skipped->again + skipped->dangling + skipped->hidden > 0)
    printf ("\n");
}

static void
print_table (const Run *run)
{
  const double seconds = (double) (g_get_monotonic_time () - run->start) / G_USEC_PER_SEC;

  printf ("recordings       %u", run->inputs->len);
  if (run->damaged > 0)
    printf (", damaged %u", run->damaged);
  printf ("\n");
  print_skipped (&run->skipped);
  if (run->stats != NULL)
    {
      printf ("frames           %" G_GUINT64_FORMAT ", looked at %" G_GUINT64_FORMAT "\n", run->frames, run->looked);
      printf ("frames/s         %.1f\n", (double) run->frames / seconds);
      printf ("latency          %.1f ms on average, floor %.1f ms\n",
              run->looked > 0 ? run->latency / (double) run->looked : 0, pld_figure_ms (run->stats, "floor"));
      pld_figures_print_memory (run->stats, stdout);
    }
  printf ("results          %s\n", run->options.output);
}

static void
end (Run *run)
{
  g_autoptr (GError) error = NULL;

  if (run->status == PLD_EXIT_STOPPED)
    g_printerr ("stopped: %u of %u recordings are done; the same command goes on from there\n", run->done,
                run->inputs->len);
  if (run->status != 0)
    return;
  if (!join (run, &error))
    {
      fail (run, "", error);
      return;
    }
  print_table (run);
  if (run->damaged > 0)
    run->status = PLD_EXIT_FAILED;
}

static gboolean
prepare (Run *run, GError **error)
{
  g_autofree char *description = NULL;

  if (g_strcmp0 (pld_engine.memory_limit, "small") == 0)
    {
      const guint64 limit = pld_limit_small (pld_engine.model, (guint) run->options.jobs, &run->options.threads, error);

      if (limit == 0)
        return FALSE;
      g_free (pld_engine.memory_limit);
      pld_engine.memory_limit = g_strdup_printf ("%" G_GUINT64_FORMAT, limit);
    }
  run->options.memory_limit = pld_engine.memory_limit;
  description = analyse_options_describe (&run->options, error);
  if (description == NULL)
    return FALSE;
  run->inputs = analyse_inputs_find (run->names, run->options.output, &run->skipped, error);
  if (run->inputs != NULL)
    run->store = analyse_store_open (run->options.output, description, error);
  return run->store != NULL;
}

static void
clear (Run *run)
{
  g_clear_pointer (&run->slots, g_ptr_array_unref);
  g_clear_pointer (&run->stats, gst_structure_free);
  g_clear_pointer (&run->inputs, g_ptr_array_unref);
  analyse_store_close (run->store);
  g_main_loop_unref (run->loop);
}

static int
run_analyse (int argc, char **argv)
{
  Run run = { .names = argv + 1 };
  g_autoptr (GError) error = NULL;

  if (!analyse_options_check ())
    return PLD_EXIT_USAGE;
  run.options = analyse_options;
  run.loop = g_main_loop_new (NULL, FALSE);
  signal (SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like any other */
  if (!prepare (&run, &error))
    run.status = pld_tool_fail (error);
  else
    {
      count_inputs (&run);
      analyse (&run);
      end (&run);
    }
  clear (&run);
  return run.status;
}

static const PldVerb verb = {
  .name = "analyse",
  .arguments = "FILE|FOLDER…",
  .min = 1,
  .max = G_MAXINT,
  .description
  = "Finds who is in recordings, and when: events, visits, a summary, and a contact sheet of each visit. An "
    "interrupted analysis continues where it was when the same command runs again.",
  .options = { pld_model_options, pld_small_limit_options, analyse_option_entries },
  .examples = { { "recordings/", "results in the folder analytics" },
                { "--annotate --output=yard yard.mp4", "with a copy that has boxes" } },
  .libraries = gst_init_get_option_group,
  .run = run_analyse,
};

int
main (int argc, char **argv)
{
  return pld_verb_main (&verb, argc, argv);
}
