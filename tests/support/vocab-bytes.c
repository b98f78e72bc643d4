/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Builds GGUF vocabularies byte by byte.
 */
#include "tests/support/vocab-bytes.h"

#include "tests/support/model-bytes.h"

#include <string.h>

Vocab *
vocab_new (const char *model, const char *pre)
{
  Vocab *vocab = g_new0 (Vocab, 1);

  vocab->model = model;
  vocab->pre = pre;
  vocab->texts = g_ptr_array_new_with_free_func (g_free);
  vocab->scores = g_array_new (FALSE, FALSE, sizeof (float));
  vocab->types = g_array_new (FALSE, FALSE, sizeof (gint32));
  vocab->merges = g_ptr_array_new_with_free_func (g_free);
  vocab->more = g_byte_array_new ();
  return vocab;
}

void
vocab_free (Vocab *vocab)
{
  g_ptr_array_unref (vocab->texts);
  g_array_unref (vocab->scores);
  g_array_unref (vocab->types);
  g_ptr_array_unref (vocab->merges);
  g_byte_array_unref (vocab->more);
  g_free (vocab);
}

guint32
vocab_add (Vocab *vocab, const char *text, float score, gint32 type)
{
  g_ptr_array_add (vocab->texts, g_strdup (text));
  g_array_append_val (vocab->scores, score);
  g_array_append_val (vocab->types, type);
  return vocab->texts->len - 1;
}

void
vocab_merge (Vocab *vocab, const char *pair)
{
  g_ptr_array_add (vocab->merges, g_strdup (pair));
}

static void
key (GByteArray *bytes, const char *name, PldGgufType type)
{
  bytes_string (bytes, name);
  bytes_u32 (bytes, type);
}

void
vocab_set_bool (Vocab *vocab, const char *name, gboolean value)
{
  key (vocab->more, name, PLD_GGUF_BOOL);
  bytes_u8 (vocab->more, value ? 1 : 0);
  vocab->n_more++;
}

void
vocab_set_u32 (Vocab *vocab, const char *name, guint32 value)
{
  key (vocab->more, name, PLD_GGUF_U32);
  bytes_u32 (vocab->more, value);
  vocab->n_more++;
}

void
vocab_set_string (Vocab *vocab, const char *name, const char *value)
{
  key (vocab->more, name, PLD_GGUF_STRING);
  bytes_string (vocab->more, value);
  vocab->n_more++;
}

/* GPT-2's bytes_to_unicode(): printable bytes are themselves, the others follow from U+0100 on in their order. */
char *
vocab_byte (guint8 byte)
{
  char text[7] = { 0 };
  guint next = 0x100;

  for (guint b = 0; b < 256; b++)
    {
      gboolean printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
      guint c = printable ? b : next++;

      if (b == byte)
        g_unichar_to_utf8 (c, text);
    }
  return g_strdup (text);
}

static void
array (GByteArray *bytes, const char *name, PldGgufType type, guint64 count)
{
  key (bytes, name, PLD_GGUF_ARRAY);
  bytes_u32 (bytes, type);
  bytes_u64 (bytes, count);
}

GByteArray *
vocab_bytes (const Vocab *vocab)
{
  GByteArray *body = g_byte_array_new (), *bytes;
  guint n_keys = 1 + vocab->n_more;

  if (vocab->model != NULL)
    key (body, "tokenizer.ggml.model", PLD_GGUF_STRING), bytes_string (body, vocab->model), n_keys++;
  if (vocab->pre != NULL)
    key (body, "tokenizer.ggml.pre", PLD_GGUF_STRING), bytes_string (body, vocab->pre), n_keys++;
  array (body, "tokenizer.ggml.tokens", PLD_GGUF_STRING, vocab->texts->len);
  for (guint i = 0; i < vocab->texts->len; i++)
    bytes_string (body, vocab->texts->pdata[i]);
  if (!vocab->no_scores)
    {
      array (body, "tokenizer.ggml.scores", PLD_GGUF_F32, vocab->scores->len), n_keys++;
      for (guint i = 0; i < vocab->scores->len; i++)
        bytes_u32 (body, ((const guint32 *) (gpointer) vocab->scores->data)[i]);
    }
  if (!vocab->no_types)
    {
      array (body, "tokenizer.ggml.token_type", PLD_GGUF_I32, vocab->types->len), n_keys++;
      for (guint i = 0; i < vocab->types->len; i++)
        bytes_u32 (body, g_array_index (vocab->types, guint32, i));
    }
  if (vocab->merges->len > 0)
    {
      array (body, "tokenizer.ggml.merges", PLD_GGUF_STRING, vocab->merges->len), n_keys++;
      for (guint i = 0; i < vocab->merges->len; i++)
        bytes_string (body, vocab->merges->pdata[i]);
    }
  g_byte_array_append (body, vocab->more->data, vocab->more->len);
  bytes = bytes_gguf (3, 0, n_keys);
  g_byte_array_append (bytes, body->data, body->len);
  g_byte_array_unref (body);
  return bytes;
}

PldTokenizer *
bytes_tokenizer (GByteArray *bytes, PldBudget *budget, GError **error)
{
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  g_autofree char *path = bytes_save (bytes, folder, "vocab.gguf");
  g_autoptr (PldWeights) weights = pld_weights_open (path, error);
  PldTokenizer *tokenizer = NULL;
  guint64 promised;

  if (weights != NULL)
    {
      tokenizer = pld_tokenizer_new (weights, budget, error);
      promised = pld_tokenizer_bytes (weights);
      if (tokenizer != NULL)
        g_assert_cmpuint (pld_budget_get_peak (budget), <=, promised);
    }
  remove_folder (folder);
  return tokenizer;
}

