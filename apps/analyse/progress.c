/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/analyse/progress.h"

#include <string.h>
#include <unistd.h>

#define WIDTH 30 /* characters */

void
analyse_progress_init (AnalyseProgress *progress, double before)
{
  *progress = (AnalyseProgress) { .terminal = isatty (STDERR_FILENO) == 1,
                                  .start = g_get_monotonic_time (),
                                  .before = before };
}

void
analyse_progress_clear (AnalyseProgress *progress)
{
  if (progress->drawn)
    g_printerr ("\r\033[K");
  progress->drawn = FALSE;
}

void
analyse_progress_draw (AnalyseProgress *progress, double share, guint done, guint all)
{
  const double seconds = (double) (g_get_monotonic_time () - progress->start) / G_USEC_PER_SEC;
  const double now = share - progress->before;
  const int full = (int) (share * WIDTH + 0.5);
  char bar[WIDTH + 1];

  if (!progress->terminal)
    return;
  for (int i = 0; i < WIDTH; i++)
    bar[i] = i < full ? '#' : '.';
  bar[WIDTH] = '\0';
  g_printerr ("\r[%s] %3.0f %%  %u of %u", bar, share * 100, done, all);
  if (now > 0.005)
    {
      const guint left = (guint) (seconds * (1 - share) / now + 0.5);

      g_printerr ("  %u:%02u:%02u left", left / 3600, left / 60 % 60, left % 60);
    }
  g_printerr ("\033[K");
  progress->drawn = TRUE;
}

void
analyse_progress_say (AnalyseProgress *progress, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  analyse_progress_clear (progress);
  g_printerr ("%s\n", text);
}
