/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of weights in blocks with activations in blocks of 8 bits for the baseline of x86-64, SSE2, which multiplies
 * no bytes: both as whole numbers of 16 bits, which multiply and add by pairs. Sums of a unit are exact; then floats,
 * in the order of units.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/expand.h"

#define UNITS_MAX (PANEL_VALUES / 16)

static ALWAYS_INLINE VecI16
load_i16 (const gint16 *x)
{
  VecI16 v;

  memcpy (&v, x, sizeof v);
  return v;
}

static ALWAYS_INLINE void
store_f32 (float *x, VecF32 v)
{
  memcpy (x, &v, sizeof v);
}

static ALWAYS_INLINE VecF32
to_floats (VecI32 v)
{
  return __builtin_convertvector (v, VecF32);
}

typedef void (*ExpandFunc) (Expanded *e, guint block, const guint8 *x);

/* A run of values of a row, up to PANEL_VALUES. */
static ALWAYS_INLINE void
expand_run (Expanded *e, const guint8 *w, gsize n_values, guint values, guint bytes, ExpandFunc expand)
{
  for (guint i = 0; i < n_values / values; i++)
    expand (e, i, w + i * bytes);
}

/* ---- panels: lanes are rows of activations ---------------------------------------------------- */

/* Panels that are taken together. */
#define PANELS 4
/* Rows of weights whose sums with a panel are in registers. */
#define TILE_ROWS 2

/* A run of columns of a panel. */
typedef struct
{
  gint16 q[PANEL_VALUES / 2][PLD_PANEL_ROWS][2]; /* pairs */
  float scale[UNITS_MAX][PLD_PANEL_ROWS];        /* of each unit */
  float sum[UNITS_MAX][PLD_PANEL_ROWS];          /* scale * Σ q */
} PanelRun;

static void
load_panel (PanelRun *run, const PldQ8Panel *x, guint n_blocks, guint unit)
{
  for (guint b = 0; b < n_blocks; b++, x++)
    {
      for (guint g = 0; g < PLD_Q8_VALUES / 4; g++)
        for (guint r = 0; r < PLD_PANEL_ROWS; r++)
          for (guint i = 0; i < 4; i++)
            run->q[b * 16 + 2 * g + i / 2][r][i % 2] = x->q[g][r][i];
      for (guint r = 0; r < PLD_PANEL_ROWS; r++)
        {
          if (unit == 16)
            for (guint i = 0; i < 2; i++)
              {
                run->scale[2 * b + i][r] = x->scale[r];
                run->sum[2 * b + i][r] = (float) x->sums[i][r] * x->scale[r];
              }
          else
            {
              run->scale[b][r] = x->scale[r];
              run->sum[b][r] = (float) (x->sums[0][r] + x->sums[1][r]) * x->scale[r];
            }
        }
    }
}

/* Sums of a row of weights and a panel: of products, of offsets. */
typedef struct
{
  float sum[PLD_PANEL_ROWS];
  float offset[PLD_PANEL_ROWS];
} PanelSum;

/* Adds n_units of rows i < n_rows of weights times a panel; sums of rows are PANELS apart. */
static ALWAYS_INLINE void
tile_units (PanelSum *sums, const Expanded *w, guint n_rows, const PanelRun *x, guint n_units, guint unit,
            gboolean has_offset)
{
  for (guint u = 0; u < n_units; u++)
    {
      VecI32 dot[TILE_ROWS][PARTS] = { 0 };

      for (guint k = u * unit / 2; k < (u + 1) * unit / 2; k++)
        for (guint i = 0; i < n_rows; i++)
          {
            gint32 pair;

            memcpy (&pair, &w[i].q[2 * k], sizeof pair);
            for (guint part = 0; part < PARTS; part++)
              dot[i][part] += pair_dot (load_i16 (x->q[k][0] + part * SHORTS), (VecI16) ((VecI32) { 0 } + pair));
          }
      for (guint i = 0; i < n_rows; i++)
        for (guint part = 0; part < PARTS; part++)
          {
            float *sum = sums[i * PANELS].sum + part * WIDTH, *offset = sums[i * PANELS].offset + part * WIDTH;
            const VecF32 scale = load_f32 (x->scale[u] + part * WIDTH) * splat (w[i].d[u]);

            store_f32 (sum, fused (to_floats (dot[i][part]), scale, load_f32 (sum)));
            if (has_offset)
              store_f32 (offset, fused (splat (w[i].m[u]), load_f32 (x->sum[u] + part * WIDTH), load_f32 (offset)));
          }
    }
}

