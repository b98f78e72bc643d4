/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of expanded weights with panels of activations: lanes are rows of activations, weights are broadcast.
 */
#pragma once

#include "engine/kernels/x86/expand.h"

#define ROWS PLD_PANEL_ROWS
/* Rows of weights that a panel of activations meets while it is in the nearest cache, and panels that weights meet once
 * they are expanded. */
#define GROUP 64
#define MAX_PANELS 16
/* Panels of activations, and rows of weights with one or with more of them, whose sums are in registers at a time. */
#if VECTOR_BYTES == 64
#define TILE_PANELS 3
#define TILE_ROWS(n_p) ((n_p) == 1 ? 8 : 4)
#else
#define TILE_PANELS 1
#define TILE_ROWS(n_p) 4
#endif
#define TILE_ROWS_MAX TILE_ROWS (1)

/* gcc 12 would unroll too late to see that an array can be in registers; clang knows, but the pragma would confuse it.
 * A sanitizer's checks, unrolled, take long to compile. */
#if defined(__clang__) || defined(__SANITIZE_ADDRESS__)
#define UNROLL
#else
#define UNROLL _Pragma ("GCC unroll 8")
#endif

/* Four bytes, for all lanes. */
static ALWAYS_INLINE VecI32
splat_bytes (const guint8 *x)
{
  gint32 v;

  memcpy (&v, x, sizeof v);
  return splat_i32 (v);
}

/* Of the units of a panel of activations: what sums begin with, less what the bias will add; for types with offsets
 * scale * sum. */
typedef struct
{
  gint32 bias[PANEL_VALUES / 16][ROWS];
  float sum[PANEL_VALUES / 16][ROWS];
} Start;

static void
panel_start (Start *s, const PldQ8Panel *x, guint n_blocks, guint unit, gboolean offset, gint32 bias)
{
  for (guint b = 0; b < n_blocks; b++)
    for (guint r = 0; r < ROWS; r += PART_ROWS)
      for (guint k = 0; k < 32 / unit; k++)
        {
          const VecI32 sum
              = unit == 16 ? load_i32 (x[b].sums[k] + r) : load_i32 (x[b].sums[0] + r) + load_i32 (x[b].sums[1] + r);
          const VecI32 less = 0 - sum * bias;

          memcpy (s->bias[b * 32 / unit + k] + r, &less, sizeof less);
          if (offset)
            put_floats (s->sum[b * 32 / unit + k] + r, to_float (sum) * load_f32 (x[b].scale + r));
        }
}

typedef VecI32 TileDots[TILE_ROWS_MAX][TILE_PANELS][PARTS];

/* Adds to the dots of n_w rows of weights and n_p panels the products of @n groups of 4 columns, which begin at q, and
 * at first of the panels. */
static ALWAYS_INLINE void
groups_dot (TileDots dot, const guint8 *q, guint n_w, const PldQ8Panel *x, gsize x_stride, guint n_p, guint first,
            guint n)
{
  UNROLL for (guint g = 0; g < n; g++)
    {
      VecI32 v[TILE_PANELS][PARTS];

      for (guint p = 0; p < n_p; p++)
        for (guint k = 0; k < PARTS; k++)
          v[p][k] = load_i32 (x[p * x_stride].q[first + g][k * PART_ROWS]);
      for (guint i = 0; i < n_w; i++)
        {
          const VecI32 weights = splat_bytes (q + i * PANEL_VALUES + 4 * g);

          for (guint p = 0; p < n_p; p++)
            for (guint k = 0; k < PARTS; k++)
              dot[i][p][k] = wide_dot (dot[i][p][k], weights, v[p][k]);
        }
    }
}

#ifndef HAS_VNNI

