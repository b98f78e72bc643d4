/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes that are not text, tokens that are not whole characters, files that are not vocabularies.
 */
#include "tests/support/model-bytes.h"
#include "tests/support/vocab-bytes.h"

#include <math.h>
#include <string.h>

/* Invalid UTF-8 is treated as one U+FFFD for the longest beginning of a character (Unicode, 3.9, table 3-8). */
static void
test_invalid_utf8 (void)
{
  static const struct
  {
    const char *bytes, *meant;
    gsize n;
  } cases[] = { { "a\xff"
                  "b",
                  "a\xef\xbf\xbd"
                  "b",
                  3 },
                { "a\xe2\x82", "a\xef\xbf\xbd", 3 },
                { "\xe2\x82(", "\xef\xbf\xbd(", 3 },
                { "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd", 2 },
                { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3 },
                { "\xf0\x90\x80"
                  "A\xf4\x90",
                  "\xef\xbf\xbd"
                  "A\xef\xbf\xbd\xef\xbf\xbd",
                  6 },
                { "\x80\xc3\xa9", "\xef\xbf\xbd\xc3\xa9", 3 } };
  g_autoptr (Vocab) bpe = bpe_vocab ("gpt-2");
  g_autoptr (Vocab) spm = spm_vocab (TRUE);
  Subject subjects[] = { subject_new (bpe), subject_new (spm) };

  for (guint k = 0; k < G_N_ELEMENTS (subjects); k++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
        {
          g_autoptr (GArray) got = encode (&subjects[k], cases[i].bytes, (gssize) cases[i].n, 0);
          g_autoptr (GArray) wanted = encode (&subjects[k], cases[i].meant, -1, 0);

          g_assert_cmpmem (got->data, got->len * 4, wanted->data, wanted->len * 4);
        }
      subject_clear (&subjects[k]);
    }
}

static void
push_bytes (const Subject *s, PldDecoder *decoder, const char *bytes, gsize n, GString *out)
{
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *text = g_strdup_printf ("%c", bytes[i]);
      gint id = pld_tokenizer_find (s->tokenizer, text);

      g_assert_cmpint (id, >=, 0);
      pld_decoder_push (decoder, (guint32) id, out);
    }
}

/* Characters of one to four bytes by byte tokens: each comes whole, with its last byte; and what is cut short is
 * U+FFFD. */
