/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The run verb: options, and where the prompts come from.
 */
#include "apps/pipeload/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_PROMPT (64u << 20) /* bytes; no context is that long */

static char *prompt, *file, *system_prompt, *template_name;
static char **stop;
static int max_tokens = -1, top_k = 40, history = G_MININT; /* its default depends on where prompts come from */
static double temperature = -1, top_p = 0.95, min_p = 0.05;
static double repeat_penalty = 1, presence_penalty, frequency_penalty;
static gint64 seed = -1;
static gboolean trim, json, quiet;

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
          fprintf (stderr, "pipeload: %s: %s\n", name,
                   n < 0 ? g_strerror (errno) : "is too long for a prompt; split it");
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
check_arguments (void)
{
  const struct
  {
    const char *name;
    double value, min, max;
  } numbers[] = { { "max-tokens", max_tokens, -1, 1 << 24 },
                  { "temperature", temperature, -1, 100 },
                  { "top-k", top_k, 0, 1 << 24 },
                  { "top-p", top_p, 0, 1 },
                  { "min-p", min_p, 0, 1 },
                  { "repeat-penalty", repeat_penalty, 0.01, 100 },
                  { "presence-penalty", presence_penalty, -100, 100 },
                  { "frequency-penalty", frequency_penalty, -100, 100 },
                  { "history", history == G_MININT ? 0 : history, -1, 1 << 24 },
                  { "seed", (double) seed, -1, (double) G_MAXINT64 } };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    /* The other way round NaN would pass. */
    if (!(numbers[i].value >= numbers[i].min && numbers[i].value <= numbers[i].max))
      {
        pld_tool_usage ("--%s must be from %g to %g", numbers[i].name, numbers[i].min, numbers[i].max);
        return FALSE;
      }
  if (prompt != NULL && file != NULL)
    {
      pld_tool_usage ("--prompt and --file are two prompts; give one");
      return FALSE;
    }
  return check_template (template_name);
}

static void
set_options (PldGenerateOptions *generate)
{
  pld_generate_options_init (generate);
  generate->chat_template = template_name;
  generate->max_tokens = max_tokens;
  generate->trim = trim;
  generate->temperature = (float) temperature;
  generate->top_k = (guint) top_k;
  generate->top_p = (float) top_p;
  generate->min_p = (float) min_p;
  generate->repeat_penalty = (float) repeat_penalty;
  generate->presence_penalty = (float) presence_penalty;
  generate->frequency_penalty = (float) frequency_penalty;
  generate->seed = seed;
  generate->stop = (const char *const *) stop;
}

static const GOptionEntry run_options[]
    = { { "prompt", 'p', 0, G_OPTION_ARG_FILENAME, &prompt, "Answer this and end; - for what stdin holds", "TEXT" },
        { "file", 'f', 0, G_OPTION_ARG_FILENAME, &file, "Answer what this file holds and end", "FILE" },
        { "system", 0, 0, G_OPTION_ARG_FILENAME, &system_prompt, "The system prompt", "TEXT" },
        { "template", 0, 0, G_OPTION_ARG_STRING, &template_name,
          "Chat template; none for the prompt as it is (the model's own)", "NAME" },
        { "max-tokens", 'n', 0, G_OPTION_ARG_INT, &max_tokens, "Longest answer; -1 = until it ends (-1)", "N" },
        { "temperature", 0, 0, G_OPTION_ARG_DOUBLE, &temperature,
          "0 = always the likeliest token; -1 = the model's own, or 0.8 (-1)", "T" },
        { "top-k", 0, 0, G_OPTION_ARG_INT, &top_k, "Of the K likeliest tokens; 0 = all (40)", "K" },
        { "top-p", 0, 0, G_OPTION_ARG_DOUBLE, &top_p, "Of the likeliest that together have P (0.95)", "P" },
        { "min-p", 0, 0, G_OPTION_ARG_DOUBLE, &min_p, "At least P times as likely as the likeliest (0.05)", "P" },
        { "repeat-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &repeat_penalty, "Divides tokens that came before (1)", "X" },
        { "presence-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &presence_penalty, "Taken off tokens that came (0)", "X" },
        { "frequency-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &frequency_penalty, "For each time they came (0)", "X" },
        { "seed", 's', 0, G_OPTION_ARG_INT64, &seed, "The same seed, the same answer; -1 = any (-1)", "N" },
        { "stop", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &stop, "End before this text; may be repeated", "TEXT" },
        { "history", 0, 0, G_OPTION_ARG_INT, &history,
          "Earlier prompts that are remembered, with their answers; -1 = all (typed: all, otherwise 0)", "N" },
        { "trim", 0, 0, G_OPTION_ARG_NONE, &trim, "Shorten prompts that are too long, from their beginning", NULL },
        { "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print JSON: one line an answer", NULL },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "No timings", NULL },
        { NULL } };

/* ---- the verb ------------------------------------------------------------------------------ */

static int
answer (PldRun *run)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  if (prompt == NULL && file == NULL)
    return isatty (STDIN_FILENO) ? pld_run_chat (run) : pld_run_lines (run);
  if (prompt != NULL && strcmp (prompt, "-") != 0)
    text = g_utf8_make_valid (prompt, -1);
  else
    text = read_prompt (file);
  if (text == NULL)
    return PLD_EXIT_FAILED;
  return pld_run_single (run, text, &error) ? PLD_EXIT_OK : pld_tool_fail (error);
}

static int
run_model (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  PldLlmOptions llm;
  PldRun run;
  int status;

  if (!check_arguments () || !pld_engine_llm (argc > 1 ? argv[1] : NULL, &llm))
    return PLD_EXIT_USAGE;
  make_valid (&system_prompt);
  for (guint i = 0; stop != NULL && stop[i] != NULL; i++)
    make_valid (&stop[i]);
  run = (PldRun) { .system = system_prompt,
                   .history = history != G_MININT     ? history
                              : isatty (STDIN_FILENO) ? -1
                                                      : 0,
                   .json = json,
                   .clean = isatty (STDOUT_FILENO),
                   .cancellable = pld_tool_cancellable () };
  set_options (&run.options);
  run.llm = pld_llm_open (&llm, pld_tool_progress, NULL, run.cancellable, &error);
  pld_tool_progress_end ();
  if (run.llm == NULL)
    return pld_tool_fail (error);
  pld_engine_warn (PLD_HANDLE (run.llm));
  status = answer (&run);
  if (!quiet)
    pld_run_print_timings (&run);
  g_clear_pointer (&run.llm, pld_llm_close);
  return status;
}

const PldVerb pld_verb_run = {
  .name = "run",
  .arguments = "[MODEL]",
  .max = 1,
  .description = "Answers a prompt with a language model (GGUF).\n"
                 "Without --prompt and --file: a chat at a terminal; otherwise an answer to each line of stdin.\n"
                 "Without MODEL: the bundled one, which writes reports of what cameras saw.",
  .options = { run_options, pld_limit_options, pld_engine_options, pld_llm_options },
  .examples = { { "llama.gguf", "a chat" },
                { "--memory-limit=2GB --prompt='Why is the sky blue?' llama.gguf", "one answer, with 2 GB of memory" },
                { "llama.gguf < questions.txt", "an answer to each line" } },
  .run = run_model,
};
