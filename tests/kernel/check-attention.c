/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks of attention's kernels, and of what makes numbers narrower.
 */
#include "tests/kernel/rig.h"

#include <float.h>
#include <math.h>

static const gsize depths[] = { 1, 7, 16, 17, 62, 64, 80, 100, 128, 200 };
static const gsize lengths[] = { 1, 2, 3, 8, 33, 150 };

#define EACH_SHAPE(n, d)                                                                                               \
  for (guint a_ = 0; a_ < G_N_ELEMENTS (depths); a_++)                                                                 \
    for (guint b_ = 0; b_ < G_N_ELEMENTS (lengths); b_++)                                                              \
      for (gsize d = depths[a_], n = lengths[b_], once_ = 1; once_ > 0; once_--)

void
check_scores (guint t)
{
  EACH_SHAPE (n, d)
  {
    const gsize stride = d + 5, shift = 4 * (d % 4);
    float *q = random_floats (&room_a, shift, d, 3), *k = random_floats (&room_b, shift, n * stride, 3);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    tables[t].table->scores (got, q, k, stride, n, d);
    pld_kernels_ref.scores (want, q, k, stride, n, d);
    for (gsize i = 0; i < n; i++)
      {
        double size = 0;

        for (gsize c = 0; c < d; c++)
          size += fabs ((double) q[c] * k[i * stride + c]);
        /* A product; a sum for each 16 columns, begun or whole; four sums of lanes; the reference's rounding. */
        assert_value ("scores", t, i, got[i], want[i], size * roundings (1 + (double) ((d + 15) / 16) + 4 + 1));
      }
    assert_guards (&room_got, shift, n * sizeof (float));
    for (gsize i = 0; i < n; i++)
      {
        float alone;

        tables[t].table->scores (&alone, q, k + i * stride, stride, 1, d);
        g_assert_cmpmem (&alone, sizeof alone, got + i, sizeof alone);
      }
  }
}

void
check_mix (guint t)
{
  EACH_SHAPE (n, d)
  {
    const gsize stride = d + 5, shift = 4 * (d % 4), cut = n / 3;
    float *p = random_floats (&room_a, shift, n, 1), *v = random_floats (&room_b, shift, n * stride, 3);
    float *first = random_floats (&room_c, shift, d, 3), *got = place (&room_got, shift),
          *want = place (&room_want, shift);

    memcpy (got, first, d * sizeof (float));
    memcpy (want, first, d * sizeof (float));
    tables[t].table->mix (got, p, v, stride, n, d);
    pld_kernels_ref.mix (want, p, v, stride, n, d);
    for (gsize c = 0; c < d; c++)
      {
        double size = fabs (first[c]);

        for (gsize i = 0; i < n; i++)
          size += fabs ((double) p[i] * v[i * stride + c]);
        /* A product; n sums, one after the other; the reference's rounding. */
        assert_value ("mix", t, c, got[c], want[c], size * roundings (1 + (double) n + 1));
      }
    assert_guards (&room_got, shift, d * sizeof (float));
    tables[t].table->mix (first, p, v, stride, cut, d);
    tables[t].table->mix (first, p + cut, v + cut * stride, stride, n - cut, d);
    g_assert_cmpmem (first, d * sizeof (float), got, d * sizeof (float));
  }
}

void
check_narrow_f16 (guint t)
{
  /* Each half, its neighbors among floats, the middle to the next half and the middle's neighbors: wherever rounding
   * may turn. */
  for (guint first = 0; first < 65536; first += 256)
    {
      const gsize shift = first / 256 % 4;
      float *x = place (&room_a, shift * 4);
      guint16 *got = place (&room_got, shift * 2), *want = place (&room_want, shift * 2);
      gsize n = 0;

      for (guint h = first; h < first + 256; h++)
        {
          guint16 bits[2] = { (guint16) h, (guint16) (h + 1) };
          float f[2], middle;

          pld_kernels_ref.widen_f16 (f, bits, 2);
          middle = (float) (((double) f[0] + f[1]) / 2);
          for (guint i = 0; i < 2; i++)
            {
              float around = i == 0 ? f[0] : middle;

              x[n++] = around;
              x[n++] = nextafterf (around, -INFINITY);
              x[n++] = nextafterf (around, INFINITY);
            }
        }
      x[n++] = 65520;
      x[n++] = -65519.996f;
      x[n++] = FLT_MAX;
      x[n++] = FLT_TRUE_MIN;
      tables[t].table->narrow_f16 (got, x, n);
      pld_kernels_ref.narrow_f16 (want, x, n);
      for (gsize i = 0; i < n; i++)
        if (got[i] != want[i] && !isnan (x[i]))
          g_error ("narrow_f16 (%s): %a gives 0x%04x, wanted 0x%04x", tables[t].name, x[i], got[i], want[i]);
        else if (isnan (x[i]))
          g_assert_cmpuint (got[i] & 0x7fff, >, 0x7c00);
      for (guint h = 0; h < 256; h++)
        if (!isnan (x[6 * h]))
          g_assert_cmpuint (got[6 * h], ==, first + h);
      assert_guards (&room_got, shift * 2, n * sizeof (guint16));
    }
}

