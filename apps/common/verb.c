/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a verb: parses its command line by its tables, and reports errors with the exit statuses that all verbs share.
 */
#include "apps/common/verb.h"
#include "apps/common/terminal.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

int
pld_tool_fail (const GError *error)
{
  g_autofree char *message = pld_tool_clean (error->message);

  pld_tool_progress_end ();
  fflush (stdout);
  fprintf (stderr, "pipeload: %s\n", message);
  return g_error_matches (error, PLD_ERROR, PLD_ERROR_CANCELLED) ? PLD_EXIT_STOPPED : PLD_EXIT_FAILED;
}

int
pld_tool_usage (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  fprintf (stderr, "pipeload: %s\nTry \"%s --help\".\n", text, g_get_prgname ());
  return PLD_EXIT_USAGE;
}

/* Output that did not reach its file must not look like success. */
int
pld_tool_finish (int status)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return status;
  fprintf (stderr, "pipeload: the output cannot be written: %s\n", g_strerror (errno));
  return status == PLD_EXIT_OK ? PLD_EXIT_FAILED : status;
}

static gboolean
check_count (const PldVerb *verb, int n, char **arguments)
{
  if (n < verb->min)
    pld_tool_usage ("too few arguments: pipeload %s %s", verb->name, verb->arguments);
  else if (n > verb->max)
    pld_tool_usage ("unexpected argument \"%s\": pipeload %s %s", arguments[verb->max], verb->name, verb->arguments);
  return n >= verb->min && n <= verb->max;
}

/* FALSE: an error was printed. */
static gboolean
parse (const PldVerb *verb, int *argc, char ***argv, gboolean *version)
{
  const GOptionEntry own[]
      = { { "version", 0, 0, G_OPTION_ARG_NONE, version, "Print the version and exit", NULL }, { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new (verb->arguments);
  g_autofree char *epilogue = pld_verb_epilogue (verb);
  g_autoptr (GError) error = NULL;

  g_option_context_set_summary (context, verb->description);
  g_option_context_set_description (context, epilogue);
  for (guint i = 0; verb->options[i] != NULL; i++)
    g_option_context_add_main_entries (context, verb->options[i], NULL);
  g_option_context_add_main_entries (context, own, NULL);
  if (verb->libraries != NULL)
    g_option_context_add_group (context, verb->libraries ());
  if (!g_option_context_parse (context, argc, argv, &error))
    {
      pld_tool_usage ("%s", error->message);
      return FALSE;
    }
  if (*argc > 1 && strcmp ((*argv)[1], "--") == 0)
    {
      /* GOption leaves the "--" that ends the options. */
      memmove (*argv + 1, *argv + 2, sizeof **argv * (size_t) (*argc - 1));
      (*argc)--;
    }
  return *version || check_count (verb, *argc - 1, *argv + 1);
}

int
pld_verb_main (const PldVerb *verb, int argc, char **argv)
{
  g_autofree char *name = g_strdup_printf ("pipeload %s", verb->name);
  gboolean version = FALSE;

  /* Not LC_NUMERIC: numbers look the same everywhere. */
  setlocale (LC_CTYPE, "");
  setlocale (LC_MESSAGES, "");
  g_set_prgname (name);
  if (argc == 2 && g_str_has_prefix (argv[1], "--generate="))
    return pld_verb_generate (verb, strchr (argv[1], '=') + 1) ? pld_tool_finish (PLD_EXIT_OK)
                                                               : pld_tool_usage ("unknown format %s", argv[1]);
  if (!parse (verb, &argc, &argv, &version))
    return PLD_EXIT_USAGE;
  if (!version)
    return pld_tool_finish (verb->run (argc, argv));
  printf ("pipeload %s\n", PLD_VERSION);
  return pld_tool_finish (PLD_EXIT_OK);
}
