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
    /* e^x is off by 2e-7 relatively, the sum by less; the argument, up to 60 in size, by half a float epsilon of
     * itself. */
    assert_floats ("softmax", tables[t].name, got, want, n, 1e-30, 1e-5);
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
    assert_floats ("add", tables[t].name, got, want, n, 0, 0);
    assert_guards (&room_got, shift, n * sizeof (float));
  }
}

static void
check_widen (guint t, const char *name, void (*got_kernel) (float *, const guint16 *, gsize),
             void (*want_kernel) (float *, const guint16 *, gsize))
{
  /* All there are, so exact equality of every lane. */
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

    for (gsize i = 0; i < 3 * n; i++)
      x[i] = (guint8) g_test_rand_int_range (0, 256);
    tables[t].table->normalize_rgb (got, x, n, 1 / 127.5f, -1);
    pld_kernels_ref.normalize_rgb (want, x, n, 1 / 127.5f, -1);
    /* One fused operation or two. */
    assert_floats ("normalize_rgb", tables[t].name, got, want, n, FLT_EPSILON, FLT_EPSILON);
    assert_guards (&room_got, shift, n * sizeof (float));
  }
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
    /* The sum of n squares, none negative, in 16 lanes: n / 16 + 4 roundings at most, most of them far smaller; then
     * four more. */
    assert_floats ("rms_norm", tables[t].name, got, want, n, 0, FLT_EPSILON * (8 + (double) n / 64));
    assert_guards (&room_got, shift, n * sizeof (float));
    memcpy (got, x, n * sizeof (float));
    tables[t].table->rms_norm (got, got, w, n, 1e-6f);
    assert_floats ("rms_norm in place", tables[t].name, got, want, n, 0, FLT_EPSILON * (8 + (double) n / 64));
  }
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
    /* As panel_silu, times up to 90. */
    assert_floats ("swiglu", tables[t].name, got, want, n, 2e-4, 2e-6);
    assert_guards (&room_got, shift, n * sizeof (float));
    memcpy (got, gate, n * sizeof (float));
    tables[t].table->swiglu (got, got, up, n);
    assert_floats ("swiglu in place", tables[t].name, got, want, n, 2e-4, 2e-6);
  }
}

static void
check_rope (guint t, const char *name, void (*got_kernel) (float *, const float *, const float *, gsize),
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
    /* Two products of up to 90, which may cancel, each rounded. */
    assert_floats (name, tables[t].name, got, want, 2 * n, 90 * 2 * FLT_EPSILON, 2 * FLT_EPSILON);
    assert_guards (&room_got, shift, 2 * n * sizeof (float));
  }
}

void
check_rope_norm (guint t)
{
  check_rope (t, "rope_norm", tables[t].table->rope_norm, pld_kernels_ref.rope_norm);
}

void
check_rope_neox (guint t)
{
  check_rope (t, "rope_neox", tables[t].table->rope_neox, pld_kernels_ref.rope_neox);
}
