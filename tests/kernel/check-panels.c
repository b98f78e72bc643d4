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

/* The allowed error of a result of @v = y + b, @want. */
typedef double (*BoundFunc) (double v, double want);

static void
check_biased (guint t, const char *name, void (*got_kernel) (float *, const float *, gsize),
              void (*want_kernel) (float *, const float *, gsize), BoundFunc bound)
{
  EACH_LENGTH (n, shift)
  {
    float *b = random_floats (&room_b, shift, n, 1), *y = random_floats (&room_a, shift, n * ROWS, 5);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    memcpy (got, y, n * ROWS * sizeof (float));
    memcpy (want, y, n * ROWS * sizeof (float));
    got_kernel (got, b, n);
    want_kernel (want, b, n);
    for (gsize i = 0; i < n * ROWS; i++)
      assert_value (name, t, i, got[i], want[i], bound ((double) y[i] + b[i / ROWS], want[i]));
    assert_guards (&room_got, shift, n * ROWS * sizeof (float));
  }
}

/* One rounding of one sum, in both: a double has more than twice a float's bits, so rounding it again gives the same.
 */
static double
bound_bias (double v, double want)
{
  return 0;
}

/* v Φ(v), where Φ = (1 + erf (v / √2)) / 2. erf is off by 1.5e-7, which is its formula's own error, and by 23
 * roundings, the sum of all in erf_f32 (), each times what it changes the result by, which is the most at 0. v and its
 * product with a rounded 1 / √2 are 3 roundings of the argument z, and |z erf' (z)| <= 0.484. v, 1 + erf, a product and
 * the reference's rounding are 4 of the result. */
static double
bound_gelu (double v, double want)
{
  return fabs (v) / 2 * (1.5e-7 + roundings (23 + 3 * 0.484)) + fabs (want) * roundings (4);
}

/* v σ(w), where σ = 1 / (1 + e^-w) and w = 1.5957… (v + 0.0447… v³), whose terms have one sign. v's rounding, that of
 * its sum with the cube, and those of the constant and its product are 4 of w; the cube has v's three times, its
 * constant's and three products', 10 in all. Their size, and exp's roundings, are those of e^-w, which is 1 - σ of the
 * sum 1 + e^-w. v, that sum, a division, a product and the reference's rounding are 5 of the result. The reference's
 * own sum 1 + tanh cancels where v is negative. Where w is below -88 e^-w stays 1.7e38. */
static double
bound_gelu_tanh (double v, double want)
{
  const double linear = 1.59576912 * fabs (v), cube = linear * 0.044715 * v * v, w = copysign (linear + cube, v);
  const double n = w < -89 ? 0 : (4 * linear + 10 * cube + EXP_ROUNDINGS) / (1 + exp (w)) + 5;

  return fabs (want) * roundings (n) + fabs (v) * (DBL_EPSILON + FLT_MIN);
}

/* The same of v σ(v): v's rounding is the only one of the argument. */
static double
bound_silu (double v, double want)
{
  return fabs (want) * roundings ((fabs (v) + EXP_ROUNDINGS) / (1 + exp (v)) + 5) + fabs (v) * FLT_MIN;
}

#define CHECK_BIASED(kernel, bound)                                                                                    \
  void check_##kernel (guint t) { check_biased (t, #kernel, tables[t].table->kernel, pld_kernels_ref.kernel, bound); }

CHECK_BIASED (panel_bias, bound_bias)
CHECK_BIASED (panel_gelu, bound_gelu)
CHECK_BIASED (panel_gelu_tanh, bound_gelu_tanh)
CHECK_BIASED (panel_relu, bound_bias)
CHECK_BIASED (panel_silu, bound_silu)

void
check_panel_add (guint t)
{
  EACH_LENGTH (n, shift)
  {
    float *x = random_floats (&room_a, shift, n * ROWS, 5), *b = random_floats (&room_b, shift, n, 1);
    float *y = random_floats (&room_c, shift, n * ROWS, 5), *got = place (&room_got, shift),
          *want = place (&room_want, shift);

    memcpy (got, y, n * ROWS * sizeof (float));
    memcpy (want, y, n * ROWS * sizeof (float));
    tables[t].table->panel_add (got, x, b, n);
    pld_kernels_ref.panel_add (want, x, b, n);
    /* Two sums; the reference's rounding. */
    for (gsize i = 0; i < n * ROWS; i++)
      assert_value ("panel_add", t, i, got[i], want[i],
                    (fabs (y[i]) + fabs (x[i]) + fabs (b[i / ROWS])) * roundings (3));
    assert_guards (&room_got, shift, n * ROWS * sizeof (float));
  }
}

