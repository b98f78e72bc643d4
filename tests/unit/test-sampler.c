/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/text/sampler: against the definitions written out in double precision over a full sort.
 */
#include "engine/base/random.h"
#include "engine/text/sampler.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Everything off: draws from softmax. */
static PldGenerateOptions
plain_options (void)
{
  return (PldGenerateOptions) { .temperature = 1, .top_p = 1, .repeat_penalty = 1, .seed = 1 };
}

static PldSampler *
make (const PldGenerateOptions *options, guint n_vocab, PldBudget *budget)
{
  g_autoptr (GError) error = NULL;
  PldSampler *sampler = pld_sampler_new (options, n_vocab, budget, &error);

  g_assert_no_error (error);
  g_assert_nonnull (sampler);
  return sampler;
}

static guint32
sample_copy (PldSampler *sampler, const float *logits, guint n)
{
  g_autofree float *copy = g_memdup2 (logits, n * sizeof *logits);

  return pld_sampler_sample (sampler, copy);
}

/* ---- the definitions ------------------------------------------------------------------------ */

typedef struct
{
  double logit, p;
  guint id;
} Token;

static int
compare (const void *a, const void *b)
{
  const Token *x = a, *y = b;

  return x->logit != y->logit ? (x->logit < y->logit ? 1 : -1) : (x->id > y->id) - (x->id < y->id);
}

/* Sets p[n] to the probability of each token. @history: [n_history], all of it in the window. Returns: how close a
 * token lies to a threshold, relative; rounding may put it on either side */
static double
expect (const PldGenerateOptions *o, const float *logits, guint n, const guint32 *history, guint n_history, double *p)
{
  g_autofree Token *t = g_new0 (Token, n);
  double sum = 0, mass = 0, margin = 1;
  guint n_kept = n, n_nucleus = 0;

  for (guint i = 0; i < n; i++)
    {
      guint count = 0;

      t[i] = (Token) { logits[i], 0, i };
      for (guint k = 0; k < o->n_biases; k++)
        if (o->biases[k].token == i)
          t[i].logit += o->biases[k].bias;
      for (guint k = 0; k < n_history; k++)
        count += history[k] == i;
      if (count > 0)
        {
          t[i].logit = t[i].logit > 0 ? t[i].logit / o->repeat_penalty : t[i].logit * o->repeat_penalty;
          t[i].logit -= count * (double) o->frequency_penalty + o->presence_penalty;
        }
    }
  qsort (t, n, sizeof *t, compare);
  if (o->top_k > 0 && o->top_k < n)
    {
      n_kept = o->top_k;
      margin = MIN (margin, t[n_kept - 1].logit - t[n_kept].logit);
    }
  for (guint i = 0; i < n_kept; i++)
    sum += exp (t[i].logit - t[0].logit);
  while (n_nucleus < n_kept && (n_nucleus == 0 || o->top_p == 1 || mass < o->top_p))
    {
      mass += exp (t[n_nucleus++].logit - t[0].logit) / sum;
      if (o->top_p < 1)
        margin = MIN (margin, fabs (mass - o->top_p));
    }
  n_kept = n_nucleus;
  for (guint i = n_kept; i-- > 1;)
    {
      double ratio = exp (t[i].logit - t[0].logit);

      if (o->min_p > 0)
        margin = MIN (margin, fabs (ratio - o->min_p));
      if (ratio < o->min_p)
        n_kept = i;
    }
  sum = 0;
  for (guint i = 0; i < n_kept; i++)
    sum += t[i].p = exp ((t[i].logit - t[0].logit) / o->temperature);
  for (guint i = 0; i < n; i++)
    p[t[i].id] = t[i].p / sum;
  return margin;
}

/* ---- tests ---------------------------------------------------------------------------------- */

/* Draws with the sampler's numbers out of the definitions' probabilities, token by token, and must agree; where the
 * number falls close to the edge of a token, rounding decides. Returns: draws compared */
