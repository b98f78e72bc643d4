/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * BERT's tokenizer: control characters dropped, lower case without accents where the vocabulary has it so, words at
 * white space, punctuation and Chinese characters words of their own; then the longest token again and again. GGUF
 * writes a word's first token with a space before it and the others bare.
 */
#include "engine/text/vocab.h"

/* A longer word is unknown, as in BERT's own. */
#define MAX_CHARS 100
#define MAX_DECOMPOSED 18 /* code points that one becomes, Unicode's limit */

typedef struct
{
  const PldTokenizer *tokenizer;
  GString *word; /* a space, then the characters */
  guint n_chars;
  GArray *tokens;
} Words;

static void
finish_word (Words *words)
{
  const PldTokenizer *t = words->tokenizer;
  guint old = words->tokens->len;
  gsize at = 0, n = words->word->len;

  if (words->n_chars == 0)
    return;
  while (at < n && words->n_chars <= MAX_CHARS)
    {
      gsize length = MIN (n - at, t->max_length);
      gint id = -1;

      while (length > 0 && (id = pld_vocab_find (t, words->word->str + at, length, TRUE)) < 0)
        length--;
      if (id < 0)
        break;
      g_array_append_val (words->tokens, id);
      at += length;
    }
  if (at < n)
    {
      g_array_set_size (words->tokens, old);
      if (t->unknown >= 0)
        g_array_append_val (words->tokens, t->unknown);
    }
  g_string_assign (words->word, " ");
  words->n_chars = 0;
}

static gboolean
is_chinese (gunichar c)
{
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0xf900 && c <= 0xfaff)
         || (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2ceaf) || (c >= 0x2f800 && c <= 0x2fa1f);
}

static gboolean
is_dropped (gunichar c, GUnicodeType type)
{
  return c == 0xfffd || type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_UNASSIGNED
         || type == G_UNICODE_PRIVATE_USE;
}

static gboolean
is_punctuation (gunichar c, GUnicodeType type)
{
  if (c < 0x80)
    return g_ascii_ispunct ((char) c);
  return type == G_UNICODE_CONNECT_PUNCTUATION || type == G_UNICODE_DASH_PUNCTUATION
         || type == G_UNICODE_CLOSE_PUNCTUATION || type == G_UNICODE_FINAL_PUNCTUATION
         || type == G_UNICODE_INITIAL_PUNCTUATION || type == G_UNICODE_OTHER_PUNCTUATION
         || type == G_UNICODE_OPEN_PUNCTUATION;
}

static void
add_char (Words *words, gunichar c)
{
  gboolean alone = is_punctuation (c, g_unichar_type (c)) || is_chinese (c);

  if (alone)
    finish_word (words);
  /* Characters beyond the maximum are only counted. */
  if (words->n_chars++ <= MAX_CHARS)
    g_string_append_unichar (words->word, c);
  if (alone)
    finish_word (words);
}

static void
add_plain (Words *words, gunichar c)
{
  gunichar parts[MAX_DECOMPOSED];
  gsize n = g_unichar_fully_decompose (c, FALSE, parts, MAX_DECOMPOSED);

  for (gsize i = 0; i < MIN (n, MAX_DECOMPOSED); i++)
    if (g_unichar_type (parts[i]) != G_UNICODE_NON_SPACING_MARK)
      add_char (words, g_unichar_tolower (parts[i]));
}

void
pld_wordpiece_encode (const PldTokenizer *tokenizer, const char *text, gsize n, GArray *tokens)
{
  Words words = { tokenizer, g_string_new (" "), 0, tokens };

  for (const char *p = text; p < text + n; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_isspace (c))
        finish_word (&words);
      else if (is_dropped (c, g_unichar_type (c)))
        continue;
      else if (tokenizer->lower_case)
        add_plain (&words, c);
      else
        add_char (&words, c);
    }
  finish_word (&words);
  g_string_free (words.word, TRUE);
}