/* The sums on a value's way when columns are added up in four chains. */
static gsize
chain_depth (gsize n)
{
  return MIN (n - 1, n / 4 + 3 + 2);
}

/* (x - mean) · factor · w + b, where factor = 1 / √(variance + eps).
 *
 * The mean is off by @shift at most: sums and a division are roundings of the mean of |x|. Squares around it add up to
 * those around the true one and n · shift², without a further term, for deviations add up to nothing; each has the
 * difference's rounding twice and its product's, and sums; then there are a division and the sum with eps. The square
 * root halves that, and is rounded, as is the division after it. The difference, its product with the factor, and that
 * with w are a rounding each; the sum with b one of the result, as is the reference's. */
static void
assert_layer_norm (guint t, const float *got, const float *want, const float *x, const float *w, gsize n, float eps)
{
  const double sums = (double) chain_depth (n);

  for (guint r = 0; r < ROWS; r++)
    {
      double mean = 0, size = 0, variance = 0, shift, factor, factor_error;

      for (gsize i = 0; i < n; i++)
        {
          mean += x[i * ROWS + r] / (double) n;
          size += fabs (x[i * ROWS + r]) / (double) n;
        }
      for (gsize i = 0; i < n; i++)
        variance += pow (x[i * ROWS + r] - mean, 2) / (double) n;
      shift = size * roundings (sums + 1);
      factor = 1 / sqrt (variance + eps);
      factor_error = pow (shift * factor, 2) / 2 + roundings ((2 + 1 + sums + 1 + 1) / 2 + 1 + 1);
      for (gsize i = 0; i < n; i++)
        {
          const double deviation = fabs (x[i * ROWS + r] - mean) * factor, moved = shift * factor;

          assert_value ("panel_layer_norm", t, i * ROWS + r, got[i * ROWS + r], want[i * ROWS + r],
                        fabs (w[i]) * (deviation * factor_error + (deviation + moved) * roundings (3) + moved * 1.01)
                            + fabs (want[i * ROWS + r]) * roundings (2));
        }
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
    assert_layer_norm (t, got, want, x, w, n, 1e-6f);
    assert_guards (&room_got, shift, n * ROWS * sizeof (float));
    memcpy (got, x, n * ROWS * sizeof (float));
    tables[t].table->panel_layer_norm (got, got, w, b, n, 1e-6f);
    assert_layer_norm (t, got, want, x, w, n, 1e-6f);
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
    for (guint r = 0; r < ROWS; r++)
      assert_softmax ("panel_softmax", t, got + r, want + r, x + r, ROWS, n, 0.125f, chain_depth (n));
    assert_guards (&room_got, shift, n * ROWS * sizeof (float));
  }
}

/* Shapes of attention: keys, floats a head. */
static const gsize heads[][2]
    = { { 1, 1 }, { 5, 3 }, { 16, 64 }, { 17, 16 }, { 33, 8 }, { 50, 32 }, { 197, 64 }, { 130, 80 }, { 40, 7 } };

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
        for (gsize i = 0; i < n * ROWS; i++)
          {
            double size = 0;

            for (gsize c = 0; c < d; c++)
              size += fabs ((double) q[c * ROWS + i % ROWS] * k[i / ROWS / ROWS * stride + c * ROWS + i / ROWS % ROWS]);
            /* A product; d sums one after the other, the first of them with zero; the reference's rounding. */
            assert_value ("panel_scores", t, i, got[i], want[i], size * roundings (1 + (double) d - 1 + 1));
          }
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
        for (gsize i = 0; i < d * ROWS; i++)
          {
            double size = 0;

            for (gsize key = 0; key < n; key++)
              size += fabs ((double) s[key * ROWS + i % ROWS] * v[key / ROWS * stride + i / ROWS * ROWS + key % ROWS]);
            /* As panel_scores, n sums. */
            assert_value ("panel_mix", t, i, got[i], want[i], size * roundings (1 + (double) n - 1 + 1));
          }
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