static guint
compare_draws (const PldGenerateOptions *o, const float *logits, guint n, const guint32 *history, guint n_history)
{
  PldBudget *budget = pld_budget_new (0);
  PldSampler *sampler = make (o, n, budget);
  g_autofree double *p = g_new0 (double, n);
  guint n_compared = 0;
  PldRandom random;

  pld_random_init (&random, (guint64) o->seed, NULL);
  if (expect (o, logits, n, history, n_history, p) < 1e-5)
    goto out;
  for (guint i = 0; i < n_history; i++)
    pld_sampler_accept (sampler, history[i]);
  for (guint round = 0; round < 20; round++)
    {
      guint32 token = sample_copy (sampler, logits, n);
      double u = pld_random_double (&random), from = 0;

      g_assert_cmpuint (token, <, n);
      g_assert_cmpfloat (p[token], >, 0);
      for (guint i = 0; i < token; i++)
        from += p[i];
      g_assert_cmpfloat (u, >=, from - 1e-5);
      g_assert_cmpfloat (u, <=, from + p[token] + 1e-5);
      n_compared++;
    }
out:
  g_clear_pointer (&sampler, pld_sampler_free);
  g_clear_pointer (&budget, pld_budget_free);
  return n_compared;
}

static float
random_logit (PldRandom *random, double scale)
{
  double sum = 0;

  for (guint i = 0; i < 4; i++)
    sum += pld_random_double (random);
  return (float) ((sum - 2) * scale);
}

static void
test_definitions (void)
{
  static const float top_ps[] = { 1, 1, 0.99f, 0.95f, 0.5f, 0.1f, 0 }, min_ps[] = { 0, 0, 0.001f, 0.05f, 0.5f, 1 };
  guint n_compared = 0;
  PldRandom random;

  pld_random_init (&random, 7, NULL);
  for (guint round = 0; round < 3000; round++)
    {
      guint n = 1 + (guint) (pld_random_next (&random) % 300), n_history = (guint) (pld_random_next (&random) % 60);
      g_autofree float *logits = g_new (float, n);
      PldLogitBias biases[3];
      guint32 history[60];
      PldGenerateOptions o = plain_options ();

      for (guint i = 0; i < n; i++)
        logits[i] = random_logit (&random, 12);
      for (guint i = 0; i < n_history; i++)
        history[i] = (guint32) (pld_random_next (&random) % n);
      for (guint i = 0; i < 3; i++)
        biases[i] = (PldLogitBias) { (i * n + i) / 3 % n, random_logit (&random, 10) };
      o.seed = round;
      o.biases = biases;
      o.n_biases = n >= 3 ? round % 4 : 0;
      o.top_k = pld_random_next (&random) % 2 ? (guint) (pld_random_next (&random) % 80) : 0;
      o.top_p = top_ps[pld_random_next (&random) % G_N_ELEMENTS (top_ps)];
      o.min_p = min_ps[pld_random_next (&random) % G_N_ELEMENTS (min_ps)];
      o.temperature = (float) (0.1 + 2 * pld_random_double (&random));
      o.penalty_window = 60;
      o.repeat_penalty = pld_random_next (&random) % 2 ? 1.3f : 1;
      o.frequency_penalty = pld_random_next (&random) % 2 ? 0.4f : 0;
      o.presence_penalty = pld_random_next (&random) % 2 ? -0.7f : 0;
      n_compared += compare_draws (&o, logits, n, history, n_history);
    }
  g_assert_cmpuint (n_compared, >, 50000);
}

/* A vocabulary of full size, where candidates are gathered and forgotten many times: rising, falling, equal and random
 * logits. */
