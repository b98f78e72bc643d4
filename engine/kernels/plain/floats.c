/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of floats: weights of one value each, with panels and with rows, and attention of one query. Lanes are rows,
 * of x in panels and of weights elsewhere, so that a sum runs over the columns in their order.
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
#elif defined(__aarch64__)
  return (VecF32) vcvt_f32_f16 (vreinterpret_f16_u8 (vld1_u8 (x)));
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
    store_f32 (y + i, load (x + i * bytes));
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

/* Weights that are widened at a time, 24 KB: with as many columns of a tile's panels they fit the first cache, with
 * those of some panels the second. */
#define WIDE_ROWS 48
#define WIDE_COLS 128
#define NEAR_PANELS 16

static ALWAYS_INLINE void
multiply_tiles (float *y, gsize y_stride, gboolean more, const float *w, guint n_rows, const float *x, gsize x_stride,
                guint n_x, gsize n_cols)
{
#define TILES(n)                                                                                                       \
  for (; i + n <= n_rows; i += n)                                                                                      \
  tile_product (y + i * LANES, LANES, y_stride, more, n, n, n_x, w + i * WIDE_COLS, WIDE_COLS, 1, n_cols, 0, x,        \
                x_stride, n_cols)
  gsize i = 0;

  TILES (TILE_ROWS);
  TILES (2);
  TILES (1);
#undef TILES
}

static void
multiply_panels (float *y, gsize y_stride, gboolean more, const float *w, guint n_rows, const float *x, gsize x_stride,
                 guint n_x, gsize n_cols)
{
  gsize j = 0;

  for (; TILE_PANELS > 1 && j + TILE_PANELS <= n_x; j += TILE_PANELS)
    multiply_tiles (y + j * y_stride, y_stride, more, w, n_rows, x + j * x_stride, x_stride, TILE_PANELS, n_cols);
  for (; j < n_x; j++)
    multiply_tiles (y + j * y_stride, y_stride, more, w, n_rows, x + j * x_stride, x_stride, 1, n_cols);
}

static ALWAYS_INLINE void
matmul (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, LoadFunc load, gsize bytes,
        const float *x, gsize x_stride, guint n_x, gsize n_cols)
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
          multiply_panels (y + j * y_stride + i * LANES, y_stride, c > 0, wide, rows, x + j * x_stride + c * LANES,
                           x_stride, panels, cols);
        }
}

/* ---- few rows ------------------------------------------------------------------------------ */

/* Rows of x whose sums are kept at a time. */
#define FEW_ROWS 16
/* Bytes of a row of weights that come with one access, and that are asked for together: as many lines as there are
 * rows. */
#define LINE 64
#define RUN (LANES * LINE)

/* Adds to @sums what @n columns, as many as a vector has lanes at most, of that many rows of weights give with each row
 * of x. */
static ALWAYS_INLINE void
add_columns (Lanes *sums, guint part, const guint8 *w, LoadFunc load, const float *x, gsize x_stride, guint n_x,
             gsize n)
{
  VecF32 v[WIDTH];

  for (guint l = 0; l < WIDTH; l++)
    v[l] = load (w + l * LINE);
  transpose (v);
  for (guint j = 0; j < n_x; j++)
    {
      VecF32 sum = sums[j].part[part];

      for (gsize c = 0; c < n; c++)
        sum = fused (v[c], splat (x[j * x_stride + c]), sum);
      sums[j].part[part] = sum;
    }
}

/* The same of @n columns of 16 rows, a line at most. By way of a copy: rows that are a power of two apart push one
 * another out of the first cache, and nothing is read behind the last column. */
static ALWAYS_INLINE void
add_line (Lanes *sums, const guint8 *const *rows, gsize at, LoadFunc load, gsize bytes, const float *x, gsize x_stride,
          guint n_x, gsize n)
{
  guint8 lines[LANES][LINE] __attribute__ ((aligned (LINE)));
  const gsize whole = n - n % WIDTH;

  for (guint l = 0; l < LANES; l++)
    if (n * bytes == LINE)
      for (guint b = 0; b < LINE; b += VECTOR_BYTES)
        store_f32 ((float *) (gpointer) (lines[l] + b), load_stored_f32 (rows[l] + at + b));
    else
      memcpy (lines[l], rows[l] + at, n * bytes);
  for (guint part = 0; part < PARTS; part++)
    {
      const guint8 *w = lines[part * WIDTH];

      for (gsize c = 0; c < whole; c += WIDTH)
        add_columns (sums, part, w + c * bytes, load, x + c, x_stride, n_x, WIDTH);
      if (n > whole)
        add_columns (sums, part, w + whole * bytes, load, x + whole, x_stride, n_x, n - whole);
    }
}

