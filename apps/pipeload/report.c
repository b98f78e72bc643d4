/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The report verb: condenses the JSON lines of detections into visits, and has a language model write them down.
 */
#include "analytics/log-visits.h"
#include "apps/pipeload/run.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As many as the bundled model reads almost without mistakes, by its card, and well within its context. */
#define MOST_LINES 14

static PldLogOptions log_options = { .gap = 2, .min_seconds = 1, .threshold = 0.5 };
static char *events_path;
static int max_tokens = -1;

/* ---- the log ------------------------------------------------------------------------------- */

static gboolean
fail_file (const char *path, GError **error)
{
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", path, g_strerror (errno));
  return FALSE;
}

/* @lines: (out) (transfer full) */
static gboolean
read_log (const char *path, GPtrArray **lines, GError **error)
{
  gboolean is_stdin = strcmp (path, "-") == 0;
  FILE *file = is_stdin ? stdin : g_fopen (path, "re");
  g_autoptr (PldLogVisits) visits = file != NULL ? pld_log_visits_read (&log_options, file) : NULL;
  guint64 frames, damaged;

  if (visits == NULL)
    fail_file (path, error);
  if (file != NULL && !is_stdin)
    fclose (file);
  if (visits == NULL)
    return FALSE;
  pld_log_visits_count (visits, &frames, &damaged);
  if (frames == 0 && damaged > 0)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   "%s: none of its lines is a frame's JSON; give what \"pipeload detect --json\" printed", path);
      return FALSE;
    }
  if (damaged > 0)
    pld_tool_say ("pipeload: %s: %" G_GUINT64_FORMAT " damaged lines are left out", path, damaged);
  *lines = pld_log_visits_lines (visits);
  return TRUE;
}

static gboolean
write_events (const char *path, const GPtrArray *lines, GError **error)
{
  FILE *file = g_fopen (path, "we");
  gboolean ok = file != NULL;

  for (guint i = 0; ok && i < lines->len; i++)
    ok = fprintf (file, "%s\n", (const char *) lines->pdata[i]) > 0;
  if (file != NULL && fclose (file) != 0)
    ok = FALSE;
  return ok || fail_file (path, error);
}

/* ---- the report ---------------------------------------------------------------------------- */

/* Each prompt is a part of the log. */
static gboolean
answer_lines (PldRun *run, const GPtrArray *lines, GError **error)
{
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < lines->len;)
    {
      g_autoptr (GString) prompt = g_string_new (NULL);
      const guint end = MIN (i + MOST_LINES, lines->len);

      for (; i < end; i++)
        g_string_append_printf (prompt, "%s%s", prompt->len > 0 ? "\n" : "", (const char *) lines->pdata[i]);
      ok = pld_run_single (run, prompt->str, error);
    }
  return ok;
}

/* Returns: the exit status */
static int
write_report (const PldLlmOptions *options, const GPtrArray *lines)
{
  g_autoptr (GError) error = NULL;
  PldRun run = { .clean = isatty (STDOUT_FILENO), .cancellable = pld_tool_cancellable () };
  int status = PLD_EXIT_OK;

  pld_generate_options_init (&run.options);
  /* Facts, not fancy; and all of them. */
  run.options.temperature = 0;
  run.options.max_tokens = max_tokens;
  run.llm = pld_llm_open (options, pld_tool_progress, NULL, run.cancellable, &error);
  pld_tool_progress_end ();
  if (run.llm != NULL)
    pld_engine_warn (PLD_HANDLE (run.llm));
  if (run.llm == NULL || !answer_lines (&run, lines, &error))
    status = pld_tool_fail (error);
  g_clear_pointer (&run.llm, pld_llm_close);
  return status;
}

/* ---- the verb ------------------------------------------------------------------------------ */

static const GOptionEntry report_options[]
    = { { "events", 'e', 0, G_OPTION_ARG_FILENAME, &events_path, "Write the visits there as lines of JSON", "FILE" },
        { "gap", 0, 0, G_OPTION_ARG_DOUBLE, &log_options.gap, "Seconds of absence that end a visit (2)", "S" },
        { "min-seconds", 0, 0, G_OPTION_ARG_DOUBLE, &log_options.min_seconds, "Leave out shorter visits (1)", "S" },
        { "threshold", 'T', 0, G_OPTION_ARG_DOUBLE, &log_options.threshold, "Least confidence (0.5)", "0..1" },
        { "ignore", 0, 0, G_OPTION_ARG_STRING_ARRAY, &log_options.ignore,
          "A label that means nothing; may be repeated (no_person)", "LABEL" },
        { "max-tokens", 'n', 0, G_OPTION_ARG_INT, &max_tokens, "Longest answer; -1 = until it ends (-1)", "N" },
        { NULL } };

/* FALSE: an error was printed. */
static gboolean
check_options (void)
{
  const struct
  {
    const char *name;
    double value, min, max;
  } numbers[] = { { "gap", log_options.gap, 0, 1e6 },
                  { "min-seconds", log_options.min_seconds, 0, 1e9 },
                  { "threshold", log_options.threshold, 0, 1 },
                  { "max-tokens", max_tokens, -1, 1 << 24 } };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    /* The other way round NaN would pass. */
    if (!(numbers[i].value >= numbers[i].min && numbers[i].value <= numbers[i].max))
      {
        pld_tool_usage ("--%s must be from %g to %.15g", numbers[i].name, numbers[i].min, numbers[i].max);
        return FALSE;
      }
  return TRUE;
}

static int
run_report (int argc, char **argv)
{
  g_autoptr (GPtrArray) lines = NULL;
  g_autoptr (GError) error = NULL;
  PldLlmOptions llm;

  if (!check_options () || !pld_engine_llm (pld_engine.model, &llm))
    return PLD_EXIT_USAGE;
  if (log_options.ignore == NULL)
    log_options.ignore = g_strsplit ("no_person", ",", -1);
  if (!read_log (argc > 1 ? argv[1] : "detections.jsonl", &lines, &error)
      || (events_path != NULL && !write_events (events_path, lines, &error)))
    return pld_tool_fail (error);
  if (lines->len > 0)
    return write_report (&llm, lines);
  puts ("Nothing was seen.");
  return PLD_EXIT_OK;
}

const PldVerb pld_verb_report = {
  .name = "report",
  .arguments = "[LOG]",
  .max = 1,
  .description
  = "Condenses detections into visits: who was in front of which camera, when, for how long. A language model "
    "writes a report of them.\n"
    "LOG: JSON lines, as \"pipeload detect --json\" prints them; - for stdin (detections.jsonl).",
  .options = { pld_model_options, pld_limit_options, pld_engine_options, pld_llm_options, report_options },
  .examples
  = { { "detections.jsonl", "the report of the bundled language model" },
      { "--events=visits.jsonl --gap=10 detections.jsonl", "visits with gaps of up to 10 s, in a file, too" } },
  .run = run_report,
};
