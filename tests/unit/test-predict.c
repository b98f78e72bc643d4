/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The profiler of computing, and what is predicted: measured profiles by their properties, predictions against sums
 * worked out by hand from profiles that are made up.
 */
#include "models/core/predict.h"
#include "tests/support/cache-rig.h"
#include "tests/support/options.h"

#define MIB ((guint64) 1 << 20)

static const char *scratch; /* the cache is in it too */

/* ---- compute ------------------------------------------------------------------------------- */

typedef struct
{
  PldDtype dtype;
  guint n_rows, n_cols;
  double work;
} Shape;

static PldTape *
make_tape (const Shape *shapes, guint n, PldTensor *tensors)
{
  PldTape *tape = pld_tape_new ();

  for (guint i = 0; i < n; i++)
    {
      const PldDtypeInfo *type = pld_dtype_info (shapes[i].dtype);
      const guint64 values = (guint64) shapes[i].n_rows * shapes[i].n_cols;

      tensors[i] = (PldTensor) { .name = (char *) "m",
                                 .dtype = shapes[i].dtype,
                                 .n_dims = 2,
                                 .dims = { shapes[i].n_rows, shapes[i].n_cols },
                                 .n_values = values,
                                 .n_bytes = values / type->block * type->bytes };
      pld_tape_add (tape, &tensors[i], 0, shapes[i].n_rows, shapes[i].n_cols, shapes[i].work);
    }
  return tape;
}

/* Three kinds; the fourth is the first one's. */
static const Shape shapes[] = { { PLD_DTYPE_F32, 256, 64, 1 },
                                { PLD_DTYPE_Q4_K, 100, 256, 1 },
                                { PLD_DTYPE_F16, 7, 32, 3 },
                                { PLD_DTYPE_F32, 256, 64, 1 } };

static gboolean
measure_tape (PldComputeProfile *profile, const PldTape *tape, guint items, PldBudget *budget, gboolean *measured,
              GError **error)
{
  const guint both[] = { 1, items };

  return pld_compute_profile_measure (profile, tape, both, 2, budget, 5000, measured, NULL, error);
}

static void
test_compute (void)
{
  PldTensor tensors[G_N_ELEMENTS (shapes)];
  PldTape *tape = make_tape (shapes, G_N_ELEMENTS (shapes), tensors);

  for (gboolean in_panels = FALSE; in_panels <= TRUE; in_panels++)
    {
      PldComputeProfile *profile = pld_compute_profile_new (2, in_panels), *loaded;
      PldBudget *budget = pld_budget_new (0);
      g_autoptr (GError) error = NULL;
      gboolean measured = FALSE;

      cache_rig_clear ();
      g_assert_true (measure_tape (profile, tape, 5, budget, &measured, &error));
      g_assert_no_error (error);
      g_assert_true (measured);
      g_assert_cmpuint (profile->products->len, ==, 6);
      for (guint i = 0; i < tape->matrices->len; i++)
        g_assert_cmpfloat (pld_compute_profile_ns (profile, tape->matrices->pdata[i], 5), >, 0);
      g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
      g_assert_cmpuint (pld_budget_get_peak (budget), <=, PLD_COMPUTE_PROFILE_MEMORY);
      /* Nothing is measured twice, new numbers of items are. */
      g_assert_true (measure_tape (profile, tape, 5, budget, &measured, NULL));
      g_assert_false (measured);
      g_assert_true (measure_tape (profile, tape, 9, budget, &measured, NULL));
      g_assert_true (measured);
      g_assert_cmpuint (profile->products->len, ==, 9);
      pld_compute_profile_save (profile);
      loaded = pld_compute_profile_load (2, in_panels);
      g_assert_true (measure_tape (loaded, tape, 9, budget, &measured, NULL));
      g_assert_false (measured);
      for (guint i = 0; i < tape->matrices->len; i++)
        g_assert_cmpfloat_with_epsilon (pld_compute_profile_ns (profile, tape->matrices->pdata[i], 5),
                                        pld_compute_profile_ns (loaded, tape->matrices->pdata[i], 5), 10);
      g_clear_pointer (&loaded, pld_compute_profile_free);
      /* Another team is measured for itself. */
      loaded = pld_compute_profile_load (1, in_panels);
      g_assert_cmpuint (loaded->products->len, ==, 0);
      g_clear_pointer (&loaded, pld_compute_profile_free);
      g_clear_pointer (&profile, pld_compute_profile_free);
      g_clear_pointer (&budget, pld_budget_free);
    }
  g_clear_pointer (&tape, pld_tape_free);
}