/* The same of numbers of few bits: 16 bits hold the sums of n pairs of products. */
static ALWAYS_INLINE void
narrow_groups_dot (TileDots dot, const guint8 *q, guint n_w, const PldQ8Panel *x, gsize x_stride, guint n_p,
                   guint first, guint n)
{
  VecI16 sums[TILE_ROWS_MAX][TILE_PANELS][PARTS];

  UNROLL for (guint g = 0; g < n; g++)
    {
      VecI32 v[TILE_PANELS][PARTS];

      for (guint p = 0; p < n_p; p++)
        for (guint k = 0; k < PARTS; k++)
          v[p][k] = load_i32 (x[p * x_stride].q[first + g][k * PART_ROWS]);
      for (guint i = 0; i < n_w; i++)
        {
          const VecI32 weights = splat_bytes (q + i * PANEL_VALUES + 4 * g);

          for (guint p = 0; p < n_p; p++)
            for (guint k = 0; k < PARTS; k++)
              {
                const VecI16 pairs = pairs_dot (weights, v[p][k]);

                sums[i][p][k] = g == 0 ? pairs : sums[i][p][k] + pairs;
                PIN (sums[i][p][k]);
              }
        }
    }
  UNROLL for (guint i = 0; i < n_w; i++)
    for (guint p = 0; p < n_p; p++)
      for (guint k = 0; k < PARTS; k++)
        {
          dot[i][p][k] += pair_dot (sums[i][p][k], 1 - (VecI16) { 0 });
          PIN (dot[i][p][k]);
        }
}

#endif

/* The same for a unit of columns whose numbers have @bits bits. */
static ALWAYS_INLINE void
unit_dot (TileDots dot, const guint8 *q, guint n_w, const PldQ8Panel *x, gsize x_stride, guint n_p, guint first,
          guint unit, guint bits)
{
#ifndef HAS_VNNI
  if (bits < 8)
    {
      /* Pairs of products are at most 254 (2^bits - 1). */
      const guint n = MIN (unit / 4, bits <= 4 ? 8 : bits == 5 ? 4 : 2);

      UNROLL for (guint g = 0; g < unit / 4; g += n)
        narrow_groups_dot (dot, q + 4 * g, n_w, x, x_stride, n_p, first + g, n);
      return;
    }
#endif
  groups_dot (dot, q, n_w, x, x_stride, n_p, first, unit / 4);
}

/* Sums of a tile, in registers. */
typedef VecF32 TileSums[TILE_ROWS_MAX][TILE_PANELS][PARTS];

static ALWAYS_INLINE void
load_sums (TileSums sums, const float *y, gsize y_stride, guint n_w, guint n_p)
{
  UNROLL for (guint p = 0; p < n_p; p++, y += y_stride) UNROLL
    for (guint i = 0; i < n_w; i++)
      for (guint k = 0; k < PARTS; k++)
        sums[i][p][k] = load_f32 (y + i * ROWS + k * PART_ROWS);
}

static ALWAYS_INLINE void
store_sums (float *y, gsize y_stride, TileSums sums, guint n_w, guint n_p)
{
  UNROLL for (guint p = 0; p < n_p; p++, y += y_stride) UNROLL
    for (guint i = 0; i < n_w; i++)
      for (guint k = 0; k < PARTS; k++)
        put_floats (y + i * ROWS + k * PART_ROWS, sums[i][p][k]);
}

