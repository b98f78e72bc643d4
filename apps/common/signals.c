/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns SIGINT and SIGTERM into cancellation.
 */
#include "apps/common/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

static int signal_pipe[2] = { -1, -1 };
static GMutex lock;
static GCancellable *everything, *answer; /* under the lock */

/* Runs on whichever thread the signal hits, so it only passes the number on. */
static void
on_signal (int number)
{
  const char byte = (char) number;
  int saved = errno;

  (void) !write (signal_pipe[1], &byte, 1);
  errno = saved;
}

static void
handle_signal (int number)
{
  g_mutex_lock (&lock);
  if (number == SIGINT && answer != NULL && !g_cancellable_is_cancelled (answer))
    g_cancellable_cancel (answer);
  else
    {
      /* The next one ends a process that does not stop. */
      signal (SIGINT, SIG_DFL);
      signal (SIGTERM, SIG_DFL);
      g_cancellable_cancel (everything);
      if (answer != NULL)
        g_cancellable_cancel (answer);
    }
  g_mutex_unlock (&lock);
}

static gpointer
signal_thread (gpointer data)
{
  char byte;
  ssize_t n;

  while ((n = read (signal_pipe[0], &byte, 1)) != 0)
    if (n == 1)
      handle_signal (byte);
  return NULL;
}

GCancellable *
pld_tool_cancellable (void)
{
  const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

  if (everything == NULL)
    {
      everything = g_cancellable_new ();
      if (g_unix_open_pipe (signal_pipe, FD_CLOEXEC, NULL))
        {
          g_thread_unref (g_thread_new ("signals", signal_thread, NULL));
          sigaction (SIGINT, &action, NULL);
          sigaction (SIGTERM, &action, NULL);
        }
    }
  return everything;
}

void
pld_tool_set_answer (GCancellable *cancellable)
{
  g_mutex_lock (&lock);
  g_set_object (&answer, cancellable);
  /* A request to stop between two answers cancels the next one, too. */
  if (answer != NULL && g_cancellable_is_cancelled (everything))
    g_cancellable_cancel (answer);
  g_mutex_unlock (&lock);
}
