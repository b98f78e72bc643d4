/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds stop strings in a text that arrives in pieces, and holds back only what may begin one.
 */
#include "engine/text/stop.h"

#include <string.h>

typedef struct
{
  char *text;
  gsize length;
  gsize *border; /* [length]: of the first i + 1 bytes, the longest end that is also their beginning, and shorter */
  gsize matched; /* the longest end of the text so far that is a beginning of this string */
} Needle;

struct _PldStop
{
  Needle *needles;
  guint n;
  gboolean found;
};

/* Knuth, Morris, Pratt: the state after @c. */
static gsize
needle_step (const Needle *needle, gsize matched, char c)
{
  while (matched > 0 && needle->text[matched] != c)
    matched = needle->border[matched - 1];
  return needle->text[matched] == c ? matched + 1 : 0;
}

static void
needle_init (Needle *needle, const char *text)
{
  needle->text = g_strdup (text);
  needle->length = strlen (text);
  needle->border = g_new0 (gsize, needle->length);
  for (gsize i = 1; i < needle->length; i++)
    needle->border[i] = needle_step (needle, needle->border[i - 1], text[i]);
}

PldStop *
pld_stop_new (const char *const *stop)
{
  PldStop *self = g_new0 (PldStop, 1);
  guint n = stop != NULL ? g_strv_length ((char **) stop) : 0;

  self->needles = g_new0 (Needle, n);
  for (guint i = 0; i < n; i++)
    if (*stop[i] != '\0')
      needle_init (&self->needles[self->n++], stop[i]);
  return self;
}

void
pld_stop_free (PldStop *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n; i++)
    {
      g_free (self->needles[i].text);
      g_free (self->needles[i].border);
    }
  g_free (self->needles);
  g_free (self);
}

/* The string that the longest end of the text begins, or NULL. Only its first bytes are held back, so they need no
 * memory of their own. */
static const Needle *
held (const PldStop *self)
{
  const Needle *most = NULL;

  for (guint i = 0; i < self->n; i++)
    if (self->needles[i].matched > (most != NULL ? most->matched : 0))
      most = &self->needles[i];
  return most;
}

/* Returns: the length of the longest string that @c completes; 0: none */
static gsize
step (PldStop *self, char c)
{
  gsize longest = 0;

  for (guint i = 0; i < self->n; i++)
    {
      Needle *needle = &self->needles[i];

      needle->matched = needle_step (needle, needle->matched, c);
      if (needle->matched == needle->length)
        longest = MAX (longest, needle->length);
    }
  return longest;
}

gboolean
pld_stop_push (PldStop *stop, const char *text, gsize n, GString *out)
{
  const Needle *before = held (stop);
  const char *old = before != NULL ? before->text : "";
  gsize n_old = before != NULL ? before->matched : 0, used = 0, kept = 0, n_out;

  if (stop->found)
    return TRUE;
  while (used < n && kept == 0)
    kept = step (stop, text[used++]);
  stop->found = kept > 0;
  if (!stop->found && held (stop) != NULL)
    kept = held (stop)->matched;
  /* Held bytes and new ones are one text; all but its last @kept bytes go out. */
  n_out = n_old + used - kept;
  g_string_append_len (out, old, MIN (n_out, n_old));
  g_string_append_len (out, text, n_out - MIN (n_out, n_old));
  return stop->found;
}

void
pld_stop_end (PldStop *stop, GString *out)
{
  const Needle *last = held (stop);

  if (last != NULL && !stop->found)
    g_string_append_len (out, last->text, last->matched);
  for (guint i = 0; i < stop->n; i++)
    stop->needles[i].matched = 0;
  stop->found = FALSE;
}