/* Limits that leave little are kept, and what was measured under them is measured again under larger ones. */
static void
test_compute_limit (void)
{
  const Shape large[] = { { PLD_DTYPE_F32, 4096, 1024, 1 } };
  PldTensor tensor;
  PldTape *tape = make_tape (large, 1, &tensor);
  PldComputeProfile *profile = pld_compute_profile_new (2, FALSE);
  PldBudget *budget = pld_budget_new (2 * MIB);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  const guint items = 4000;
  gboolean measured;

  g_assert_true (measure_tape (profile, tape, items, budget, &measured, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (pld_budget_get_peak (budget), <=, 2 * MIB);
  g_assert_cmpfloat (pld_compute_profile_ns (profile, tape->matrices->pdata[0], items), >, 0);
  pld_budget_set_limit (budget, 1000);
  g_assert_true (measure_tape (profile, tape, items, budget, &measured, &error));
  g_assert_false (measured);
  pld_budget_set_limit (budget, 0);
  g_assert_true (measure_tape (profile, tape, items, budget, &measured, &error));
  g_assert_true (measured);
  g_clear_pointer (&profile, pld_compute_profile_free);

  profile = pld_compute_profile_new (2, FALSE);
  pld_budget_set_limit (budget, 1000);
  g_assert_false (measure_tape (profile, tape, items, budget, &measured, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  g_clear_error (&error);
  pld_budget_set_limit (budget, 0);
  g_cancellable_cancel (cancelled);
  g_assert_false (pld_compute_profile_measure (profile, tape, &items, 1, budget, 5000, &measured, cancelled, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_CANCELLED);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  g_clear_pointer (&profile, pld_compute_profile_free);
  g_clear_pointer (&budget, pld_budget_free);
  g_clear_pointer (&tape, pld_tape_free);
}

static void
test_compute_damaged (void)
{
  const char *const bad[] = { "F32;256;64;1;1000;0;",
                              "F32;256;64;1;1000;-7;",
                              "F32;256;64;1;1000;nan;",
                              "F32;256;64;1;1000;1e3;",
                              "F32;256;64;0;1000;77;",
                              "F32;256;64;99999;1000;77;",
                              "F32;0;64;1;1000;77;",
                              "F33;256;64;1;1000;77;",
                              "F32;256;64;1;1000;",
                              "F32;256;64;1;1000;77;77;",
                              "",
                              "F32;256;99999999999;1;1000;77;",
                              "F32;256;64;1;0;77;",
                              "F32;256;64;1;1000;\xff;" };
  const char *const bad_dry[] = { "0123456789abcdef0123456789abcde;5;88;",
                                  "0123456789abcdef0123456789abcdef0;5;88;",
                                  "0123456789abcdef0123456789abcdeX;5;88;",
                                  "0123456789abcdef0123456789abcdef;0;88;",
                                  "0123456789abcdef0123456789abcdef;5;0;",
                                  "0123456789abcdef0123456789abcdef;5;-1;",
                                  "0123456789abcdef0123456789abcdef;99999;1;",
                                  "0123456789abcdef0123456789abcdef;5;",
                                  ";5;88;" };
  PldComputeProfile *profile = pld_compute_profile_new (3, TRUE);
  const PldProduct product = { PLD_DTYPE_F32, 256, 64, 1, 1000, 77 };
  const PldDryPass dry = { "0123456789abcdef0123456789abcdef", 5, 88 };

  cache_rig_clear ();
  g_array_append_val (profile->products, product);
  pld_compute_profile_add_dry (profile, &dry);
  for (guint i = 0; i < G_N_ELEMENTS (bad) + G_N_ELEMENTS (bad_dry); i++)
    {
      const gboolean is_dry = i >= G_N_ELEMENTS (bad);
      PldComputeProfile *loaded;
      g_autofree char *file = NULL;

      pld_compute_profile_save (profile);
      file = cache_rig_file ("compute");
      loaded = pld_compute_profile_load (3, TRUE);
      g_assert_cmpuint (loaded->products->len, ==, 1);
      g_assert_cmpmem (loaded->products->data, sizeof product, &product, sizeof product);
      g_assert_cmpuint (pld_compute_profile_find_dry (loaded, dry.id, 5)->ns, ==, 88);
      g_assert_null (pld_compute_profile_find_dry (loaded, dry.id, 4));
      g_clear_pointer (&loaded, pld_compute_profile_free);
      cache_rig_spoil (file, is_dry ? "0123456789abcdef0123456789abcdef;5;88;" : "F32;256;64;1;1000;77;",
                       is_dry ? bad_dry[i - G_N_ELEMENTS (bad)] : bad[i]);
      loaded = pld_compute_profile_load (3, TRUE);
      /* The other one is sound. */
      g_assert_cmpuint (loaded->products->len, ==, is_dry ? 1 : 0);
      g_assert_cmpuint (loaded->dry->len, ==, is_dry ? 0 : 1);
      g_clear_pointer (&loaded, pld_compute_profile_free);
    }
  g_clear_pointer (&profile, pld_compute_profile_free);
}

/* The product alone is timed. */
static void
test_product (void)
{
  enum
  {
    ROWS = 70,
    COLS = 48,
    N = 3
  };
  const Shape shape = { PLD_DTYPE_F32, ROWS, COLS, 1 };
  PldTensor tensor;
  PldTape *tape = make_tape (&shape, 1, &tensor);
  float w[ROWS * COLS], x[N * COLS];

  for (guint i = 0; i < ROWS * COLS; i++)
    w[i] = (float) g_test_rand_double_range (-1, 1);
  for (guint i = 0; i < N * COLS; i++)
    x[i] = (float) g_test_rand_double_range (-1, 1);
  for (gboolean in_panels = FALSE; in_panels <= TRUE; in_panels++)
    {
      const gsize floats = pld_linear_scratch ();
      g_autofree float *memory = g_new0 (float, 2 * floats);
      PldSession session = { .n_threads = 2, .scratch = memory, .scratch_floats = floats, .team = pld_team_ref (2) };
      float panel[COLS * PLD_PANEL_ROWS], y[PLD_PANEL_ROWS * ROWS];

      pld_session_init (&session);
      session.kernels->pack (panel, x, COLS, N, COLS);
      g_assert_cmpint (pld_linear_time (&session, in_panels, N, y, in_panels ? panel : x, tape->matrices->pdata[0],
                                        ROWS, (const guint8 *) w),
                       >=, 0);
      for (guint i = 0; i < N; i++)
        for (guint j = 0; j < ROWS; j++)
          {
            double sum = 0;

            for (guint k = 0; k < COLS; k++)
              sum += (double) x[i * COLS + k] * w[j * COLS + k];
            g_assert_cmpfloat_with_epsilon (y[in_panels ? j * PLD_PANEL_ROWS + i : i * ROWS + j], sum, 1e-4);
          }
      g_clear_pointer (&session.team, pld_team_unref);
    }
  g_clear_pointer (&tape, pld_tape_free);
}

/* ---- predictions --------------------------------------------------------------------------- */

static const PldProfile made_up
    = { .direct = TRUE,
        .memory = PLD_PROFILE_MEMORY,
        .n_sizes = 3,
        .request_bytes = { MIB / 4, MIB, 4 * MIB },
        .bandwidth = { { 100, 200, 200, 150 }, { 200, 300, 400, 410 }, { 400, 400, 400, 400 } } };

/* Between, below and above 2 and 10 rows, which took 100 and 340; shares of a row. */
static void
test_compute_between (void)
{
  const Shape shape[]
      = { { PLD_DTYPE_F16, 256, 64, 2 }, { PLD_DTYPE_F16, 256, 64, 0.25 }, { PLD_DTYPE_F16, 128, 64, 1 } };
  const PldProduct products[] = { { PLD_DTYPE_F16, 256, 64, 10, MIB, 340 }, { PLD_DTYPE_F16, 256, 64, 2, MIB, 100 } };
  PldTensor tensors[3];
  PldTape *tape = make_tape (shape, 3, tensors);
  PldComputeProfile *profile = pld_compute_profile_new (2, FALSE);

  g_array_append_vals (profile->products, products, 2);
  g_assert_cmpfloat_with_epsilon (pld_compute_profile_ns (profile, tape->matrices->pdata[0], 1), 100, 1e-9);
  g_assert_cmpfloat_with_epsilon (pld_compute_profile_ns (profile, tape->matrices->pdata[0], 3), 220,
                                  1e-9); /* 6 rows: half way */
  g_assert_cmpfloat_with_epsilon (pld_compute_profile_ns (profile, tape->matrices->pdata[0], 5), 340, 1e-9);
  g_assert_cmpfloat_with_epsilon (pld_compute_profile_ns (profile, tape->matrices->pdata[0], 10), 680,
                                  1e-9); /* 20 rows */
  g_assert_cmpfloat_with_epsilon (pld_compute_profile_ns (profile, tape->matrices->pdata[1], 1), 12.5,
                                  1e-9);                                                    /* an eighth of 2 rows */
  g_assert_cmpfloat (pld_compute_profile_ns (profile, tape->matrices->pdata[2], 1), ==, 0); /* another kind */
  g_clear_pointer (&profile, pld_compute_profile_free);
  g_clear_pointer (&tape, pld_tape_free);
}

/* Four matrices of one tile each: 128 rows of 1000 floats, 512 000 bytes; at 51.2 GB/s a tile takes 10 000 ns. */
#define TILE_BYTES 512000
#define TILE_NS 10000.0
#define MATRICES 4

static PldPrediction
predict_made_up (const char *pinned, guint n_slots, double speed, double compute_ns, double beside_ns)
{
  const Shape shape[MATRICES] = { { PLD_DTYPE_F32, 128, 1000, 1 },
                                  { PLD_DTYPE_F32, 128, 1000, 1 },
                                  { PLD_DTYPE_F32, 128, 1000, 1 },
                                  { PLD_DTYPE_F32, 128, 1000, 1 } };
  const double bandwidth = TILE_BYTES / TILE_NS * 1e9;
  const PldProfile storage
      = { .n_sizes = 1, .request_bytes = { MIB / 4 }, .bandwidth = { { bandwidth, bandwidth, bandwidth, bandwidth } } };
  const PldProduct product = { PLD_DTYPE_F32, 128, 1000, 1, MIB, (guint64) compute_ns };
  PldTensor tensors[MATRICES];
  PldTape *tape = make_tape (shape, MATRICES, tensors);
  PldComputeProfile *compute = pld_compute_profile_new (1, FALSE);
  PldPlan plan = { .tiles = pld_tape_cut (tape, MIB), .n_slots = n_slots, .loaders = MIN (n_slots, 2) };
  PldPrediction result;

  g_assert_cmpuint (plan.tiles->len, ==, MATRICES);
  for (guint i = 0; i < MATRICES; i++)
    g_array_index (plan.tiles, PldTile, i).pinned = pinned[i] == 'p';
  g_array_append_val (compute->products, product);
  result = pld_predict_pass (tape, &plan, &storage, speed, compute, 1, 1, beside_ns);
  g_array_unref (plan.tiles);
  g_clear_pointer (&compute, pld_compute_profile_free);
  g_clear_pointer (&tape, pld_tape_free);
  return result;
}

static void
test_predict (void)
{
  const struct
  {
    const char *tiles; /* p: pinned, s: streams */
    guint n_slots;
    double speed, compute_ns, beside_ns;
    double load, compute, pass;
  } cases[] = {
    { "pppp", 0, 1, 4000, 0, 0, 16000, 16000 },
    { "ssss", 1, 1, 4000, 0, 40000, 16000, 56000 },    /* in turn */
    { "ssss", 2, 1, 4000, 0, 40000, 16000, 40000 },    /* reading is all that counts */
    { "ssss", 4, 1, 25000, 0, 40000, 100000, 100000 }, /* computing is */
    { "ssss", 1, 2, 4000, 0, 20000, 16000, 36000 },
    { "ssss", 2, 2, 4000, 0, 20000, 16000, 20000 },
    /* One slot, free at 0: read 10, compute 4; the next is read until 24 while two others are computed until 22,
       then 4. */
    { "spps", 1, 1, 4000, 0, 20000, 16000, 28000 },
    /* With two, reading and computing go on side by side. */
    { "spps", 2, 1, 4000, 0, 20000, 16000, 20000 },
    { "spps", 2, 1, 6000, 0, 20000, 24000, 24000 },
    /* Other computing than the matrices': 1 for each 4. */
    { "pppp", 0, 1, 4000, 4000, 0, 20000, 20000 },
    { "ssss", 1, 1, 4000, 4000, 40000, 20000, 60000 },
    { "spps", 1, 1, 4000, 4000, 20000, 20000, 30000 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const PldPrediction p
          = predict_made_up (cases[i].tiles, cases[i].n_slots, cases[i].speed, cases[i].compute_ns, cases[i].beside_ns);

      g_assert_cmpfloat_with_epsilon (p.load_ns, cases[i].load, 1e-3);
      g_assert_cmpfloat_with_epsilon (p.compute_ns, cases[i].compute, 1e-3);
      g_assert_cmpfloat_with_epsilon (p.pass_ns, cases[i].pass, 1e-3);
    }
}

/* The last matrix is computed for the results alone. */
static void
test_predict_results (void)
{
  const Shape shape[] = { { PLD_DTYPE_F32, 128, 1000, 1 }, { PLD_DTYPE_F32, 128, 1000, 1 } };
  const PldProduct product = { PLD_DTYPE_F32, 128, 1000, 1, MIB, 100 };
  PldTensor tensors[2];
  PldTape *tape = make_tape (shape, 2, tensors);
  PldComputeProfile *compute = pld_compute_profile_new (1, FALSE);
  PldPlan plan = { .tiles = pld_tape_cut (tape, MIB) };

  for (guint i = 0; i < 2; i++)
    g_array_index (plan.tiles, PldTile, i).pinned = TRUE;
  g_array_append_val (compute->products, product);
  g_assert_cmpfloat_with_epsilon (pld_predict_pass (tape, &plan, &made_up, 1, compute, 8, 2, 500).pass_ns,
                                  800 + 200 + 500, 1e-6);
  g_array_unref (plan.tiles);
  g_clear_pointer (&compute, pld_compute_profile_free);
  g_clear_pointer (&tape, pld_tape_free);
}

/* The planner uses as many loaders as the storage asks for, for the size of the tiles, two at least, unless the caller
 * sets the number. */
static void
test_plan (void)
{
  PldTensor tensors[64];
  PldTape *tape = pld_tape_new ();
  const struct
  {
    double four, eight; /* bandwidth of 4 MiB at two reads in flight and at four, eight */
    guint loaders_set, loaders;
  } cases[] = { { 400, 400, 0, 2 }, { 800, 800, 0, 4 }, { 410, 900, 0, 8 }, { 410, 900, 3, 3 } };

  for (guint i = 0; i < G_N_ELEMENTS (tensors); i++)
    {
      tensors[i] = (PldTensor) {
        .name = (char *) "m", .dtype = PLD_DTYPE_F32, .n_values = 1024 * 1024, .offset = i * 4 * MIB, .n_bytes = 4 * MIB
      };
      pld_tape_add (tape, &tensors[i], 0, 1024, 1024, 1);
    }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      PldProfile storage = made_up;
      const PldPlanOptions options = { .limit = 200 * MIB, .loaders = cases[i].loaders_set, .storage = &storage };
      PldPlan *plan;

      storage.bandwidth[2][2] = cases[i].four;
      storage.bandwidth[2][3] = cases[i].eight;
      plan = pld_plan_make (tape, &options, NULL);
      g_assert_cmpuint (plan->loaders, ==, cases[i].loaders);
      g_assert_cmpuint (plan->n_slots, >=, plan->loaders);
      g_clear_pointer (&plan, pld_plan_free);
    }
  g_clear_pointer (&tape, pld_tape_free);
}

/* The whole way, through the public API. */
static void
test_predict_model (void)
{
  g_autofree char *path = g_build_filename (scratch, "ti", NULL);
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path, .engine.memory_limit = 7000000);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (PldPlanInfo) plain = NULL, info = NULL, again = NULL;

  cache_rig_clear ();
  g_assert_true (pld_model_synth ("vit-ti16", "f16", NULL, 1, path, NULL, NULL, NULL, &error));
  g_cancellable_cancel (cancelled);
  g_assert_null (pld_model_predict (&options.engine, cancelled, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_CANCELLED);
  g_clear_error (&error);
  plain = pld_model_plan (&options.engine, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (plain->read_bandwidth + plain->pass_ns + plain->n_changes + plain->pass_items, ==, 0);
  info = pld_model_predict (&options.engine, NULL, &error);
  g_assert_no_error (error);
  /* From now on opening and planning go by what was measured. */
  pld_plan_info_free (plain);
  plain = pld_model_plan (&options.engine, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (info->streamed_per_pass, ==, plain->streamed_per_pass);
  g_assert_cmpuint (info->loaders, ==, plain->loaders);
  g_assert_cmpuint (info->read_bandwidth, >, 0);
  g_assert_cmpuint (info->best_loaders, >=, 1);
  g_assert_cmpuint (info->best_loaders, <=, 8);
  g_assert_cmpuint (info->pass_items, ==, 1);
  g_assert_cmpuint (info->floor_ns, ==, MAX (info->load_ns, info->compute_ns));
  g_assert_cmpuint (info->pass_ns + 1, >=, info->floor_ns);
  g_assert_cmpuint (info->pass_ns, <=, info->load_ns + info->compute_ns + 1);
  g_assert_cmpuint (info->batch_pass_ns, ==, info->pass_ns);
  /* More and more memory, up to all, then faster storage. */
  g_assert_cmpuint (info->n_changes, >=, 2);
  for (guint i = 0; i + 1 < info->n_changes; i++)
    {
      g_assert_cmpuint (info->changes[i].memory_limit, >,
                        i > 0 ? info->changes[i - 1].memory_limit : info->memory_limit);
      /* As it would be planned; a larger ring may take what a little more memory would have pinned. */
      options.engine.memory_limit = info->changes[i].memory_limit;
      pld_plan_info_free (plain);
      plain = pld_model_plan (&options.engine, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (info->changes[i].streamed_per_pass, ==, plain->streamed_per_pass);
      g_assert_cmpfloat (info->changes[i].storage_speed, ==, 1);
    }
  g_assert_cmpuint (info->changes[info->n_changes - 2].streamed_per_pass, ==, 0);
  g_assert_cmpfloat (info->changes[info->n_changes - 1].storage_speed, ==, 2);
  g_assert_cmpuint (info->changes[info->n_changes - 1].pass_ns, <=, info->pass_ns);
  /* A cached profile is not measured again. */
  options.engine.memory_limit = info->memory_limit;
  again = pld_model_predict (&options.engine, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->read_bandwidth, ==, info->read_bandwidth);
  g_assert_cmpuint (again->load_ns, ==, info->load_ns);
  g_assert_cmpuint (again->compute_ns, ==, info->compute_ns);
  g_assert_cmpuint (again->pass_ns, ==, info->pass_ns);
  options.engine.memory_limit = 0;
  pld_plan_info_free (info);
  info = pld_model_predict (&options.engine, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (info->n_changes + info->load_ns, ==, 0);
  g_assert_cmpuint (info->pass_ns, >, 0);
}

int
main (int argc, char **argv)
{
  int status;

  scratch = cache_rig_open ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile/compute", test_compute);
  g_test_add_func ("/profile/compute-limit", test_compute_limit);
  g_test_add_func ("/profile/compute-damaged", test_compute_damaged);
  g_test_add_func ("/profile/product", test_product);
  g_test_add_func ("/profile/compute-between", test_compute_between);
  g_test_add_func ("/profile/predict", test_predict);
  g_test_add_func ("/profile/predict-results", test_predict_results);
  g_test_add_func ("/profile/plan", test_plan);
  g_test_add_func ("/profile/predict-model", test_predict_model);
  status = g_test_run ();
  cache_rig_close ();
  return status;
}
