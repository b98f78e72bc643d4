/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Language models against other implementations: logits of every position and greedy tokens of llama.cpp (the shared
 * data) and of an own reference in double precision (tests/golden/llm/make-golden.py). And the project's guarantees:
 * streamed equals resident, a batch of sequences gives what each gives alone, a prompt gives the same in chunks of any
 * size; all byte for byte.
 */
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "engine/format/weights.h"
#include "engine/runtime/dispatch.h"
#include "tests/support/model-bytes.h"
#include "pipeload/pipeload.h"
#include "tests/support/options.h"

/* ---- models and what is expected of them ---------------------------------------------------- */

typedef struct
{
  char *path;
  GArray *tokens; /* guint32: the prompt */
  GArray *greedy; /* guint32: what follows it, may be empty */
  float *logits;  /* [tokens, n_vocab] */
  guint n_vocab;
} Golden;

static void
golden_free (Golden *g)
{
  if (g == NULL)
    return;
  g_free (g->path);
  g_array_unref (g->tokens);
  g_array_unref (g->greedy);
  g_free (g->logits);
  g_free (g);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Golden, golden_free)

static GArray *
read_ids (JsonObject *object, const char *key)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  JsonArray *array = json_object_has_member (object, key) ? json_object_get_array_member (object, key) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      guint32 id = (guint32) json_array_get_int_element (array, i);

      g_array_append_val (ids, id);
    }
  return ids;
}

/* @path: a .gguf with a .json of the same name */
static Golden *
golden_read (const char *path)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *stem = g_strndup (path, strlen (path) - strlen (".gguf"));
  g_autofree char *name = g_strconcat (stem, ".json", NULL);
  Golden *g = g_new0 (Golden, 1);
  JsonObject *object;
  JsonArray *rows;

  json_parser_load_from_file (parser, name, &error);
  g_assert_no_error (error);
  object = json_node_get_object (json_parser_get_root (parser));
  g->path = g_strdup (path);
  g->n_vocab = (guint) json_object_get_int_member (object, "n_vocab");
  g->tokens = read_ids (object, "tokens");
  g->greedy = read_ids (object, "greedy");
  rows = json_object_get_array_member (object, "logits");
  g_assert_cmpuint (json_array_get_length (rows), ==, g->tokens->len);
  g->logits = g_new (float, (gsize) g->tokens->len * g->n_vocab);
  for (guint i = 0; i < g->tokens->len; i++)
    {
      JsonArray *row = json_array_get_array_element (rows, i);

      g_assert_cmpuint (json_array_get_length (row), ==, g->n_vocab);
      for (guint j = 0; j < g->n_vocab; j++)
        g->logits[(gsize) i * g->n_vocab + j] = (float) json_array_get_double_element (row, j);
    }
  return g;
}

/* Whether the weights are in blocks of few bits, so that activations are made blocks too. */
static gboolean
golden_quantized (const Golden *g)
{
  g_autofree char *text = pld_model_inspect (g->path, NULL);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  JsonObject *types = json_object_get_object_member (json_node_get_object (node), "types");
  g_autoptr (GList) names = json_object_get_members (types);

  for (GList *l = names; l != NULL; l = l->next)
    if (!g_str_equal (l->data, "F32") && !g_str_equal (l->data, "F16") && !g_str_equal (l->data, "BF16"))
      return TRUE;
  return FALSE;
}

static PldLlm *
open_model (const char *path, guint64 limit, guint loaders, guint chunk, PldCacheType cache_type)
{
  g_autoptr (GError) error = NULL;
  PldLlmOptions options
      = LLM_OPTIONS (.engine.model = path, .engine.memory_limit = limit, .engine.loaders = loaders, .engine.threads = 2,
                     .context_size = 256, .chunk = chunk, .cache_type = cache_type);
  PldLlm *llm = pld_llm_open (&options, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (llm);
  return llm;
}

/* Logits after each of the tokens, one pass a token. Returns: [n, n_vocab] */
static float *
eval_each (PldLlm *llm, const GArray *tokens)
{
  const guint n_vocab = pld_llm_get_info (llm)->n_vocab;
  float *logits = g_new (float, (gsize) tokens->len *n_vocab);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < tokens->len; i++)
    {
      pld_llm_eval (llm, &g_array_index (tokens, guint32, i), 1, logits + (gsize) i * n_vocab, NULL, &error);
      g_assert_no_error (error);
    }
  return logits;
}