/* Adds to y what TILE_ROWS rows of weights, from @row on, give with n_p panels, whose blocks are x_stride apart. */
static ALWAYS_INLINE void
tile (float *y, gsize y_stride, const Weights *w, guint row, const PldQ8Panel *x, gsize x_stride, const Start *start,
      guint n_blocks, guint n_p, guint unit, guint bits)
{
  const guint n_w = TILE_ROWS (n_p);
  const guint8 *q = w->q[row];
  const float *d = w->d[0] + row;
  TileSums sums;

  load_sums (sums, y, y_stride, n_w, n_p);
  for (guint u = 0; u < n_blocks * 32 / unit; u++, q += unit, d += WEIGHT_ROWS)
    {
      const PldQ8Panel *block = x + u * unit / 32;
      TileDots dot;

      UNROLL for (guint i = 0; i < n_w; i++)
        for (guint p = 0; p < n_p; p++)
          for (guint k = 0; k < PARTS; k++)
            dot[i][p][k] = load_i32 (start[p].bias[u] + k * PART_ROWS);
      unit_dot (dot, q, n_w, block, x_stride, n_p, u * unit % 32 / 4, unit, bits);
      UNROLL for (guint i = 0; i < n_w; i++)
        for (guint p = 0; p < n_p; p++)
          for (guint k = 0; k < PARTS; k++)
            {
              const VecF32 scale = splat (d[i]) * load_f32 (block[p * x_stride].scale + k * PART_ROWS);

              sums[i][p][k] = fused (to_float (dot[i][p][k]), scale, sums[i][p][k]);
            }
    }
  store_sums (y, y_stride, sums, n_w, n_p);
}

/* The same of offsets, which are summed apart. */
static ALWAYS_INLINE void
tile_offsets (float *y, gsize y_stride, const Weights *w, guint row, const Start *start, guint n_units, guint n_p)
{
  const guint n_w = TILE_ROWS (n_p);
  const float *m = w->m[0] + row;
  TileSums sums;

  load_sums (sums, y, y_stride, n_w, n_p);
  for (guint u = 0; u < n_units; u++, m += WEIGHT_ROWS)
    for (guint i = 0; i < n_w; i++)
      for (guint p = 0; p < n_p; p++)
        for (guint k = 0; k < PARTS; k++)
          sums[i][p][k] = fused (splat (m[i]), load_f32 (start[p].sum[u] + k * PART_ROWS), sums[i][p][k]);
  store_sums (y, y_stride, sums, n_w, n_p);
}

/* One copy of each for 1, 2 and 3 panels, as far as there are registers. */
typedef void (*TileFunc) (float *y, gsize y_stride, const Weights *w, guint row, const PldQ8Panel *x, gsize x_stride,
                          const Start *start, guint n_blocks);
typedef void (*OffsetsFunc) (float *y, gsize y_stride, const Weights *w, guint row, const Start *start, guint n_units);

#define TILE(n_p, unit, bits)                                                                                          \
  static void tile_##unit##_##bits##_of_##n_p (float *y, gsize y_stride, const Weights *w, guint row,                  \
                                               const PldQ8Panel *x, gsize x_stride, const Start *start,                \
                                               guint n_blocks)                                                         \
  {                                                                                                                    \
    tile (y, y_stride, w, row, x, x_stride, start, n_blocks, n_p, unit, bits);                                         \
  }
#define TILE_OFFSETS(n_p)                                                                                              \
  static void tile_offsets_of_##n_p (float *y, gsize y_stride, const Weights *w, guint row, const Start *start,        \
                                     guint n_units)                                                                    \
  {                                                                                                                    \
    tile_offsets (y, y_stride, w, row, start, n_units, n_p);                                                           \
  }
