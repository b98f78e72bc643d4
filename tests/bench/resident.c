/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The cost of the streaming code when nothing streams: passes of a model that is wholly in memory, with the streaming
 * code, and with every lease replaced by a look into a table of pointers, as a plain resident loop has it. In turn, so
 * that both see the same machine.
 *
 *   bench-resident FOLDER [--rounds N] [--passes N] [MODEL...]
 *
 * Without MODEL: a vision transformer and a language model of random weights, which it makes in FOLDER.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/stream/stream.h"
#include "pipeload/pipeload.h"
#include "tests/support/options.h"

#define TILES_MAX 65536
#define PROMPT 16
#define SEED 1

/* ---- the plain loop: the linker puts these in the place of the stream's ---------------------- */

static gboolean plain;
static const guint8 *recorded[TILES_MAX]; /* where each tile lies, noted while the streaming code ran */

void __real_pld_stream_begin (PldStream *stream, PldCancelFunc cancelled, gpointer data);
gboolean __real_pld_stream_lease (PldStream *stream, guint tile, const guint8 **data, GError **error);
gboolean __real_pld_stream_try_lease (PldStream *stream, guint tile, const guint8 **data);
void __real_pld_stream_release (PldStream *stream, guint tile);
void __wrap_pld_stream_begin (PldStream *stream, PldCancelFunc cancelled, gpointer data);
gboolean __wrap_pld_stream_lease (PldStream *stream, guint tile, const guint8 **data, GError **error);
gboolean __wrap_pld_stream_try_lease (PldStream *stream, guint tile, const guint8 **data);
void __wrap_pld_stream_release (PldStream *stream, guint tile);

void
__wrap_pld_stream_begin (PldStream *stream, PldCancelFunc cancelled, gpointer data)
{
  if (!plain)
    __real_pld_stream_begin (stream, cancelled, data);
}

gboolean
__wrap_pld_stream_lease (PldStream *stream, guint tile, const guint8 **data, GError **error)
{
  gboolean ok = TRUE;

  g_assert (tile < TILES_MAX);
  if (plain)
    *data = recorded[tile];
  else if ((ok = __real_pld_stream_lease (stream, tile, data, error)))
    recorded[tile] = *data;
  return ok;
}

gboolean
__wrap_pld_stream_try_lease (PldStream *stream, guint tile, const guint8 **data)
{
  gboolean ok = TRUE;

  g_assert (tile < TILES_MAX);
  if (plain)
    *data = recorded[tile];
  else if ((ok = __real_pld_stream_try_lease (stream, tile, data)))
    recorded[tile] = *data;
  return ok;
}

void
__wrap_pld_stream_release (PldStream *stream, guint tile)
{
  if (!plain)
    __real_pld_stream_release (stream, tile);
}

/* ---- models ---------------------------------------------------------------------------------- */

typedef struct
{
  PldVision *vision; /* or */
  PldLlm *llm;
} Model;

static gboolean
open_llm (Model *model, const char *path, GError **error)
{
  PldLlmOptions options = LLM_OPTIONS (.engine.model = path, .context_size = PROMPT + 1);
  guint32 tokens[PROMPT];

  for (guint i = 0; i < PROMPT; i++)
    tokens[i] = 300 + 37 * i % 200;
  model->llm = pld_llm_open (&options, NULL, NULL, NULL, error);
  return model->llm != NULL && pld_llm_eval (model->llm, tokens, PROMPT, NULL, NULL, error);
}

static gboolean
open_vision (Model *model, const char *path, GError **error)
{
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path);
  const PldVisionInfo *info;
  g_autofree float *pixels = NULL;
  GRand *random;
  gsize n;

  model->vision = pld_vision_open (&options, NULL, NULL, NULL, error);
  if (model->vision == NULL)
    return FALSE;
  info = pld_vision_get_info (model->vision);
  n = (gsize) 3 * info->input_width * info->input_height;
  pixels = g_new (float, n);
  random = g_rand_new_with_seed (SEED);
  for (gsize i = 0; i < n; i++)
    pixels[i] = (float) g_rand_double_range (random, -1, 1);
  g_rand_free (random);
  return pld_vision_load_pixels (model->vision, 0, pixels, error);
}

/* A picture, or the token after the prompt. */
static gboolean
pass (Model *model, GError **error)
{
  guint32 token = 300;

  if (model->vision != NULL)
    return pld_vision_run (model->vision, 1, NULL, NULL, NULL, NULL, error);
  pld_llm_rewind (model->llm, PROMPT);
  return pld_llm_eval (model->llm, &token, 1, NULL, NULL, error);
}

