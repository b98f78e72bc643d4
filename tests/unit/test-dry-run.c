/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Passes without weights: of every kind of model, within the memory that a plan counts for them, measured once, given
 * back whole.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "engine/runtime/dispatch.h"
#include "models/core/dry-run.h"
#include "tests/support/cache-rig.h"
#include "tests/support/model-bytes.h"

static const char *scratch; /* the cache is in it too */

#define CONTEXT 24
#define BATCH 3

static char *
golden (const char *folder, const char *name)
{
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", folder, name, NULL);
}

static PldModel *
open_model (PldModelKind kind, const char *path)
{
  g_autoptr (GError) error = NULL;
  PldModel *model = pld_model_open (kind, path, (PldInputSize) { 0 }, &error);

  g_assert_no_error (error);
  return model;
}

static PldGrant
make_grant (const PldModel *model)
{
  const gboolean vision = model->arch->kind == PLD_MODEL_VISION;

  return (PldGrant) { .threads = 2, .batch = BATCH, .results = vision ? BATCH : 1, .context = vision ? 0 : CONTEXT };
}

/* All that a run may hold: also the picture or the cache, which a user holds itself. */
static guint64
run_bytes (const PldModel *model, PldCacheType type)
{
  const PldGrant grant = make_grant (model);
  guint64 own;

  if (model->arch->kind == PLD_MODEL_VISION)
    {
      const PldVisionNet *net = (const PldVisionNet *) model->net;

      own = pld_buffer_cost (3 * (guint64) net->input_width * net->input_height);
    }
  else
    {
      const PldTextNet *net = (const PldTextNet *) model->net;
      PldCache cache;

      g_assert_true (pld_cache_init (&cache, net->n_layers, net->n_kv_heads, net->d_head, CONTEXT, type, NULL));
      own = pld_cache_bytes (&cache);
    }
  /* Small tensors are read through a window before there are activations. */
  return pld_model_table_bytes (model) + MAX (pld_core_pass_bytes (model, &grant) + own, PLD_PARAMS_WINDOW);
}

static const struct
{
  PldModelKind kind;
  const char *folder, *name;
} models[] = {
  { PLD_MODEL_VISION, "data", "vit-random" },
  { PLD_MODEL_VISION, "data", "vit-random-f16" },
  { PLD_MODEL_VISION, "data", "yolos-random" },
  { PLD_MODEL_VISION, "data", "vit-gguf/blocks.gguf" },
  { PLD_MODEL_LANGUAGE, "llm/data", "mha-tied-f32.gguf" },
  { PLD_MODEL_LANGUAGE, "llm/data", "type-q5_k.gguf" },
  { PLD_MODEL_LANGUAGE, "llm/data", "mixtral-f32.gguf" },
};

static void
test_kinds (void)
{
  const guint items[] = { 1, BATCH };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autofree char *path = golden (models[i].folder, models[i].name);
      PldModel *model = open_model (models[i].kind, path);
      const PldGrant grant = make_grant (model);
      const guint64 limit = run_bytes (model, PLD_CACHE_F32);
      PldBudget *budget = pld_budget_new (limit);
      PldComputeProfile *profile = pld_compute_profile_new (2, TRUE);
      g_autoptr (GError) error = NULL;
      gboolean measured;
      double ns[2] = { 0 }, again[2] = { 0 };

      g_assert_true (
          pld_dry_run (model, &grant, PLD_CACHE_F32, items, 2, profile, budget, &measured, ns, NULL, &error));
      g_assert_no_error (error);
      g_assert_true (measured);
      g_assert_cmpfloat (ns[0], >, 0);
      g_assert_cmpfloat (ns[1], >, 0);
      g_assert_cmpuint (profile->dry->len, ==, 2);
      g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
      g_assert_cmpuint (pld_budget_get_peak (budget), <=, limit);
      g_assert_true (
          pld_dry_run (model, &grant, PLD_CACHE_F32, items, 2, profile, budget, &measured, again, NULL, &error));
      g_assert_false (measured);
      g_assert_cmpmem (again, sizeof again, ns, sizeof ns);
      g_clear_pointer (&profile, pld_compute_profile_free);
      g_clear_pointer (&budget, pld_budget_free);
      g_clear_pointer (&model, pld_model_free);
    }
}

