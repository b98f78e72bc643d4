/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of floats: weights of one value each, with panels and with rows, and attention of one query. Lanes are rows, of x in panels and of weights
 * elsewhere, so that a sum runs over the columns in their order.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/tile.h"

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

static ALWAYS_INLINE void
widen (float *y, const guint8 *x, LoadFunc load, gsize bytes, gsize n)
{
  gsize i = 0;

  for (; i + WIDTH <= n; i += WIDTH)
    {
      const VecF32 v = load (x + i * bytes);

      memcpy (y + i, &v, sizeof v);
    }
  if (i < n)
    {
      guint8 last[VECTOR_BYTES] = { 0 };
      VecF32 v;

      memcpy (last, x + i * bytes, (n - i) * bytes);
      v = load (last);
      memcpy (y + i, &v, (n - i) * sizeof (float));
    }
}

/* ---- panels -------------------------------------------------------------------------------- */

/* Weights that are widened at a time, 24 KB: with as many columns of a tile's panels they fit the first cache, with those of some panels the second. */
#define WIDE_ROWS 48
#define WIDE_COLS 128
#define NEAR_PANELS 16

static ALWAYS_INLINE void
multiply_tiles (float *y, gsize y_stride, gboolean more, const float *w, guint n_rows, const float *x, gsize x_stride, guint n_x, gsize n_cols)
{
#define TILES(n)                                                                                              \
  for (; i + n <= n_rows; i += n)                                                                             \
  tile_product (y + i * LANES, LANES, y_stride, more, n, n, n_x, w + i * WIDE_COLS, WIDE_COLS, 1, x, x_stride, n_cols)
  gsize i = 0;

  TILES (TILE_ROWS);
  TILES (2);
  TILES (1);
#undef TILES
}

static void
multiply_panels (float *y, gsize y_stride, gboolean more, const float *w, guint n_rows, const float *x, gsize x_stride, guint n_x, gsize n_cols)
{
  gsize j = 0;

  for (; TILE_PANELS > 1 && j + TILE_PANELS <= n_x; j += TILE_PANELS)
    multiply_tiles (y + j * y_stride, y_stride, more, w, n_rows, x + j * x_stride, x_stride, TILE_PANELS, n_cols);
  for (; j < n_x; j++)
    multiply_tiles (y + j * y_stride, y_stride, more, w, n_rows, x + j * x_stride, x_stride, 1, n_cols);
}

static ALWAYS_INLINE void
matmul (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, LoadFunc load, gsize bytes, const float *x, gsize x_stride,
        guint n_x, gsize n_cols)
{
  for (gsize j = 0; j < n_x; j += NEAR_PANELS)
    for (gsize c = 0; c < n_cols; c += WIDE_COLS)
      for (gsize i = 0; i < n_rows; i += WIDE_ROWS)
        {
          const guint rows = (guint) MIN (WIDE_ROWS, n_rows - i), panels = (guint) MIN (NEAR_PANELS, n_x - j);
          const gsize cols = MIN (WIDE_COLS, n_cols - c);
          float wide[WIDE_ROWS * WIDE_COLS];

          for (gsize r = 0; r < rows; r++)
            widen (wide + r * WIDE_COLS, w + (i + r) * row_bytes + c * bytes, load, bytes, cols);
          multiply_panels (y + j * y_stride + i * LANES, y_stride, c > 0, wide, rows, x + j * x_stride + c * LANES, x_stride, panels, cols);
        }
}

/* ---- few rows ------------------------------------------------------------------------------ */

/* Rows of weights that are multiplied at a time: as a row of x has one sum for each, two chains of fused operations at least. */
#define GROUPS 2
/* Rows of x whose sums are kept at a time. */
#define FEW_ROWS 16

/* Adds what @n columns of 16 rows of weights, w[c], give with each row of x. */
static ALWAYS_INLINE void
add_columns (Lanes *sums, const Lanes *w, const float *x, gsize x_stride, guint n_x, gsize n)
{
  for (guint j = 0; j < n_x; j++)
    {
      Lanes sum = sums[j];

      for (gsize c = 0; c < n; c++)
        for (guint part = 0; part < PARTS; part++)
          sum.part[part] = fused (w[c].part[part], splat (x[j * x_stride + c]), sum.part[part]);
      sums[j] = sum;
    }
}

/* Column c of 16 rows, for as many columns as a vector has lanes. */
static ALWAYS_INLINE void
load_columns (Lanes *w, const guint8 *const *rows, gsize at, LoadFunc load)
{
  for (guint part = 0; part < PARTS; part++)
    {
      VecF32 v[WIDTH];

      for (guint l = 0; l < WIDTH; l++)
        v[l] = load (rows[part * WIDTH + l] + at);
      transpose (v);
      for (guint c = 0; c < WIDTH; c++)
        w[c].part[part] = v[c];
    }
}

