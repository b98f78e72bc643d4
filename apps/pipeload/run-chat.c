/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Conversations at a terminal, and prompts read line by line from a file or pipe.
 */
#include "apps/pipeload/run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINE (16u << 20)

/* ---- lines --------------------------------------------------------------------------------- */

typedef enum
{
  LINE_READ,
  LINE_END,
  LINE_STOPPED,
  LINE_FAILED, /* and the error was printed */
} LineOutcome;

typedef struct
{
  GString *pending; /* read, and not yet handed out */
  gboolean end;
} Lines;

/* Waits for more of stdin, or for cancellation. */
static LineOutcome
lines_fill (Lines *lines, GCancellable *cancellable)
{
  struct pollfd fds[2]
      = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = g_cancellable_get_fd (cancellable), .events = POLLIN } };
  LineOutcome outcome = LINE_READ;
  char bytes[4096];
  ssize_t n = 0;

  while (poll (fds, 2, -1) < 0 && errno == EINTR)
    continue;
  g_cancellable_release_fd (cancellable);
  if (g_cancellable_is_cancelled (cancellable))
    return LINE_STOPPED;
  do
    n = read (STDIN_FILENO, bytes, sizeof bytes);
  while (n < 0 && errno == EINTR);
  if (n > 0)
    g_string_append_len (lines->pending, bytes, n);
  else if (n == 0)
    lines->end = TRUE;
  if (n < 0 || lines->pending->len > MAX_LINE)
    {
      fprintf (stderr, "pipeload: stdin: %s\n",
               n < 0 ? g_strerror (errno) : "a line is too long for a prompt; split it");
      outcome = LINE_FAILED;
    }
  return outcome;
}

/* @line: (out) (transfer full): UTF-8 without its end */
static LineOutcome
lines_next (Lines *lines, char **line, GCancellable *cancellable)
{
  const char *newline;
  gsize n;

  while ((newline = memchr (lines->pending->str, '\n', lines->pending->len)) == NULL && !lines->end)
    {
      LineOutcome outcome = lines_fill (lines, cancellable);

      if (outcome != LINE_READ)
        return outcome;
    }
  if (newline == NULL && lines->pending->len == 0)
    return LINE_END;
  n = newline != NULL ? (gsize) (newline - lines->pending->str) : lines->pending->len;
  *line = g_utf8_make_valid (lines->pending->str, (gssize) n);
  g_string_erase (lines->pending, 0, (gssize) MIN (n + 1, lines->pending->len));
  return LINE_READ;
}

static gboolean
is_blank (const char *line)
{
  return line[strspn (line, " \t\r")] == '\0';
}

/* ---- conversations ------------------------------------------------------------------------- */

static void
message_clear (gpointer message)
{
  g_free ((char *) ((PldMessage *) message)->content);
}

static void
history_add (GArray *history, const char *role, const char *content)
{
  const PldMessage message = { role, g_strdup (content) };

  g_array_append_val (history, message);
}

static void
history_reset (GArray *history, const PldRun *run)
{
  g_array_set_size (history, 0);
  if (run->system != NULL)
    history_add (history, "system", run->system);
}

/* Drops the oldest prompts, with their answers, beyond those that are to be remembered. */
static void
history_trim (GArray *history, const PldRun *run)
{
  const guint first = run->system != NULL ? 1 : 0;
  const guint kept = 2 * (guint) MAX (run->history, 0);

  if (run->history >= 0 && history->len > first + kept)
    g_array_remove_range (history, first, history->len - first - kept);
}

/* One prompt and its answer. An answer that was cancelled stays in the conversation. */
static gboolean
chat_turn (PldRun *run, GArray *history, const char *line, GCancellable *cancellable, GError **error)
{
  g_autoptr (GString) answer = g_string_new (NULL);
  gboolean ok;

  history_add (history, "user", line);
  ok = pld_run_answer (run, (const PldMessage *) history->data, history->len, answer, cancellable, error);
  if (ok || g_cancellable_is_cancelled (cancellable))
    history_add (history, "assistant", answer->str);
  else
    g_array_set_size (history, history->len - 1);
  history_trim (history, run);
  return ok;
}

/* Ctrl-C cancels this answer alone. FALSE: the chat is to end. */
static gboolean
typed_turn (PldRun *run, GArray *history, const char *line)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  gboolean ok;

  pld_tool_set_answer (cancellable);
  ok = chat_turn (run, history, line, cancellable, &error);
  pld_tool_set_answer (NULL);
  if (!ok && !g_error_matches (error, PLD_ERROR, PLD_ERROR_CANCELLED))
    pld_tool_fail (error);
  return !g_cancellable_is_cancelled (run->cancellable);
}

int
pld_run_chat (PldRun *run)
{
  Lines lines = { g_string_new (NULL), FALSE };
  g_autoptr (GArray) history = g_array_new (FALSE, FALSE, sizeof (PldMessage));
  LineOutcome outcome = LINE_READ;

  g_array_set_clear_func (history, message_clear);
  history_reset (history, run);
  fputs ("/reset forgets the conversation, /quit or Ctrl-D ends it, Ctrl-C stops an answer.\n", stderr);
  while (outcome == LINE_READ)
    {
      g_autofree char *line = NULL;

      fputs ("> ", stderr);
      outcome = lines_next (&lines, &line, run->cancellable);
      if (outcome != LINE_READ)
        fputc ('\n', stderr);
      else if (strcmp (line, "/quit") == 0)
        outcome = LINE_END;
      else if (strcmp (line, "/reset") == 0)
        history_reset (history, run);
      else if (!is_blank (line) && !typed_turn (run, history, line))
        outcome = LINE_STOPPED;
    }
  g_string_free (lines.pending, TRUE);
  return outcome == LINE_END ? PLD_EXIT_OK : outcome == LINE_STOPPED ? PLD_EXIT_STOPPED : PLD_EXIT_FAILED;
}

/* ---- lines of a file or pipe ---------------------------------------------------------------- */

int
pld_run_lines (PldRun *run)
{
  Lines lines = { g_string_new (NULL), FALSE };
  g_autoptr (GArray) history = g_array_new (FALSE, FALSE, sizeof (PldMessage));
  LineOutcome outcome = LINE_READ;
  int status = PLD_EXIT_OK;

  g_array_set_clear_func (history, message_clear);
  history_reset (history, run);
  while (outcome == LINE_READ && status != PLD_EXIT_STOPPED)
    {
      g_autofree char *line = NULL;
      g_autoptr (GError) error = NULL;

      outcome = lines_next (&lines, &line, run->cancellable);
      if (outcome == LINE_READ && !is_blank (line) && !chat_turn (run, history, line, run->cancellable, &error))
        status = pld_tool_fail (error);
    }
  if (outcome == LINE_STOPPED)
    status = PLD_EXIT_STOPPED;
  else if (outcome == LINE_FAILED)
    status = PLD_EXIT_FAILED;
  g_string_free (lines.pending, TRUE);
  return status;
}
