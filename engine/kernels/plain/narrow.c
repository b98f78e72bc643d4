/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From floats to what takes fewer bits, to the nearest.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/bits.h"

static inline guint16
float_to_half (float x)
{
  guint32 bits = float_to_bits (x), magnitude = bits & 0x7fffffff;
  /* Less half a place, or just half when the last bit is odd, so that ties go to even; a carry moves into the exponent, up to infinity's. */
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

/* The largest magnitude of a block, as bits, whose order is that of floats, above all infinity and NaN; q = x * 127 / max. */
static inline guint32
quantize_block (gint8 *q, const float *x)
{
  gint32 max = 0;
  float factor;

  for (guint i = 0; i < PLD_Q8_VALUES; i++)
    {
      gint32 magnitude = (gint32) (float_to_bits (x[i]) & 0x7fffffff);

      max = magnitude > max ? magnitude : max;
    }
  /* Where 127 / max would be infinite the block counts as zero. */
  max = max < (gint32) float_to_bits (1e-30f) ? 0 : max;
  factor = max == 0 ? 0 : 127.0f / bits_to_float ((guint32) max);
  for (guint i = 0; i < PLD_Q8_VALUES; i++)
    q[i] = (gint8) (guint8) float_to_bits (x[i] * factor + ROUND);
  return (guint32) max;
}

void
PLD_FUNC (quantize_q8) (PldQ8 *y, const float *x, gsize n)
{
  for (gsize b = 0; b < n / PLD_Q8_VALUES; b++)
    {
      gint32 sums[2] = { 0, 0 };

      y[b].scale = bits_to_float (quantize_block (y[b].q, x + b * PLD_Q8_VALUES)) / 127.0f;
      for (guint i = 0; i < 16; i++)
        {
          sums[0] += y[b].q[i];
          sums[1] += y[b].q[16 + i];
        }
      y[b].sums[0] = (gint16) sums[0];
      y[b].sums[1] = (gint16) sums[1];
    }
}

void
PLD_FUNC (store_q8_0) (guint8 *y, const float *x, gsize n)
{
  for (; n > 0; n -= PLD_Q8_VALUES, x += PLD_Q8_VALUES, y += 2 + PLD_Q8_VALUES)
    {
      gint8 q[PLD_Q8_VALUES];
      guint16 d = float_to_half (bits_to_float (quantize_block (q, x)) / 127.0f);

      y[0] = (guint8) d;
      y[1] = (guint8) (d >> 8);
      memcpy (y + 2, q, sizeof q);
    }
}
