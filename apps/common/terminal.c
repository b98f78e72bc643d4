/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Prints what verbs have to say: cleaned text, the one progress bar, and tables.
 */
#include "apps/common/terminal.h"
#include "pipeload/pipeload.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static gboolean bar_shown;

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

void
pld_tool_progress_draw (const char *step, guint percent, const char *remark)
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
  fprintf (stderr, "\r%-16s [%s] %3u %%%s%s\033[K", step, bar, MIN (percent, 100), remark != NULL ? "  " : "",
           remark != NULL ? remark : "");
  fflush (stderr);
  bar_shown = TRUE;
}

void
pld_tool_progress (const char *step, guint percent, gpointer user_data)
{
  pld_tool_progress_draw (step, percent, NULL);
}

void
pld_tool_progress_end (void)
{
  if (bar_shown)
    fputs ("\r\033[K", stderr);
  bar_shown = FALSE;
}

void
pld_tool_say (const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *clean_text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  clean_text = pld_tool_clean (text);
  pld_tool_progress_end ();
  fprintf (stderr, "%s\n", clean_text);
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
