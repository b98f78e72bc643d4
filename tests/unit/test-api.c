/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The rule by which the public API grows: programs compiled with other headers keep working (docs/api.md).
 */
#include "tests/support/model-bytes.h"
#include "tests/support/options.h"

#include <string.h>

/* A byte that no default is made of: 0x5a5a5a5a as a number is refused or noticed wherever it is read. */
#define GUARD 0x5a

static char *
golden (const char *folder, const char *name)
{
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", folder, name, NULL);
}

static void
assert_bytes (gconstpointer memory, gsize begin, gsize end, guint8 value)
{
  for (gsize i = begin; i < end; i++)
    g_assert_cmpuint (((const guint8 *) memory)[i], ==, value);
}

static void
test_version (void)
{
  guint major = 99, minor = 99, micro = 99;

  pld_version (&major, &minor, &micro);
  pld_version (NULL, NULL, NULL);
  g_assert_cmpuint (major, ==, PLD_VERSION_MAJOR);
  g_assert_cmpuint (minor, ==, PLD_VERSION_MINOR);
  g_assert_cmpuint (micro, ==, PLD_VERSION_MICRO);
  g_assert_true (PLD_CHECK_VERSION (PLD_VERSION_MAJOR, PLD_VERSION_MINOR, PLD_VERSION_MICRO));
  g_assert_false (PLD_CHECK_VERSION (PLD_VERSION_MAJOR, PLD_VERSION_MINOR, PLD_VERSION_MICRO + 1));
  g_assert_false (PLD_CHECK_VERSION (PLD_VERSION_MAJOR, PLD_VERSION_MINOR + 1, 0));
  g_assert_false (PLD_CHECK_VERSION (PLD_VERSION_MAJOR + 1, 0, 0));
}