/* Logits after the last of the tokens, all at once. */
static float *
eval_all (PldLlm *llm, const GArray *tokens)
{
  float *logits = g_new (float, pld_llm_get_info (llm)->n_vocab);
  g_autoptr (GError) error = NULL;

  pld_llm_eval (llm, (const guint32 *) (gconstpointer) tokens->data, tokens->len, logits, NULL, &error);
  g_assert_no_error (error);
  return logits;
}

static guint32
argmax (const float *logits, guint n)
{
  guint best = 0;

  for (guint i = 1; i < n; i++)
    if (logits[i] > logits[best])
      best = i;
  return best;
}

/* ---- logits -------------------------------------------------------------------------------- */

static double
relative_error (const float *got, const float *want, gsize n)
{
  double difference = 0, norm = 0;

  for (gsize i = 0; i < n; i++)
    {
      difference += ((double) got[i] - want[i]) * ((double) got[i] - want[i]);
      norm += (double) want[i] * want[i];
    }
  return sqrt (difference / norm);
}

/* Six decimal digits of the expected logits leave 1e-6; float sums in another order some 1e-6 more. A cache of halves
 * rounds keys and values by 2^-11, which leaves some 5e-4 of the logits. Blocks of 8 bits for activations cost up to
 * 1/254 of the largest of 32 values in each linear layer, which tiny random models (no redundancy, large weights) show
 * as 1 to 3 %. */
static void
test_logits (gconstpointer data)
{
  static const struct
  {
    PldCacheType type;
    double tolerance;
  } cases[] = { { PLD_CACHE_F32, 1e-4 }, { PLD_CACHE_F16, 1e-3 } };
  g_autoptr (Golden) g = golden_read (data);
  const gboolean quantized = golden_quantized (g);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      PldLlm *llm = open_model (g->path, 0, 0, 0, cases[i].type);
      g_autofree float *got = NULL;
      double error;

      g_assert_cmpuint (pld_llm_get_info (llm)->n_vocab, ==, g->n_vocab);
      got = eval_each (llm, g->tokens);
      error = relative_error (got, g->logits, (gsize) g->tokens->len * g->n_vocab);
      g_test_message ("relative L2 error of the logits: %.3g", error);
      g_assert_cmpfloat (error, <=, quantized ? 3e-2 : cases[i].tolerance);
      g_clear_pointer (&llm, pld_llm_close);
    }
}

/* ---- the same by exact dequantisation -------------------------------------------------------- */

/* Where the list of tensors begins: all before it is header and keys. */
static gsize
tensors_begin (const PldWeights *weights, const guint8 *bytes, gsize size)
{
  gsize first = size;

  for (guint i = 0; i < weights->n_tensors; i++)
    {
      g_autoptr (GByteArray) name = g_byte_array_new ();
      const guint8 *at;

      bytes_string (name, weights->tensors[i].name);
      at = memmem (bytes, size, name->data, name->len);
      g_assert_nonnull (at);
      first = MIN (first, (gsize) (at - bytes));
    }
  return first;
}

/* The model with its weights dequantised by our kernels, as a file of floats in @folder. Returns: (transfer full): its
 * path */