static void
test_large (void)
{
  enum
  {
    N = 128256
  };
  g_autofree float *logits = g_new (float, N);
  guint n_compared = 0;
  PldRandom random;

  pld_random_init (&random, 8, NULL);
  for (guint shape = 0; shape < 4; shape++)
    for (guint round = 0; round < 5; round++)
      {
        static const guint top_ks[] = { 40, 1, 5000, 40000, 0 };
        PldGenerateOptions o = plain_options ();

        for (guint i = 0; i < N; i++)
          logits[i] = shape == 0   ? (float) i / 9999
                      : shape == 1 ? (float) (N - i) / 9999
                      : shape == 2 ? 3
                                   : random_logit (&random, 20);
        o.top_k = top_ks[round];
        o.top_p = round % 2 ? 0.9f : 1;
        o.seed = shape * 5 + round;
        /* Tokens are so alike here that the margin says nothing; the draw's own check has the room that rounding needs.
         */
        if (shape == 3)
          n_compared += compare_draws (&o, logits, N, NULL, 0);
        else
          {
            PldBudget *budget = pld_budget_new (0);
            PldSampler *sampler = make (&o, N, budget);
            guint32 token = sample_copy (sampler, logits, N);
            guint rank = shape == 0 ? N - 1 - token : token;

            g_assert_cmpuint (rank, <, o.top_k > 0 ? o.top_k : N);
            g_clear_pointer (&sampler, pld_sampler_free);
            g_clear_pointer (&budget, pld_budget_free);
          }
      }
  g_assert_cmpuint (n_compared, >, 0);
}

/* χ² of 200000 draws over 24 tokens; 23 degrees of freedom, and the seed is fixed. */
static void
test_distribution (void)
{
  enum
  {
    N = 24,
    DRAWS = 200000
  };
  PldGenerateOptions o = plain_options ();
  PldBudget *budget = pld_budget_new (0);
  PldSampler *sampler = NULL;
  guint counts[N] = { 0 };
  double p[N], chi = 0;
  float logits[N];

  o.seed = 20240607;
  o.temperature = 0.7f;
  for (guint i = 0; i < N; i++)
    logits[i] = (float) sin (i * 1.7) * 1.5f;
  expect (&o, logits, N, NULL, 0, p);
  sampler = make (&o, N, budget);
  for (guint i = 0; i < DRAWS; i++)
    counts[sample_copy (sampler, logits, N)]++;
  for (guint i = 0; i < N; i++)
    chi += (counts[i] - DRAWS * p[i]) * (counts[i] - DRAWS * p[i]) / (DRAWS * p[i]);
  /* the 0.1 % and 99.9 % points of the distribution */
  g_assert_cmpfloat (chi, >, 7.53);
  g_assert_cmpfloat (chi, <, 49.73);
  g_clear_pointer (&sampler, pld_sampler_free);
  g_clear_pointer (&budget, pld_budget_free);
}

/* xoshiro256** and SplitMix64, from their authors' definitions: SplitMix64 of seed 0 begins with 0xe220a8397b1dcdaf. */
static void
test_random (void)
{
  static const guint64 mixed[] = { 0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f, 0xf88bb8a8724c81ec };
  PldRandom random = { { 1, 2, 3, 4 } };
  PldRandom seeded;

  /* rotl (s1 × 5, 7) × 9: 2 × 5 = 10 → 1280 → 11520; then s1 = 0 → 0; then s1 = 2¹⁸ + 5 … by hand */
  g_assert_cmpuint (pld_random_next (&random), ==, 11520);
  g_assert_cmpuint (pld_random_next (&random), ==, 0);
  g_assert_cmpuint (pld_random_next (&random), ==, 1509978240);
  pld_random_init (&seeded, 0, NULL);
  g_assert_cmpmem (seeded.s, sizeof seeded.s, mixed, sizeof mixed);
  for (guint i = 0; i < 1000; i++)
    {
      double x = pld_random_double (&seeded);

      g_assert_true (x >= 0 && x < 1);
    }
}

