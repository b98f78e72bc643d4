/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tokenizers on small vocabularies: merges, special tokens, spaces.
 */
#include "engine/text/pretokenize.h"
#include "tests/support/vocab-bytes.h"

#include <string.h>

/* ---- SentencePiece ------------------------------------------------------------------------------ */

static void
test_spm (void)
{
  g_autoptr (Vocab) v = spm_vocab (TRUE);
  Subject s = subject_new (v);

  check (v, &s, "", 0, "");
  check (v, &s, "abc", 0, M "a|bc");
  check (v, &s, "bab", 0, M "|b|ab");
  check (v, &s, "babab", 0, M "|b|abab");
  check (v, &s, "ccc", 0, M "|cc|c");
  check (v, &s, " a", 0, M M "|a");
  check (v, &s, "c a", 0, M "|c|" M "a");
  check (v, &s, "c" M "a", 0, M "|c|" M "a");
  check (v, &s, "cX", 0, M "|c|<0x58>");
  check (v, &s, "\xf0\x9f\x98\x80", 0, M "|<0xF0>|<0x9F>|<0x98>|<0x80>");
  check (v, &s, "abc", PLD_ENCODE_ADD_SPECIAL, "<s>|" M "a|bc");
  check (v, &s, "", PLD_ENCODE_ADD_SPECIAL, "<s>");
  check_round_trip (&s, "  a b\tcab\n\xf0\x9f\x98\x80 b\xc3\xa9  ", 21);
  check_round_trip (&s, "a\0b", 3);
  check_round_trip (&s, " ", 1);
  subject_clear (&s);
}

/* Every text after a special token begins anew, with its own space. */
static void
test_spm_special (void)
{
  g_autoptr (Vocab) v = spm_vocab (TRUE);
  Subject s = subject_new (v);
  g_autoptr (GArray) tokens = encode (&s, "a[AB]b{u}c [A]", -1, PLD_ENCODE_PARSE_SPECIAL);
  GString *text;

  check (v, &s, "a[AB]b", PLD_ENCODE_PARSE_SPECIAL, M "a|[AB]|" M "|b");
  check (v, &s, "[A][AB]", PLD_ENCODE_PARSE_SPECIAL, "[A]|[AB]");
  check (v, &s, "[AB", PLD_ENCODE_PARSE_SPECIAL, M "|<0x5B>|<0x41>|<0x42>");
  check (v, &s, "<s>a</s>", PLD_ENCODE_PARSE_SPECIAL | PLD_ENCODE_ADD_SPECIAL, "<s>|<s>|" M "a|</s>");
  check (v, &s, "<s>", 0, M "|<0x3C>|<0x73>|<0x3E>");
  check (v, &s, "[A]{u}b", 0, M "|<0x5B>|<0x41>|<0x5D>|{u}|" M "|b");
  text = decode (&s, tokens, TRUE);
  g_assert_cmpstr (text->str, ==, "a[AB]b{u}c [A]");
  g_string_free (text, TRUE);
  text = decode (&s, tokens, FALSE);
  g_assert_cmpstr (text->str, ==, "ab{u}c ");
  g_string_free (text, TRUE);
  subject_clear (&s);
}

static void
test_spm_settings (void)
{
  g_autoptr (Vocab) v = spm_vocab (FALSE);
  Subject s;

  vocab_set_bool (v, "tokenizer.ggml.add_space_prefix", FALSE);
  vocab_set_bool (v, "tokenizer.ggml.add_bos_token", FALSE);
  vocab_set_bool (v, "tokenizer.ggml.add_eos_token", TRUE);
  s = subject_new (v);
  check (v, &s, "abc", PLD_ENCODE_ADD_SPECIAL, "a|bc|</s>");
  /* One unknown token for each character that no token is made for. */
  check (v, &s, "aX\xc3\xa9", 0, "a|<unk>|<unk>");
  check_round_trip (&s, " a b", 4);
  subject_clear (&s);
}

/* Phi-3's special tokens take the white space after them. */
static void
test_spm_strips (void)
{
  g_autoptr (Vocab) v = spm_vocab (TRUE);
  Subject s;

  vocab_set_string (v, "general.name", "Phi3 mini");
  s = subject_new (v);
  check (v, &s, "[A] \n b<s> b", PLD_ENCODE_PARSE_SPECIAL, "[A]|" M "|b|<s>|" M M "|b");
  subject_clear (&s);
}

