/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Building blocks for panels of floats, [n][16]: products with broadcast weights, whose sums stay in registers, and
 * conversion of rows into panels.
 */
#pragma once

#include "engine/kernels/plain/lanes.h"

/* Rows of weights, and panels, whose sums are in registers at a time. Two chains of fused operations of four cycles
 * each want eight sums at least. */
#if defined(__AVX512BW__)
#define TILE_ROWS 8
#define TILE_PANELS 3
#define TILE_KEYS 16
#elif defined(__AVX2__)
#define TILE_ROWS 6
#define TILE_PANELS 1
#define TILE_KEYS 4
#elif defined(__aarch64__)
#define TILE_ROWS 6
#define TILE_PANELS 1
#define TILE_KEYS 4
#else
#define TILE_ROWS 2
#define TILE_PANELS 1
#define TILE_KEYS 2
#endif
#define TILE_SUMS (TILE_ROWS * TILE_PANELS > TILE_KEYS ? TILE_ROWS * TILE_PANELS : TILE_KEYS)

/* By vectors: gcc copies a structure in pieces of 16 bytes, which a load of more has to wait for. */
static ALWAYS_INLINE void
store_f32 (float *y, VecF32 v)
{
  memcpy (y, &v, sizeof v);
}

static ALWAYS_INLINE Lanes
load_lanes (const float *x)
{
  Lanes lanes;

  for (guint part = 0; part < PARTS; part++)
    lanes.part[part] = load_f32 (x + part * WIDTH);
  return lanes;
}

static ALWAYS_INLINE void
store_lanes (float *y, const Lanes *lanes)
{
  for (guint part = 0; part < PARTS; part++)
    store_f32 (y + part * WIDTH, lanes->part[part]);
}

/* y[i * y_row + p * y_panel] = Σ w[i * w_row + c * w_col] x[p * x_panel + c], for lanes y and x, over n in the order of
 * c; added to what y is where
 * @more. Of @n_rows the first @n_wanted go to y. After each @run of c the next of w begins @w_run further. */
static ALWAYS_INLINE void
tile_product (float *y, gsize y_row, gsize y_panel, gboolean more, guint n_rows, guint n_wanted, guint n_panels,
              const float *w, gsize w_row, gsize w_col, gsize run, gsize w_run, const float *x, gsize x_panel, gsize n)
{
  Lanes sums[TILE_SUMS] = { 0 };

  for (guint i = 0; more && i < n_rows && i < n_wanted; i++)
    for (guint p = 0; p < n_panels; p++)
      sums[i * n_panels + p] = load_lanes (y + i * y_row + p * y_panel);
  for (; n > 0; w += w_run)
    {
      const gsize end = MIN (run, n);

      for (gsize c = 0; c < end; c++, x += LANES)
        {
          Lanes values[TILE_PANELS];

          for (guint p = 0; p < n_panels; p++)
            values[p] = load_lanes (x + p * x_panel);
          for (guint i = 0; i < n_rows; i++)
            {
              const VecF32 weight = splat (w[i * w_row + c * w_col]);

              for (guint p = 0; p < n_panels; p++)
                for (guint part = 0; part < PARTS; part++)
                  sums[i * n_panels + p].part[part]
                      = fused (weight, values[p].part[part], sums[i * n_panels + p].part[part]);
            }
        }
      n -= end;
    }
  for (guint i = 0; i < n_rows && i < n_wanted; i++)
    for (guint p = 0; p < n_panels; p++)
      store_lanes (y + i * y_row + p * y_panel, &sums[i * n_panels + p]);
}

/* ---- rows to columns ----------------------------------------------------------------------- */

/* Of each quarter of 16 bytes of a, 0 … 3, and of b, 4 … 7. */
#define QUARTER_AT(quarter, i) ((i) % 4 + (i) / 4 * WIDTH + 4 * (quarter))
#define QUARTER(quarter, i, j, k, l)                                                                                   \
  QUARTER_AT (quarter, i), QUARTER_AT (quarter, j), QUARTER_AT (quarter, k), QUARTER_AT (quarter, l)