static void
test_seed (void)
{
  enum
  {
    N = 1000,
    LENGTH = 50
  };
  PldGenerateOptions o = plain_options ();
  PldBudget *budget = pld_budget_new (0);
  guint32 tokens[4][LENGTH];
  float logits[N];
  PldRandom random;

  pld_random_init (&random, 3, NULL);
  for (guint i = 0; i < N; i++)
    logits[i] = random_logit (&random, 2);
  for (guint run = 0; run < 4; run++)
    {
      PldSampler *sampler = NULL;

      o.seed = run == 3 ? -1 : run == 2 ? 43 : 42;
      o.top_k = 400;
      o.top_p = 0.9f;
      sampler = make (&o, N, budget);
      for (guint i = 0; i < LENGTH; i++)
        tokens[run][i] = sample_copy (sampler, logits, N);
      pld_sampler_reset (sampler);
      for (guint i = 0; i < LENGTH; i++)
        g_assert_cmpuint (sample_copy (sampler, logits, N), ==, tokens[run][i]);
      g_clear_pointer (&sampler, pld_sampler_free);
    }
  g_assert_cmpmem (tokens[0], sizeof tokens[0], tokens[1], sizeof tokens[1]);
  g_assert_cmpint (memcmp (tokens[0], tokens[2], sizeof tokens[0]), !=, 0);
  g_assert_cmpint (memcmp (tokens[0], tokens[3], sizeof tokens[0]), !=, 0);
  g_clear_pointer (&budget, pld_budget_free);
}

/* Penalties count the window's last tokens and no others. */
static void
test_window (void)
{
  PldGenerateOptions o = plain_options ();
  PldBudget *budget = pld_budget_new (0);
  static const float logits[4] = { 1, 0.9f, 0.8f, -5 };
  PldSampler *sampler = NULL;

  o.temperature = 0;
  o.presence_penalty = 3;
  o.penalty_window = 2;
  sampler = make (&o, 4, budget);
  g_assert_cmpuint (sample_copy (sampler, logits, 4), ==, 0);
  pld_sampler_accept (sampler, 0);
  pld_sampler_accept (sampler, 0);
  g_assert_cmpuint (sample_copy (sampler, logits, 4), ==, 1);
  pld_sampler_accept (sampler, 1);
  pld_sampler_accept (sampler, 4); /* not in the vocabulary */
  g_assert_cmpuint (sample_copy (sampler, logits, 4), ==, 2);
  pld_sampler_accept (sampler, 2);
  g_assert_cmpuint (sample_copy (sampler, logits, 4), ==, 0);
  pld_sampler_reset (sampler);
  g_assert_cmpuint (sample_copy (sampler, logits, 4), ==, 0);
  g_clear_pointer (&sampler, pld_sampler_free);

  /* Three times the same token in a window of two is twice: 0.91 and not 0.865, compared with 0.9. */
  o.presence_penalty = 0;
  o.frequency_penalty = 0.045f;
  sampler = make (&o, 4, budget);
  for (guint i = 0; i < 3; i++)
    pld_sampler_accept (sampler, 0);
  g_assert_cmpuint (sample_copy (sampler, logits, 4), ==, 0);
  g_clear_pointer (&sampler, pld_sampler_free);

  o.presence_penalty = 3;
  o.penalty_window = 0;
  sampler = make (&o, 4, budget);
  pld_sampler_accept (sampler, 0);
  g_assert_cmpuint (sample_copy (sampler, logits, 4), ==, 0);
  g_clear_pointer (&sampler, pld_sampler_free);
  g_clear_pointer (&budget, pld_budget_free);
}

