/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of floats: weights of one value each, and attention of one query. Sums run in 16 lanes over the columns.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/bits.h"
#include "engine/kernels/plain/lanes.h"

/* Rows whose lanes are in registers at a time. */
#define TILE 4

/* As many floats as a vector has, from what is stored for them. */
typedef VecF32 (*LoadFunc) (const guint8 *x);

static ALWAYS_INLINE VecF32
load_stored_f32 (const guint8 *x)
{
  VecF32 v;

  memcpy (&v, x, sizeof v);
  return v;
}

static ALWAYS_INLINE VecF32
load_stored_f16 (const guint8 *x)
{
#if defined(__AVX512BW__)
  return (VecF32) _mm512_cvtph_ps (_mm256_loadu_si256 ((const __m256i *) (gconstpointer) x));
#elif defined(__F16C__)
  return (VecF32) _mm256_cvtph_ps (_mm_loadu_si128 ((const __m128i *) (gconstpointer) x));
#else
  /* As half_to_float(). */
  const VecI32 half = load_u16 (x), magnitude = (half & 0x7fff) << 13;
  const VecI32 is_subnormal = magnitude < 1 << 23, is_other = magnitude > 0x0f7fffff;
  const VecI32 normal = magnitude + (112 << 23) + (is_other & 112 << 23);
  const VecI32 subnormal = (VecI32) ((VecF32) (magnitude + (113 << 23)) - 0x1p-14f);

  return (VecF32) ((is_subnormal & subnormal) | (~is_subnormal & normal) | (half & 0x8000) << 16);
#endif
}

static ALWAYS_INLINE VecF32
load_stored_bf16 (const guint8 *x)
{
  return (VecF32) (load_u16 (x) << 16);
}

/* Adds to each of n lanes the product of w with a row of x. The last columns count as if zeros followed, up to whole lanes. */
static ALWAYS_INLINE void
lanes_dot (Lanes *lanes, guint n, const guint8 *w, LoadFunc load, gsize bytes, const float *x, gsize x_stride, gsize n_cols)
{
  const gsize part = LANES / PARTS;
  gsize c = 0;

  for (; c + LANES <= n_cols; c += LANES)
    for (guint i = 0; i < PARTS; i++)
      {
        const VecF32 weights = load (w + (c + i * part) * bytes);

        for (guint t = 0; t < n; t++)
          lanes[t].part[i] = fused (weights, load_f32 (x + t * x_stride + c + i * part), lanes[t].part[i]);
      }
  for (guint t = 0; c < n_cols && t < n; t++)
    {
      guint8 last_w[LANES * sizeof (float)] = { 0 };
      float last_x[LANES] = { 0 };

      memcpy (last_w, w + c * bytes, (n_cols - c) * bytes);
      memcpy (last_x, x + t * x_stride + c, (n_cols - c) * sizeof (float));
      for (guint i = 0; i < PARTS; i++)
        lanes[t].part[i] = fused (load (last_w + i * part * bytes), load_f32 (last_x + i * part), lanes[t].part[i]);
    }
}

static ALWAYS_INLINE void
product_tile (float *y, gsize y_stride, guint n, const guint8 *w, LoadFunc load, gsize bytes, const float *x, gsize x_stride, gsize n_cols)
{
  Lanes lanes[TILE] = { 0 };

  lanes_dot (lanes, n, w, load, bytes, x, x_stride, n_cols);
  for (guint t = 0; t < n; t++)
    y[t * y_stride] = lanes_sum (&lanes[t]);
}

#define FLOAT_KERNELS(type, UPPER, values, bytes)                                                             \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,    \
                                 const float *x, gsize x_stride, guint n_x, gsize n_cols)                     \
  {                                                                                                           \
    for (guint i = 0; i < n_rows; i++, w += row_bytes)                                                        \
      {                                                                                                       \
        gsize j = 0;                                                                                          \
                                                                                                              \
        for (; j + TILE <= n_x; j += TILE)                                                                    \
          product_tile (y + j * y_stride + i, y_stride, TILE, w, load_stored_##type, bytes, x + j * x_stride, x_stride, n_cols); \
        for (; j < n_x; j++)                                                                                  \
          product_tile (y + j * y_stride + i, y_stride, 1, w, load_stored_##type, bytes, x + j * x_stride, x_stride, n_cols); \
      }                                                                                                       \
  }
PLD_FLOAT_TYPES (FLOAT_KERNELS)

void
PLD_FUNC (dequantize_f32) (float *y, const guint8 *x, gsize n)
{
  memcpy (y, x, n * sizeof (float));
}

void
PLD_FUNC (dequantize_f16) (float *y, const guint8 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = half_to_float (u16_at (x + 2 * i));
}

void
PLD_FUNC (dequantize_bf16) (float *y, const guint8 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = bits_to_float ((guint32) u16_at (x + 2 * i) << 16);
}

void
PLD_FUNC (scores) (float *s, const float *q, const float *k, gsize k_stride, gsize n, gsize d)
{
  for (gsize i = 0; i < n; i++)
    product_tile (s + i, 0, 1, (const guint8 *) q, load_stored_f32, sizeof (float), k + i * k_stride, 0, d);
}

/* Some columns, which stay in registers while the values pass. */
static ALWAYS_INLINE void
mix_columns (float *y, const float *p, const float *v, gsize v_stride, gsize n, guint n_lanes)
{
  Lanes lanes[TILE];

  memcpy (lanes, y, n_lanes * sizeof *lanes);
  for (gsize i = 0; i < n; i++)
    for (guint t = 0; t < n_lanes; t++)
      for (guint j = 0; j < PARTS; j++)
        lanes[t].part[j] = fused (load_f32 (v + i * v_stride + t * LANES + j * (LANES / PARTS)), splat (p[i]), lanes[t].part[j]);
  memcpy (y, lanes, n_lanes * sizeof *lanes);
}

void
PLD_FUNC (mix) (float *y, const float *p, const float *v, gsize v_stride, gsize n, gsize d)
{
  gsize c = 0;

  for (; c + TILE * LANES <= d; c += TILE * LANES)
    mix_columns (y + c, p, v + c, v_stride, n, TILE);
  for (; c + LANES <= d; c += LANES)
    mix_columns (y + c, p, v + c, v_stride, n, 1);
  for (; c < d; c++)
    for (gsize i = 0; i < n; i++)
      y[c] += p[i] * v[i * v_stride + c];
}