#if VECTOR_BYTES == 64
#define EACH_QUARTER(a, b, ...)                                                                                        \
  __builtin_shufflevector (a, b, QUARTER (0, __VA_ARGS__), QUARTER (1, __VA_ARGS__), QUARTER (2, __VA_ARGS__),         \
                           QUARTER (3, __VA_ARGS__))
#elif VECTOR_BYTES == 32
#define EACH_QUARTER(a, b, ...) __builtin_shufflevector (a, b, QUARTER (0, __VA_ARGS__), QUARTER (1, __VA_ARGS__))
#else
#define EACH_QUARTER(a, b, ...) __builtin_shufflevector (a, b, QUARTER (0, __VA_ARGS__))
#endif

/* Whole quarters, those of b after those of a. */
#define WHOLE(i) 4 * (i), 4 * (i) + 1, 4 * (i) + 2, 4 * (i) + 3

/* Value l of vector i becomes value i of vector l. */
static ALWAYS_INLINE void
transpose (VecF32 v[WIDTH])
{
  VecF32 t[WIDTH];

  for (guint i = 0; i < WIDTH; i += 4)
    {
      const VecF32 low0 = EACH_QUARTER (v[i], v[i + 1], 0, 4, 1, 5),
                   low1 = EACH_QUARTER (v[i + 2], v[i + 3], 0, 4, 1, 5);
      const VecF32 high0 = EACH_QUARTER (v[i], v[i + 1], 2, 6, 3, 7),
                   high1 = EACH_QUARTER (v[i + 2], v[i + 3], 2, 6, 3, 7);

      t[i] = EACH_QUARTER (low0, low1, 0, 1, 4, 5);
      t[i + 1] = EACH_QUARTER (low0, low1, 2, 3, 6, 7);
      t[i + 2] = EACH_QUARTER (high0, high1, 0, 1, 4, 5);
      t[i + 3] = EACH_QUARTER (high0, high1, 2, 3, 6, 7);
    }
    /* Vector 4 b + k now has value 4 q + k of vectors 4 b … 4 b + 3 in its quarter q. */
#if VECTOR_BYTES == 64
  for (guint k = 0; k < 4; k++)
    {
      const VecF32 low0 = __builtin_shufflevector (t[k], t[4 + k], WHOLE (0), WHOLE (1), WHOLE (4), WHOLE (5));
      const VecF32 high0 = __builtin_shufflevector (t[k], t[4 + k], WHOLE (2), WHOLE (3), WHOLE (6), WHOLE (7));
      const VecF32 low1 = __builtin_shufflevector (t[8 + k], t[12 + k], WHOLE (0), WHOLE (1), WHOLE (4), WHOLE (5));
      const VecF32 high1 = __builtin_shufflevector (t[8 + k], t[12 + k], WHOLE (2), WHOLE (3), WHOLE (6), WHOLE (7));

      v[k] = __builtin_shufflevector (low0, low1, WHOLE (0), WHOLE (2), WHOLE (4), WHOLE (6));
      v[4 + k] = __builtin_shufflevector (low0, low1, WHOLE (1), WHOLE (3), WHOLE (5), WHOLE (7));
      v[8 + k] = __builtin_shufflevector (high0, high1, WHOLE (0), WHOLE (2), WHOLE (4), WHOLE (6));
      v[12 + k] = __builtin_shufflevector (high0, high1, WHOLE (1), WHOLE (3), WHOLE (5), WHOLE (7));
    }
#elif VECTOR_BYTES == 32
  for (guint k = 0; k < 4; k++)
    {
      v[k] = __builtin_shufflevector (t[k], t[4 + k], WHOLE (0), WHOLE (2));
      v[4 + k] = __builtin_shufflevector (t[k], t[4 + k], WHOLE (1), WHOLE (3));
    }
#else
  memcpy (v, t, sizeof t);
#endif
}