#if TILE_PANELS == 3
#define TILES(unit, bits)                                                                                              \
  TILE (1, unit, bits)                                                                                                 \
  TILE (2, unit, bits)                                                                                                 \
  TILE (3, unit, bits)                                                                                                 \
  static const TileFunc tiles_##unit##_##bits[]                                                                        \
      = { tile_##unit##_##bits##_of_1, tile_##unit##_##bits##_of_2, tile_##unit##_##bits##_of_3 };
TILE_OFFSETS (1)
TILE_OFFSETS (2)
TILE_OFFSETS (3)
static const OffsetsFunc offset_tiles[] = { tile_offsets_of_1, tile_offsets_of_2, tile_offsets_of_3 };
#else
#define TILES(unit, bits)                                                                                              \
  TILE (1, unit, bits)                                                                                                 \
  static const TileFunc tiles_##unit##_##bits[] = { tile_##unit##_##bits##_of_1 };
TILE_OFFSETS (1)
static const OffsetsFunc offset_tiles[] = { tile_offsets_of_1 };
#endif

TILES (32, 8)
TILES (16, 6)
#ifndef HAS_VNNI
TILES (32, 5)
TILES (32, 4)
TILES (16, 4)
#endif

/* Those of a type. */
static const TileFunc *
tiles_of (const Type *type)
{
#ifdef HAS_VNNI
  return type->unit == 32 ? tiles_32_8 : tiles_16_6;
#else
  return type->unit == 16  ? (type->bits <= 4 ? tiles_16_4 : tiles_16_6)
         : type->bits <= 4 ? tiles_32_4
         : type->bits == 5 ? tiles_32_5
                           : tiles_32_8;
#endif
}

/* Of a group of rows of weights with some panels what offsets add up to. */
typedef float Offsets[MAX_PANELS][GROUP * ROWS];

/* Weights that are needed next, fetched row by row while tiles are computed. */
typedef struct
{
  const guint8 *const *rows;
  gsize offset; /* of each */
  guint bytes, n_rows;
  guint next;
} Ahead;

static ALWAYS_INLINE void
fetch_row (Ahead *ahead)
{
  if (ahead->next < ahead->n_rows)
    fetch (ahead->rows[ahead->next++] + ahead->offset, ahead->bytes);
}

/* Adds to y, and to offsets, what n_rows of weights give with n_p panels. */
static void
tile_rows (float *y, gsize y_stride, float (*offsets)[GROUP * ROWS], const Weights *w, guint n_rows,
           const PldQ8Panel *x, gsize x_stride, guint n_p, guint n_blocks, const Type *type, Ahead *ahead)
{
  const TileFunc dot = tiles_of (type)[n_p - 1];
  const guint n_w = TILE_ROWS (n_p);
  Start start[TILE_PANELS];

  for (guint p = 0; p < n_p; p++)
    panel_start (&start[p], x + p * x_stride, n_blocks, type->unit, type->offset, type->bias);
  for (guint i = 0; i < n_rows; i += n_w)
    {
      const Weights *of = w + i / WEIGHT_ROWS;
      const guint row = i % WEIGHT_ROWS;

      fetch_row (ahead);
      if (i + n_w <= n_rows)
        dot (y + i * ROWS, y_stride, of, row, x, x_stride, start, n_blocks);
      else
        {
          const gsize n_bytes = (n_rows - i) * ROWS * sizeof (float);
          float rest[TILE_PANELS][TILE_ROWS_MAX * ROWS] = { 0 };

          for (guint p = 0; p < n_p; p++)
            memcpy (rest[p], y + p * y_stride + i * ROWS, n_bytes);
          dot (rest[0], TILE_ROWS_MAX * ROWS, of, row, x, x_stride, start, n_blocks);
          for (guint p = 0; p < n_p; p++)
            memcpy (y + p * y_stride + i * ROWS, rest[p], n_bytes);
        }
      if (type->offset)
        offset_tiles[n_p - 1](offsets[0] + i * ROWS, GROUP * ROWS, of, row, start, n_blocks * 32 / type->unit);
    }
}

/* Adds what n_rows of weights give with n_x panels, as many at a time as there are registers for. */
static void
panels_dot (float *y, gsize y_stride, Offsets offsets, const Weights *w, guint n_rows, const PldQ8Panel *x,
            gsize x_stride, guint n_x, guint n_blocks, const Type *type, Ahead *ahead)
{
  for (guint j = 0, n; j < n_x; j += n)
    {
      n = TILE_PANELS == 1 || n_x - j == 1 ? 1 : n_x - j == 2 || n_x - j == 4 ? 2 : 3;
      tile_rows (y + j * y_stride, y_stride, offsets + j, w, n_rows, x + j * x_stride, x_stride, n, n_blocks, type,
                 ahead);
    }
}
