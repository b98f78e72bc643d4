/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks of the kernels on rows of floats.
 */
#include "tests/kernel/rig.h"

#include <float.h>
#include <math.h>

void
check_softmax (guint t)
{
  EACH_CASE (n, shift)
  {
    float *x = random_floats (&room_a, shift, n, 8), *got = place (&room_got, shift), *want = place (&room_want, shift);

    memcpy (got, x, n * sizeof (float));
    memcpy (want, x, n * sizeof (float));
    tables[t].table->softmax (got, n, 0.125f);
    pld_kernels_ref.softmax (want, n, 0.125f);
    /* Sums: one for each 16 values, begun or whole; of 16 lanes, one after the other. */
    assert_softmax ("softmax", t, got, want, x, 1, n, 0.125f, (n + 15) / 16 + 16);
    assert_guards (&room_got, shift, n * sizeof (float));
  }
}

void
check_add (guint t)
{
  EACH_CASE (n, shift)
  {
    float *x = random_floats (&room_b, shift, n, 1), *y = random_floats (&room_a, shift, n, 5);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    memcpy (got, y, n * sizeof (float));
    memcpy (want, y, n * sizeof (float));
    tables[t].table->add (got, x, n);
    pld_kernels_ref.add (want, x, n);
    assert_equal ("add", t, got, want, n);
    assert_guards (&room_got, shift, n * sizeof (float));
  }
}

static void
check_widen (guint t, const char *name, void (*got_kernel) (float *, const guint16 *, gsize),
             void (*want_kernel) (float *, const guint16 *, gsize))
{
  /* All that exist, and every lane equal. */
  for (gsize shift = 0; shift <= 6; shift += 2)
    for (guint first = 0; first < 65536; first += 4096)
      {
        guint16 *x = place (&room_a, shift);
        float *got = place (&room_got, shift * 2), *want = place (&room_want, shift * 2);
        gsize n = 4096 - shift;

        for (gsize i = 0; i < n; i++)
          x[i] = (guint16) (first + shift + i);
        got_kernel (got, x, n);
        want_kernel (want, x, n);
        for (gsize i = 0; i < n; i++)
          if (memcmp (&got[i], &want[i], sizeof (float)) != 0 && !(isnan (got[i]) && isnan (want[i])))
            g_error ("%s (%s): 0x%04x gives %g, wanted %g", name, tables[t].name, x[i], got[i], want[i]);
        assert_guards (&room_got, shift * 2, n * sizeof (float));
      }
}

void
check_widen_f16 (guint t)
{
  check_widen (t, "widen_f16", tables[t].table->widen_f16, pld_kernels_ref.widen_f16);
}

void
check_normalize_rgb (guint t)
{
  EACH_CASE (n, shift)
  {
    guint8 *x = place (&room_a, shift);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    random_bytes (x, 3 * n);
    tables[t].table->normalize_rgb (got, x, n, 1 / 127.5f, -1);
    pld_kernels_ref.normalize_rgb (want, x, n, 1 / 127.5f, -1);
    /* A product and a sum; the reference's are floats too. */
    for (gsize i = 0; i < n; i++)
      assert_value ("normalize_rgb", t, i, got[i], want[i], (x[3 * i] / 127.5 + 1) * roundings (2 * 2));
    assert_guards (&room_got, shift, n * sizeof (float));
  }
}

/* Of the mean of squares, all of one sign: a product; a sum for each 16 values, begun or whole; 16 sums of lanes; a
 * division; the sum with eps. The square root halves that, and is rounded; then there are a division, two products, and
 * the reference's rounding. */
static void
assert_rms_norm (const char *name, guint t, const float *got, const float *want, gsize n)
{
  const double mean = 1 + (double) ((n + 15) / 16) + 16 + 1 + 1;

  for (gsize i = 0; i < n; i++)
    assert_value (name, t, i, got[i], want[i], fabs (want[i]) * roundings (mean / 2 + 1 + 1 + 2 + 1));
}