/* The same of up to TILE_ROWS rows and up to PANELS panels. */
static ALWAYS_INLINE void
rows_run (PanelSum *sums, const Expanded *w, guint n_rows, const PanelRun *x, guint n_panels, guint n_units, guint unit,
          gboolean has_offset)
{
  for (guint p = 0; p < n_panels; p++)
    if (n_rows == TILE_ROWS)
      tile_units (sums + p, w, TILE_ROWS, x + p, n_units, unit, has_offset);
    else
      for (guint i = 0; i < n_rows; i++)
        tile_units (sums + i * PANELS + p, w + i, 1, x + p, n_units, unit, has_offset);
}

/* Rows of weights whose sums are kept while the columns pass. */
#define MATMUL_ROWS 64

#define MATMUL(type, UPPER, values, bytes)                                                                             \
  static void panels_##type (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,                 \
                             const PldQ8Panel *x, guint n_x, gsize n_cols)                                             \
  {                                                                                                                    \
    PanelSum sums[MATMUL_ROWS][PANELS];                                                                                \
    PanelRun runs[PANELS];                                                                                             \
    Expanded e[TILE_ROWS];                                                                                             \
                                                                                                                       \
    memset (sums, 0, n_rows * sizeof *sums);                                                                           \
    for (gsize c = 0; c < n_cols; c += PANEL_VALUES)                                                                   \
      {                                                                                                                \
        const guint n = (guint) MIN (n_cols - c, PANEL_VALUES);                                                        \
                                                                                                                       \
        for (guint p = 0; p < n_x; p++)                                                                                \
          load_panel (&runs[p], x + (p * n_cols + c) / PLD_Q8_VALUES, n / PLD_Q8_VALUES, PLD_UNIT_##type);             \
        for (guint i = 0; i < n_rows; i += TILE_ROWS)                                                                  \
          {                                                                                                            \
            const guint m = MIN (TILE_ROWS, n_rows - i);                                                               \
                                                                                                                       \
            for (guint j = 0; j < m; j++)                                                                              \
              expand_run (&e[j], w + (i + j) * row_bytes + c / values * bytes, n, values, bytes, expand_##type);       \
            rows_run (sums[i], e, m, runs, n_x, n / PLD_UNIT_##type, PLD_UNIT_##type, PLD_OFFSET_##type);              \
          }                                                                                                            \
      }                                                                                                                \
    for (guint p = 0; p < n_x; p++)                                                                                    \
      for (guint i = 0; i < n_rows; i++)                                                                               \
        for (guint r = 0; r < PLD_PANEL_ROWS; r++)                                                                     \
          y[p * y_stride + i * PLD_PANEL_ROWS + r] = sums[i][p].sum[r] + sums[i][p].offset[r];                         \
  }                                                                                                                    \
                                                                                                                       \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const PldQ8Panel *x, guint n_x, gsize n_cols)                                         \
  {                                                                                                                    \
    for (guint p = 0; p < n_x; p += PANELS)                                                                            \
      for (guint i = 0; i < n_rows; i += MATMUL_ROWS)                                                                  \
        panels_##type (y + p * y_stride + i * PLD_PANEL_ROWS, y_stride, w + i * row_bytes, row_bytes,                  \
                       MIN (MATMUL_ROWS, n_rows - i), x + p * (n_cols / PLD_Q8_VALUES), MIN (PANELS, n_x - p),         \
                       n_cols);                                                                                        \
  }
PLD_BLOCK_TYPES (MATMUL)

/* ---- rows: lanes are rows of weights ---------------------------------------------------------- */

/* Rows of activations that the weights, once expanded, meet. */
#define ROWS 16

#define SHUFFLE(a, b, ...) ((VecI32) __builtin_shufflevector (a, b, __VA_ARGS__))

/* WIDTH vectors to one: lane l is the sum of the lanes of v[l]. */
static ALWAYS_INLINE VecI32
sums_across (const VecI32 *v)
{
  const VecI32 a = SHUFFLE (v[0], v[1], 0, 4, 1, 5) + SHUFFLE (v[0], v[1], 2, 6, 3, 7);
  const VecI32 b = SHUFFLE (v[2], v[3], 0, 4, 1, 5) + SHUFFLE (v[2], v[3], 2, 6, 3, 7);

  return SHUFFLE (a, b, 0, 1, 4, 5) + SHUFFLE (a, b, 2, 3, 6, 7);
}

/* A run of columns of WIDTH rows of weights. */
typedef struct
{
  gint16 q[WIDTH][PANEL_VALUES];
  float d[UNITS_MAX][WIDTH];
  float m[UNITS_MAX][WIDTH];
} WeightRun;

/* Rows that are not there are zeros. */
static ALWAYS_INLINE void
load_weights (WeightRun *run, const guint8 *w, gsize row_bytes, guint n_rows, gsize n_values, guint unit,
              gboolean has_offset, guint values, guint bytes, ExpandFunc expand)
{
  Expanded e;

  if (n_rows < WIDTH)
    memset (run, 0, sizeof *run);
  for (guint i = 0; i < n_rows; i++)
    {
      expand_run (&e, w + i * row_bytes, n_values, values, bytes, expand);
      memcpy (run->q[i], e.q, n_values * sizeof *e.q);
      for (guint u = 0; u < n_values / unit; u++)
        {
          run->d[u][i] = e.d[u];
          if (has_offset)
            run->m[u][i] = e.m[u];
        }
    }
}

/* Adds a run of weights times one of a row of activations. */
static ALWAYS_INLINE void
run_dot (VecF32 *sum, VecF32 *offset, const WeightRun *w, const PldQ8 *x, guint n_units, guint unit,
         gboolean has_offset)
{
  for (guint u = 0; u < n_units; u++)
    {
      const PldQ8 *block = x + u * unit / PLD_Q8_VALUES;
      const gint8 *q = block->q + u * unit % PLD_Q8_VALUES;
      const gint xsum = unit == 16 ? block->sums[u % 2] : block->sums[0] + block->sums[1];
      VecI32 dot[WIDTH] = { 0 };

      for (guint k = 0; k < unit; k += SHORTS)
        {
          const VecI16 activations = load_i8 ((const guint8 *) q + k);

          for (guint i = 0; i < WIDTH; i++)
            dot[i] += pair_dot (load_i16 (w->q[i] + u * unit + k), activations);
        }
      *sum = fused (to_floats (sums_across (dot)), load_f32 (w->d[u]) * splat (block->scale), *sum);
      if (has_offset)
        *offset = fused (load_f32 (w->m[u]), splat ((float) xsum * block->scale), *offset);
    }
}

#define MATVEC(type, UPPER, values, bytes)                                                                             \
  static void rows_##type (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8 *x,   \
                           guint n_x, gsize n_cols)                                                                    \
  {                                                                                                                    \
    VecF32 sums[ROWS] = { 0 }, offsets[ROWS] = { 0 };                                                                  \
    WeightRun run;                                                                                                     \
                                                                                                                       \
    for (gsize c = 0; c < n_cols; c += PANEL_VALUES)                                                                   \
      {                                                                                                                \
        const guint n = (guint) MIN (n_cols - c, PANEL_VALUES);                                                        \
                                                                                                                       \
        load_weights (&run, w + c / values * bytes, row_bytes, n_rows, n, PLD_UNIT_##type, PLD_OFFSET_##type, values,  \
                      bytes, expand_##type);                                                                           \
        for (guint j = 0; j < n_x; j++)                                                                                \
          run_dot (&sums[j], &offsets[j], &run, x + (j * n_cols + c) / PLD_Q8_VALUES, n / PLD_UNIT_##type,             \
                   PLD_UNIT_##type, PLD_OFFSET_##type);                                                                \
      }                                                                                                                \
    for (guint j = 0; j < n_x; j++)                                                                                    \
      {                                                                                                                \
        const VecF32 sum = sums[j] + offsets[j];                                                                       \
                                                                                                                       \
        memcpy (y + j * y_stride, &sum, n_rows * sizeof *y);                                                           \
      }                                                                                                                \
  }                                                                                                                    \
                                                                                                                       \
  void PLD_FUNC (matvec_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const PldQ8 *x, guint n_x, gsize n_cols)                                              \
  {                                                                                                                    \
    for (guint j = 0; j < n_x; j += ROWS)                                                                              \
      for (guint i = 0; i < n_rows; i += WIDTH)                                                                        \
        rows_##type (y + j * y_stride + i, y_stride, w + i * row_bytes, row_bytes, MIN (WIDTH, n_rows - i),            \
                     x + j * (n_cols / PLD_Q8_VALUES), MIN (ROWS, n_x - j), n_cols);                                   \
  }
PLD_BLOCK_TYPES (MATVEC)