/* The definition, quadratic: of all neighbors that make a token the best, the leftmost of the best; until none. */
static GArray *
merge_plainly (const Vocab *vocab, const char *text)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    g_ptr_array_add (parts, g_strndup (p, (gsize) (g_utf8_next_char (p) - p)));
  while (TRUE)
    {
      gint best = -1;
      float score = 0;
      g_autofree char *joined = NULL;

      for (guint i = 0; i + 1 < parts->len; i++)
        {
          g_autofree char *both = g_strconcat (parts->pdata[i], parts->pdata[i + 1], NULL);
          guint id;

          if (!g_ptr_array_find_with_equal_func (vocab->texts, both, g_str_equal, &id)
              || (best >= 0 && g_array_index (vocab->scores, float, id) <= score))
            continue;
          best = (gint) i;
          score = g_array_index (vocab->scores, float, id);
          g_free (joined);
          joined = g_steal_pointer (&both);
        }
      if (best < 0)
        break;
      g_ptr_array_remove_index (parts, (guint) best);
      g_free (parts->pdata[best]);
      parts->pdata[best] = g_steal_pointer (&joined);
    }
  for (guint i = 0; i < parts->len; i++)
    {
      guint id;

      g_assert_true (g_ptr_array_find_with_equal_func (vocab->texts, parts->pdata[i], g_str_equal, &id));
      g_array_append_val (ids, id);
    }
  return ids;
}

/* Random vocabularies, with pieces across spaces and without, on random texts. */
static void
test_spm_against_definition (void)
{
  static const char *const letters[] = { "a", "b", "\xc3\xa9", M };

  for (guint round = 0; round < 60; round++)
    {
      g_autoptr (Vocab) v = vocab_new ("llama", NULL);
      Subject s;

      vocab_add (v, "<unk>", 0, UNKNOWN);
      vocab_set_bool (v, "tokenizer.ggml.add_space_prefix", FALSE);
      for (guint i = 0; i < G_N_ELEMENTS (letters); i++)
        vocab_add (v, letters[i], -100, NORMAL);
      for (guint i = 0; i < 40; i++)
        {
          g_autoptr (GString) piece = g_string_new (round % 2 == 0 ? NULL : i % 2 == 0 ? M : NULL);

          for (gint n = g_test_rand_int_range (2, 6); n > 0; n--)
            g_string_append (piece, letters[g_test_rand_int_range (0, round % 2 == 0 ? 4 : 3)]);
          if (!g_ptr_array_find_with_equal_func (v->texts, piece->str, g_str_equal, NULL))
            vocab_add (v, piece->str, (float) -g_test_rand_int_range (0, 20), NORMAL);
        }
      s = subject_new (v);
      for (guint i = 0; i < 20; i++)
        {
          g_autoptr (GString) text = g_string_new (NULL);
          g_autoptr (GArray) wanted = NULL;
          g_autoptr (GArray) got = NULL;

          for (gint n = g_test_rand_int_range (0, 60); n > 0; n--)
            g_string_append (text, letters[g_test_rand_int_range (0, 4)]);
          wanted = merge_plainly (v, text->str);
          got = encode (&s, text->str, -1, 0);
          g_assert_cmpmem (got->data, got->len * 4, wanted->data, wanted->len * 4);
        }
      subject_clear (&s);
    }
}

/* ---- byte-level BPE ------------------------------------------------------------------------------- */

static void
test_bpe (void)
{
  g_autoptr (Vocab) v = bpe_vocab ("gpt-2");
  Subject s = subject_new (v);
  char all[256];

  check (v, &s, "", 0, "");
  check (v, &s, "hello", 0, "hell|o");
  check (v, &s, "helo", 0, "he|l|o");
  check (v, &s, "elll", 0, "e|ll|l");
  check (v, &s, "hello world", 0, "hell|o|" G "w|o|r|l|d");
  check (v, &s, "w  w", 0, "w|" G "|" G "w");
  check (v, &s, "w    ", 0, "w|   |" G);
  check (v, &s, "\n\xc3\xa9", 0, "\xc4\x8a|\xc3\x83|\xc2\xa9");
  check (v, &s, "h<|x|>", 0, "h|<|||x|||>");
  check (v, &s, "h<|x|>he", PLD_ENCODE_PARSE_SPECIAL, "h|<|x|>|he");
  check (v, &s, "h", PLD_ENCODE_ADD_SPECIAL, "h");
  for (guint i = 0; i < 128; i++)
    {
      all[2 * i] = (char) i;
      all[2 * i + 1] = (char) (127 - i);
    }
  check_round_trip (&s, all, 256);
  check_round_trip (&s, "hello   world\xf0\x9f\x98\x80\xe4\xb8\xad", 20);
  subject_clear (&s);
}

