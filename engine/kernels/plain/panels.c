/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels on panels of floats, [n][16]: lanes are rows, so nothing is summed across them.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/elementary.h"
#include "engine/kernels/plain/tile.h"

G_STATIC_ASSERT (LANES == PLD_PANEL_ROWS);

/* As many columns at a time as a vector has lanes. */
void
PLD_FUNC (pack) (float *y, const float *x, gsize x_stride, guint n_rows, gsize n)
{
  gsize c = 0;

  for (; c + WIDTH <= n; c += WIDTH)
    for (guint first = 0; first < LANES; first += WIDTH)
      {
        VecF32 v[WIDTH] = { 0 };

        for (guint l = 0; l < WIDTH; l++)
          if (first + l < n_rows)
            v[l] = load_f32 (x + (first + l) * x_stride + c);
        transpose (v);
        for (guint l = 0; l < WIDTH; l++)
          store_f32 (y + (c + l) * LANES + first, v[l]);
      }
  for (; c < n; c++)
    for (guint r = 0; r < LANES; r++)
      y[c * LANES + r] = r < n_rows ? x[r * x_stride + c] : 0;
}

void
PLD_FUNC (unpack) (float *y, gsize y_stride, const float *x, guint n_rows, gsize n)
{
  gsize c = 0;

  for (; c + WIDTH <= n; c += WIDTH)
    for (guint first = 0; first < n_rows; first += WIDTH)
      {
        VecF32 v[WIDTH];

        for (guint l = 0; l < WIDTH; l++)
          v[l] = load_f32 (x + (c + l) * LANES + first);
        transpose (v);
        for (guint l = 0; l < WIDTH; l++)
          if (first + l < n_rows)
            store_f32 (y + (first + l) * y_stride + c, v[l]);
      }
  for (; c < n; c++)
    for (guint r = 0; r < n_rows; r++)
      y[r * y_stride + c] = x[c * LANES + r];
}

/* ---- column by column ---------------------------------------------------------------------- */

static ALWAYS_INLINE VecF32
larger (VecF32 a, VecF32 b)
{
  const VecI32 is_larger = a > b;

  return (VecF32) ((is_larger & (VecI32) a) | (~is_larger & (VecI32) b));
}

/* Vectors v of y, with their column's bias. */
#define EACH_VECTOR(expression)                                                                                        \
  for (gsize c = 0; c < n; c++)                                                                                        \
    {                                                                                                                  \
      const VecF32 bias = splat (b[c]);                                                                                \
                                                                                                                       \
      for (gsize i = c * LANES; i < (c + 1) * LANES; i += WIDTH)                                                       \
        {                                                                                                              \
          const VecF32 v = load_f32 (y + i);                                                                           \
                                                                                                                       \
          store_f32 (y + i, expression);                                                                               \
        }                                                                                                              \
    }

void
PLD_FUNC (panel_bias) (float *y, const float *b, gsize n)
{
  EACH_VECTOR (v + bias)
}

void
PLD_FUNC (panel_relu) (float *y, const float *b, gsize n)
{
  EACH_VECTOR (larger (v + bias, (VecF32) { 0 }))
}

void PLD_FUNC (panel_add) (float *y, const float *x, const float *b,
                           gsize n){ EACH_VECTOR (v + load_f32 (x + i) + bias) }

#define ACTIVATION(name, function)                                                                                     \
  void PLD_FUNC (name) (float *y, const float *b, gsize n)                                                             \
  {                                                                                                                    \
    for (gsize c = 0; c < n; c++, y += LANES)                                                                          \
      {                                                                                                                \
        const float bias = b[c];                                                                                       \
                                                                                                                       \
        for (guint r = 0; r < LANES; r++)                                                                              \
          y[r] = function (y[r] + bias);                                                                               \
      }                                                                                                                \
  }
ACTIVATION (panel_gelu, gelu_f32) ACTIVATION (panel_gelu_tanh, gelu_tanh_f32) ACTIVATION (panel_silu, silu_f32)

/* ---- layer norm and softmax ---------------------------------------------------------------- */

/* Accumulators for reducing columns: each column goes to one of several lanes in turn, which shortens the chains of
 * operations and makes sums more exact. */
#define CHAINS 4

    typedef VecF32 (*ReduceFunc) (VecF32 so_far, VecF32 x, VecF32 mean);

static ALWAYS_INLINE VecF32
sum_of (VecF32 so_far, VecF32 x, G_GNUC_UNUSED VecF32 mean)
{
  return so_far + x;
}

static ALWAYS_INLINE VecF32
squares_of (VecF32 so_far, VecF32 x, VecF32 mean)
{
  return fused (x - mean, x - mean, so_far);
}