/* The columns that fill no vector, by way of a copy that nothing is read behind. */
static ALWAYS_INLINE void
add_last_columns (Lanes *sums, const guint8 *const *rows, gsize at, LoadFunc load, gsize bytes, const float *x, gsize x_stride, guint n_x, gsize n)
{
  guint8 last[LANES][VECTOR_BYTES] = { 0 };
  const guint8 *copies[LANES];
  Lanes w[WIDTH];

  for (guint l = 0; l < LANES; l++)
    {
      memcpy (last[l], rows[l] + at, n * bytes);
      copies[l] = last[l];
    }
  load_columns (w, copies, 0, load);
  add_columns (sums, w, x, x_stride, n_x, n);
}

static ALWAYS_INLINE void
matvec (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, LoadFunc load, gsize bytes, const float *x, gsize x_stride,
        guint n_x, gsize n_cols)
{
  for (gsize i = 0; i < n_rows; i += GROUPS * LANES)
    {
      const guint8 *rows[GROUPS][LANES];
      Lanes sums[GROUPS][FEW_ROWS] = { 0 };
      gsize c = 0;

      for (guint l = 0; l < GROUPS * LANES; l++)
        rows[l / LANES][l % LANES] = w + MIN (i + l, n_rows - 1) * row_bytes;
      for (; c + WIDTH <= n_cols; c += WIDTH)
        for (guint g = 0; g < GROUPS; g++)
          {
            Lanes columns[WIDTH];

            load_columns (columns, rows[g], c * bytes, load);
            add_columns (sums[g], columns, x + c, x_stride, n_x, WIDTH);
          }
      for (guint g = 0; c < n_cols && g < GROUPS; g++)
        add_last_columns (sums[g], rows[g], c * bytes, load, bytes, x + c, x_stride, n_x, n_cols - c);
      for (guint j = 0; j < n_x; j++)
        for (guint g = 0; g < GROUPS && i + g * LANES < n_rows; g++)
          memcpy (y + j * y_stride + i + g * LANES, &sums[g][j], MIN (LANES, n_rows - i - g * LANES) * sizeof (float));
    }
}

#define FLOAT_KERNELS(type, UPPER, values, bytes)                                                             \
  void PLD_FUNC (dequantize_##type) (float *y, const guint8 *x, gsize n)                                      \
  {                                                                                                           \
    widen (y, x, load_stored_##type, bytes, n);                                                               \
  }                                                                                                           \
                                                                                                              \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,    \
                                 const float *x, gsize x_stride, guint n_x, gsize n_cols)                     \
  {                                                                                                           \
    matmul (y, y_stride, w, row_bytes, n_rows, load_stored_##type, bytes, x, x_stride, n_x, n_cols);          \
  }                                                                                                           \
                                                                                                              \
  void PLD_FUNC (matvec_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,    \
                                 const float *x, gsize x_stride, guint n_x, gsize n_cols)                     \
  {                                                                                                           \
    for (; n_x > FEW_ROWS; n_x -= FEW_ROWS, x += FEW_ROWS * x_stride, y += FEW_ROWS * y_stride)               \
      matvec (y, y_stride, w, row_bytes, n_rows, load_stored_##type, bytes, x, x_stride, FEW_ROWS, n_cols);   \
    matvec (y, y_stride, w, row_bytes, n_rows, load_stored_##type, bytes, x, x_stride, n_x, n_cols);          \
  }
PLD_FLOAT_TYPES (FLOAT_KERNELS)

/* ---- attention of one query ---------------------------------------------------------------- */

/* Vectors of 16 lanes that are in registers at a time. */
#define TILE 4

/* Sums run in 16 lanes over the columns. The last columns count as if zeros followed, up to whole lanes. */
static float
dot (const float *a, const float *b, gsize n)
{
  Lanes sum = { 0 };
  gsize c = 0;

  for (; c + LANES <= n; c += LANES)
    for (guint i = 0; i < PARTS; i++)
      sum.part[i] = fused (load_f32 (a + c + i * WIDTH), load_f32 (b + c + i * WIDTH), sum.part[i]);
  if (c < n)
    {
      float last_a[LANES] = { 0 }, last_b[LANES] = { 0 };

      memcpy (last_a, a + c, (n - c) * sizeof (float));
      memcpy (last_b, b + c, (n - c) * sizeof (float));
      for (guint i = 0; i < PARTS; i++)
        sum.part[i] = fused (load_f32 (last_a + i * WIDTH), load_f32 (last_b + i * WIDTH), sum.part[i]);
    }
  return lanes_sum (&sum);
}

void
PLD_FUNC (scores) (float *s, const float *q, const float *k, gsize k_stride, gsize n, gsize d)
{
  for (gsize i = 0; i < n; i++)
    s[i] = dot (q, k + i * k_stride, d);
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