/* A word that is a token is that token, though no merge makes it. */
static void
test_bpe_whole_words (void)
{
  g_autoptr (Vocab) v = bpe_vocab ("llama-bpe");
  Subject s;

  vocab_set_u32 (v, "tokenizer.ggml.bos_token_id", 264);
  s = subject_new (v);
  check (v, &s, "hello hello", 0, "hello|" G "|hell|o");
  check (v, &s, "h", PLD_ENCODE_ADD_SPECIAL, "<|x|>|h");
  subject_clear (&s);
}

static void
test_bpe_missing_bytes (void)
{
  g_autoptr (Vocab) v = vocab_new ("gpt2", "gpt-2");
  g_autoptr (Vocab) u = vocab_new ("gpt2", "gpt-2");
  Subject s;

  for (Vocab **each = (Vocab *[]) { v, u, NULL }; *each != NULL; each++)
    {
      vocab_add (*each, "a", 0, NORMAL);
      vocab_add (*each, "b", 0, NORMAL);
      vocab_add (*each, "ab", 0, NORMAL);
      vocab_merge (*each, "a b");
    }
  s = subject_new (v);
  check (v, &s, "abXba", 0, "ab|b|a");
  subject_clear (&s);
  vocab_set_u32 (u, "tokenizer.ggml.unknown_token_id", 1);
  s = subject_new (u);
  check (u, &s, "abXaa", 0, "ab|b|a|a");
  subject_clear (&s);
}

/* How published tokenizers cut the same text, by the definition of their expressions. Nothing merges here, so words
 * show only by whole_words: a vocabulary of what is expected. */
static void
test_bpe_words (void)
{
  static const struct
  {
    const char *pre, *text, *words; /* of llama-bpe's kind only: words are tokens */
  } cases[] = {
    { "llama-bpe", "We'LL go 12345\n\n x=1;", "We|'LL|" G "go|" G "|123|45|\xc4\x8a\xc4\x8a|" G "x|=|1|;" },
    { "tekken", "HTTPServer's 12//\n", "HTTPServer|'s|" G "|1|2|//\xc4\x8a" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Vocab) v = bpe_vocab (cases[i].pre);
      g_auto (GStrv) words = g_strsplit (cases[i].words, "|", -1);
      Subject s;

      for (char **w = words; *w != NULL; w++)
        vocab_add (v, *w, 0, NORMAL);
      s = subject_new (v);
      check (v, &s, cases[i].text, 0, cases[i].words);
      subject_clear (&s);
    }
}

static void
add_word (const char *text, gsize n, gpointer data)
{
  g_string_append_len (data, text, (gssize) n);
  g_string_append_c (data, '|');
}

