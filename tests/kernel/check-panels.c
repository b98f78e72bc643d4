/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks of the kernels on panels: 16 rows side by side.
 */
#include "tests/kernel/rig.h"

#include <float.h>
#include <math.h>

#define ROWS PLD_PANEL_ROWS

/* Values a row: a panel of the longest fills a room. */
static const gsize lengths[] = { 1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 64, 65, 197, 768, 1031, 2304 };

#define EACH_LENGTH(n, shift)                                                                                          \
  for (guint c_ = 0; c_ < G_N_ELEMENTS (lengths); c_++)                                                                \
    for (gsize n = lengths[c_], shift = 0; shift <= 8; shift += 4)

void
check_pack (guint t)
{
  for (guint n_rows = 1; n_rows <= ROWS; n_rows++)
    EACH_LENGTH (n, shift)
    {
      const gsize stride = n + 3, x_bytes = n_rows * stride * sizeof (float), bytes = n * ROWS * sizeof (float);
      g_autofree float *x = g_malloc (x_bytes);
      float *got = place (&room_got, shift), *want = place (&room_want, shift);

      random_bytes ((guint8 *) x, x_bytes);
      tables[t].table->pack (got, x, stride, n_rows, n);
      pld_kernels_ref.pack (want, x, stride, n_rows, n);
      g_assert_cmpmem (got, bytes, want, bytes);
      assert_guards (&room_got, shift, bytes);
    }
}

void
check_unpack (guint t)
{
  for (guint n_rows = 1; n_rows <= ROWS; n_rows++)
    EACH_LENGTH (n, shift)
    {
      const gsize stride = n + 3, bytes = n * ROWS * sizeof (float);
      g_autofree float *x = g_malloc (bytes);
      float *got = place (&room_got, shift), *want = place (&room_want, shift);

      random_bytes ((guint8 *) x, bytes);
      tables[t].table->unpack (got, stride, x, n_rows, n);
      pld_kernels_ref.unpack (want, stride, x, n_rows, n);
      g_assert_cmpmem (room_got.bytes, sizeof room_got.bytes, room_want.bytes, sizeof room_want.bytes);
    }
}

static void
check_biased (guint t, const char *name, void (*got_kernel) (float *, const float *, gsize),
              void (*want_kernel) (float *, const float *, gsize), double absolute, double relative)
{
  EACH_LENGTH (n, shift)
  {
    float *b = random_floats (&room_b, shift, n, 1), *y = random_floats (&room_a, shift, n * ROWS, 5);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    memcpy (got, y, n * ROWS * sizeof (float));
    memcpy (want, y, n * ROWS * sizeof (float));
    got_kernel (got, b, n);
    want_kernel (want, b, n);
    assert_floats (name, tables[t].name, got, want, n * ROWS, absolute, relative);
    assert_guards (&room_got, shift, n * ROWS * sizeof (float));
  }
}

