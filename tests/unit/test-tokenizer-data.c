/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Real vocabularies against other programs' tokens, and real text there and back. Needs the shared data; with
 * --verbose, says how fast.
 */
#include "engine/text/tokenizer.h"

#include <string.h>

static char *
data_path (const char *folder, const char *name)
{
  const char *data = g_getenv ("PIPELOAD_DATA");

  if (data != NULL)
    return g_build_filename (data, folder, name, NULL);
  return g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "..", "shared", "data", folder, name, NULL);
}

static char *
vocab_path (const char *name)
{
  g_autofree char *file = g_strdup_printf ("ggml-vocab-%s.gguf", name);

  return data_path ("tokenizers", file);
}

/* NULL, and the test is skipped, when there is no data. */
static PldTokenizer *
open_vocab (const char *name, PldBudget *budget)
{
  g_autofree char *path = vocab_path (name);
  g_autoptr (PldWeights) weights = NULL;
  PldTokenizer *tokenizer;
  GError *error = NULL;
  gint64 start;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("no data");
      return NULL;
    }
  weights = pld_weights_open (path, &error);
  g_assert_no_error (error);
  start = g_get_monotonic_time ();
  tokenizer = pld_tokenizer_new (weights, budget, &error);
  g_test_message ("%s: %.3f s to read", name, (double) (g_get_monotonic_time () - start) / 1e6);
  g_assert_no_error (error);
  /* An upper bound, within a tenth. */
  g_assert_cmpuint (pld_budget_get_peak (budget), <=, pld_tokenizer_bytes (weights));
  g_assert_cmpuint (pld_tokenizer_bytes (weights), <=, pld_budget_get_peak (budget) * 11 / 10);
  return tokenizer;
}

static char *
read_text (const char *path, gsize *n)
{
  g_autoptr (GError) error = NULL;
  char *text;

  g_file_get_contents (path, &text, n, &error);
  g_assert_no_error (error);
  return text;
}

static char *
read_gz (const char *path, gsize *n)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInputStream) packed = g_file_read (file, NULL, &error);
  g_autoptr (GZlibDecompressor) unzip = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();

  g_assert_no_error (error);
  stream = g_converter_input_stream_new (G_INPUT_STREAM (packed), G_CONVERTER (unzip));
  g_output_stream_splice (memory, stream, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, &error);
  g_assert_no_error (error);
  *n = g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (memory));
  return g_memory_output_stream_steal_data (G_MEMORY_OUTPUT_STREAM (memory));
}

static GArray *
encode (const PldTokenizer *tokenizer, const char *text, gsize n, PldEncodeFlags flags)
{
  GArray *tokens = g_array_new (FALSE, FALSE, sizeof (guint32));
  GError *error = NULL;

  pld_tokenizer_encode (tokenizer, text, n, flags, tokens, &error);
  g_assert_no_error (error);
  return tokens;
}

/* The ids that llama.cpp and Hugging Face's tokenizers agree on. */
static void
test_suite (gconstpointer name)
{
  PldBudget *budget = pld_budget_new (0);
  PldTokenizer *tokenizer = open_vocab (name, budget);
  g_autofree char *path = vocab_path (name);
  g_autofree char *in_path = g_strconcat (path, ".inp", NULL);
  g_autofree char *out_path = g_strconcat (path, ".out", NULL);

  if (tokenizer != NULL)
    {
      gsize n;
      g_autofree char *in = read_text (in_path, &n);
      g_autofree char *out = read_text (out_path, &n);
      g_auto (GStrv) texts = g_strsplit (in, "\n__ggml_vocab_test__\n", -1);
      g_auto (GStrv) lines = g_strsplit (out, "\n", -1);

      g_assert_cmpuint (g_strv_length (lines), ==, 47); /* and nothing after the last line's end */
      g_assert_cmpuint (g_strv_length (texts), >=, 46);
      for (guint i = 0; i < 46; i++)
        {
          g_autoptr (GArray) tokens = encode (tokenizer, texts[i], strlen (texts[i]), 0);
          g_autoptr (GString) ids = g_string_new (NULL);

          for (guint k = 0; k < tokens->len; k++)
            g_string_append_printf (ids, "%s%u", k > 0 ? " " : "", g_array_index (tokens, guint32, k));
          g_assert_cmpstr (ids->str, ==, g_strstrip (lines[i]));
        }
      g_clear_pointer (&tokenizer, pld_tokenizer_free);
    }
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  g_clear_pointer (&budget, pld_budget_free);
}