static char *
dequantize_model (const char *path, const char *folder)
{
  g_autoptr (PldWeights) weights = pld_weights_open (path, NULL);
  g_autoptr (GByteArray) model = g_byte_array_new ();
  g_autofree char *bytes = NULL;
  guint64 offset = 0;
  gsize size;

  g_assert_nonnull (weights);
  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  g_byte_array_append (model, (const guint8 *) bytes, (guint) tensors_begin (weights, (const guint8 *) bytes, size));
  for (guint i = 0; i < weights->n_tensors; i++)
    {
      const PldTensor *t = &weights->tensors[i];
      guint64 dims[PLD_TENSOR_MAX_DIMS];

      for (guint d = 0; d < t->n_dims; d++)
        dims[d] = t->dims[t->n_dims - 1 - d];
      bytes_gguf_tensor (model, t->name, t->n_dims, dims, 0, offset);
      offset += (t->n_values * sizeof (float) + 31) / 32 * 32;
    }
  bytes_zero (model, (32 - model->len % 32) % 32);
  for (guint i = 0; i < weights->n_tensors; i++)
    {
      const PldTensor *t = &weights->tensors[i];
      g_autofree float *values = g_new (float, t->n_values);

      pld_dequantize_kernel (pld_kernels (), t->dtype) (values, (const guint8 *) bytes + t->offset, t->n_values);
      g_byte_array_append (model, (const guint8 *) values, (guint) (t->n_values * sizeof (float)));
      bytes_zero (model, (32 - model->len % 32) % 32);
    }
  return bytes_save (model, folder, "floats.gguf");
}

/* Then nothing is rounded but sums of floats. */
static void
test_dequantized (gconstpointer data)
{
  g_autoptr (Golden) g = golden_read (data);
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  g_autofree char *path = dequantize_model (g->path, folder);
  PldLlm *llm = open_model (path, 0, 0, 0, PLD_CACHE_F32);
  g_autofree float *got = eval_each (llm, g->tokens);

  g_assert_cmpfloat (relative_error (got, g->logits, (gsize) g->tokens->len * g->n_vocab), <=, 1e-4);
  g_clear_pointer (&llm, pld_llm_close);
  remove_folder (folder);
}

/* ---- greedy tokens --------------------------------------------------------------------------- */

static void
test_greedy (gconstpointer data)
{
  g_autoptr (Golden) g = golden_read (data);
  PldLlm *llm = open_model (g->path, 0, 0, 0, PLD_CACHE_F16);
  g_autofree float *logits = eval_all (llm, g->tokens);

  for (guint i = 0; i < g->greedy->len; i++)
    {
      g_autoptr (GError) error = NULL;
      guint32 token = argmax (logits, g->n_vocab);

      g_assert_cmpuint (token, ==, g_array_index (g->greedy, guint32, i));
      pld_llm_eval (llm, &token, 1, logits, NULL, &error);
      g_assert_no_error (error);
    }
  g_clear_pointer (&llm, pld_llm_close);
}

/* ---- the same, byte for byte ---------------------------------------------------------------- */

static const PldCacheType cache_types[] = { PLD_CACHE_F16, PLD_CACHE_Q8_0, PLD_CACHE_F32 };

/* Short heads have no cache of Q8_0. */
static gboolean
can_cache (const char *path, PldCacheType type)
{
  PldLlmOptions options = LLM_OPTIONS (.engine.model = path, .cache_type = type);
  g_autoptr (PldPlanInfo) plan = NULL;

  return type != PLD_CACHE_Q8_0 || (plan = pld_model_plan (&options.engine, NULL)) != NULL;
}

/* A prompt at once, in chunks of any size, token by token: the same logits. */
static void
test_chunks (gconstpointer data)
{
  static const guint chunks[] = { 1, 2, 3, 7, 512 };
  g_autoptr (Golden) g = golden_read (data);

  for (guint t = 0; t < G_N_ELEMENTS (cache_types); t++)
    {
      g_autofree float *want = NULL;

      for (guint i = 0; can_cache (g->path, cache_types[t]) && i < G_N_ELEMENTS (chunks); i++)
        {
          PldLlm *llm = open_model (g->path, 0, 0, chunks[i], cache_types[t]);
          g_autofree float *got = eval_all (llm, g->tokens);

          if (want == NULL)
            want = g_steal_pointer (&got);
          else if (memcmp (got, want, g->n_vocab * sizeof (float)) != 0)
            g_error ("%s: a prompt in chunks of %u differs from one in chunks of %u", g->path, chunks[i], chunks[0]);
          g_clear_pointer (&llm, pld_llm_close);
        }
    }
}

