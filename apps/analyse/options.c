/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The options of the analyse verb, and their description, by which finished results are recognized.
 */
#include "apps/analyse/options.h"
#include "apps/common/engine.h"
#include "apps/common/verb.h"

#include "pipeload/pipeload.h"

#include <errno.h>
#include <glib/gstdio.h>

AnalyseOptions analyse_options = { .jobs = 2, .sheets = TRUE };

const GOptionEntry analyse_option_entries[] = {
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &analyse_options.output, "Folder for the results (analytics)", "FOLDER" },
  { "zones", 'z', 0, G_OPTION_ARG_FILENAME, &analyse_options.zones,
    "Zones, masks and lines: a JSON file (the whole picture)", "FILE" },
  { "every", 'n', 0, G_OPTION_ARG_INT, &analyse_options.every,
    "Infer on every Nth frame; 0 = about 5 frames per second (0)", "N" },
  { "keyframes-only", 'k', 0, G_OPTION_ARG_NONE, &analyse_options.keyframes,
    "Decode and infer on keyframes alone: fast, but people are not followed from one to the next", NULL },
  { "annotate", 'a', 0, G_OPTION_ARG_NONE, &analyse_options.annotate, "Write a copy of each recording with boxes",
    NULL },
  { "no-sheets", 0, G_OPTION_FLAG_REVERSE, G_OPTION_ARG_NONE, &analyse_options.sheets, "Make no contact sheets", NULL },
  { "detections", 0, 0, G_OPTION_ARG_NONE, &analyse_options.detections,
    "Write the objects of each frame with inference, too", NULL },
  { "again", 0, 0, G_OPTION_ARG_NONE, &analyse_options.again, "Analyse finished recordings again", NULL },
  { "jobs", 'j', 0, G_OPTION_ARG_INT, &analyse_options.jobs, "Recordings at once (2)", "N" },
  { NULL }
};

static gboolean
describe_file (GString *text, const char *name, const char *path, GError **error)
{
  GStatBuf what;

  if (g_stat (path, &what) != 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", path, g_strerror (errno));
      return FALSE;
    }
  g_string_append_printf (text, "%s %s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT ".%09ld\n", name, path,
                          (gint64) what.st_size, (gint64) what.st_mtim.tv_sec, what.st_mtim.tv_nsec);
  return TRUE;
}

char *
analyse_options_describe (const AnalyseOptions *options, GError **error)
{
  g_autoptr (GString) text = g_string_new ("pipeload " PLD_VERSION "\n");

  g_string_append_printf (text, "every %d, keyframes %d, annotate %d, sheets %d, detections %d\n", options->every,
                          options->keyframes, options->annotate, options->sheets, options->detections);
  if (pld_engine.model != NULL && !describe_file (text, "model", pld_engine.model, error))
    return NULL;
  if (options->zones != NULL && *options->zones == '{')
    g_string_append_printf (text, "zones %s\n", options->zones);
  else if (options->zones != NULL && !describe_file (text, "zones", options->zones, error))
    return NULL;
  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
analyse_options_check (void)
{
  if (analyse_options.output == NULL)
    analyse_options.output = g_strdup ("analytics");
  if (analyse_options.jobs >= 1 && analyse_options.every >= 0)
    return TRUE;
  pld_tool_usage ("--jobs must be from 1, --every from 0");
  return FALSE;
}