static void
test_extremes (void)
{
  static const struct
  {
    float logits[4];
    gint token; /* −1: one of the largest */
  } cases[] = {
    { { NAN, NAN, NAN, NAN }, 0 },
    { { -INFINITY, -INFINITY, -INFINITY, -INFINITY }, 0 },
    { { NAN, -INFINITY, -3e38f, NAN }, 2 },
    { { 0, INFINITY, 5, NAN }, 1 },
    { { NAN, INFINITY, INFINITY, 0 }, -1 },
    { { -FLT_MAX, FLT_MAX, -FLT_MAX, 0 }, 1 },
    { { FLT_MAX, FLT_MAX, NAN, -INFINITY }, -1 },
    { { 2, 2, 2, 2 }, -1 },
    { { -0.0f, 0, -0.0f, 0 }, -1 },
  };
  static const PldGenerateOptions settings[] = {
    { .temperature = 0, .top_p = 1, .repeat_penalty = 1 },
    { .temperature = 1, .top_p = 1, .repeat_penalty = 1 },
    { .temperature = FLT_TRUE_MIN, .top_p = 1, .repeat_penalty = 1 },
    { .temperature = FLT_MAX, .top_p = 0.999999f, .repeat_penalty = 1 },
    { .temperature = 1, .top_p = 0, .repeat_penalty = 1 },
    { .temperature = 1, .top_p = 0.5f, .min_p = 1, .top_k = G_MAXUINT, .repeat_penalty = 1 },
    { .temperature = -1, .top_p = 1, .top_k = 1, .repeat_penalty = FLT_MIN, .penalty_window = 8 },
    { .temperature = 1, .top_p = 1, .repeat_penalty = FLT_MAX, .penalty_window = 8, .frequency_penalty = FLT_MAX },
    { .temperature = 1, .top_p = 1, .repeat_penalty = 1, .penalty_window = 8, .presence_penalty = -FLT_MAX },
  };
  guint seen[G_N_ELEMENTS (settings)][G_N_ELEMENTS (cases)] = { { 0 } };
  PldBudget *budget = pld_budget_new (0);

  for (guint s = 0; s < G_N_ELEMENTS (settings); s++)
    for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
      for (gint64 seed = 0; seed < 20; seed++)
        {
          PldGenerateOptions o = settings[s];
          PldSampler *sampler = NULL;
          gint token;

          o.seed = seed;
          sampler = make (&o, 4, budget);
          token = (gint) sample_copy (sampler, cases[c].logits, 4);
          if (cases[c].token >= 0 && o.temperature != FLT_MAX)
            g_assert_cmpint (token, ==, cases[c].token);
          for (guint i = 0; i < 4 && cases[c].token < 0 && o.temperature != FLT_MAX; i++)
            g_assert_false (cases[c].logits[i] > cases[c].logits[token]);
          seen[s][c] |= 1u << token;
          /* Penalties of any size leave a token that can be picked, or token 0. */
          for (guint i = 0; i < 8; i++)
            pld_sampler_accept (sampler, i % 4);
          g_assert_cmpuint (sample_copy (sampler, cases[c].logits, 4), <, 4);
          g_clear_pointer (&sampler, pld_sampler_free);
        }
  /* softmax: two times ∞ are two equal ones; four equal ones are all drawn */
  g_assert_cmpuint (seen[1][4], ==, 1u << 1 | 1u << 2);
  g_assert_cmpuint (seen[1][6], ==, 1u << 0 | 1u << 1);
  g_assert_cmpuint (seen[1][7], ==, 15);
  g_clear_pointer (&budget, pld_budget_free);
}

static void
test_ties (void)
{
  static const float logits[6] = { 1, 3, 2, 3, 3, 1 };
  PldBudget *budget = pld_budget_new (0);
  PldGenerateOptions o = plain_options ();
  gboolean seen[6] = { FALSE };
  PldSampler *sampler = NULL;

  o.temperature = 0;
  sampler = make (&o, 6, budget);
  g_assert_cmpuint (sample_copy (sampler, logits, 6), ==, 1);
  g_clear_pointer (&sampler, pld_sampler_free);
  o.temperature = 1;
  o.top_k = 2;
  sampler = make (&o, 6, budget);
  for (guint i = 0; i < 100; i++)
    seen[sample_copy (sampler, logits, 6)] = TRUE;
  g_assert_true (!seen[0] && seen[1] && !seen[2] && seen[3] && !seen[4] && !seen[5]);
  g_clear_pointer (&sampler, pld_sampler_free);
  g_clear_pointer (&budget, pld_budget_free);
}