static void
check_streamed (const Golden *g, guint64 limit, guint loaders, PldCacheType type, const float *resident)
{
  PldLlm *llm = open_model (g->path, limit, loaders, 0, type);
  PldStats stats;

  for (guint run = 0; run < 2; run++)
    {
      g_autofree float *got = NULL;

      pld_llm_rewind (llm, 0);
      got = eval_each (llm, g->tokens);
      if (memcmp (got, resident, (gsize) g->tokens->len * g->n_vocab * sizeof (float)) != 0)
        g_error ("%s: run %u under %" G_GUINT64_FORMAT " bytes with %u loaders differs from the resident run", g->path,
                 run, limit, loaders);
    }
  pld_handle_get_stats (PLD_HANDLE (llm), &stats);
  g_assert_cmpuint (stats.engine_peak, <=, limit);
  g_assert_cmpuint (stats.memory_limit, ==, limit);
  g_clear_pointer (&llm, pld_llm_close);
}

static guint64
minimum_limit (const char *path, PldCacheType type)
{
  PldLlmOptions options
      = LLM_OPTIONS (.engine.model = path, .engine.threads = 2, .context_size = 256, .cache_type = type);
  g_autoptr (GError) error = NULL;
  g_autoptr (PldPlanInfo) plan = NULL;

  plan = pld_model_plan (&options.engine, &error);
  g_assert_no_error (error);
  return plan->minimum_limit;
}

static void
sweep (const Golden *g, PldCacheType type)
{
  enum
  {
    LIMITS = 5
  };
  const guint64 least = minimum_limit (g->path, type);
  PldLlm *llm = open_model (g->path, 0, 0, 0, type);
  g_autofree float *resident = eval_each (llm, g->tokens);
  PldStats stats;
  guint64 most;

  pld_handle_get_stats (PLD_HANDLE (llm), &stats);
  most = MAX (stats.engine_peak + 65536, least);
  g_clear_pointer (&llm, pld_llm_close);
  for (guint i = 0; i < LIMITS; i++)
    check_streamed (g, least + (most - least) * i / (LIMITS - 1), 1 + i % 3, type, resident);
}

static void
test_streamed (gconstpointer data)
{
  g_autoptr (Golden) g = golden_read (data);

  for (guint t = 0; t < G_N_ELEMENTS (cache_types); t++)
    if (can_cache (g->path, cache_types[t]))
      sweep (g, cache_types[t]);
}

/* ---- several sequences --------------------------------------------------------------------- */

typedef struct
{
  const char *path;
  guint64 limit;
  GArray *tokens;
  guint n_rounds;
  float *logits;
} Sequence;

/* A prompt and some tokens of an answer, twice. */
static gpointer
sequence_run (gpointer data)
{
  Sequence *s = data;
  PldLlm *llm = open_model (s->path, s->limit, 0, 0, PLD_CACHE_F16);
  const guint n_vocab = pld_llm_get_info (llm)->n_vocab;

  s->logits = g_new0 (float, (gsize) s->n_rounds *n_vocab);
  for (guint run = 0; run < 2; run++)
    {
      g_autofree float *first = NULL;
      guint32 token;

      pld_llm_rewind (llm, 0);
      first = eval_all (llm, s->tokens);
      token = argmax (first, n_vocab);
      for (guint i = 0; i < s->n_rounds; i++)
        {
          g_autoptr (GError) error = NULL;
          float *logits = s->logits + (gsize) i * n_vocab;

          pld_llm_eval (llm, &token, 1, logits, NULL, &error);
          g_assert_no_error (error);
          token = argmax (logits, n_vocab);
        }
    }
  g_clear_pointer (&llm, pld_llm_close);
  return NULL;
}

