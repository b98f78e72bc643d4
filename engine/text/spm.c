/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SentencePiece: normalizes spaces, then merges neighbors by score.
 */
#include "engine/text/vocab.h"

#include <string.h>

#define MARK "\xe2\x96\x81" /* U+2581, SentencePiece's space */

/* A copy with @prefix, and a space for each U+2581: the two are one to SentencePiece. */
static GString *
normalize (const char *text, gsize n, gboolean prefix)
{
  GString *out = g_string_sized_new (n + 1);
  const char *end = text + n, *mark;

  if (prefix)
    g_string_append_c (out, ' ');
  while ((mark = memmem (text, (gsize) (end - text), MARK, strlen (MARK))) != NULL)
    {
      g_string_append_len (out, text, mark - text);
      g_string_append_c (out, ' ');
      text = mark + strlen (MARK);
    }
  return g_string_append_len (out, text, end - text);
}

void
pld_spm_encode (PldMerger *merger, const char *text, gsize n, gboolean prefix, GArray *tokens)
{
  GString *line = normalize (text, n, prefix);
  gsize start = 0;

  /* No piece goes on past a space: words merge each alone, to the same tokens. */
  if (!merger->tokenizer->spans_spaces)
    for (gsize i = 1; i < line->len; i++)
      if (line->str[i] == ' ' && line->str[i - 1] != ' ')
        {
          pld_merger_word (merger, line->str + start, i - start, tokens);
          start = i;
        }
  pld_merger_word (merger, line->str + start, line->len - start, tokens);
  g_string_free (line, TRUE);
}
