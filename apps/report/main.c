/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * pipeload-report: what cameras saw, written down by a language model. Reads the JSON lines of pipeload-watch,
 * condenses them into visits, and hands these to pipeloadllm as its prompt.
 */
#include "analytics/log-visits.h"
#include "apps/common/dialog.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>

/* What the bundled model reads at once all but without mistakes, and well within its context, by its card. */
#define MOST_LINES 14

typedef struct
{
  char *model, *memory_limit, *events;
  char **set;
  PldLogOptions visits;
} Report;

/* ---- the log ------------------------------------------------------------------------------- */

static gboolean
fail_file (const char *path, GError **error)
{
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", path, g_strerror (errno));
  return FALSE;
}

/* @lines: (out) (transfer full) */
static gboolean
read_log (const Report *report, const char *path, GPtrArray **lines, GError **error)
{
  gboolean is_stdin = strcmp (path, "-") == 0;
  FILE *file = is_stdin ? stdin : g_fopen (path, "re");
  g_autoptr (PldLogVisits) visits = file != NULL ? pld_log_visits_read (&report->visits, file) : NULL;
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
                   "%s: none of its lines is a frame's JSON; give what pipeload-watch --output wrote", path);
      return FALSE;
    }
  if (damaged > 0)
    g_printerr ("pipeload-report: %s: %" G_GUINT64_FORMAT " damaged lines are left out\n", path, damaged);
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

/* Each prompt is a part of the log; an empty log is one too. */
static void
ask (Dialog *dialog, const GPtrArray *lines)
{
  guint i = 0;

  do
    {
      g_autoptr (GString) prompt = g_string_new (NULL);
      const guint end = MIN (i + MOST_LINES, lines->len);

      for (; i < end; i++)
        g_string_append_printf (prompt, "%s%s", prompt->len > 0 ? "\n" : "", (const char *) lines->pdata[i]);
      dialog_ask (dialog, prompt->str);
    }
  while (i < lines->len);
  dialog_end (dialog);
}

static gboolean
interrupt (gpointer user_data)
{
  dialog_stop (user_data, STOPPED);
  return G_SOURCE_CONTINUE;
}

static int
write_report (const Report *report, const GPtrArray *lines, GError **error)
{
  Dialog *dialog = dialog_new (NULL, NULL, error);
  int status = FAILED;

  if (dialog == NULL)
    return FAILED;
  dialog_set (dialog, "model", report->model);
  dialog_set (dialog, "memory-limit", report->memory_limit);
  /* Facts, not fancy; and all of them. */
  dialog_set (dialog, "temperature", "0");
  dialog_set (dialog, "max-tokens", "-1");
  if (!dialog_set_all (dialog, report->set, error))
    status = MISUSED;
  else
    {
      guint signals[]
          = { g_unix_signal_add (SIGINT, interrupt, dialog), g_unix_signal_add (SIGTERM, interrupt, dialog) };

      ask (dialog, lines);
      status = dialog_run (dialog);
      for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
        g_source_remove (signals[i]);
    }
  dialog_free (dialog);
  return status;
}

/* ---- the program --------------------------------------------------------------------------- */

static gboolean
parse_options (Report *report, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &report->model, "Language model (the bundled one)", "PATH" },
    { "memory-limit", 'l', 0, G_OPTION_ARG_STRING, &report->memory_limit, "Such as 64MB; 0 for none (0)", "SIZE" },
    { "events", 'e', 0, G_OPTION_ARG_FILENAME, &report->events, "Write the visits there as lines of JSON", "FILE" },
    { "gap", 0, 0, G_OPTION_ARG_DOUBLE, &report->visits.gap, "Seconds of absence that end a visit (2)", "S" },
    { "min-seconds", 0, 0, G_OPTION_ARG_DOUBLE, &report->visits.min_seconds, "Leave out shorter visits (1)", "S" },
    { "threshold", 0, 0, G_OPTION_ARG_DOUBLE, &report->visits.threshold, "Least confidence, 0..1 (0.5)", "C" },
    { "ignore", 0, 0, G_OPTION_ARG_STRING_ARRAY, &report->visits.ignore,
      "A label that stands for nothing; may be repeated (no_person)", "LABEL" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &report->set, "A property of pipeloadllm; may be repeated",
      "NAME=VALUE" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("[LOG] - write a report of what cameras saw");

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (report->visits.ignore == NULL)
    report->visits.ignore = g_strsplit ("no_person", ",", -1);
  /* The other way round NaN would pass. */
  if (*argc > 2 || !(report->visits.gap >= 0 && report->visits.gap <= 1e6) || !(report->visits.min_seconds >= 0)
      || !(report->visits.threshold >= 0))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "one LOG at most, and --gap, --min-seconds and --threshold of at least 0 are needed; see --help");
      return FALSE;
    }
  return TRUE;
}

static int
run (const Report *report, const char *path, GError **error)
{
  g_autoptr (GPtrArray) lines = NULL;

  if (!read_log (report, path, &lines, error)
      || (report->events != NULL && !write_events (report->events, lines, error)))
    return FAILED;
  if (lines->len > 0)
    return write_report (report, lines, error);
  g_print ("Nothing was seen.\n");
  return 0;
}

int
main (int argc, char **argv)
{
  Report report = { .visits = { .gap = 2, .min_seconds = 1, .threshold = 0.5 } };
  g_autoptr (GError) error = NULL;
  int status = MISUSED;

  if (parse_options (&report, &argc, &argv, &error))
    status = run (&report, argc > 1 ? argv[1] : "detections.jsonl", &error);
  if (error != NULL)
    g_printerr ("pipeload-report: %s\n", error->message);
  g_free (report.model);
  g_free (report.memory_limit);
  g_free (report.events);
  g_strfreev (report.set);
  g_strfreev (report.visits.ignore);
  return status;
}