/* A program whose PldVisionOptions ends after batch: what follows in memory is its own. */
static void
test_older_vision (void)
{
  const gsize known = G_STRUCT_OFFSET (PldVisionOptions, input_width);
  g_autofree char *path = golden ("data", "vit-random");
  g_autoptr (GError) error = NULL;
  g_autoptr (PldPlanInfo) plan = NULL;
  PldVisionOptions options;
  PldVision *vision;

  memset (&options, GUARD, sizeof options);
  pld_vision_options_init_sized (&options, known);
  assert_bytes (&options, known, sizeof options, GUARD);
  g_assert_cmpuint (options.engine.size, ==, known);
  g_assert_cmpuint (options.batch, ==, 0);
  options.engine.model = path;
  options.engine.threads = 1;
  plan = pld_model_plan (&options.engine, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (plan->batch, ==, 1);
  vision = pld_vision_open (&options, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pld_vision_get_info (vision)->input_width, !=, options.input_width);
  assert_bytes (&options, known, sizeof options, GUARD);
  g_clear_pointer (&vision, pld_vision_close);
}

static void
test_older_llm (void)
{
  const gsize known = G_STRUCT_OFFSET (PldLlmOptions, cache_type);
  g_autofree char *path = golden ("llm/data", "mha-tied-f32.gguf");
  g_autoptr (GError) error = NULL;
  PldLlmOptions options;
  PldLlm *llm;

  memset (&options, GUARD, sizeof options);
  pld_llm_options_init_sized (&options, known);
  assert_bytes (&options, known, sizeof options, GUARD);
  options.engine.model = path;
  options.engine.threads = 1;
  options.context_size = 16;
  llm = pld_llm_open (&options, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pld_llm_get_info (llm)->context_size, ==, 16);
  g_clear_pointer (&llm, pld_llm_close);
}

/* A program that knows a member more than the library. */
static void
test_newer_vision (void)
{
  struct
  {
    PldVisionOptions options;
    guint64 added;
  } newer;
  g_autofree char *path = golden ("data", "vit-random");
  g_autoptr (GError) error = NULL;
  PldVision *vision;

  memset (&newer, GUARD, sizeof newer);
  pld_vision_options_init_sized (&newer.options, sizeof newer);
  g_assert_cmpuint (newer.options.engine.size, ==, sizeof newer);
  g_assert_cmpuint (newer.added, ==, 0);
  newer.options.engine.model = path;
  vision = pld_vision_open (&newer.options, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_clear_pointer (&vision, pld_vision_close);
}

static void
test_stats (void)
{
  const gsize known = G_STRUCT_OFFSET (PldStats, stalls);
  g_autofree char *path = golden ("data", "vit-random");
  g_autoptr (GError) error = NULL;
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path, .engine.memory_limit = 100000000);
  PldVision *vision = pld_vision_open (&options, NULL, NULL, NULL, &error);
  struct
  {
    PldStats stats;
    guint64 added;
  } newer;
  PldStats older, all;

  g_assert_no_error (error);
  g_assert_cmpstr (pld_handle_get_path (PLD_HANDLE (vision)), ==, path);
  memset (&older, GUARD, sizeof older);
  memset (&newer, GUARD, sizeof newer);
  pld_handle_get_stats (PLD_HANDLE (vision), &all);
  pld_handle_copy_stats (PLD_HANDLE (vision), &older, known);
  pld_handle_copy_stats (PLD_HANDLE (vision), &newer.stats, sizeof newer);
  g_assert_cmpuint (all.memory_limit, ==, 100000000);
  g_assert_cmpuint (all.users, ==, 1);
  g_assert_cmpmem (&older, known, &all, known);
  assert_bytes (&older, known, sizeof older, GUARD);
  g_assert_cmpuint (newer.stats.users, ==, 1);
  g_assert_cmpuint (newer.added, ==, 0);
  g_clear_pointer (&vision, pld_vision_close);
}

static gboolean
gather (const char *text, gsize length, gpointer user_data)
{
  g_string_append_len (user_data, text, (gssize) length);
  return TRUE;
}

/* Options without penalties, seed, stop strings and biases sample as the defaults of those do. */
static void
test_older_generate (void)
{
  const gsize known = G_STRUCT_OFFSET (PldGenerateOptions, repeat_penalty);
  const PldMessage message = { "user", "abc" };
  g_autofree char *path = golden ("llm/data", "mha-tied-f32.gguf");
  g_autoptr (GString) old = g_string_new (NULL), new = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  PldLlmOptions options = LLM_OPTIONS (.engine.model = path, .engine.threads = 1, .context_size = 64);
  PldLlm *llm = pld_llm_open (&options, NULL, NULL, NULL, &error);
  PldGenerateOptions older, newer;

  g_assert_no_error (error);
  memset (&older, GUARD, sizeof older);
  pld_generate_options_init_sized (&older, known);
  assert_bytes (&older, known, sizeof older, GUARD);
  pld_generate_options_init (&newer);
  g_assert_cmpint (newer.max_tokens, ==, -1);
  older.chat_template = newer.chat_template = "none";
  older.max_tokens = newer.max_tokens = 12;
  older.temperature = newer.temperature = 0;
  g_assert_true (pld_llm_generate (llm, &message, 1, &older, gather, old, NULL, &error));
  g_assert_cmpuint (pld_llm_get_result (llm)->cached_tokens, ==, 0);
  g_assert_true (pld_llm_generate (llm, &message, 1, &newer, gather, new, NULL, &error));
  g_assert_cmpuint (pld_llm_get_result (llm)->cached_tokens, >, 0);
  g_assert_cmpstr (old->str, ==, new->str);
  g_clear_pointer (&llm, pld_llm_close);
}

static GByteArray *
gguf_of (const char *architecture)
{
  GByteArray *bytes = bytes_gguf (3, 0, 1);

  bytes_string (bytes, "general.architecture");
  bytes_u32 (bytes, 8);
  bytes_string (bytes, architecture);
  return bytes;
}

static void
test_kind (void)
{
  const struct
  {
    const char *architecture;
    PldModelKind kind;
  } cases[] = { { "vit", PLD_MODEL_VISION },
                { "yolos", PLD_MODEL_VISION },
                { "llama", PLD_MODEL_LANGUAGE },
                { "qwen3", PLD_MODEL_LANGUAGE },
                { "whale", PLD_MODEL_UNKNOWN } };
  Scratch scratch;
  GError *error = NULL;

  scratch_make (&scratch, "file");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = NULL;
      g_autoptr (GByteArray) bytes = gguf_of (cases[i].architecture);

      path = bytes_save (bytes, scratch.folder, "kind.gguf");
      g_assert_cmpint (pld_model_kind (path, &error), ==, cases[i].kind);
      if (cases[i].kind == PLD_MODEL_UNKNOWN)
        assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "\"whale\"");
      g_assert_no_error (error);
    }
  scratch_remove (&scratch, NULL);
}

/* The caller's folder comes first; a model that is nowhere is refused with the variable that would help. */
static void
test_bundled (void)
{
  g_autofree char *before = g_strdup (g_getenv ("PIPELOAD_MODELS")), *path = NULL;
  GError *error = NULL;
  Scratch scratch;

  scratch_make (&scratch, "no-such-model");
  g_setenv ("PIPELOAD_MODELS", scratch.folder, TRUE);
  g_assert_null (pld_bundled_model ("no-such-model", &error));
  assert_pld_error (&error, PLD_ERROR_NOT_FOUND, "$PIPELOAD_MODELS");
  g_assert_true (g_file_set_contents (scratch.path, "", 0, NULL));
  path = pld_bundled_model ("no-such-model", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (path, ==, scratch.path);
  if (before != NULL)
    g_setenv ("PIPELOAD_MODELS", before, TRUE);
  else
    g_unsetenv ("PIPELOAD_MODELS");
  scratch_remove (&scratch, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/api/version", test_version);
  g_test_add_func ("/api/older/vision", test_older_vision);
  g_test_add_func ("/api/older/llm", test_older_llm);
  g_test_add_func ("/api/older/generate", test_older_generate);
  g_test_add_func ("/api/newer/vision", test_newer_vision);
  g_test_add_func ("/api/stats", test_stats);
  g_test_add_func ("/api/kind", test_kind);
  g_test_add_func ("/api/bundled", test_bundled);
  return g_test_run ();
}