void
check_rms_norm (guint t)
{
  EACH_CASE (n, shift)
  {
    float *x = random_floats (&room_a, shift, n, 3), *w = random_floats (&room_b, shift, n, 1);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    tables[t].table->rms_norm (got, x, w, n, 1e-6f);
    pld_kernels_ref.rms_norm (want, x, w, n, 1e-6f);
    assert_rms_norm ("rms_norm", t, got, want, n);
    assert_guards (&room_got, shift, n * sizeof (float));
    memcpy (got, x, n * sizeof (float));
    tables[t].table->rms_norm (got, got, w, n, 1e-6f);
    assert_rms_norm ("rms_norm in place", t, got, want, n);
  }
}

/* e^-gate in the sum 1 + e^-gate; that sum; a division, two products, and the reference's rounding. Where the gate is
 * below -88 e^-gate stays 1.7e38, and the result is gate · up times its inverse, half of FLT_MIN, or less. */
static void
assert_swiglu (const char *name, guint t, const float *got, const float *want, const float *gate, const float *up,
               gsize n)
{
  for (gsize i = 0; i < n; i++)
    assert_value (name, t, i, got[i], want[i],
                  fabs (want[i]) * roundings (EXP_ROUNDINGS / (1 + exp (gate[i])) + 1 + 1 + 2 + 1)
                      + fabs ((double) gate[i] * up[i]) * FLT_MIN);
}

void
check_swiglu (guint t)
{
  EACH_CASE (n, shift)
  {
    float *gate = random_floats (&room_a, shift, n, 5), *up = random_floats (&room_b, shift, n, 3);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    tables[t].table->swiglu (got, gate, up, n);
    pld_kernels_ref.swiglu (want, gate, up, n);
    assert_swiglu ("swiglu", t, got, want, gate, up, n);
    assert_guards (&room_got, shift, n * sizeof (float));
    memcpy (got, gate, n * sizeof (float));
    tables[t].table->swiglu (got, got, up, n);
    assert_swiglu ("swiglu in place", t, got, want, gate, up, n);
  }
}

static void
check_rope (guint t, const char *name, gboolean side_by_side,
            void (*got_kernel) (float *, const float *, const float *, gsize),
            void (*want_kernel) (float *, const float *, const float *, gsize))
{
  EACH_CASE (n, shift)
  {
    float *angles = random_floats (&room_b, shift, 2 * n, 3), *x = random_floats (&room_a, shift, 2 * n, 3);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    for (gsize i = 0; i < n; i++)
      {
        double angle = angles[i];

        angles[i] = (float) cos (angle);
        angles[n + i] = (float) sin (angle);
      }
    memcpy (got, x, 2 * n * sizeof (float));
    memcpy (want, x, 2 * n * sizeof (float));
    got_kernel (got, angles, angles + n, n);
    want_kernel (want, angles, angles + n, n);
    for (gsize i = 0; i < n; i++)
      {
        const gsize first = side_by_side ? 2 * i : i, second = side_by_side ? 2 * i + 1 : n + i;
        const double c = fabs (angles[i]), s = fabs (angles[n + i]), a = fabs (x[first]), b = fabs (x[second]);

        /* A product; the sum, whose terms may cancel; the reference's rounding. */
        assert_value (name, t, first, got[first], want[first], (a * c + b * s) * roundings (3));
        assert_value (name, t, second, got[second], want[second], (a * s + b * c) * roundings (3));
      }
    assert_guards (&room_got, shift, 2 * n * sizeof (float));
  }
}

void
check_rope_norm (guint t)
{
  check_rope (t, "rope_norm", TRUE, tables[t].table->rope_norm, pld_kernels_ref.rope_norm);
}

void
check_rope_neox (guint t)
{
  check_rope (t, "rope_neox", FALSE, tables[t].table->rope_neox, pld_kernels_ref.rope_neox);
}
