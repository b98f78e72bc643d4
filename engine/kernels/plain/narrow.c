/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From floats to what takes fewer bits, to the nearest.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/bits.h"
#include "engine/kernels/plain/lanes.h"

static inline guint16
float_to_half (float x)
{
  guint32 bits = float_to_bits (x), magnitude = bits & 0x7fffffff;
  /* Less half a place, or just half when the last bit is odd, so that ties go to even; a carry moves into the exponent,
   * up to infinity's. */
  guint32 normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - (112u << 23)) >> 13;
  /* The last place of a sum with a half is that of subnormal halves. */
  guint32 subnormal = float_to_bits (bits_to_float (magnitude) + 0.5f) - float_to_bits (0.5f);
  guint32 half = magnitude < 0x38800000 ? subnormal : normal;

  half = magnitude >= 0x47800000 ? 0x7c00 : half;
  half = magnitude > 0x7f800000 ? 0x7e00 : half;
  return (guint16) (half | (bits >> 16 & 0x8000));
}

void
PLD_FUNC (narrow_f16) (guint16 *y, const float *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = float_to_half (x[i]);
}

/* ---- blocks of 8 bits ---------------------------------------------------------------------- */

static ALWAYS_INLINE VecI32
larger (VecI32 a, VecI32 b)
{
#if defined(__AVX512BW__)
  return (VecI32) _mm512_max_epi32 ((__m512i) a, (__m512i) b);
#elif defined(__AVX2__)
  return (VecI32) _mm256_max_epi32 ((__m256i) a, (__m256i) b);
#elif defined(__aarch64__)
  return (VecI32) vmaxq_s32 ((int32x4_t) a, (int32x4_t) b);
#else
  const VecI32 is_larger = a > b;

  return (is_larger & a) | (~is_larger & b);
#endif
}

/* As bits, whose order is that of floats, above all infinity and NaN. */
static ALWAYS_INLINE VecI32
magnitude (VecF32 x)
{
  return (VecI32) x & 0x7fffffff;
}

/* The largest magnitudes of blocks: where 127 / max would be infinite a block counts as zero. */
static ALWAYS_INLINE VecI32
no_tiny (VecI32 max)
{
  return max & (max >= (gint32) float_to_bits (1e-30f));
}

static ALWAYS_INLINE VecF32
block_scales (VecI32 max)
{
  return (VecF32) max / 127.0f;
}

/* None where max is NaN: a product of two of those depends on the operands' order, which a compiler is free to
 * choose. */
static ALWAYS_INLINE VecF32
block_factors (VecI32 max)
{
  return (VecF32) ((VecI32) (127.0f / (VecF32) max) & (max != 0) & (max <= 0x7f800000));
}

static ALWAYS_INLINE VecI32
quantize (VecF32 x, VecF32 factor)
{
  return (VecI32) (x * factor + ROUND) << 24 >> 24;
}

/* By four, since gcc takes the lanes out of a register one after the other. */
typedef gint32 Four __attribute__ ((vector_size (16)));

static ALWAYS_INLINE Four
load_four (const gint32 *x)
{
  Four v;

  memcpy (&v, x, sizeof v);
  return v;
}

static ALWAYS_INLINE gint32
sum_of_16 (const gint32 *x)
{
  const Four v = (load_four (x) + load_four (x + 4)) + (load_four (x + 8) + load_four (x + 12));

  return (v[0] + v[1]) + (v[2] + v[3]);
}

static ALWAYS_INLINE gint32
largest_of_lanes (VecI32 lanes)
{
  gint32 lane[WIDTH];
  Four v;

  memcpy (lane, &lanes, sizeof lane);
  v = load_four (lane);
  for (guint l = 4; l < WIDTH; l += 4)
    {
      const Four next = load_four (lane + l), is_larger = next > v;

      v = (is_larger & next) | (~is_larger & v);
    }
  return MAX (MAX (v[0], v[1]), MAX (v[2], v[3]));
}

/* q = x * 127 / max, and the sums of each 16. Returns: max / 127. */
static ALWAYS_INLINE float
quantize_block (gint8 *q, gint32 *sums, const float *x)
{
  VecI32 max = { 0 };
  gint32 wide[PLD_Q8_VALUES];
  VecF32 factors;

  for (guint i = 0; i < PLD_Q8_VALUES; i += WIDTH)
    max = larger (max, magnitude (load_f32 (x + i)));
  max = no_tiny (largest_of_lanes (max) - (VecI32) { 0 });
  factors = block_factors (max);
  for (guint i = 0; i < PLD_Q8_VALUES; i += WIDTH)
    {
      const VecI32 numbers = quantize (load_f32 (x + i), factors);

      memcpy (wide + i, &numbers, sizeof numbers);
    }
  for (guint i = 0; i < PLD_Q8_VALUES; i++)
    q[i] = (gint8) wide[i];
  sums[0] = sum_of_16 (wide);
  sums[1] = sum_of_16 (wide + 16);
  return block_scales (max)[0];
}

void
PLD_FUNC (quantize_q8) (PldQ8 *y, const float *x, gsize n)
{
  for (gsize b = 0; b < n / PLD_Q8_VALUES; b++)
    {
      gint32 sums[2];

      y[b].scale = quantize_block (y[b].q, sums, x + b * PLD_Q8_VALUES);
      y[b].sums[0] = (gint16) sums[0];
      y[b].sums[1] = (gint16) sums[1];
    }
}

/* Some rows, as many as a vector has lanes, of a block: four numbers of a row are one of 32 bits. */
static ALWAYS_INLINE void
quantize_rows (PldQ8Panel *y, const float *x, guint first)
{
  VecI32 max = { 0 }, sums[2] = { 0 };
  VecF32 factors, scales;

  for (guint i = 0; i < PLD_Q8_VALUES; i++)
    max = larger (max, magnitude (load_f32 (x + i * LANES + first)));
  max = no_tiny (max);
  factors = block_factors (max);
  for (guint g = 0; g < PLD_Q8_VALUES / 4; g++)
    {
      VecI32 q[4], four;

      for (guint i = 0; i < 4; i++)
        q[i] = quantize (load_f32 (x + (4 * g + i) * LANES + first), factors);
      sums[g / 4] += (q[0] + q[1]) + (q[2] + q[3]);
      four = (q[0] & 0xff) | (q[1] & 0xff) << 8 | (q[2] & 0xff) << 16 | q[3] << 24;
      memcpy (y->q[g][first], &four, sizeof four);
    }
  scales = block_scales (max);
  memcpy (y->scale + first, &scales, sizeof scales);
  memcpy (y->sums[0] + first, &sums[0], sizeof sums[0]);
  memcpy (y->sums[1] + first, &sums[1], sizeof sums[1]);
}

void
PLD_FUNC (panel_quantize) (PldQ8Panel *y, const float *x, gsize n)
{
  for (; n > 0; n -= PLD_Q8_VALUES, x += PLD_Q8_VALUES * LANES, y++)
    for (guint first = 0; first < LANES; first += WIDTH)
      quantize_rows (y, x, first);
}

void
PLD_FUNC (store_q8_0) (guint8 *y, const float *x, gsize n)
{
  for (; n > 0; n -= PLD_Q8_VALUES, x += PLD_Q8_VALUES, y += 2 + PLD_Q8_VALUES)
    {
      gint8 q[PLD_Q8_VALUES];
      gint32 sums[2];
      guint16 d = float_to_half (quantize_block (q, sums, x));

      y[0] = (guint8) d;
      y[1] = (guint8) (d >> 8);
      memcpy (y + 2, q, sizeof q);
    }
}
