/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tracker's mathematics: the assignment against trying everything, the Kalman filter against the textbook's
 * matrices.
 */
#include "analytics/assign.h"

#include "analytics/kalman.h"

#include <math.h>

/* ---- assignment ---------------------------------------------------------------------------- */

typedef struct
{
  const double *cost;
  guint rows, columns;
  double limit;
} Problem;

/* The least cost of the rows from @row on, if the columns in @taken are gone: by trying everything. */
static double
least_cost (const Problem *p, guint row, guint taken)
{
  double least;

  if (row == p->rows)
    return 0;
  least = p->limit + least_cost (p, row + 1, taken);
  for (guint j = 0; j < p->columns; j++)
    if ((taken & 1u << j) == 0)
      least = MIN (least, p->cost[row * p->columns + j] + least_cost (p, row + 1, taken | 1u << j));
  return least;
}

/* The cost of @match, which is checked to be a matching. */
static double
cost_of (const Problem *p, const int *match)
{
  g_autofree gboolean *taken = g_new0 (gboolean, p->columns);
  double cost = 0;

  for (guint i = 0; i < p->rows; i++)
    {
      g_assert_cmpint (match[i], >=, -1);
      g_assert_cmpint (match[i], <, (int) p->columns);
      if (match[i] >= 0)
        {
          g_assert_false (taken[match[i]]);
          taken[match[i]] = TRUE;
          g_assert_cmpfloat (p->cost[i * p->columns + (guint) match[i]], <, p->limit);
        }
      cost += match[i] < 0 ? p->limit : p->cost[i * p->columns + (guint) match[i]];
    }
  return cost;
}

static void
test_all_small (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint round = 0; round < 3000; round++)
    {
      double cost[36];
      int match[6], again[6];
      Problem p = { cost, (guint) g_rand_int_range (rand, 0, 7), (guint) g_rand_int_range (rand, 0, 7),
                    g_rand_double_range (rand, 0.2, 1.2) };
      /* Every third time of few different values, so that there are many equally good answers. */
      guint steps = round % 3 == 0 ? 4 : 1000;

      for (guint i = 0; i < p.rows * p.columns; i++)
        cost[i] = (double) g_rand_int_range (rand, 0, (gint) steps + 1) / steps;
      pld_assign (cost, p.rows, p.columns, p.limit, match);
      pld_assign (cost, p.rows, p.columns, p.limit, again);
      g_assert_cmpfloat_with_epsilon (cost_of (&p, match), least_cost (&p, 0, 0), 1e-9);
      for (guint i = 0; i < p.rows; i++)
        g_assert_cmpint (match[i], ==, again[i]);
    }
}

/* The dearest assignment of one to the other puts two sorted lists in opposite orders, the cheapest in the same. */
static void
test_large (void)
{
  const guint n = 256;
  g_autofree double *cost = g_new (double, (gsize) n *n);
  g_autofree int *match = g_new (int, n);

  for (guint i = 0; i < n; i++)
    for (guint j = 0; j < n; j++)
      cost[i * n + j] = ((double) i - (n - 1 - j)) * ((double) i - (n - 1 - j)) / (n * n);
  pld_assign (cost, n, n, 2, match);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (match[i], ==, (int) (n - 1 - i));
  for (guint i = 0; i < n * n; i++)
    cost[i] = 1;
  pld_assign (cost, n, n, 1, match);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (match[i], ==, -1);
}

/* ---- Kalman filter ------------------------------------------------------------------------- */

static void
assert_close (double a, double b)
{
  g_assert_cmpfloat_with_epsilon (a, b, 1e-12);
}

/* Values of make-tracker.py. */
static void
test_kalman (void)
{
  static const struct
  {
    double seconds, kept, jolt, place, noise, after[5];
  } steps[] = {
    { 0.100,
      1.0,
      0.35,
      2.13,
      0.10,
      { 2.08672556797692, 0.43539487919221, 0.00667119753668618, 0.0334919137840162, 0.675279482440567 } },
    { 0.100,
      1.0,
      0.35,
      2.29,
      0.10,
      { 2.23704311898314, 0.973608169530567, 0.0066847028172851, 0.0336941483504331, 0.345087894102686 } },
    { 0.600,
      1.0,
      0.50,
      3.02,
      0.20,
      { 2.98532939762883, 1.22128358508354, 0.0330237422065997, 0.0498360983027469, 0.139075148072767 } },
    { 0.250,
      0.5,
      0.35,
      3.40,
      0.10,
      { 3.38584873001336, 0.675922404301796, 0.00870587032271839, 0.00596989366392605, 0.037854328659237 } },
    { 0.033,
      1.0,
      2.00,
      3.35,
      0.05,
      { 3.36243777409901, 0.629170868623309, 0.0019653103020434, 0.00200981013901332, 0.1622997847615 } },
  };
  PldKalman k = pld_kalman_start (2, 0.1, 1);

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      k = pld_kalman_predict (k, steps[i].seconds, steps[i].kept, steps[i].jolt);
      k = pld_kalman_measure (k, steps[i].place, steps[i].noise);
      assert_close (k.place, steps[i].after[0]);
      assert_close (k.velocity, steps[i].after[1]);
      assert_close (k.pp, steps[i].after[2]);
      assert_close (k.pv, steps[i].after[3]);
      assert_close (k.vv, steps[i].after[4]);
    }
}

/* What it says of its own error is true: places that wander as it supposes, measured as it supposes. */
static void
test_kalman_honest (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);
  double squares = 0;
  guint n = 0;

  for (guint walk = 0; walk < 300; walk++)
    {
      double place = 5, velocity = (g_rand_double (rand) - 0.5) * sqrt (12); /* deviation 1 */
      PldKalman k = pld_kalman_start (place + (g_rand_double (rand) - 0.5) * sqrt (12) * 0.1, 0.1, 1);

      for (guint i = 0; i < 40; i++)
        {
          for (guint part = 0; part < 10; part++)
            {
              place += velocity * 0.01;
              velocity += (g_rand_double (rand) - 0.5) * sqrt (12 * 0.01) * 0.5;
            }
          k = pld_kalman_predict (k, 0.1, 1, 0.5);
          k = pld_kalman_measure (k, place + (g_rand_double (rand) - 0.5) * sqrt (12) * 0.1, 0.1);
          squares += (k.place - place) * (k.place - place) / k.pp;
          n++;
        }
    }
  /* One on average. The errors of one walk hang together, so there are some thousand independent ones: 0.1 is
   * more than twice their mean's deviation. */
  g_assert_cmpfloat_with_epsilon (squares / n, 1, 0.1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/assign/small", test_all_small);
  g_test_add_func ("/assign/large", test_large);
  g_test_add_func ("/kalman/matrices", test_kalman);
  g_test_add_func ("/kalman/honest", test_kalman_honest);
  return g_test_run ();
}
