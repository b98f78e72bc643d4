/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gboolean bar_shown;

gboolean
pld_tool_parse (int *argc, char ***argv, const GOptionEntry *options, const char *arguments,
                const char *summary, int min, int max)
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

gboolean
pld_tool_model (const PldToolModel *model, const char *path, PldVisionOptions *options)
{
  const struct
  {
    const char *name;
    int value, max;
  } numbers[] = { { "loaders", model->loaders, 64 },
                  { "threads", model->threads, 1024 },
                  { "batch", model->batch, 4096 },
                  { "input-size", model->input_size, 65536 } };
  g_autoptr (GError) error = NULL;
  guint64 limit = 0;

  if (model->memory_limit != NULL && !pld_size_parse (model->memory_limit, &limit, &error))
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
  *options = (PldVisionOptions) { .model = path,
                                 .memory_limit = limit,
                                 .loaders = (guint) model->loaders,
                                 .threads = (guint) model->threads,
                                 .batch = (guint) model->batch,
                                 .input_size = (guint) model->input_size };
  return TRUE;
}

void
pld_tool_model_clear (PldToolModel *model)
{
  g_clear_pointer (&model->memory_limit, g_free);
}

char *
pld_tool_clean (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *clean = g_string_new (NULL);

  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    g_string_append_unichar (clean, g_unichar_iscntrl (g_utf8_get_char (c)) ? '?' : g_utf8_get_char (c));
  return g_string_free (clean, FALSE);
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

static int signal_pipe[2] = { -1, -1 };

/* Runs on whichever thread the signal hits, so it only passes the word on. */
static void
signal_taken (int number)
{
  int saved = errno;

  (void) !write (signal_pipe[1], "", 1);
  errno = saved;
}

static gpointer
signal_thread (gpointer data)
{
  char byte;

  while (read (signal_pipe[0], &byte, 1) < 0 && errno == EINTR)
    continue;
  g_cancellable_cancel (data);
  return NULL;
}

GCancellable *
pld_tool_cancellable (void)
{
  static GCancellable *cancellable;
  /* SA_RESETHAND: a second Ctrl-C ends a process that does not stop. */
  const struct sigaction action = { .sa_handler = signal_taken, .sa_flags = SA_RESTART | SA_RESETHAND };

  if (cancellable == NULL)
    {
      cancellable = g_cancellable_new ();
      if (g_unix_open_pipe (signal_pipe, FD_CLOEXEC, NULL))
        {
          g_thread_unref (g_thread_new ("signals", signal_thread, cancellable));
          sigaction (SIGINT, &action, NULL);
          sigaction (SIGTERM, &action, NULL);
        }
    }
  return cancellable;
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
