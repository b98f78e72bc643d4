/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/kernel/rig.h"

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

void
assert_guards (const Room *room, gsize shift, gsize n_bytes)
{
  for (gsize i = 0; i < sizeof room->bytes; i++)
    if (i < GUARD + shift || i >= GUARD + shift + n_bytes)
      g_assert_cmpuint (room->bytes[i], ==, GUARD_BYTE);
}

float
any_float (float spread)
{
  float v = (float) g_test_rand_double_range (-spread, spread);

  return g_test_rand_int_range (0, 16) == 0 ? v * 30 : v;
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
  for (gsize i = 0; i < n; i++)
    x[i] = (guint8) g_test_rand_int ();
}

void
assert_floats (const char *kernel, const char *table, const float *got, const float *want, gsize n, double absolute,
               double relative)
{
  for (gsize i = 0; i < n; i++)
    {
      double error = fabs ((double) got[i] - want[i]), bound = absolute + relative * fabs (want[i]);

      if (!(error <= bound) && !(isnan (got[i]) && isnan (want[i])) && got[i] != want[i])
        g_error ("%s (%s): value %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                 " is %.9g, wanted %.9g, off by %.3g, may be off by %.3g",
                 kernel, table, i, n, got[i], want[i], error, bound);
    }
}