/* Prompts of different lengths at different places of their answers share passes; each gets what it gets alone. */
static void
check_batch (const Golden *g, guint64 limit)
{
  enum
  {
    SEQUENCES = 5,
    ROUNDS = 12
  };
  Sequence alone[SEQUENCES], together[SEQUENCES];
  GThread *threads[SEQUENCES];

  for (guint i = 0; i < SEQUENCES; i++)
    {
      GArray *tokens = g_array_new (FALSE, FALSE, sizeof (guint32));

      for (guint j = 0; j < 3 + 5 * i; j++)
        {
          guint32 id = (7 + 31 * i + 13 * j) % g->n_vocab;

          g_array_append_val (tokens, id);
        }
      alone[i] = together[i] = (Sequence) { g->path, limit, tokens, ROUNDS, NULL };
      sequence_run (&alone[i]);
    }
  for (guint i = 0; i < SEQUENCES; i++)
    {
      together[i].limit = limit > 0 ? limit * SEQUENCES : 0;
      threads[i] = g_thread_new ("sequence", sequence_run, &together[i]);
    }
  for (guint i = 0; i < SEQUENCES; i++)
    {
      g_thread_join (threads[i]);
      g_assert_true (memcmp (alone[i].logits, together[i].logits, (gsize) ROUNDS * g->n_vocab * sizeof (float)) == 0);
      g_free (alone[i].logits);
      g_free (together[i].logits);
      g_array_unref (alone[i].tokens);
    }
}

static void
test_batch (gconstpointer data)
{
  g_autoptr (Golden) g = golden_read (data);

  check_batch (g, 0);
  check_batch (g, minimum_limit (g->path, PLD_CACHE_F16) + 65536);
}

/* ---- the list ------------------------------------------------------------------------------ */

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Each model of a folder. */
static void
add_folder (const char *folder, gboolean greedy)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".gguf"))
      g_ptr_array_add (names, g_strdup (name));
  g_clear_pointer (&dir, g_dir_close);
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    {
      const struct
      {
        const char *name;
        GTestDataFunc func;
        gboolean wanted;
      } tests[] = { { "logits", test_logits, TRUE },
                    { "dequantized", test_dequantized, TRUE },
                    /* Rounded activations may decide otherwise between two tokens that are nearly as likely. */
                    { "greedy", test_greedy, greedy && g_str_has_suffix (names->pdata[i], "f32.gguf") },
                    { "chunks", test_chunks, TRUE },
                    { "streamed", test_streamed, TRUE },
                    { "batch", test_batch, TRUE } };

      for (guint t = 0; t < G_N_ELEMENTS (tests); t++)
        {
          g_autofree char *test = g_strdup_printf ("/llama/%s/%s", tests[t].name, (const char *) names->pdata[i]);

          if (tests[t].wanted)
            g_test_add_data_func_full (test, g_build_filename (folder, names->pdata[i], NULL), tests[t].func, g_free);
        }
    }
}

int
main (int argc, char **argv)
{
  const char *data = g_getenv ("PIPELOAD_DATA");
  g_autofree char *sibling = NULL;
  g_autofree char *own = NULL;
  g_autofree char *shared = NULL;
  g_autofree char *stories = NULL;

  g_test_init (&argc, &argv, NULL);
  sibling = g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "..", "shared", "data", NULL);
  own = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "llm", "data", NULL);
  shared = g_build_filename (data != NULL ? data : sibling, "golden", "llm", NULL);
  stories = g_build_filename (data != NULL ? data : sibling, "models", "stories260k-f32.gguf", NULL);
  add_folder (own, TRUE);
  add_folder (shared, FALSE);
  if (g_file_test (stories, G_FILE_TEST_EXISTS))
    {
      g_test_add_data_func ("/llama/logits/stories260k", stories, test_logits);
      g_test_add_data_func ("/llama/greedy/stories260k", stories, test_greedy);
    }
  return g_test_run ();
}
