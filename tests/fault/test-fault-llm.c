/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * As test-fault.c, for language models: each read and each allocation fails once, in turn, from opening to the answer. What the cache held before
 * is there after it.
 */
#include <string.h>

#include "engine/pipeload.h"
#include "tests/fault/faults.h"

#define N_TOKENS 5

typedef struct
{
  char *path;
  guint64 limit; /* under which some tiles stay and some stream */
  gsize size;    /* bytes of the logits */
  float *logits;
} Fixture;

static const guint32 tokens[N_TOKENS] = { 1, 9, 4, 9, 5 };

/* A prompt and three tokens one by one, from what the handle holds on. */
static gboolean
open_and_run (Fixture *f, PldLlm **llm, float *logits, GError **error)
{
  PldLlmOptions options = { .model = f->path, .memory_limit = f->limit, .threads = 2, .context_size = 16 };
  gboolean ok;

  if (*llm == NULL)
    *llm = pld_llm_open (&options, NULL, NULL, NULL, error);
  ok = *llm != NULL;
  for (guint at = ok ? pld_llm_get_position (*llm) : 0; ok && at < N_TOKENS; at = pld_llm_get_position (*llm))
    ok = pld_llm_eval (*llm, tokens + at, at == 0 ? 2 : 1, logits, NULL, error);
  return ok;
}

static void
setup (Fixture *f, gconstpointer data)
{
  PldLlmOptions options = { .threads = 2, .context_size = 16 };
  g_autoptr (GError) error = NULL;
  PldLlm *llm = NULL;
  PldPlanInfo plan;

  set_fault (FAULT_NONE, 0);
  f->path = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "llm", "data", "type-q5_k.gguf", NULL);
  options.model = f->path;
  g_assert_true (pld_llm_plan (&options, &plan, &error));
  f->limit = (plan.minimum_limit + plan.resident_limit) / 2;
  llm = pld_llm_open (&options, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  f->size = pld_llm_get_info (llm)->n_vocab * sizeof (float);
  pld_llm_close (&llm);
  f->logits = g_malloc (f->size);
  g_assert_true (open_and_run (f, &llm, f->logits, &error));
  g_assert_no_error (error);
  pld_llm_close (&llm);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_free (f->path);
  g_free (f->logits);
}

/* One run in which the fault strikes, and its end without it. */
static void
check_fault (Fixture *f, Fault kind, gint index, PldError code)
{
  g_autofree float *logits = g_malloc0 (f->size);
  g_autoptr (GError) error = NULL;
  PldLlm *llm = NULL;

  set_fault (kind, index);
  if (!open_and_run (f, &llm, logits, &error))
    {
      g_assert_error (error, PLD_ERROR, (gint) code);
      if (code == PLD_ERROR_IO)
        g_assert_nonnull (strstr (error->message, f->path));
      g_clear_error (&error);
    }
  set_fault (FAULT_NONE, 0);
  g_assert_true (open_and_run (f, &llm, logits, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (logits, f->size, f->logits, f->size);
  pld_llm_close (&llm);
}

static void
count_calls (Fixture *f, gint *reads, gint *maps)
{
  g_autofree float *logits = g_malloc (f->size);
  PldLlm *llm = NULL;

  set_fault (FAULT_NONE, 0);
  g_assert_true (open_and_run (f, &llm, logits, NULL));
  pld_llm_close (&llm);
  *reads = count_reads ();
  *maps = count_maps ();
  g_assert_cmpint (*reads, >, 20);
  g_assert_cmpint (*maps, >, 5);
}

static void
test_reads (Fixture *f, gconstpointer data)
{
  gint reads, maps;

  count_calls (f, &reads, &maps);
  for (gint i = 0; i < reads; i++)
    check_fault (f, FAULT_EIO, i, PLD_ERROR_IO);
}

static void
test_allocations (Fixture *f, gconstpointer data)
{
  gint reads, maps;

  count_calls (f, &reads, &maps);
  for (gint i = 0; i < maps; i++)
    check_fault (f, FAULT_ENOMEM, i, PLD_ERROR_MEMORY);
}

static void
test_short (Fixture *f, gconstpointer data)
{
  static const Fault kinds[] = { FAULT_SHORT, FAULT_EINTR };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree float *logits = g_malloc0 (f->size);
      g_autoptr (GError) error = NULL;
      PldLlm *llm = NULL;

      set_fault (kinds[i], 0);
      g_assert_true (open_and_run (f, &llm, logits, &error));
      g_assert_no_error (error);
      set_fault (FAULT_NONE, 0);
      g_assert_cmpmem (logits, f->size, f->logits, f->size);
      pld_llm_close (&llm);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fault-llm/reads", Fixture, NULL, setup, test_reads, teardown);
  g_test_add ("/fault-llm/allocations", Fixture, NULL, setup, test_allocations, teardown);
  g_test_add ("/fault-llm/short-reads", Fixture, NULL, setup, test_short, teardown);
  return g_test_run ();
}
