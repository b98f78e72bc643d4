/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tables, guarded memory, random values and comparison for the checks of kernels.
 */
#include "tests/kernel/rig.h"

#include <float.h>
#include <math.h>

const Table tables[] = {
  { "baseline", PLD_CPU_BASELINE, &pld_kernels_baseline },
#if defined(__x86_64__)
  { "avx2", PLD_CPU_AVX2, &pld_kernels_avx2 },
  { "avxvnni", PLD_CPU_AVXVNNI, &pld_kernels_avxvnni },
  { "avx512", PLD_CPU_AVX512, &pld_kernels_avx512 },
  { "avx512vnni", PLD_CPU_AVX512VNNI, &pld_kernels_avx512vnni },
#elif defined(__aarch64__)
  { "dotprod", PLD_CPU_DOTPROD, &pld_kernels_dotprod },
  { "i8mm", PLD_CPU_I8MM, &pld_kernels_i8mm },
#endif
};
const guint n_tables = G_N_ELEMENTS (tables);

const gsize sizes[]
    = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 197, 255, 256, 257, 768, 1000, 3072, 4099 };
const guint n_sizes = G_N_ELEMENTS (sizes);

Room room_got, room_want, room_a, room_b, room_c;

void *
place (Room *room, gsize shift)
{
  memset (room->bytes, GUARD_BYTE, sizeof room->bytes);
  return room->bytes + GUARD + shift;
}

/* Without a branch in the loop, so that it becomes vector code: rooms are large, and there are many cases. */
static void
assert_guard (const guint8 *bytes, gsize n)
{
  guint8 differing = 0;

  for (gsize i = 0; i < n; i++)
    differing |= bytes[i] ^ GUARD_BYTE;
  g_assert_cmpuint (differing, ==, 0);
}

void
assert_guards (const Room *room, gsize shift, gsize n_bytes)
{
  const gsize end = GUARD + shift + n_bytes;

  assert_guard (room->bytes, GUARD + shift);
  assert_guard (room->bytes + end, sizeof room->bytes - end);
}

PldRandom chance;

guint
any_below (guint n)
{
  return (guint) (pld_random_next (&chance) % n);
}

float
any_float (float spread)
{
  float v = (float) (2 * pld_random_double (&chance) - 1) * spread;

  return any_below (16) == 0 ? v * 30 : v;
}

float *
random_floats (Room *room, gsize shift, gsize n, float spread)
{
  float *x = place (room, shift);

  for (gsize i = 0; i < n; i++)
    x[i] = any_float (spread);
  return x;
}

void
random_bytes (guint8 *x, gsize n)
{
  for (gsize i = 0; i < n; i += sizeof (guint64))
    {
      const guint64 bits = pld_random_next (&chance);

      memcpy (x + i, &bits, MIN (sizeof bits, n - i));
    }
}

double
roundings (double n)
{
  g_assert_cmpfloat (n, <, 50000);
  return 1.01 * n * FLT_EPSILON / 2;
}

void
assert_value (const char *kernel, guint t, gsize i, float got, float want, double bound)
{
  const double error = fabs ((double) got - want), allowed = bound > 0 ? bound + FLT_MIN : 0;

  if (!(error <= allowed) && !(isnan (got) && isnan (want)) && got != want)
    g_error ("%s (%s): value %" G_GSIZE_FORMAT " is %.9g, wanted %.9g, off by %.3g, may be off by %.3g", kernel,
             tables[t].name, i, got, want, error, allowed);
}

void
assert_equal (const char *kernel, guint t, const float *got, const float *want, gsize n)
{
  for (gsize i = 0; i < n; i++)
    assert_value (kernel, t, i, got[i], want[i], 0);
}

void
assert_softmax (const char *kernel, guint t, const float *got, const float *want, const float *x, gsize stride, gsize n,
                float scale, gsize depth)
{
  double max = x[0], sum = 0, spread = 0;

  for (gsize i = 1; i < n; i++)
    max = MAX (max, x[i * stride]);
  for (gsize i = 0; i < n; i++)
    {
      const double a = scale * (max - x[i * stride]);

      sum += exp (-a);
      spread += exp (-a) * a;
    }
  for (gsize i = 0; i < n; i++)
    {
      const double a = scale * (max - x[i * stride]);
      const double n_roundings = 2 * a + EXP_ROUNDINGS + 2 * spread / sum + EXP_ROUNDINGS + (double) depth + 3;

      assert_value (kernel, t, i * stride, got[i * stride], want[i * stride],
                    roundings (n_roundings) * want[i * stride]);
    }
}