static void
check_round_trip (const PldTokenizer *tokenizer, const char *what, const char *text, gsize n, PldEncodeFlags flags)
{
  gint64 start = g_get_monotonic_time (), encoded;
  g_autoptr (GArray) tokens = encode (tokenizer, text, n, flags);
  g_autoptr (GString) out = g_string_sized_new (n);
  PldDecoder decoder;

  encoded = g_get_monotonic_time ();
  pld_decoder_init (&decoder, tokenizer, TRUE);
  for (guint i = 0; i < tokens->len; i++)
    pld_decoder_push (&decoder, g_array_index (tokens, guint32, i), out);
  pld_decoder_end (&decoder, out);
  g_test_message ("%s: %u tokens, encoded at %.1f MB/s", what, tokens->len,
                  (double) n / (double) MAX (encoded - start, 1));
  g_assert_cmpuint (out->len, ==, n);
  g_assert_true (memcmp (out->str, text, n) == 0);
}

static void
test_round_trip (gconstpointer name)
{
  PldBudget *budget = pld_budget_new (0);
  PldTokenizer *tokenizer = open_vocab (name, budget);
  g_autofree char *wiki_path = data_path ("text", "wikitext-test.txt");
  g_autofree char *code_path = data_path ("text", "HumanEval.jsonl.gz");

  if (tokenizer != NULL)
    {
      gsize n_wiki, n_code;
      g_autofree char *wiki = read_text (wiki_path, &n_wiki);
      g_autofree char *code = read_gz (code_path, &n_code);

      check_round_trip (tokenizer, "WikiText", wiki, n_wiki, 0);
      check_round_trip (tokenizer, "HumanEval", code, n_code, 0);
      /* WikiText is full of "<unk>", a token of some. */
      check_round_trip (tokenizer, "WikiText", wiki, n_wiki, PLD_ENCODE_PARSE_SPECIAL);
      g_clear_pointer (&tokenizer, pld_tokenizer_free);
    }
  g_clear_pointer (&budget, pld_budget_free);
}

/* Lines of one character, which are one word: a quadratic tokenizer would take hours. */
static void
test_long_words (gconstpointer name)
{
  static const char *const units[] = { "a", " ", "A", "\n", "\xe4\xb8\xad", "<|", "1" };
  PldBudget *budget = pld_budget_new (0);
  PldTokenizer *tokenizer = open_vocab (name, budget);

  for (guint i = 0; tokenizer != NULL && i < G_N_ELEMENTS (units); i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);

      while (text->len < 1u << 20)
        g_string_append (text, units[i]);
      check_round_trip (tokenizer, "one word", text->str, text->len, 0);
    }
  g_clear_pointer (&tokenizer, pld_tokenizer_free);
  g_clear_pointer (&budget, pld_budget_free);
}

static void
test_llama3_prompt (void)
{
  static const guint32 wanted[] = { 128000, 128006, 882, 128007, 271, 9906, 128009 };
  const char *text = "<|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>";
  PldBudget *budget = pld_budget_new (0);
  PldTokenizer *tokenizer = open_vocab ("llama-bpe", budget);

  if (tokenizer != NULL)
    {
      g_autoptr (GArray) parsed
          = encode (tokenizer, text, strlen (text), PLD_ENCODE_ADD_SPECIAL | PLD_ENCODE_PARSE_SPECIAL);
      g_autoptr (GArray) plain = encode (tokenizer, text, strlen (text), 0);

      g_assert_cmpmem (parsed->data, parsed->len * 4, wanted, sizeof wanted);
      for (guint i = 0; i < plain->len; i++)
        g_assert_cmpuint (g_array_index (plain, guint32, i), <, 128000);
      g_assert_cmpint (pld_tokenizer_find (tokenizer, "<|eot_id|>"), ==, 128009);
      g_assert_true (pld_tokenizer_is_end (tokenizer, 128009));
      g_assert_true (pld_tokenizer_is_end (tokenizer, 128001));
      g_assert_false (pld_tokenizer_is_end (tokenizer, 128006));
      g_assert_cmpuint (pld_tokenizer_size (tokenizer), ==, 128256);
      g_clear_pointer (&tokenizer, pld_tokenizer_free);
    }
  g_clear_pointer (&budget, pld_budget_free);
}

int
main (int argc, char **argv)
{
  static const char *const names[] = { "llama-spm", "phi-3", "gpt-2", "llama-bpe", "bert-bge" };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *suite = g_strconcat ("/tokenizer-data/suite/", names[i], NULL);
      g_autofree char *round_trip = g_strconcat ("/tokenizer-data/round-trip/", names[i], NULL);
      g_autofree char *long_words = g_strconcat ("/tokenizer-data/long-words/", names[i], NULL);

      g_test_add_data_func (suite, names[i], test_suite);
      /* WordPiece forgets case and spaces. */
      if (strcmp (names[i], "bert-bge") == 0)
        continue;
      g_test_add_data_func (round_trip, names[i], test_round_trip);
      g_test_add_data_func (long_words, names[i], test_long_words);
    }
  g_test_add_func ("/tokenizer-data/llama3-prompt", test_llama3_prompt);
  return g_test_run ();
}