static void
test_decoder_bytes (void)
{
  static const char *const characters[] = { "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };
  g_autoptr (Vocab) v = bpe_vocab ("gpt-2");
  Subject s = subject_new (v);

  for (guint i = 0; i < G_N_ELEMENTS (characters); i++)
    for (gsize n = 1; n <= strlen (characters[i]); n++)
      {
        gboolean whole = n == strlen (characters[i]);
        GString *out = g_string_new (NULL);
        PldDecoder decoder;

        pld_decoder_init (&decoder, s.tokenizer, FALSE);
        push_bytes (&s, &decoder, characters[i], n, out);
        g_assert_cmpstr (out->str, ==, whole ? characters[i] : "");
        /* The text after an incomplete character does not vanish. */
        push_bytes (&s, &decoder, "\xc3\xa9", 2, out);
        g_assert_cmpstr (out->str + (whole ? n : 3), ==, "\xc3\xa9");
        push_bytes (&s, &decoder, characters[i], n, out);
        pld_decoder_end (&decoder, out);
        g_assert_true (g_str_has_suffix (out->str, whole ? characters[i] : "\xc3\xa9\xef\xbf\xbd"));
        pld_decoder_end (&decoder, out);
        g_assert_cmpuint (out->len, ==, whole ? 2 * n + 2 : 8);
        pld_decoder_push (&decoder, G_MAXUINT32, out);
        g_assert_cmpuint (out->len, ==, whole ? 2 * n + 2 : 8);
        g_string_free (out, TRUE);
      }
  subject_clear (&s);
}

/* A text over every way to cut it into tokens of up to three bytes. */
static void
test_decoder_splits (void)
{
  const char text[] = "\xc3\xa9\xf0\x9f\x98\x80\xe2\x82\xac";
  g_autoptr (Vocab) v = vocab_new ("gpt2", "gpt-2");
  gsize n = strlen (text);
  guint32 ids[16][4];
  Subject s;

  for (gsize at = 0; at < n; at++)
    for (gsize length = 1; length <= 3 && at + length <= n; length++)
      {
        g_autoptr (GString) token = g_string_new (NULL);

        for (gsize i = 0; i < length; i++)
          {
            g_autofree char *c = vocab_byte ((guint8) text[at + i]);

            g_string_append (token, c);
          }
        ids[at][length] = vocab_add (v, token->str, 0, NORMAL);
      }
  vocab_merge (v, "\xc3\x83 \xc2\xa9");
  s = subject_new (v);
  for (guint cuts = 0; cuts < 1u << (n - 1); cuts++)
    {
      GString *out = g_string_new (NULL);
      PldDecoder decoder;
      gboolean fits = TRUE;
      gsize at = 0;

      pld_decoder_init (&decoder, s.tokenizer, FALSE);
      while (at < n && fits)
        {
          gsize length = 1;

          while (at + length < n && (cuts >> (at + length - 1) & 1) == 0)
            length++;
          fits = length <= 3;
          if (fits)
            pld_decoder_push (&decoder, ids[at][length], out);
          at += length;
          g_assert_true (g_utf8_validate (out->str, -1, NULL));
          g_assert_true (g_str_has_prefix (text, out->str));
        }
      pld_decoder_end (&decoder, out);
      if (fits)
        g_assert_cmpstr (out->str, ==, text);
      g_string_free (out, TRUE);
    }
  subject_clear (&s);
}

/* A text that goes on from a prompt keeps its first space. */
static void
test_decoder_start (void)
{
  g_autoptr (Vocab) v = spm_vocab (TRUE);
  Subject s = subject_new (v);
  g_autoptr (GArray) tokens = encode (&s, "a", -1, 0);
  GString *out = g_string_new (NULL);
  PldDecoder decoder;

  pld_decoder_init (&decoder, s.tokenizer, FALSE);
  decoder.start = FALSE;
  pld_decoder_push (&decoder, g_array_index (tokens, guint32, 0), out);
  g_assert_cmpstr (out->str, ==, " a");
  g_string_free (out, TRUE);
  subject_clear (&s);
}

/* ---- damage ----------------------------------------------------------------------------------------- */

static void
assert_bad (Vocab *vocab, PldError code, const char *part)
{
  g_autoptr (GByteArray) bytes = vocab_bytes (vocab);
  PldBudget *budget = pld_budget_new (0);
  GError *error = NULL;

  g_assert_null (bytes_tokenizer (bytes, budget, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "vocab.gguf: "));
  assert_pld_error (&error, code, part);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  g_clear_pointer (&budget, pld_budget_free);
  vocab_free (vocab);
}

static void
test_unknown (void)
{
  assert_bad (vocab_new (NULL, NULL), PLD_ERROR_UNSUPPORTED, "has no tokenizer");
  assert_bad (vocab_new ("no_vocab", NULL), PLD_ERROR_UNSUPPORTED, "has no tokenizer");
  assert_bad (vocab_new ("none", NULL), PLD_ERROR_UNSUPPORTED, "has no tokenizer");
  assert_bad (vocab_new ("t5", NULL), PLD_ERROR_UNSUPPORTED,
              "\"t5\" (tokenizer.ggml.model), which is not known; known are llama");
  assert_bad (bpe_vocab ("new-one"), PLD_ERROR_UNSUPPORTED,
              "\"new-one\" does (tokenizer.ggml.pre), which is not known; known are llama-bpe");
  assert_bad (bpe_vocab (""), PLD_ERROR_UNSUPPORTED, "not known");
  assert_bad (bpe_vocab ("mpt olmo"), PLD_ERROR_UNSUPPORTED, "not known");
}

static void
test_damaged (void)
{
  g_autofree char *huge = g_strnfill (65537, 'x');
  const float nan = NAN;
  Vocab *v;

  assert_bad (vocab_new ("llama", NULL), PLD_ERROR_FORMAT, "not lists of 1 to");
  v = spm_vocab (FALSE), v->no_scores = TRUE;
  assert_bad (v, PLD_ERROR_FORMAT, "scores is missing");
  v = spm_vocab (FALSE), g_array_set_size (v->scores, 3);
  assert_bad (v, PLD_ERROR_FORMAT, "scores is not a list with a float for each token");
  v = spm_vocab (FALSE), g_array_append_val (v->types, (gint32) { 1 });
  assert_bad (v, PLD_ERROR_FORMAT, "token_type is not a list");
  v = spm_vocab (FALSE), memcpy (v->scores->data, &nan, sizeof nan);
  assert_bad (v, PLD_ERROR_FORMAT, "a score that is not a number");
  v = spm_vocab (FALSE), vocab_add (v, huge, 0, NORMAL);
  assert_bad (v, PLD_ERROR_FORMAT, "an item of more than 64 KiB");
  v = spm_vocab (FALSE), vocab_add (v, "<0xZZ>", 0, BYTE);
  assert_bad (v, PLD_ERROR_FORMAT, "a token for a byte");
  v = spm_vocab (FALSE), vocab_set_u32 (v, "tokenizer.ggml.bos_token_id", v->texts->len);
  assert_bad (v, PLD_ERROR_FORMAT, "bos_token_id is not a number below the 16 tokens");
  v = spm_vocab (FALSE), vocab_set_string (v, "tokenizer.ggml.eos_token_id", "2");
  assert_bad (v, PLD_ERROR_FORMAT, "eos_token_id is not a number");
  v = bpe_vocab ("gpt-2"), g_ptr_array_set_size (v->merges, 0);
  assert_bad (v, PLD_ERROR_FORMAT, "merges is missing");
  v = bpe_vocab ("gpt-2"), vocab_merge (v, "hello");
  assert_bad (v, PLD_ERROR_FORMAT, "an item that is not a pair");
  v = bpe_vocab ("gpt-2"), vocab_merge (v, "h ");
  assert_bad (v, PLD_ERROR_FORMAT, "an item that is not a pair");
  v = bpe_vocab ("gpt-2"), g_ptr_array_set_size (v->merges, 0), vocab_merge (v, "zz zz");
  assert_bad (v, PLD_ERROR_FORMAT, "names no pair of tokens");
}

/* Odd but harmless input: no types, empty and doubled tokens, infinite scores, unknown types, texts that are not
 * UTF-8. */
static void
test_odd (void)
{
  g_autoptr (Vocab) v = spm_vocab (TRUE);
  g_autoptr (Vocab) plain = spm_vocab (TRUE);
  guint32 normal;
  Subject s;

  vocab_add (v, "", 0, NORMAL);
  vocab_add (v, "", 0, CONTROL);
  vocab_add (v, "ab", 5, NORMAL);
  vocab_add (v, "[A]", 5, CONTROL);
  vocab_add (v, "ca", INFINITY, NORMAL);
  vocab_add (v, "aa", -INFINITY, 77);
  vocab_add (v, "\xff\xfe", 0, CONTROL);
  vocab_add (v, "\xc3", 0, NORMAL);
  vocab_add (v, "zz", 0, USER_DEFINED);
  normal = vocab_add (v, "zz", 0, NORMAL);
  s = subject_new (v);
  check (v, &s, "bab", 0, M "|b|ab");
  check (v, &s, "bca", 0, M "|b|ca");
  check (v, &s, "baa[A]", PLD_ENCODE_PARSE_SPECIAL, M "|b|aa|[A]");
  g_assert_cmpint (pld_tokenizer_find (s.tokenizer, "ab"), ==, 263);
  g_assert_cmpuint (pld_tokenizer_find (s.tokenizer, "zz"), ==, normal);
  check_round_trip (&s, "a\xc3\xa9", 3);
  subject_clear (&s);
  plain->no_types = TRUE;
  s = subject_new (plain);
  check (plain, &s, "cX", 0, M "|c|<0x58>");
  subject_clear (&s);
}

/* Every smaller limit is refused and leaves nothing charged. */
static void
test_limit (void)
{
  g_autoptr (Vocab) v = bpe_vocab ("gpt-2");
  g_autoptr (GByteArray) bytes = vocab_bytes (v);
  PldBudget *budget = pld_budget_new (0);
  GError *error = NULL;
  PldTokenizer *t = bytes_tokenizer (bytes, budget, &error);
  guint64 peak = pld_budget_get_peak (budget);

  g_assert_no_error (error);
  g_clear_pointer (&t, pld_tokenizer_free);
  g_clear_pointer (&t, pld_tokenizer_free);
  g_clear_pointer (&budget, pld_budget_free);
  for (guint64 limit = 1; limit < peak; limit += 4096)
    {
      budget = pld_budget_new (limit);
      g_assert_null (bytes_tokenizer (bytes, budget, &error));
      assert_pld_error (&error, PLD_ERROR_LIMIT, "vocab");
      g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
      g_clear_pointer (&budget, pld_budget_free);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tokenizer-bytes/invalid-utf8", test_invalid_utf8);
  g_test_add_func ("/tokenizer-bytes/decoder/bytes", test_decoder_bytes);
  g_test_add_func ("/tokenizer-bytes/decoder/splits", test_decoder_splits);
  g_test_add_func ("/tokenizer-bytes/decoder/start", test_decoder_start);
  g_test_add_func ("/tokenizer-bytes/unknown", test_unknown);
  g_test_add_func ("/tokenizer-bytes/damaged", test_damaged);
  g_test_add_func ("/tokenizer-bytes/odd", test_odd);
  g_test_add_func ("/tokenizer-bytes/limit", test_limit);
  return g_test_run ();
}