Vocab *
spm_vocab (gboolean bytes)
{
  Vocab *v = vocab_new ("llama", NULL);

  vocab_add (v, "<unk>", 0, UNKNOWN);
  vocab_add (v, "<s>", 0, CONTROL);
  vocab_add (v, "</s>", 0, CONTROL);
  for (guint b = 0; bytes && b < 256; b++)
    {
      g_autofree char *text = g_strdup_printf ("<0x%02X>", b);

      vocab_add (v, text, 0, BYTE);
    }
  vocab_add (v, "[A]", 0, CONTROL);
  vocab_add (v, "[AB]", 0, CONTROL);
  vocab_add (v, "{u}", 0, USER_DEFINED);
  vocab_add (v, M M, -1, NORMAL);
  vocab_add (v, "ab", -3, NORMAL);
  vocab_add (v, "bc", -2, NORMAL);
  vocab_add (v, M "a", -4, NORMAL);
  vocab_add (v, "cc", -5, NORMAL);
  vocab_add (v, "abab", -6, NORMAL);
  vocab_add (v, M, -7, NORMAL);
  vocab_add (v, "a", -8, NORMAL);
  vocab_add (v, "b", -9, NORMAL);
  vocab_add (v, "c", -10, NORMAL);
  return v;
}

Vocab *
bpe_vocab (const char *pre)
{
  Vocab *v = vocab_new ("gpt2", pre);

  for (guint b = 0; b < 256; b++)
    {
      g_autofree char *text = vocab_byte ((guint8) b);

      vocab_add (v, text, 0, NORMAL);
    }
  vocab_add (v, "ll", 0, NORMAL);
  vocab_add (v, "he", 0, NORMAL);
  vocab_add (v, "el", 0, NORMAL);
  vocab_add (v, "hell", 0, NORMAL);
  vocab_add (v, G "w", 0, NORMAL);
  vocab_add (v, "hello", 0, NORMAL);
  vocab_add (v, G G, 0, NORMAL);
  vocab_add (v, "<|endoftext|>", 0, NORMAL);
  vocab_add (v, "<|x|>", 0, CONTROL);
  vocab_add (v, "   ", 0, USER_DEFINED);
  vocab_merge (v, "l l");
  vocab_merge (v, "h e");
  vocab_merge (v, "e l");
  vocab_merge (v, "he ll");
  vocab_merge (v, G " w");
  vocab_merge (v, G " " G);
  vocab_merge (v, "no such");
  vocab_merge (v, "h e");
  return v;
}

Subject
subject_new (const Vocab *vocab)
{
  Subject s = { pld_budget_new (0), NULL };
  g_autoptr (GByteArray) bytes = vocab_bytes (vocab);
  GError *error = NULL;

  s.tokenizer = bytes_tokenizer (bytes, s.budget, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pld_tokenizer_size (s.tokenizer), ==, vocab->texts->len);
  return s;
}

void
subject_clear (Subject *s)
{
  g_clear_pointer (&s->tokenizer, pld_tokenizer_free);
  g_assert_cmpuint (pld_budget_get_used (s->budget), ==, 0);
  g_clear_pointer (&s->budget, pld_budget_free);
}

GArray *
encode (const Subject *s, const char *text, gssize n, PldEncodeFlags flags)
{
  GArray *tokens = g_array_new (FALSE, FALSE, sizeof (guint32));
  gsize length = n < 0 ? strlen (text) : (gsize) n;
  g_autofree char *exact = g_memdup2 (text, length);
  GError *error = NULL;

  g_assert_true (pld_tokenizer_encode (s->tokenizer, exact, length, flags, tokens, &error));
  g_assert_no_error (error);
  return tokens;
}

GString *
decode (const Subject *s, const GArray *tokens, gboolean special)
{
  GString *out = g_string_new (NULL);
  PldDecoder decoder;

  pld_decoder_init (&decoder, s->tokenizer, special);
  for (guint i = 0; i < tokens->len; i++)
    {
      pld_decoder_push (&decoder, g_array_index (tokens, guint32, i), out);
      g_assert_true (g_utf8_validate (out->str, -1, NULL) || memchr (out->str, 0, out->len) != NULL);
    }
  pld_decoder_end (&decoder, out);
  return out;
}

void
check (const Vocab *vocab, const Subject *s, const char *text, PldEncodeFlags flags, const char *wanted)
{
  g_autoptr (GArray) tokens = encode (s, text, -1, flags);
  g_autoptr (GString) got = g_string_new (NULL);

  for (guint i = 0; i < tokens->len; i++)
    g_string_append_printf (got, "%s%s", i > 0 ? "|" : "",
                            (char *) vocab->texts->pdata[g_array_index (tokens, guint32, i)]);
  g_assert_cmpstr (got->str, ==, wanted);
}

void
check_round_trip (const Subject *s, const char *text, gsize n)
{
  g_autoptr (GArray) tokens = encode (s, text, (gssize) n, 0);
  GString *out = decode (s, tokens, FALSE);

  g_assert_cmpmem (out->str, out->len, text, n);
  g_string_free (out, TRUE);
}
