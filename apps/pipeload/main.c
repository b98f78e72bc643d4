/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/pipeload/tools.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct
{
  const char *name;
  int (*run) (int argc, char **argv);
  const char *what;
} verbs[] = {
  { "inspect", pld_tool_inspect, "what a model file or folder holds" },
  { "plan", pld_tool_plan, "how a model would run under a memory limit" },
  { "run", pld_tool_run, "answer prompts with a language model; chat" },
  { "detect", pld_tool_detect, "what is to be seen on pictures or in a video" },
  { "bench", pld_tool_bench, "how fast a model runs on this machine" },
  { "quantize", pld_tool_quantize, "write a vision model with its weights in fewer bits" },
  { "synth", pld_tool_synth, "write a model of true shapes with random weights" },
};

static void
print_help (FILE *to)
{
  fprintf (to, "Usage: pipeload VERB [OPTIONS…] [ARGUMENTS…]\n\n"
               "Transformers under a hard memory limit: their weights stream from storage while they "
               "compute.\n\nVerbs:\n");
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    fprintf (to, "  %-10s %s\n", verbs[i].name, verbs[i].what);
  fprintf (to, "\n\"pipeload VERB --help\" tells a verb's options. Options: --help, --version.\n"
               "Exit status: 0 done, 1 bad usage, 2 it failed, 130 stopped.\n");
}

/* Output that did not reach its file must not look like success. */
static int
finish (int status)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return status;
  fprintf (stderr, "pipeload: the output cannot be written: %s\n", g_strerror (errno));
  return status == PLD_EXIT_OK ? PLD_EXIT_FAILED : status;
}

int
main (int argc, char **argv)
{
  /* Not LC_NUMERIC: numbers look the same everywhere. */
  setlocale (LC_CTYPE, "");
  setlocale (LC_MESSAGES, "");
  g_set_prgname ("pipeload");
  if (argc < 2)
    {
      print_help (stderr);
      return PLD_EXIT_USAGE;
    }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0 || strcmp (argv[1], "help") == 0)
    {
      print_help (stdout);
      return finish (PLD_EXIT_OK);
    }
  if (strcmp (argv[1], "--version") == 0)
    {
      printf ("pipeload %s\n", PLD_VERSION);
      return finish (PLD_EXIT_OK);
    }
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (strcmp (argv[1], verbs[i].name) == 0)
      return finish (verbs[i].run (argc - 1, argv + 1));
  return pld_tool_usage ("there is no verb \"%s\"", argv[1]);
}
