/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The meaning of single tokens, as llama.cpp has it: which text becomes them, which text they become, and which end an
 * answer.
 */
#include "tests/support/vocab-bytes.h"

#include <string.h>

#define JOINER "\xe2\x80\x8d" /* U+200D */

static char *
text_of (const Subject *s, guint32 token, gboolean special)
{
  g_autoptr (GArray) tokens = g_array_append_val (g_array_new (FALSE, FALSE, sizeof token), token);

  return g_string_free (decode (s, tokens, special), FALSE);
}

static void
assert_text (const Subject *s, guint32 token, gboolean special, const char *want)
{
  g_autofree char *got = text_of (s, token, special);

  g_assert_cmpstr (got, ==, want);
}

/* Tokens whose text has a character outside the byte alphabet: text becomes the bytes' tokens. */
static void
test_raw_bpe (void)
{
  static const struct
  {
    const char *raw, *text, *wanted;
  } cases[] = { { JOINER, "a" JOINER "b", "a|\xc3\xa2|\xc4\xa2|\xc4\xaf|b" },
                { " ", "a b", "a|" G "|b" },
                { "\n", "a\nb", "a|\xc4\x8a|b" },
                { "\xe4\xb8\xad", "\xe4\xb8\xad", "\xc3\xa4|\xc2\xb8|\xc5\x83" },
                { "a b", "a b", "a|" G "|b" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Vocab) v = vocab_new ("gpt2", "gpt-2");
      const guint32 raw = vocab_add (v, cases[i].raw, 0, NORMAL);
      Subject s;

      for (guint byte = 0; byte < 256; byte++)
        {
          g_autofree char *c = vocab_byte ((guint8) byte);

          vocab_add (v, c, 0, NORMAL);
        }
      vocab_add (v, "ab", 0, NORMAL);
      vocab_merge (v, "a b");
      s = subject_new (v);
      check (v, &s, cases[i].text, 0, cases[i].wanted);
      assert_text (&s, raw, FALSE, cases[i].raw);
      subject_clear (&s);
    }
}

static void
test_raw_spm (void)
{
  g_autoptr (Vocab) v = spm_vocab (TRUE);
  const guint32 raw = vocab_add (v, "a b", 9, NORMAL), own = vocab_add (v, "c c", 9, USER_DEFINED);
  Subject s = subject_new (v);
  g_autoptr (GArray) tokens = encode (&s, "a b", -1, 0), owned = encode (&s, "c c", -1, 0);

  g_assert_cmpuint (tokens->len, >, 0);
  for (guint i = 0; i < tokens->len; i++)
    g_assert_cmpuint (g_array_index (tokens, guint32, i), !=, raw);
  g_assert_cmpuint (g_array_index (owned, guint32, owned->len - 1), ==, own);
  subject_clear (&s);
}

/* The file of the fault, and its spellings of U+200D: 257 raw, 259 in the byte alphabet. */
static void
test_alias (void)
{
  g_autofree char *path
      = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "llm", "data", "tokens", "alias.gguf", NULL);
  static const guint32 want[] = { 97, 259, 98 };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  Subject s = { .budget = pld_budget_new (0) };
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) got = NULL;
  g_autofree char *file = NULL;
  gsize n;

  g_assert_true (g_file_get_contents (path, &file, &n, NULL));
  g_byte_array_append (bytes, (const guint8 *) file, (guint) n);
  s.tokenizer = bytes_tokenizer (bytes, s.budget, &error);
  g_assert_no_error (error);
  got = encode (&s, "a" JOINER "b", -1, 0);
  g_assert_cmpmem (got->data, got->len * sizeof (guint32), want, sizeof want);
  subject_clear (&s);
}

/* Tokens of types without a text of their own. */
static void
test_unused (void)
{
  static const gint32 types[] = { UNUSED, 0, 7, 99 };

  for (guint kind = 0; kind < 2; kind++)
    for (guint i = 0; i < G_N_ELEMENTS (types); i++)
      {
        g_autoptr (Vocab) v = kind == 0 ? spm_vocab (TRUE) : bpe_vocab ("gpt-2");
        const guint32 unused = vocab_add (v, "<unused1>", 0, types[i]);
        Subject s = subject_new (v);

        assert_text (&s, unused, FALSE, "");
        assert_text (&s, unused, TRUE, "");
        subject_clear (&s);
      }
}

