/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The limits of one core of this machine: multiply and add in registers, and read memory. Kernels are measured
 * against it.
 */
#include "tests/kernel/rig.h"

/* Sums that do not wait for one another: two chains of instructions of four cycles each want eight. */
#define SUMS 12
#define STEPS 200000
#define ROUNDS 20

#define BEST_NS(call)                                                                                                  \
  ({                                                                                                                   \
    gint64 best_ = G_MAXINT64;                                                                                         \
                                                                                                                       \
    for (guint round_ = 0; round_ < ROUNDS; round_++)                                                                  \
      {                                                                                                                \
        const gint64 begun_ = g_get_monotonic_time ();                                                                 \
                                                                                                                       \
        call;                                                                                                          \
        best_ = MIN (best_, g_get_monotonic_time () - begun_);                                                         \
      }                                                                                                                \
    (double) MAX (best_, 1) * 1000;                                                                                    \
  })

#ifdef __x86_64__
#include <immintrin.h>

/* By name, so that no compiler finds out that nobody wants the result. */
#define LOOP(name, features, Vec, zero, instruction)                                                                   \
  __attribute__ ((target (features))) static void name (void)                                                          \
  {                                                                                                                    \
    Vec sum[SUMS], a = zero, b = zero;                                                                                 \
                                                                                                                       \
    for (guint i = 0; i < SUMS; i++)                                                                                   \
      sum[i] = zero;                                                                                                   \
    for (guint step = 0; step < STEPS; step++)                                                                         \
      __asm__ volatile (instruction                                                                                    \
                        " %12, %13, %0\n" instruction " %12, %13, %1\n" instruction " %12, %13, %2\n" instruction      \
                        " %12, %13, %3\n" instruction " %12, %13, %4\n" instruction " %12, %13, %5\n" instruction      \
                        " %12, %13, %6\n" instruction " %12, %13, %7\n" instruction " %12, %13, %8\n" instruction      \
                        " %12, %13, %9\n" instruction " %12, %13, %10\n" instruction " %12, %13, %11\n"                \
                        : "+x"(sum[0]), "+x"(sum[1]), "+x"(sum[2]), "+x"(sum[3]), "+x"(sum[4]), "+x"(sum[5]),          \
                          "+x"(sum[6]), "+x"(sum[7]), "+x"(sum[8]), "+x"(sum[9]), "+x"(sum[10]), "+x"(sum[11])         \
                        : "x"(a), "x"(b));                                                                             \
  }
LOOP (fma_256, "avx2,fma", __m256, _mm256_setzero_ps (), "vfmadd231ps")
LOOP (fma_512, "avx512f", __m512, _mm512_setzero_ps (), "vfmadd231ps")
LOOP (bytes_256, "avx2", __m256i, _mm256_setzero_si256 (), "%{vex%} vpdpbusd")
LOOP (bytes_512, "avx512f", __m512i, _mm512_setzero_si512 (), "vpdpbusd")

double
limit_floats (void)
{
  if (pld_cpu_has (PLD_CPU_AVX512))
    return 2.0 * 16 * SUMS * STEPS / BEST_NS (fma_512 ());
  return pld_cpu_has (PLD_CPU_AVX2) ? 2.0 * 8 * SUMS * STEPS / BEST_NS (fma_256 ()) : 0;
}

double
limit_bytes (void)
{
  if (pld_cpu_has (PLD_CPU_AVX512VNNI))
    return 2.0 * 64 * SUMS * STEPS / BEST_NS (bytes_512 ());
  return pld_cpu_has (PLD_CPU_AVXVNNI) ? 2.0 * 32 * SUMS * STEPS / BEST_NS (bytes_256 ()) : 0;
}
#else
double
limit_floats (void)
{
  return 0;
}

double
limit_bytes (void)
{
  return 0;
}
#endif

double
limit_memory (const guint8 *x, gsize n)
{
  typedef guint64 Vec __attribute__ ((vector_size (16)));
  const Vec *v = __builtin_assume_aligned (x, 16);
  const double ns = BEST_NS ({
    Vec sum[4] = { 0 };

    for (gsize i = 0; i + 4 <= n / sizeof (Vec); i += 4)
      for (guint j = 0; j < 4; j++)
        sum[j] ^= v[i + j];
    /* Somebody might want it. */
    __asm__ volatile ("" : : "r"((sum[0] ^ sum[1] ^ sum[2] ^ sum[3])[0]));
  });

  return (double) n / ns;
}