/* Another size of input, another type of cache, another file under the same name. */
static void
test_measured_anew (void)
{
  g_autofree char *path = golden ("llm/data", "mha-tied-f32.gguf"), *vit = golden ("data", "vit-random");
  g_autofree char *copy = g_build_filename (scratch, "copy.gguf", NULL), *bytes = NULL;
  PldModel *model, *large;
  PldComputeProfile *profile = pld_compute_profile_new (2, FALSE);
  PldBudget *budget = pld_budget_new (0);
  g_autoptr (GError) error = NULL;
  gboolean measured;
  PldGrant grant;
  PldCacheType type;
  const guint one = 1;
  gsize n;
  double ns;

  g_assert_true (g_file_get_contents (path, &bytes, &n, NULL));
  g_assert_true (g_file_set_contents (copy, bytes, (gssize) n, NULL));
  model = open_model (PLD_MODEL_LANGUAGE, copy);
  for (guint i = 0; i < 3; i++)
    {
      grant = make_grant (model);
      type = i == 0 ? PLD_CACHE_F16 : PLD_CACHE_F32;
      if (i == 2)
        g_assert_true (g_file_set_contents (copy, bytes, (gssize) n, NULL));
      g_assert_true (pld_dry_run (model, &grant, type, &one, 1, profile, budget, &measured, &ns, NULL, NULL));
      g_assert_true (measured);
      g_assert_true (pld_dry_run (model, &grant, type, &one, 1, profile, budget, &measured, &ns, NULL, NULL));
      g_assert_false (measured);
    }
  g_unlink (copy);
  g_assert_false (pld_dry_run (model, &grant, type, &one, 1, profile, budget, &measured, &ns, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_NOT_FOUND, "copy.gguf");
  g_clear_pointer (&model, pld_model_free);

  model = open_model (PLD_MODEL_VISION, vit);
  grant = make_grant (model);
  type = PLD_CACHE_F16;
  g_assert_true (pld_dry_run (model, &grant, type, &one, 1, profile, budget, &measured, &ns, NULL, NULL));
  large = pld_model_open (
      PLD_MODEL_VISION, vit,
      (PldInputSize) { 2 * ((PldVisionNet *) model->net)->input_width, ((PldVisionNet *) model->net)->input_height },
      NULL);
  grant = make_grant (large);
  g_assert_true (pld_dry_run (large, &grant, type, &one, 1, profile, budget, &measured, &ns, NULL, NULL));
  g_assert_true (measured);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  g_clear_pointer (&large, pld_model_free);
  g_clear_pointer (&model, pld_model_free);
  g_clear_pointer (&profile, pld_compute_profile_free);
  g_clear_pointer (&budget, pld_budget_free);
}

static void
test_fails (void)
{
  g_autofree char *path = golden ("llm/data", "type-q5_k.gguf");
  PldModel *model = open_model (PLD_MODEL_LANGUAGE, path);
  const PldGrant grant = make_grant (model);
  const guint64 most = run_bytes (model, PLD_CACHE_F16);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  PldComputeProfile *profile = pld_compute_profile_new (2, FALSE), *failed = pld_compute_profile_new (2, FALSE);
  PldBudget *budget = pld_budget_new (0);
  const guint items = BATCH;
  gboolean measured;
  guint64 limit;
  double ns;

  /* Wherever memory ends, all of it comes back; and it ends before what is planned for does. */
  for (limit = PLD_PAGE;; limit += PLD_PAGE)
    {
      pld_budget_set_limit (budget, limit);
      if (pld_dry_run (model, &grant, PLD_CACHE_F16, &items, 1, failed, budget, &measured, &ns, NULL, &error))
        break;
      assert_pld_error (&error, PLD_ERROR_LIMIT, "limit");
      g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
    }
  g_assert_cmpuint (limit, >, 4 * PLD_PAGE);
  g_assert_cmpuint (limit, <=, most + PLD_PAGE);
  pld_budget_set_limit (budget, 0);
  g_cancellable_cancel (cancelled);
  g_assert_false (
      pld_dry_run (model, &grant, PLD_CACHE_F16, &items, 1, profile, budget, &measured, &ns, cancelled, &error));
  assert_pld_error (&error, PLD_ERROR_CANCELLED, "cancelled");
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  g_assert_cmpuint (profile->dry->len, ==, 0);
  g_clear_pointer (&failed, pld_compute_profile_free);
  g_clear_pointer (&profile, pld_compute_profile_free);
  g_clear_pointer (&budget, pld_budget_free);
  g_clear_pointer (&model, pld_model_free);
}

/* Products of every type do nothing, and nothing else is another kernel. */
static void
test_products (void)
{
  const PldKernels *all = pld_kernels ();
  const gpointer *before = (const gpointer *) all;
  PldKernels kernels = *all;
  const gpointer *after = (const gpointer *) &kernels;
  gpointer products[4 * PLD_DTYPE_N];
  guint n_products = 0, n_changed = 0;
  float y[4] = { 1, 2, 3, 4 };
  const float same[4] = { 1, 2, 3, 4 };

  pld_kernels_drop_products (&kernels);
  for (guint i = 0; i < PLD_DTYPE_N; i++)
    {
      const PldDtype type = (PldDtype) i;

      if (pld_matvec_kernel (all, type) != NULL)
        {
          products[n_products++] = pld_matvec_kernel (all, type);
          products[n_products++] = pld_matmul_kernel (all, type);
          pld_matvec_kernel (&kernels, type) (y, 2, NULL, 0, 2, NULL, 0, 2, 32);
          pld_matmul_kernel (&kernels, type) (y, 2, NULL, 0, 2, NULL, 0, 2, 32);
        }
      else if (pld_matvec_q8_kernel (all, type) != NULL)
        {
          products[n_products++] = pld_matvec_q8_kernel (all, type);
          products[n_products++] = pld_matmul_q8_kernel (all, type);
          pld_matvec_q8_kernel (&kernels, type) (y, 2, NULL, 0, 2, NULL, 2, 256);
          pld_matmul_q8_kernel (&kernels, type) (y, 2, NULL, 0, 2, NULL, 2, 256);
        }
    }
  g_assert_cmpuint (n_products, >=, 2 * 12);
  g_assert_cmpmem (y, sizeof y, same, sizeof same);
  for (guint i = 0; i < sizeof kernels / sizeof *before; i++)
    {
      gboolean is_product = FALSE;

      for (guint j = 0; j < n_products; j++)
        is_product |= before[i] == products[j];
      g_assert_true (is_product == (before[i] != after[i]));
      n_changed += before[i] != after[i] ? 1 : 0;
    }
  g_assert_cmpuint (n_changed, ==, n_products);
}

int
main (int argc, char **argv)
{
  int status;

  scratch = cache_rig_open ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dry-run/kinds", test_kinds);
  g_test_add_func ("/dry-run/measured-anew", test_measured_anew);
  g_test_add_func ("/dry-run/fails", test_fails);
  g_test_add_func ("/dry-run/products", test_products);
  status = g_test_run ();
  cache_rig_close ();
  return status;
}
