/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/pipeload/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gboolean bar_shown;

gboolean
pld_tool_parse (int *argc, char ***argv, const GOptionEntry *options, const char *arguments, const char *summary,
                int min, int max)
{
  g_autofree char *verb = g_strdup (**argv);
  g_autofree char *name = g_strdup_printf ("pipeload %s", verb);
  g_autoptr (GOptionContext) context = g_option_context_new (arguments);
  g_autoptr (GError) error = NULL;

  g_set_prgname (name);
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, argc, argv, &error))
    pld_tool_usage ("%s", error->message);
  else if (*argc > 1 && strcmp ((*argv)[1], "--") == 0)
    {
      /* GOption leaves the "--" that ends the options. */
      memmove (*argv + 1, *argv + 2, sizeof **argv * (size_t) (*argc - 1));
      (*argc)--;
    }
  if (error != NULL)
    return FALSE;
  if (*argc - 1 < min)
    pld_tool_usage ("too few arguments: pipeload %s %s", verb, arguments);
  else if (*argc - 1 > max)
    pld_tool_usage ("\"%s\" is one argument too many: pipeload %s %s", (*argv)[max + 1], verb, arguments);
  return *argc - 1 >= min && *argc - 1 <= max;
}

/* What all models have in common. */
static gboolean
check_engine (const PldToolModel *model, guint64 *limit)
{
  const struct
  {
    const char *name;
    int value, max;
  } numbers[] = { { "loaders", model->loaders, 64 },
                  { "threads", model->threads, 1024 },
                  { "batch", model->batch, 4096 },
                  { "context-size", model->context_size, 1 << 24 },
                  { "lookup", model->lookup, 15 } };
  g_autoptr (GError) error = NULL;

  *limit = 0;
  if (model->memory_limit != NULL && !pld_limit_parse (model->memory_limit, limit, &error))
    {
      pld_tool_usage ("--memory-limit: %s", error->message);
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (numbers[i].value < 0 || numbers[i].value > numbers[i].max)
      {
        pld_tool_usage ("--%s must be from 0 to %d", numbers[i].name, numbers[i].max);
        return FALSE;
      }
  return TRUE;
}

gboolean
pld_tool_model (const PldToolModel *model, const char *path, PldVisionOptions *options)
{
  g_autoptr (GError) error = NULL;
  guint64 limit;

  if (!check_engine (model, &limit))
    return FALSE;
  if (model->context_size > 0 || model->cache_type != NULL || model->lookup != 0)
    {
      pld_tool_usage ("--context-size, --cache-type and --lookup are for language models");
      return FALSE;
    }
  *options = (PldVisionOptions) { .model = path,
                                  .memory_limit = limit,
                                  .loaders = (guint) model->loaders,
                                  .threads = (guint) model->threads,
                                  .batch = (guint) model->batch };
  if (model->input_size != NULL
      && !pld_input_size_parse (model->input_size, &options->input_width, &options->input_height, &error))
    {
      pld_tool_usage ("--input-size: %s", error->message);
      return FALSE;
    }
  return TRUE;
}

gboolean
pld_tool_llm (const PldToolModel *model, const char *path, PldLlmOptions *options)
{
  static const char *const cache_types[]
      = { [PLD_CACHE_F16] = "f16", [PLD_CACHE_Q8_0] = "q8_0", [PLD_CACHE_F32] = "f32" };
  guint cache_type = PLD_CACHE_F16;
  guint64 limit;

  if (!check_engine (model, &limit))
    return FALSE;
  if (model->batch > 0 || model->input_size != NULL)
    {
      pld_tool_usage ("--batch and --input-size are for models that look at pictures");
      return FALSE;
    }
  if (model->cache_type != NULL)
    for (cache_type = 0; cache_type < G_N_ELEMENTS (cache_types); cache_type++)
      if (strcmp (model->cache_type, cache_types[cache_type]) == 0)
        break;
  if (cache_type == G_N_ELEMENTS (cache_types))
    {
      pld_tool_usage ("--cache-type must be f16, q8_0 or f32");
      return FALSE;
    }
  *options = (PldLlmOptions) { .model = path,
                               .memory_limit = limit,
                               .loaders = (guint) model->loaders,
                               .threads = (guint) model->threads,
                               .context_size = (guint) model->context_size,
                               .cache_type = (PldCacheType) cache_type,
                               .lookup = (guint) model->lookup };
  return TRUE;
}

void
pld_tool_model_clear (PldToolModel *model)
{
  g_clear_pointer (&model->memory_limit, g_free);
  g_clear_pointer (&model->cache_type, g_free);
}

static char *
clean (const char *text, gssize length, const char *kept)
{
  g_autofree char *valid = g_utf8_make_valid (text, length);
  GString *result = g_string_new (NULL);

  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);

      g_string_append_unichar (result, g_unichar_iscntrl (character) && strchr (kept, *c) == NULL ? '?' : character);
    }
  return g_string_free (result, FALSE);
}

char *
pld_tool_clean (const char *text)
{
  return clean (text, -1, "");
}

char *
pld_tool_clean_lines (const char *text, gsize length)
{
  return clean (text, (gssize) length, "\n\t");
}

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

void
pld_tool_progress (const char *step, guint percent, gpointer user_data)
{
  enum
  {
    WIDTH = 40
  };
  char bar[WIDTH + 1];
  guint full = MIN (percent, 100) * WIDTH / 100;

  if (!isatty (STDERR_FILENO))
    return;
  memset (bar, ' ', WIDTH);
  memset (bar, '#', full);
  bar[WIDTH] = '\0';
  fprintf (stderr, "\r%-16s [%s] %3u %%\033[K", step, bar, MIN (percent, 100));
  fflush (stderr);
  bar_shown = TRUE;
}

void
pld_tool_progress_end (void)
{
  if (bar_shown)
    fputs ("\r\033[K", stderr);
  bar_shown = FALSE;
}

void
pld_tool_line (const char *name, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *clean = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  clean = pld_tool_clean (text);
  printf ("%-18s%s\n", name, clean);
}

void
pld_tool_line_size (const char *name, guint64 bytes, const char *remark)
{
  g_autofree char *size = pld_size_format (bytes);

  if (remark != NULL)
    pld_tool_line (name, "%-12s %s", size, remark);
  else
    pld_tool_line (name, "%s", size);
}