/* Words, as Python's regex module cuts them with the expressions of the tokenizers' makers. */
static void
test_bpe_cuts (void)
{
  static const char text[] = "We'LL pay 1234567 x=1;\n\nok 12";
  static const struct
  {
    const char *pre, *words;
  } cases[] = { { "seed-coder", "We|'LL| pay| |1|2|3|4|5|6|7| x|=|1|;|\n\n|ok| |1|2|" },
                { "superbpe", "We'LL pay |1|234|567| x=|1|;\n\nok |12|" },
                { "minicpm5", "We|'|LL| pay| |123|456|7| x|=|1|;|\n|\n|ok| |12|" },
                { "kormo", "We|'LL| pay| |1|2|3|4|5|6|7| x|=|1|;\n\n|ok| |1|2|" },
                { "granite-docling", "We|'|LL| pay| 1234567| x|=|1|;|\n|\n|ok| 12|" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      PldPretokenizer *p = pld_pretokenizer_new (cases[i].pre, &error);
      g_autoptr (GString) words = g_string_new (NULL);

      g_assert_no_error (error);
      g_assert_true (pld_pretokenizer_split (p, text, strlen (text), add_word, words, &error));
      g_assert_cmpstr (words->str, ==, cases[i].words);
      pld_pretokenizer_free (p);
    }
}

/* Every known way to cut text leaves all of it. */
static void
test_bpe_all_pre (void)
{
  static const char *const names[] = { "default",
                                       "llama3",
                                       "dbrx",
                                       "qwen2",
                                       "gpt-2",
                                       "mpt",
                                       "olmo",
                                       "stablelm2",
                                       "starcoder",
                                       "refact",
                                       "command-r",
                                       "smollm",
                                       "codeshell",
                                       "falcon",
                                       "deepseek-llm",
                                       "deepseek-coder",
                                       "deepseek-v3",
                                       "gpt-4o",
                                       "tekken",
                                       "jina-v2-code",
                                       "bloom",
                                       "viking",
                                       "chameleon",
                                       "chatglm-bpe",
                                       "seed-coder",
                                       "kormo",
                                       "f2llmv2",
                                       "trillion",
                                       "superbpe",
                                       "minicpm5",
                                       "granite-docling",
                                       "jina-v5-nano",
                                       "talkie" };
  const char text[] = "Hello, WORLD's 1234567  \r\n\t\xd0\x9f\xd1\x80\xd0\xb8 \xe4\xb8\xad\xe6\x96\x87 "
                      "\xe1\x83\xa5\xe1\x83\x90 {x}==`y`;"
                      "\xf0\x9f\x98\x80\xcc\x81 \xe2\x80\xa6\xe3\x80\x82 <sentinel:12> IMGIMGABZ\n\n   ";

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (Vocab) v = bpe_vocab (names[i]);
      Subject s = subject_new (v);

      check_round_trip (&s, text, strlen (text));
      subject_clear (&s);
    }
}

/* ---- WordPiece ------------------------------------------------------------------------------------ */

static Vocab *
wordpiece_vocab (void)
{
  Vocab *v = vocab_new ("bert", NULL);

  vocab_add (v, "[PAD]", 0, CONTROL);
  vocab_add (v, "[UNK]", 0, CONTROL);
  vocab_add (v, "[CLS]", 0, CONTROL);
  vocab_add (v, "[SEP]", 0, CONTROL);
  vocab_add (v, M "un", 0, NORMAL);
  vocab_add (v, "aff", 0, NORMAL);
  vocab_add (v, "able", 0, NORMAL);
  vocab_add (v, "a", 0, NORMAL);
  vocab_add (v, M "hello", 0, NORMAL);
  vocab_add (v, M "!", 0, NORMAL);
  vocab_add (v, M "\xe4\xb8\xad", 0, NORMAL);
  return v;
}

static void
test_wordpiece (void)
{
  g_autoptr (Vocab) v = wordpiece_vocab ();
  Subject s = subject_new (v);
  g_autoptr (GArray) tokens = encode (&s, "unaffable hello!", -1, PLD_ENCODE_ADD_SPECIAL);
  g_autofree char *long_word = g_strnfill (300, 'a');
  g_autofree char *un_long = g_strconcat ("un", long_word, NULL);
  GString *text = decode (&s, tokens, FALSE);

  g_assert_cmpstr (text->str, ==, "unaffable hello !");
  g_string_free (text, TRUE);
  check (v, &s, "unaffable", 0, M "un|aff|able");
  check (v, &s, "UNAFFABLE", 0, M "un|aff|able");
  check (v, &s, "  H\xc3\xa9llo\xe3\x80\x80hello\n", 0, M "hello|" M "hello");
  check (v, &s, "he\xcc\x81llo\x01!", 0, M "hello|" M "!");
  check (v, &s, "\xe4\xb8\xad\xe4\xb8\xadhello", 0, M "\xe4\xb8\xad|" M "\xe4\xb8\xad|" M "hello");
  check (v, &s, "unaffables hello", 0, "[UNK]|" M "hello");
  check (v, &s, "hello", PLD_ENCODE_ADD_SPECIAL, "[CLS]|" M "hello|[SEP]");
  check (v, &s, "", PLD_ENCODE_ADD_SPECIAL, "[CLS]|[SEP]");
  check (v, &s, un_long, 0, "[UNK]");
  check (v, &s, "una", 0, M "un|a");
  subject_clear (&s);
}