/* ---- to blocks of 8 bits ------------------------------------------------------------------- */

/* One block of values whose largest magnitude is at most @most. */
static void
random_block (float *x, float most)
{
  for (guint i = 0; i < PLD_Q8_VALUES; i++)
    x[i] = (float) (2 * pld_random_double (&chance) - 1) * most;
}

/* Around zero, as activations are, and to the ends of floats: subnormal, the largest. */
static const float magnitudes[] = { 0, FLT_TRUE_MIN, 1e-38f, 1.1e-30f, 1e-10f, 1, 300, 1e6f, 1e38f, FLT_MAX };

static gsize
place_blocks (float **x, gsize shift, gsize n)
{
  *x = place (&room_a, shift);
  for (gsize b = 0; b < n; b++)
    random_block (*x + b * PLD_Q8_VALUES, magnitudes[b % G_N_ELEMENTS (magnitudes)]);
  return n * PLD_Q8_VALUES;
}

/* Each q is within half a step of its value, but for the roundings of 127 / max and the product, which is 127 at most.
 */
static void
assert_codes (const char *name, guint t, const gint8 *q, const float *x)
{
  double max = 0;

  for (guint i = 0; i < PLD_Q8_VALUES; i++)
    max = MAX (max, fabs (x[i]));
  for (guint i = 0; i < PLD_Q8_VALUES; i++)
    {
      double exact = max < 1e-30f ? 0 : x[i] * 127.0 / max;

      if (fabs (q[i] - exact) > 0.5 + 127 * roundings (2) || q[i] < -127)
        g_error ("%s (%s): %g, of at most %g, gives %d", name, tables[t].name, x[i], max, q[i]);
    }
}

void
check_quantize_q8 (guint t)
{
  for (gsize blocks = 1; blocks <= 40; blocks++)
    {
      const gsize shift = blocks % 4 * 4;
      float *x;
      gsize n = place_blocks (&x, shift, blocks);
      PldQ8 *got = place (&room_got, shift), *want = place (&room_want, shift);

      tables[t].table->quantize_q8 (got, x, n);
      pld_kernels_ref.quantize_q8 (want, x, n);
      assert_guards (&room_got, shift, blocks * sizeof *got);
      for (gsize b = 0; b < blocks; b++)
        {
          gint sums[2] = { 0, 0 };

          assert_codes ("quantize_q8", t, got[b].q, x + b * PLD_Q8_VALUES);
          for (guint i = 0; i < PLD_Q8_VALUES; i++)
            sums[i / 16] += got[b].q[i];
          /* One division, in both. */
          assert_equal ("quantize_q8 scale", t, &got[b].scale, &want[b].scale, 1);
          for (guint i = 0; i < 2; i++)
            g_assert_cmpint (got[b].sums[i], ==, sums[i]);
        }
      /* NaN and infinity spoil their block, and not another. */
      x[0] = blocks % 2 ? NAN : INFINITY;
      x[1] = -INFINITY;
      memcpy (want, got, blocks * sizeof *got);
      tables[t].table->quantize_q8 (got, x, n);
      g_assert_false (isfinite (got[0].scale));
      g_assert_cmpmem (got + 1, (blocks - 1) * sizeof *got, want + 1, (blocks - 1) * sizeof *got);
    }
}

void
check_store_q8_0 (guint t)
{
  for (gsize blocks = 1; blocks <= 40; blocks++)
    {
      const gsize shift = blocks % 4, bytes = blocks * 34;
      float *x;
      gsize n = place_blocks (&x, 4 * shift, blocks);
      guint8 *got = place (&room_got, shift), *want = place (&room_want, shift);

      tables[t].table->store_q8_0 (got, x, n);
      pld_kernels_ref.store_q8_0 (want, x, n);
      assert_guards (&room_got, shift, bytes);
      for (gsize b = 0; b < blocks; b++)
        {
          g_assert_cmpmem (got + 34 * b, 2, want + 34 * b, 2);
          assert_codes ("store_q8_0", t, (const gint8 *) got + 34 * b + 2, x + b * PLD_Q8_VALUES);
        }
      x[5] = NAN;
      memcpy (want, got, bytes);
      tables[t].table->store_q8_0 (got, x, n);
      g_assert_cmpmem (got + 34, bytes - 34, want + 34, bytes - 34);
    }
}
