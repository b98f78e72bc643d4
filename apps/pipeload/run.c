/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/pipeload/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_PROMPT (64u << 20) /* bytes; no context is so long */

/* What the options say, before it is checked. */
typedef struct
{
  PldToolModel model;
  char *prompt, *file, *system, *template_name;
  char **stop;
  int max_tokens, top_k;
  double temperature, top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty;
  gint64 seed;
  gboolean trim, json, quiet;
} Arguments;

static void
arguments_clear (Arguments *a)
{
  pld_tool_model_clear (&a->model);
  g_free (a->prompt);
  g_free (a->file);
  g_free (a->system);
  g_free (a->template_name);
  g_strfreev (a->stop);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static void
make_valid (char **text)
{
  if (*text != NULL)
    {
      char *valid = g_utf8_make_valid (*text, -1);

      g_free (*text);
      *text = valid;
    }
}

/* ---- the prompt ---------------------------------------------------------------------------- */

static gboolean
read_all (int fd, const char *name, GString *text)
{
  char bytes[65536];
  ssize_t n;

  while ((n = read (fd, bytes, sizeof bytes)) != 0)
    {
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 || text->len + (gsize) n > MAX_PROMPT)
        {
          fprintf (stderr, "pipeload: %s: %s\n", name, n < 0 ? g_strerror (errno) : "is longer than any prompt may be");
          return FALSE;
        }
      g_string_append_len (text, bytes, n);
    }
  return TRUE;
}

/* @path: NULL for stdin. The newline that ends a file is not part of the prompt. Returns: (transfer full) (nullable):
 * NULL: an error was printed */