static void
test_bias (void)
{
  static const PldLogitBias biases[] = { { 1, -INFINITY }, { 3, 2.5f }, { 0, INFINITY }, { 0, -INFINITY } };
  static const float logits[4] = { 1, 9, 2, 0 };
  PldBudget *budget = pld_budget_new (0);
  PldGenerateOptions o = plain_options ();
  PldSampler *sampler = NULL;

  o.temperature = 0;
  o.biases = biases;
  o.n_biases = 2;
  sampler = make (&o, 4, budget);
  g_assert_cmpuint (sample_copy (sampler, logits, 4), ==, 3);
  g_clear_pointer (&sampler, pld_sampler_free);
  o.n_biases = 3;
  sampler = make (&o, 4, budget);
  g_assert_cmpuint (sample_copy (sampler, logits, 4), ==, 0);
  g_clear_pointer (&sampler, pld_sampler_free);
  o.n_biases = 4; /* ∞ − ∞ is not picked */
  sampler = make (&o, 4, budget);
  g_assert_cmpuint (sample_copy (sampler, logits, 4), ==, 3);
  g_clear_pointer (&sampler, pld_sampler_free);
  g_clear_pointer (&budget, pld_budget_free);
}

static void
check_refused (PldGenerateOptions options, const char *fact)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (pld_sampler_check (&options, 10, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, fact));
}

static void
test_check (void)
{
  PldLogitBias outside = { 10, 1 }, no_number = { 9, NAN };
  PldGenerateOptions good = plain_options (), bad;

  g_assert_true (pld_sampler_check (&good, 10, NULL));
#define REFUSE(field, value, fact) (bad = good, bad.field = (value), check_refused (bad, fact))
  REFUSE (temperature, NAN, "temperature is nan");
  REFUSE (temperature, INFINITY, "temperature");
  REFUSE (top_p, -0.1f, "top-p is -0.1: it must be from 0 to 1");
  REFUSE (top_p, 1.5f, "top-p");
  REFUSE (top_p, NAN, "top-p");
  REFUSE (min_p, -1, "min-p");
  REFUSE (min_p, 2, "min-p");
  REFUSE (repeat_penalty, 0, "repeat penalty");
  REFUSE (repeat_penalty, -1, "repeat penalty");
  REFUSE (repeat_penalty, NAN, "repeat penalty");
  REFUSE (presence_penalty, NAN, "presence penalty");
  REFUSE (frequency_penalty, INFINITY, "frequency penalty");
  REFUSE (penalty_window, PLD_SAMPLER_WINDOW_MAX + 1, "penalty window is 8193");
#undef REFUSE
  good.n_biases = 1;
  good.biases = &outside;
  check_refused (good, "token 10: the model's vocabulary ends at token 9");
  good.biases = &no_number;
  check_refused (good, "token 9 is not a number");
}

static void
test_budget (void)
{
  guint64 bytes = pld_sampler_bytes (32000);
  PldGenerateOptions o = plain_options ();
  PldBudget *budget = pld_budget_new (bytes);
  g_autoptr (GError) error = NULL;
  PldSampler *sampler = make (&o, 32000, budget);

  g_assert_cmpuint (pld_budget_get_used (budget), ==, bytes);
  g_clear_pointer (&sampler, pld_sampler_free);
  g_assert_null (sampler);
  g_clear_pointer (&sampler, pld_sampler_free);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  pld_budget_set_limit (budget, bytes - 1);
  g_assert_null (pld_sampler_new (&o, 32000, budget, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  g_clear_pointer (&budget, pld_budget_free);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sampler/definitions", test_definitions);
  g_test_add_func ("/sampler/large", test_large);
  g_test_add_func ("/sampler/distribution", test_distribution);
  g_test_add_func ("/sampler/random", test_random);
  g_test_add_func ("/sampler/seed", test_seed);
  g_test_add_func ("/sampler/window", test_window);
  g_test_add_func ("/sampler/extremes", test_extremes);
  g_test_add_func ("/sampler/ties", test_ties);
  g_test_add_func ("/sampler/bias", test_bias);
  g_test_add_func ("/sampler/check", test_check);
  g_test_add_func ("/sampler/budget", test_budget);
  return g_test_run ();
}