static gboolean
is_resident (Model *model, GError **error)
{
  PldStats stats;

  pld_handle_get_stats (model->vision != NULL ? PLD_HANDLE (model->vision) : PLD_HANDLE (model->llm), &stats);
  if (stats.streamed_per_pass == 0)
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_MEMORY, "the model is not wholly in memory");
  return FALSE;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static int rounds = 9, passes = 10;

static int
compare_double (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
print_spread (const char *name, double *values, const char *unit)
{
  qsort (values, (gsize) rounds, sizeof *values, compare_double);
  printf ("  %-22s %9.3f%s   %.3f – %.3f\n", name, values[rounds / 2], unit, values[0], values[rounds - 1]);
}

/* The median of some passes, in ms. */
static gboolean
measure (Model *model, gboolean plainly, double *median, GError **error)
{
  g_autofree double *ms = g_new (double, passes);
  gboolean ok = TRUE;

  plain = plainly;
  for (int i = 0; ok && i < passes; i++)
    {
      gint64 begun = g_get_monotonic_time ();

      ok = pass (model, error);
      ms[i] = (double) (g_get_monotonic_time () - begun) / 1e3;
    }
  plain = FALSE;
  qsort (ms, (gsize) passes, sizeof *ms, compare_double);
  *median = ms[passes / 2];
  return ok;
}

static gboolean
compare (Model *model, GError **error)
{
  g_autofree double *streaming = g_new (double, rounds), *looked = g_new (double, rounds),
                    *ratio = g_new (double, rounds);

  for (int i = 0; i < rounds; i++)
    {
      gboolean plain_first = i % 2 == 1;

      if (!measure (model, plain_first, plain_first ? &looked[i] : &streaming[i], error)
          || !measure (model, !plain_first, plain_first ? &streaming[i] : &looked[i], error))
        return FALSE;
      ratio[i] = streaming[i] / looked[i];
    }
  print_spread ("streaming code", streaming, " ms");
  print_spread ("plain resident loop", looked, " ms");
  print_spread ("ratio, per round", ratio, "   ");
  return TRUE;
}

static gboolean
bench (const char *path, GError **error)
{
  Model model = { NULL };
  const PldModelKind kind = pld_model_kind (path, error);
  gboolean ok;

  ok = kind != PLD_MODEL_UNKNOWN
       && (kind == PLD_MODEL_LANGUAGE ? open_llm (&model, path, error) : open_vision (&model, path, error));
  /* The first pass reads, the second one is as all others. */
  for (guint i = 0; ok && i < 2; i++)
    ok = pass (&model, error);
  ok = ok && is_resident (&model, error);
  if (ok)
    {
      printf ("%s, one %s; %d rounds of %d passes in turn, median, min – max\n", path,
              kind == PLD_MODEL_LANGUAGE ? "token" : "picture", rounds, passes);
      ok = compare (&model, error);
    }
  g_clear_pointer (&model.vision, pld_vision_close);
  g_clear_pointer (&model.llm, pld_llm_close);
  return ok;
}

/* Returns: (transfer full): the path of a model of random weights in @folder */
static char *
make_model (const char *folder, const char *preset, const char *type, const char *suffix, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%s-%s%s", preset, type, suffix);
  g_autofree char *path = g_build_filename (folder, name, NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS)
      && !pld_model_synth (preset, type, NULL, SEED, path, NULL, NULL, NULL, error))
    return NULL;
  return g_steal_pointer (&path);
}

static gboolean
bench_all (char **arguments, GError **error)
{
  g_autofree char *vit = NULL, *llama = NULL;
  gboolean ok = TRUE;

  if (arguments[1] == NULL)
    return (vit = make_model (arguments[0], "vit-b16", "f16", "", error)) != NULL && bench (vit, error)
           && (llama = make_model (arguments[0], "llama-3.2-1b", "q4_k_m", ".gguf", error)) != NULL
           && bench (llama, error);
  for (guint i = 1; ok && arguments[i] != NULL; i++)
    ok = bench (arguments[i], error);
  return ok;
}

int
main (int argc, char **argv)
{
  const GOptionEntry entries[] = { { "rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "Rounds (9)", "N" },
                                   { "passes", 0, 0, G_OPTION_ARG_INT, &passes, "Passes of each in a round (10)", "N" },
                                   { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new ("FOLDER [MODEL...]");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error) && (argc < 2 || rounds < 1 || passes < 1))
    g_set_error (&error, PLD_ERROR, PLD_ERROR_FORMAT, "name a folder for models; rounds and passes are 1 at least");
  if (error == NULL && g_mkdir_with_parents (argv[1], 0777) != 0)
    g_set_error (&error, PLD_ERROR, PLD_ERROR_IO, "%s: cannot be made", argv[1]);
  if (error == NULL)
    bench_all (argv + 1, &error);
  if (error != NULL)
    g_printerr ("%s\n", error->message);
  return error != NULL ? 1 : 0;
}
