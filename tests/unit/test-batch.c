/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The batch of a plan: of every kind of model, a longer batch never takes less memory, and the plan's batch is the one
 * that a search item by item finds.
 */
#include "models/core/core.h"

typedef struct
{
  const char *name;
  PldModelKind kind;
  const char *path; /* below tests/, or below models/ */
} Case;

static const Case cases[] = {
  { "vit", PLD_MODEL_VISION, "golden/data/vit-random" },
  { "yolos", PLD_MODEL_VISION, "golden/data/yolos-random" },
  { "patch-detector", PLD_MODEL_VISION, "../models/bundled/person-detector" },
  { "classifier", PLD_MODEL_VISION, "../models/bundled/person-vit" },
  { "llama", PLD_MODEL_LANGUAGE, "golden/llm/data/rope-llama3-f32.gguf" },
  { "mixtral", PLD_MODEL_LANGUAGE, "golden/llm/data/mixtral-f32.gguf" },
  { "qwen3", PLD_MODEL_LANGUAGE, "golden/llm/data/qwen3-f32.gguf" },
  { "report-llama", PLD_MODEL_LANGUAGE, "../models/bundled/report-llama/report-llama.gguf" },
};

static PldModel *
open_case (const Case *c)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("G_TEST_SRCDIR"), c->path, NULL);
  PldModel *model = pld_model_open (c->kind, path, (PldInputSize) { 0 }, &error);

  g_assert_no_error (error);
  return model;
}

static guint64
bytes_of (const PldModel *model, const PldDemand *demand, guint batch, guint results)
{
  const PldGrant grant = { batch, MIN (results, batch), demand->threads, demand->context };

  return pld_core_pass_bytes (model, &grant);
}

static PldDemand
demand_of (const Case *c, guint threads, guint guesses)
{
  const gboolean vision = c->kind == PLD_MODEL_VISION;

  return (PldDemand) { .pipelining = PLD_PIPELINING_FULL,
                       .threads = threads,
                       .batch = 1000,
                       .results = vision ? 1000 : 1 + guesses,
                       .guesses = guesses,
                       .context = vision ? 0 : 100 };
}

static void
test_bytes (gconstpointer data)
{
  g_autoptr (PldModel) model = open_case (data);

  for (guint threads = 1; threads <= 4; threads += 3)
    {
      const PldDemand demand = demand_of (data, threads, 0);
      guint64 last = 0;

      for (guint batch = 1; batch <= model->arch->batch_max; batch++)
        {
          const guint64 bytes = bytes_of (model, &demand, batch, demand.results);

          g_assert_cmpuint (bytes, >=, last);
          last = bytes;
        }
    }
}

/* The search that the plan's replaces: one item less at a time, from the longest batch down. A longer batch may use a
 * share of the memory that the smallest limit leaves, or a 200th of the weights, but never more than three quarters of
 * that memory; guesses a quarter of what the batch may. */
static PldGrant
search (const PldModel *model, const PldDemand *demand, guint64 minimum)
{
  const guint64 least = bytes_of (model, demand, 1, 1), row = model->net->n_outputs * sizeof (float);
  const double room = demand->limit > minimum ? (double) (demand->limit - minimum) : 0;
  const double longer = MIN (0.75 * room, MAX (model->arch->batch_share * room, model->params->tape->n_bytes / 200.0));
  PldGrant grant = { MIN (demand->batch, model->arch->batch_max), 0, demand->threads, demand->context };
  guint guesses;

  grant.results = MIN (demand->results, grant.batch);
  guesses = MIN (demand->guesses, grant.results - 1);
  for (; guesses > 0 && (double) pld_buffer_cost (guesses * row) > longer / 4; guesses--)
    grant.results--;
  while (grant.batch > 1 && bytes_of (model, demand, grant.batch, grant.results) > least + (guint64) longer)
    grant.batch--;
  grant.results = MIN (grant.results, grant.batch);
  return grant;
}

static void
test_search (gconstpointer data)
{
  g_autoptr (PldModel) model = open_case (data);
  guint shortened = 0, whole = 0;

  for (guint guesses = 0; guesses <= 7; guesses += 7)
    {
      PldDemand demand = demand_of (data, 2, guesses);
      g_autoptr (GError) error = NULL;
      guint64 minimum;
      PldGrant grant;
      g_autoptr (PldPlan) unlimited = pld_core_plan (model, &demand, &grant, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (grant.batch, ==, MIN (demand.batch, model->arch->batch_max));
      minimum = unlimited->minimum;
      for (guint i = 0; i < 400; i++)
        {
          PldGrant want;
          g_autoptr (PldPlan) plan = NULL;

          /* From the smallest limit to some 1000 times that, closely at first. */
          demand.limit = minimum + (guint64) (minimum * 0.001 * i * i * i / 64);
          plan = pld_core_plan (model, &demand, &grant, &error);
          g_assert_no_error (error);
          want = search (model, &demand, minimum);
          g_assert_cmpuint (grant.batch, ==, want.batch);
          g_assert_cmpuint (grant.results, ==, want.results);
          shortened += want.batch > 1 && want.batch < model->arch->batch_max;
          whole += want.batch == model->arch->batch_max;
        }
    }
  /* The limits reach both kinds of answers. */
  g_assert_cmpuint (shortened, >, 0);
  g_assert_cmpuint (whole, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *bytes = g_strconcat ("/batch/bytes/", cases[i].name, NULL);
      g_autofree char *found = g_strconcat ("/batch/search/", cases[i].name, NULL);

      g_test_add_data_func (bytes, &cases[i], test_bytes);
      g_test_add_data_func (found, &cases[i], test_search);
    }
  return g_test_run ();
}