#define CHECK_BIASED(kernel, absolute, relative)                                                                       \
  void check_##kernel (guint t)                                                                                        \
  {                                                                                                                    \
    check_biased (t, #kernel, tables[t].table->kernel, pld_kernels_ref.kernel, absolute, relative);                    \
  }

CHECK_BIASED (panel_bias, 0, 0)
/* x/2 times the absolute error of erf, 1.5e-7 and some roundings, with |x| up to 180. */
CHECK_BIASED (panel_gelu, 1e-6, 1e-6)
/* Far below zero v · e^-|u| is tiny, and its relative error grows with |u|, up to 87; absolutely it is nothing. */
CHECK_BIASED (panel_gelu_tanh, 2e-6, 2e-6)
CHECK_BIASED (panel_relu, 0, 0)
CHECK_BIASED (panel_silu, 2e-6, 2e-6)

void
check_panel_add (guint t)
{
  EACH_LENGTH (n, shift)
  {
    float *x = random_floats (&room_a, shift, n * ROWS, 5), *b = random_floats (&room_b, shift, n, 1);
    float *got = random_floats (&room_got, shift, n * ROWS, 5), *want = place (&room_want, shift);

    memcpy (want, got, n * ROWS * sizeof (float));
    tables[t].table->panel_add (got, x, b, n);
    pld_kernels_ref.panel_add (want, x, b, n);
    /* Two roundings of sums up to 330 in size. */
    assert_floats ("panel_add", tables[t].name, got, want, n * ROWS, 330 * FLT_EPSILON, 0);
    assert_guards (&room_got, shift, n * ROWS * sizeof (float));
  }
}

/* The float mean is off by some epsilons of a row's largest value, and all of the row's normalised values by that over
 * its deviation, which is much where a row's values are nearly equal. */
static void
assert_layer_norm (const char *table, const float *got, const float *want, const float *x, const float *w, gsize n,
                   float eps)
{
  for (guint r = 0; r < ROWS; r++)
    {
      double largest = 0, mean = 0, variance = 0;

      for (gsize i = 0; i < n; i++)
        {
          largest = MAX (largest, fabs (x[i * ROWS + r]));
          mean += x[i * ROWS + r] / (double) n;
        }
      for (gsize i = 0; i < n; i++)
        variance += pow (x[i * ROWS + r] - mean, 2) / (double) n;
      for (gsize i = 0; i < n; i++)
        assert_floats ("panel_layer_norm", table, got + i * ROWS + r, want + i * ROWS + r, 1,
                       1e-5 + 8 * FLT_EPSILON * largest / sqrt (variance + eps) * fabs (w[i]), 2e-5);
    }
}

void
check_panel_layer_norm (guint t)
{
  EACH_LENGTH (n, shift)
  {
    float *x = random_floats (&room_a, shift, n * ROWS, 3), *w = random_floats (&room_b, shift, n, 1),
          *b = random_floats (&room_c, shift, n, 1);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    tables[t].table->panel_layer_norm (got, x, w, b, n, 1e-6f);
    pld_kernels_ref.panel_layer_norm (want, x, w, b, n, 1e-6f);
    assert_layer_norm (tables[t].name, got, want, x, w, n, 1e-6f);
    assert_guards (&room_got, shift, n * ROWS * sizeof (float));
    memcpy (got, x, n * ROWS * sizeof (float));
    tables[t].table->panel_layer_norm (got, got, w, b, n, 1e-6f);
    assert_layer_norm (tables[t].name, got, want, x, w, n, 1e-6f);
  }
}

void
check_panel_softmax (guint t)
{
  EACH_LENGTH (n, shift)
  {
    float *x = random_floats (&room_a, shift, n * ROWS, 8), *got = place (&room_got, shift),
          *want = place (&room_want, shift);

    memcpy (got, x, n * ROWS * sizeof (float));
    memcpy (want, x, n * ROWS * sizeof (float));
    tables[t].table->panel_softmax (got, n, 0.125f);
    pld_kernels_ref.panel_softmax (want, n, 0.125f);
    /* e^x is off by 2e-7 relatively, the sum of n by n epsilons at the very most; the argument, up to 60 in size, by
     * half an epsilon of itself. */
    assert_floats ("panel_softmax", tables[t].name, got, want, n * ROWS, 1e-30, 1e-5 + (double) n * FLT_EPSILON / 8);
    assert_guards (&room_got, shift, n * ROWS * sizeof (float));
  }
}

/* Shapes of attention: keys, floats a head. */
static const gsize heads[][2]
    = { { 1, 1 }, { 5, 3 }, { 16, 64 }, { 17, 16 }, { 33, 8 }, { 50, 32 }, { 197, 64 }, { 130, 80 }, { 40, 7 } };

/* The largest error of a float sum of n products, each up to @size: as many roundings of a part as there are parts, at
 * the very most. */
static double
sum_bound (gsize n, double size)
{
  return (double) n * size * FLT_EPSILON * 8;
}

void
check_panel_scores (guint t)
{
  for (guint h = 0; h < G_N_ELEMENTS (heads); h++)
    for (gsize shift = 0; shift <= 8; shift += 4)
      {
        const gsize n = heads[h][0], d = heads[h][1], stride = d * ROWS + 32, panels = (n + ROWS - 1) / ROWS;
        float *q = random_floats (&room_a, shift, d * ROWS, 1), *k = random_floats (&room_b, shift, panels * stride, 1);
        float *got = place (&room_got, shift), *want = place (&room_want, shift);

        tables[t].table->panel_scores (got, q, k, stride, n, d);
        pld_kernels_ref.panel_scores (want, q, k, stride, n, d);
        assert_floats ("panel_scores", tables[t].name, got, want, n * ROWS, sum_bound (d, 30), 0);
        assert_guards (&room_got, shift, n * ROWS * sizeof (float));
      }
}

void
check_panel_mix (guint t)
{
  for (guint h = 0; h < G_N_ELEMENTS (heads); h++)
    for (gsize shift = 0; shift <= 8; shift += 4)
      {
        const gsize n = heads[h][0], d = heads[h][1], stride = d * ROWS + 32, panels = (n + ROWS - 1) / ROWS;
        float *s = random_floats (&room_a, shift, n * ROWS, 1), *v = random_floats (&room_b, shift, panels * stride, 1);
        float *got = place (&room_got, shift), *want = place (&room_want, shift);

        tables[t].table->panel_mix (got, s, v, stride, n, d);
        pld_kernels_ref.panel_mix (want, s, v, stride, n, d);
        assert_floats ("panel_mix", tables[t].name, got, want, d * ROWS, sum_bound (n, 30), 0);
        assert_guards (&room_got, shift, d * ROWS * sizeof (float));
      }
}

/* Each row as the same table's quantize_q8 makes it, which has a check of its own. */
void
check_panel_quantize (guint t)
{
  for (gsize blocks = 1; blocks <= 40; blocks++)
    {
      const gsize n = blocks * PLD_Q8_VALUES, shift = blocks % 4 * 4;
      float *x = random_floats (&room_a, shift, n * ROWS, 3);
      g_autofree float *row = g_new (float, n);
      g_autofree PldQ8 *want = g_new (PldQ8, blocks);
      PldQ8Panel *got = place (&room_got, shift);

      for (guint r = 0; r < ROWS; r++)
        for (gsize c = r; c < n; c += ROWS + r)
          x[c * ROWS + r] *= r % 3 == 0 ? 1e-34f : 1e20f;
      x[5] = NAN;
      x[9] = INFINITY;
      /* Two of them that differ: what comes of their product depends on the operands' order, which a compiler is free
       * to choose. */
      memcpy (&x[5 + 29 * ROWS], &(guint32) { 0x7fa12345 }, sizeof (float));
      memcpy (&x[7 + 31 * ROWS], &(guint32) { 0xff81e380 }, sizeof (float));
      x[9 + 3 * ROWS] = -INFINITY;
      tables[t].table->panel_quantize (got, x, n);
      assert_guards (&room_got, shift, blocks * sizeof *got);
      for (guint r = 0; r < ROWS; r++)
        {
          for (gsize c = 0; c < n; c++)
            row[c] = x[c * ROWS + r];
          tables[t].table->quantize_q8 (want, row, n);
          for (gsize b = 0; b < blocks; b++)
            {
              g_assert_cmpmem (&got[b].scale[r], sizeof (float), &want[b].scale, sizeof (float));
              g_assert_cmpint (got[b].sums[0][r], ==, want[b].sums[0]);
              g_assert_cmpint (got[b].sums[1][r], ==, want[b].sums[1]);
              for (guint i = 0; i < PLD_Q8_VALUES; i++)
                g_assert_cmpint (got[b].q[i / 4][r][i % 4], ==, want[b].q[i]);
            }
        }
    }
}