static void
test_wordpiece_cased (void)
{
  g_autoptr (Vocab) v = wordpiece_vocab ();
  Subject s;

  vocab_add (v, M "Hello", 0, NORMAL);
  vocab_add (v, M "h\xc3\xa9", 0, NORMAL);
  s = subject_new (v);
  check (v, &s, "Hello hello HELLO h\xc3\xa9", 0, M "Hello|" M "hello|[UNK]|" M "h\xc3\xa9");
  subject_clear (&s);
}

/* ---- all kinds -------------------------------------------------------------------------------------- */

static void
test_lookups (void)
{
  g_autoptr (Vocab) v = bpe_vocab ("gpt-2");
  guint32 eot, plain_end;
  Subject s;

  eot = vocab_add (v, "<|my_turn|>", 0, CONTROL);
  plain_end = vocab_add (v, "<|tool_call|>", 0, CONTROL);
  vocab_set_u32 (v, "tokenizer.ggml.eot_token_id", eot);
  vocab_set_u32 (v, "tokenizer.ggml.bos_token_id", G_MAXUINT32);
  vocab_set_u32 (v, "tokenizer.ggml.eos_token_id", 264);
  s = subject_new (v);
  g_assert_cmpint (pld_tokenizer_bos (s.tokenizer), ==, -1);
  g_assert_cmpint (pld_tokenizer_eos (s.tokenizer), ==, 264);
  g_assert_cmpint (pld_tokenizer_find (s.tokenizer, "<|x|>"), ==, 264);
  g_assert_cmpint (pld_tokenizer_find (s.tokenizer, "hello"), ==, 261);
  g_assert_cmpint (pld_tokenizer_find (s.tokenizer, " w"), ==, 260);
  g_assert_cmpint (pld_tokenizer_find (s.tokenizer, "nothing"), ==, -1);
  g_assert_cmpint (pld_tokenizer_find (s.tokenizer, ""), ==, -1);
  g_assert_true (pld_tokenizer_is_control (s.tokenizer, 264));
  g_assert_false (pld_tokenizer_is_control (s.tokenizer, 261));
  g_assert_false (pld_tokenizer_is_control (s.tokenizer, G_MAXUINT32));
  /* eos and eot by their ids, <|endoftext|> by its name, though the file calls it normal */
  g_assert_true (pld_tokenizer_is_end (s.tokenizer, 264));
  g_assert_true (pld_tokenizer_is_end (s.tokenizer, eot));
  g_assert_true (pld_tokenizer_is_end (s.tokenizer, 263));
  g_assert_true (pld_tokenizer_is_control (s.tokenizer, 263));
  g_assert_false (pld_tokenizer_is_end (s.tokenizer, plain_end));
  g_assert_false (pld_tokenizer_is_end (s.tokenizer, 0));
  g_assert_false (pld_tokenizer_is_end (s.tokenizer, G_MAXUINT32));
  subject_clear (&s);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tokenizer/spm", test_spm);
  g_test_add_func ("/tokenizer/spm/special", test_spm_special);
  g_test_add_func ("/tokenizer/spm/settings", test_spm_settings);
  g_test_add_func ("/tokenizer/spm/strips", test_spm_strips);
  g_test_add_func ("/tokenizer/spm/definition", test_spm_against_definition);
  g_test_add_func ("/tokenizer/bpe", test_bpe);
  g_test_add_func ("/tokenizer/bpe/whole-words", test_bpe_whole_words);
  g_test_add_func ("/tokenizer/bpe/missing-bytes", test_bpe_missing_bytes);
  g_test_add_func ("/tokenizer/bpe/words", test_bpe_words);
  g_test_add_func ("/tokenizer/bpe/cuts", test_bpe_cuts);
  g_test_add_func ("/tokenizer/bpe/all-pre", test_bpe_all_pre);
  g_test_add_func ("/tokenizer/wordpiece", test_wordpiece);
  g_test_add_func ("/tokenizer/wordpiece/cased", test_wordpiece_cased);
  g_test_add_func ("/tokenizer/lookups", test_lookups);
  return g_test_run ();
}