/* Lanes are 16 rows of weights, which are turned into columns on their way. */
static ALWAYS_INLINE void
matvec (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, LoadFunc load, gsize bytes,
        const float *x, gsize x_stride, guint n_x, gsize n_cols)
{
  const gsize line = LINE / bytes, end = n_cols * bytes;

  for (gsize i = 0; i < n_rows; i += LANES, w += LANES * row_bytes)
    {
      const gsize n = MIN (LANES, n_rows - i);
      const guint8 *rows[LANES];
      Lanes sums[FEW_ROWS] = { 0 };
      gsize c = 0;

      for (guint l = 0; l < LANES; l++)
        rows[l] = w + MIN (l, n - 1) * row_bytes;
      for (; c + line <= n_cols; c += line)
        {
          const gsize at = c * bytes, next = at - at % RUN + RUN, l = at % RUN / LINE;

          /* One row's next run with each line, so that they come from memory in the order in which they lie there. */
          for (gsize ahead = 0; ahead < RUN; ahead += LINE)
            __builtin_prefetch (w + l * row_bytes + (next < end ? next : LANES * row_bytes) + ahead);
          add_line (sums, rows, at, load, bytes, x + c, x_stride, n_x, line);
        }
      if (c < n_cols)
        add_line (sums, rows, c * bytes, load, bytes, x + c, x_stride, n_x, n_cols - c);
      for (guint j = 0; j < n_x; j++)
        memcpy (y + j * y_stride + i, &sums[j], n * sizeof (float));
    }
}

#define FLOAT_KERNELS(type, UPPER, values, bytes)                                                                      \
  void PLD_FUNC (dequantize_##type) (float *y, const guint8 *x, gsize n)                                               \
  {                                                                                                                    \
    widen (y, x, load_stored_##type, bytes, n);                                                                        \
  }                                                                                                                    \
                                                                                                                       \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const float *x, gsize x_stride, guint n_x, gsize n_cols)                              \
  {                                                                                                                    \
    matmul (y, y_stride, w, row_bytes, n_rows, load_stored_##type, bytes, x, x_stride, n_x, n_cols);                   \
  }                                                                                                                    \
                                                                                                                       \
  void PLD_FUNC (matvec_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const float *x, gsize x_stride, guint n_x, gsize n_cols)                              \
  {                                                                                                                    \
    for (; n_x > FEW_ROWS; n_x -= FEW_ROWS, x += FEW_ROWS * x_stride, y += FEW_ROWS * y_stride)                        \
      matvec (y, y_stride, w, row_bytes, n_rows, load_stored_##type, bytes, x, x_stride, FEW_ROWS, n_cols);            \
    matvec (y, y_stride, w, row_bytes, n_rows, load_stored_##type, bytes, x, x_stride, n_x, n_cols);                   \
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

/* dot () of WIDTH rows of k, whose lanes are summed together. */
static ALWAYS_INLINE void
dots (float *s, const float *q, const float *k, gsize k_stride, gsize d)
{
  VecF32 lanes[WIDTH];

  for (guint i = 0; i < WIDTH; i += TILE)
    {
      Lanes sum[TILE] = { 0 };
      gsize c = 0;

      for (; c + LANES <= d; c += LANES)
        for (guint j = 0; j < PARTS; j++)
          {
            const VecF32 query = load_f32 (q + c + j * WIDTH);

            for (guint t = 0; t < TILE; t++)
              sum[t].part[j] = fused (query, load_f32 (k + (i + t) * k_stride + c + j * WIDTH), sum[t].part[j]);
          }
      for (guint t = 0; c < d && t < TILE; t++)
        {
          float last_q[LANES] = { 0 }, last_k[LANES] = { 0 };

          memcpy (last_q, q + c, (d - c) * sizeof (float));
          memcpy (last_k, k + (i + t) * k_stride + c, (d - c) * sizeof (float));
          for (guint j = 0; j < PARTS; j++)
            sum[t].part[j] = fused (load_f32 (last_q + j * WIDTH), load_f32 (last_k + j * WIDTH), sum[t].part[j]);
        }
      /* As lanes_sum (): half on half. */
      for (guint t = 0; t < TILE; t++)
        {
          for (guint half = PARTS / 2; half > 0; half /= 2)
            for (guint j = 0; j < half; j++)
              sum[t].part[j] += sum[t].part[j + half];
          lanes[i + t] = sum[t].part[0];
        }
    }
  transpose (lanes);
  for (guint half = WIDTH / 2; half > 0; half /= 2)
    for (guint l = 0; l < half; l++)
      lanes[l] += lanes[l + half];
  store_f32 (s, lanes[0]);
}

void
PLD_FUNC (scores) (float *s, const float *q, const float *k, gsize k_stride, gsize n, gsize d)
{
  gsize i = 0;

  for (; i + WIDTH <= n; i += WIDTH)
    dots (s + i, q, k + i * k_stride, k_stride, d);
  for (; i < n; i++)
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
        lanes[t].part[j] = fused (load_f32 (v + i * v_stride + t * LANES + j * WIDTH), splat (p[i]), lanes[t].part[j]);
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
