/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Byte-pair encoding: merges within each word, by rank.
 */
#include "engine/text/vocab.h"

typedef struct
{
  PldMerger *merger;
  GArray *tokens;
} Words;

static void
take_word (const char *text, gsize n, gpointer data)
{
  Words *words = data;
  const PldTokenizer *t = words->merger->tokenizer;
  gint id = t->whole_words && n <= t->max_length ? pld_vocab_find (t, text, n, TRUE) : -1;

  if (id >= 0)
    g_array_append_val (words->tokens, id);
  else
    pld_merger_word (words->merger, text, n, words->tokens);
}

gboolean
pld_bpe_encode (PldMerger *merger, const char *text, gsize n, GArray *tokens, GError **error)
{
  Words words = { merger, tokens };

  return pld_pretokenizer_split (merger->tokenizer->words, text, n, take_word, &words, error);
}
