/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tokens to text, byte for byte as the tokenizer's kind writes them.
 */
#include "engine/text/vocab.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void
pld_decoder_init (PldDecoder *decoder, const PldTokenizer *tokenizer, gboolean special)
{
  *decoder = (PldDecoder) { .tokenizer = tokenizer, .special = special, .start = TRUE };
}

static void
push_byte (PldDecoder *decoder, char byte, GString *out)
{
  gint length;

  decoder->held[decoder->n_held++] = byte;
  while (decoder->n_held > 0 && (length = pld_utf8_length ((const guint8 *) decoder->held, decoder->n_held)) != 0)
    {
      if (length > 0)
        g_string_append_len (out, decoder->held, length);
      else
        g_string_append (out, REPLACEMENT);
      decoder->n_held -= (guint) ABS (length);
      memmove (decoder->held, decoder->held + ABS (length), decoder->n_held);
    }
}

void
pld_decoder_push (PldDecoder *decoder, guint32 token, GString *out)
{
  const PldTokenizer *t = decoder->tokenizer;
  guint32 length, i = 0;
  const char *text;
  gboolean special;

  /* Unused tokens have a name, no text. */
  if (token >= t->n_tokens || (t->types[token] & PLD_TOKEN_TYPE) == PLD_TOKEN_UNUSED)
    return;
  text = pld_token_text (t, token, &length);
  special = pld_token_is_special (t->types[token]);
  if (decoder->start && !special && length > 0 && text[0] == ' ' && (t->space_prefix || t->kind == PLD_VOCAB_WORDPIECE))
    i = 1;
  if (decoder->special || !pld_token_is_steering (t->types[token]))
    for (; i < length; i++)
      push_byte (decoder, text[i], out);
  /* As encoding does: text after a special token begins anew. */
  decoder->start = special ? t->space_prefix || decoder->start : decoder->start && length == 0;
}

void
pld_decoder_end (PldDecoder *decoder, GString *out)
{
  if (decoder->n_held > 0)
    g_string_append (out, REPLACEMENT);
  decoder->n_held = 0;
}
