/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/analyse/options.h"

#include "pipeload/pipeload.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <gst/gst.h>

void
analyse_options_clear (AnalyseOptions *options)
{
  g_strfreev (options->inputs);
  g_free (options->model);
  g_free (options->memory_limit);
  g_free (options->zones);
  g_free (options->output);
}

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
  if (options->model != NULL && !describe_file (text, "model", options->model, error))
    return NULL;
  if (options->zones != NULL && *options->zones == '{')
    g_string_append_printf (text, "zones %s\n", options->zones);
  else if (options->zones != NULL && !describe_file (text, "zones", options->zones, error))
    return NULL;
  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
analyse_options_parse (AnalyseOptions *options, int *argc, char ***argv, GError **error)
{
  gboolean no_sheets = FALSE;
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, "Folder for the results (analytics)", "FOLDER" },
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &options->model, "Model file or folder (the bundled one)", "PATH" },
    { "memory-limit", 'l', 0, G_OPTION_ARG_STRING, &options->memory_limit,
      "Such as 64MB; 0 for none; auto: what the machine can spare; small: so little that weights are streamed (0)",
      "SIZE" },
    { "zones", 'z', 0, G_OPTION_ARG_FILENAME, &options->zones,
      "Zones, masks and lines: a JSON file (the whole picture)", "FILE" },
    { "every", 'n', 0, G_OPTION_ARG_INT, &options->every, "Look at every Nth frame (about 5 frames a second)", "N" },
    { "keyframes-only", 'k', 0, G_OPTION_ARG_NONE, &options->keyframes,
      "Decode and look at keyframes alone: fast, but nobody is followed from one to the next", NULL },
    { "annotate", 'a', 0, G_OPTION_ARG_NONE, &options->annotate, "Write a copy with boxes of each recording", NULL },
    { "no-sheets", 0, 0, G_OPTION_ARG_NONE, &no_sheets, "Make no contact sheets", NULL },
    { "detections", 0, 0, G_OPTION_ARG_NONE, &options->detections, "Write what is seen in each frame looked at, too",
      NULL },
    { "again", 0, 0, G_OPTION_ARG_NONE, &options->again, "Analyse what is done already, too", NULL },
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &options->jobs, "Recordings at once (2)", "N" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->inputs, NULL, "FILE|FOLDER..." },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- say who is in recordings, and when");

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  options->sheets = !no_sheets;
  if (options->output == NULL)
    options->output = g_strdup ("analytics");
  if (options->memory_limit == NULL)
    options->memory_limit = g_strdup ("0");
  if (options->inputs != NULL && options->jobs >= 1 && options->every >= 0)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "recordings or folders of them, --jobs of at least 1 and --every of at least 0 are needed; see --help");
  return FALSE;
}