static ALWAYS_INLINE VecF32
largest_of (VecF32 so_far, VecF32 x, G_GNUC_UNUSED VecF32 mean)
{
  return larger (x, so_far);
}

static ALWAYS_INLINE Lanes
reduce_columns (const float *x, gsize n, float first, ReduceFunc reduce, ReduceFunc join, const Lanes *mean)
{
  Lanes chains[CHAINS];
  gsize c = 0;

  for (guint k = 0; k < CHAINS; k++)
    for (guint part = 0; part < PARTS; part++)
      chains[k].part[part] = splat (first);
  for (; c + CHAINS <= n; c += CHAINS)
    for (guint k = 0; k < CHAINS; k++)
      for (guint part = 0; part < PARTS; part++)
        chains[k].part[part]
            = reduce (chains[k].part[part], load_f32 (x + (c + k) * LANES + part * WIDTH), mean->part[part]);
  for (; c < n; c++)
    for (guint part = 0; part < PARTS; part++)
      chains[0].part[part] = reduce (chains[0].part[part], load_f32 (x + c * LANES + part * WIDTH), mean->part[part]);
  for (guint part = 0; part < PARTS; part++)
    chains[0].part[part] = join (join (chains[0].part[part], chains[1].part[part], (VecF32) { 0 }),
                                 join (chains[2].part[part], chains[3].part[part], (VecF32) { 0 }), (VecF32) { 0 });
  return chains[0];
}

void
PLD_FUNC (panel_layer_norm) (float *y, const float *x, const float *w, const float *b, gsize n, float eps)
{
  const Lanes zeros = { 0 };
  Lanes mean = reduce_columns (x, n, 0, sum_of, sum_of, &zeros), factor;
  float lane[LANES];

  for (guint part = 0; part < PARTS; part++)
    mean.part[part] /= (float) n;
  /* Around the mean: the difference of two large sums would lose what matters. */
  factor = reduce_columns (x, n, 0, squares_of, sum_of, &mean);
  store_lanes (lane, &factor);
  for (guint r = 0; r < LANES; r++)
    lane[r] = 1.0f / sqrtf (lane[r] / (float) n + eps);
  factor = load_lanes (lane);
  for (gsize c = 0; c < n; c++)
    for (guint part = 0; part < PARTS; part++)
      {
        const gsize i = c * LANES + part * WIDTH;

        store_f32 (y + i, fused ((load_f32 (x + i) - mean.part[part]) * factor.part[part], splat (w[c]), splat (b[c])));
      }
}

void
PLD_FUNC (panel_softmax) (float *x, gsize n, float scale)
{
  const Lanes zeros = { 0 };
  Lanes lanes = reduce_columns (x, n, -G_MAXFLOAT, largest_of, largest_of, &zeros);
  float max[LANES];

  store_lanes (max, &lanes);
  for (gsize c = 0; c < n; c++)
    for (guint r = 0; r < LANES; r++)
      x[c * LANES + r] = exp_f32 (scale * (x[c * LANES + r] - max[r]));
  lanes = reduce_columns (x, n, 0, sum_of, sum_of, &zeros);
  for (guint part = 0; part < PARTS; part++)
    lanes.part[part] = 1.0f / lanes.part[part];
  for (gsize c = 0; c < n; c++)
    for (guint part = 0; part < PARTS; part++)
      store_f32 (x + c * LANES + part * WIDTH, load_f32 (x + c * LANES + part * WIDTH) * lanes.part[part]);
}

/* ---- attention ----------------------------------------------------------------------------- */

void
PLD_FUNC (panel_scores) (float *s, const float *q, const float *k, gsize k_stride, gsize n, gsize d)
{
  /* The last panel of keys is whole too; only what counts of it is stored. */
  for (gsize i = 0; i < n; i += TILE_KEYS)
    tile_product (s + i * LANES, LANES, 0, FALSE, TILE_KEYS, (guint) MIN (TILE_KEYS, n - i), 1,
                  k + i / LANES * k_stride + i % LANES, 1, LANES, d, 0, q, 0, d);
}

void
PLD_FUNC (panel_mix) (float *y, const float *s, const float *v, gsize v_stride, gsize n, gsize d)
{
#define TILES(columns)                                                                                                 \
  for (; c + columns <= d; c += columns)                                                                               \
  tile_product (y + c * LANES, LANES, 0, FALSE, columns, columns, 1, v + c * LANES, LANES, 1, LANES, v_stride, s, 0, n)
  gsize c = 0;

  TILES (TILE_KEYS);
  TILES (1);
#undef TILES
}