static char *
read_prompt (const char *path)
{
  g_autoptr (GString) text = g_string_new (NULL);
  int fd = path != NULL ? open (path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  gboolean ok = fd >= 0 && read_all (fd, path != NULL ? path : "stdin", text);

  if (fd < 0)
    fprintf (stderr, "pipeload: %s: %s\n", path, g_strerror (errno));
  else if (path != NULL)
    close (fd);
  if (ok && text->len > 0 && text->str[text->len - 1] == '\n')
    g_string_truncate (text, text->len - 1);
  return ok ? g_utf8_make_valid (text->str, (gssize) text->len) : NULL;
}

/* ---- options ------------------------------------------------------------------------------- */

static gboolean
check_template (const char *name)
{
  g_autofree char *names = NULL;

  if (name == NULL || strcmp (name, "none") == 0 || g_strv_contains (pld_llm_template_names (), name))
    return TRUE;
  names = g_strjoinv (", ", (char **) pld_llm_template_names ());
  pld_tool_usage ("--template must be none or one of %s", names);
  return FALSE;
}

/* FALSE: an error was printed. */
static gboolean
check_arguments (const Arguments *a)
{
  const struct
  {
    const char *name;
    double value, min, max;
  } numbers[] = { { "max-tokens", a->max_tokens, -1, 1 << 24 },
                  { "temperature", a->temperature, -1, 100 },
                  { "top-k", a->top_k, 0, 1 << 24 },
                  { "top-p", a->top_p, 0, 1 },
                  { "min-p", a->min_p, 0, 1 },
                  { "repeat-penalty", a->repeat_penalty, 0.01, 100 },
                  { "presence-penalty", a->presence_penalty, -100, 100 },
                  { "frequency-penalty", a->frequency_penalty, -100, 100 },
                  { "seed", (double) a->seed, -1, (double) G_MAXINT64 } };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    /* The other way round NaN would pass. */
    if (!(numbers[i].value >= numbers[i].min && numbers[i].value <= numbers[i].max))
      {
        pld_tool_usage ("--%s must be from %g to %g", numbers[i].name, numbers[i].min, numbers[i].max);
        return FALSE;
      }
  if (a->prompt != NULL && a->file != NULL)
    {
      pld_tool_usage ("--prompt and --file are two prompts; give one");
      return FALSE;
    }
  return check_template (a->template_name);
}

static void
set_options (const Arguments *a, PldGenerateOptions *options)
{
  options->chat_template = a->template_name;
  options->max_tokens = a->max_tokens;
  options->trim = a->trim;
  options->temperature = (float) a->temperature;
  options->top_k = (guint) a->top_k;
  options->top_p = (float) a->top_p;
  options->min_p = (float) a->min_p;
  options->repeat_penalty = (float) a->repeat_penalty;
  options->presence_penalty = (float) a->presence_penalty;
  options->frequency_penalty = (float) a->frequency_penalty;
  options->seed = a->seed;
  options->stop = (const char *const *) a->stop;
}

static gboolean
parse_arguments (int *argc, char ***argv, Arguments *a)
{
  const GOptionEntry options[] = {
    { "prompt", 'p', 0, G_OPTION_ARG_FILENAME, &a->prompt, "Answer this and end; - for what stdin holds", "TEXT" },
    { "file", 'f', 0, G_OPTION_ARG_FILENAME, &a->file, "Answer what this file holds and end", "FILE" },
    { "system", 0, 0, G_OPTION_ARG_FILENAME, &a->system, "The system prompt", "TEXT" },
    { "template", 0, 0, G_OPTION_ARG_STRING, &a->template_name,
      "Chat template; none for the prompt as it is (the model's own)", "NAME" },
    { "max-tokens", 'n', 0, G_OPTION_ARG_INT, &a->max_tokens, "Longest answer; -1 = until it ends (-1)", "N" },
    { "temperature", 0, 0, G_OPTION_ARG_DOUBLE, &a->temperature,
      "0 = always the likeliest token; -1 = the model's own, or 0.8 (-1)", "T" },
    { "top-k", 0, 0, G_OPTION_ARG_INT, &a->top_k, "Of the K likeliest tokens; 0 = all (40)", "K" },
    { "top-p", 0, 0, G_OPTION_ARG_DOUBLE, &a->top_p, "Of the likeliest that together have P (0.95)", "P" },
    { "min-p", 0, 0, G_OPTION_ARG_DOUBLE, &a->min_p, "At least P times as likely as the likeliest (0.05)", "P" },
    { "repeat-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &a->repeat_penalty, "Divides tokens that came before (1)", "X" },
    { "presence-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &a->presence_penalty, "Taken off tokens that came (0)", "X" },
    { "frequency-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &a->frequency_penalty, "For each time they came (0)", "X" },
    { "seed", 's', 0, G_OPTION_ARG_INT64, &a->seed, "The same seed, the same answer; -1 = any (-1)", "N" },
    { "stop", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->stop, "End before this text; may be repeated", "TEXT" },
    { "trim", 0, 0, G_OPTION_ARG_NONE, &a->trim, "Shorten prompts that are too long, from their beginning", NULL },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &a->json, "Print JSON: one line an answer", NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &a->quiet, "No timings", NULL },
    PLD_TOOL_ENGINE_OPTIONS (a->model),
    PLD_TOOL_LLM_OPTIONS (a->model),
    { NULL }
  };

  if (!pld_tool_parse (
          argc, argv, options, "[MODEL]",
          "Answers a prompt with a language model (GGUF).\nWithout --prompt and --file: a chat, or where stdin is no "
          "terminal, an answer to each of its lines.\nWithout MODEL: the bundled one, which writes reports of "
          "what cameras saw.",
          0, 1)
      || !check_arguments (a))
    return FALSE;
  make_valid (&a->system);
  for (guint i = 0; a->stop != NULL && a->stop[i] != NULL; i++)
    make_valid (&a->stop[i]);
  return TRUE;
}

/* ---- the verb ------------------------------------------------------------------------------ */

static int
answer (PldRun *run, const Arguments *a)
{
  g_autofree char *prompt = NULL;
  g_autoptr (GError) error = NULL;

  if (a->prompt == NULL && a->file == NULL)
    return isatty (STDIN_FILENO) ? pld_run_chat (run) : pld_run_lines (run);
  if (a->prompt != NULL && strcmp (a->prompt, "-") != 0)
    prompt = g_utf8_make_valid (a->prompt, -1);
  else
    prompt = read_prompt (a->file);
  if (prompt == NULL)
    return PLD_EXIT_FAILED;
  return pld_run_single (run, prompt, &error) ? PLD_EXIT_OK : pld_tool_fail (error);
}

int
pld_tool_run (int argc, char **argv)
{
  PldGenerateOptions defaults;
  g_auto (Arguments) a = { .prompt = NULL };
  g_autoptr (GError) error = NULL;
  PldLlmOptions options;
  PldRun run;
  int status;

  pld_generate_options_init (&defaults);
  a.max_tokens = defaults.max_tokens;
  a.temperature = (double) defaults.temperature;
  a.top_k = (int) defaults.top_k;
  a.top_p = (double) defaults.top_p;
  a.min_p = (double) defaults.min_p;
  a.repeat_penalty = (double) defaults.repeat_penalty;
  a.presence_penalty = (double) defaults.presence_penalty;
  a.frequency_penalty = (double) defaults.frequency_penalty;
  a.seed = defaults.seed;
  if (!parse_arguments (&argc, &argv, &a) || !pld_tool_llm (&a.model, argc > 1 ? argv[1] : NULL, &options))
    return PLD_EXIT_USAGE;
  run = (PldRun) { .options = defaults,
                   .system = a.system,
                   .json = a.json,
                   .clean = isatty (STDOUT_FILENO),
                   .cancellable = pld_tool_cancellable () };
  set_options (&a, &run.options);
  run.llm = pld_llm_open (&options, pld_tool_progress, NULL, run.cancellable, &error);
  pld_tool_progress_end ();
  if (run.llm == NULL)
    return pld_tool_fail (error);
  status = answer (&run, &a);
  if (!a.quiet)
    pld_run_print_timings (&run);
  pld_llm_close (&run.llm);
  return status;
}