/* ---- the end of an answer ------------------------------------------------------------------ */

static void
test_end_names (void)
{
  static const char *const names[] = { "<|eot_id|>",
                                       "<|eom_id|>",
                                       "<|im_end|>",
                                       "<|end|>",
                                       "<end_of_turn>",
                                       "<|endoftext|>",
                                       "<|end_of_text|>",
                                       "<EOT>",
                                       "_<EOT>",
                                       "[EOT]",
                                       "[EOS]",
                                       "<eos>",
                                       "</s>",
                                       "<|return|>",
                                       "<|call|>",
                                       "<|calls|>",
                                       "<|flush|>",
                                       "<turn|>",
                                       "<|fim_pad|>",
                                       "<fim-pad>",
                                       "<|tool_response>",
                                       "<end_of_utterance>",
                                       "<|file_sep|>",
                                       "<|repo_name|>",
                                       "<reponame>" };
  static const gint32 types[] = { NORMAL, CONTROL, USER_DEFINED };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    for (guint type = 0; type < G_N_ELEMENTS (types); type++)
      {
        g_autoptr (Vocab) v = vocab_new ("gpt2", "gpt-2");
        guint32 other = vocab_add (v, "<|other|>", 0, CONTROL), end = vocab_add (v, names[i], 0, types[type]);
        Subject s;

        vocab_add (v, "a", 0, NORMAL);
        vocab_add (v, "b", 0, NORMAL);
        vocab_add (v, "ab", 0, NORMAL);
        vocab_merge (v, "a b");
        s = subject_new (v);
        g_assert_true (pld_tokenizer_is_end (s.tokenizer, end));
        g_assert_false (pld_tokenizer_is_end (s.tokenizer, other));
        assert_text (&s, end, FALSE, "");
        subject_clear (&s);
      }
}

static void
test_end_keys (void)
{
  static const char *const keys[] = { "eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (Vocab) v = bpe_vocab ("gpt-2");
      const guint32 end = vocab_add (v, "<|stop here|>", 0, CONTROL);
      g_autofree char *key = g_strdup_printf ("tokenizer.ggml.%s_token_id", keys[i]);
      Subject s;

      vocab_set_u32 (v, key, end);
      s = subject_new (v);
      g_assert_true (pld_tokenizer_is_end (s.tokenizer, end));
      subject_clear (&s);
    }
}

/* Vocabularies in which a name that ends answers elsewhere ends less than that. */
static void
test_end_exceptions (void)
{
  static const struct
  {
    const char *names[4];
    gboolean ends; /* whether the first one does */
  } cases[] = {
    { { "<|end|>", "<|return|>", "<|call|>" }, FALSE },
    { { "<|end|>", "<|calls|>", "<|flush|>" }, FALSE },
    { { "<|end|>", "<|return|>" }, TRUE },
    { { "<|end|>", "<|call|>" }, TRUE },
    { { "</s>", "<|tool_response>" }, FALSE },
    { { "</s>", "<turn|>" }, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Vocab) v = bpe_vocab ("gpt-2");
      guint32 ids[4];
      Subject s;

      for (guint j = 0; j < 4 && cases[i].names[j] != NULL; j++)
        ids[j] = vocab_add (v, cases[i].names[j], 0, CONTROL);
      s = subject_new (v);
      g_assert_true (pld_tokenizer_is_end (s.tokenizer, ids[0]) == cases[i].ends);
      g_assert_true (pld_tokenizer_is_end (s.tokenizer, ids[1]));
      subject_clear (&s);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tokenizer-tokens/raw/bpe", test_raw_bpe);
  g_test_add_func ("/tokenizer-tokens/raw/spm", test_raw_spm);
  g_test_add_func ("/tokenizer-tokens/raw/alias", test_alias);
  g_test_add_func ("/tokenizer-tokens/unused", test_unused);
  g_test_add_func ("/tokenizer-tokens/end/names", test_end_names);
  g_test_add_func ("/tokenizer-tokens/end/keys", test_end_keys);
  g_test_add_func ("/tokenizer-tokens/end/exceptions", test_end_exceptions);
  return g_test_run ();
}
