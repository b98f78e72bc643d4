/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Weights in blocks times activations in blocks of 8 bits, by NEON: products of bytes, whose sums over a unit are
 * exact; then floats, in the order of units.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/arm/neon-tile.h"

/* Rows of weights that are expanded together, and panels that meet them then: what both need stays in the nearer
 * caches. */
#define ROWS 32
#define PANELS 16

typedef Unit (*UnitFunc) (const guint8 *x, guint u);
typedef void (*ScalesFunc) (Scales *s, const guint8 *const *w, guint units);

/* Properties of one type of weights. */
typedef struct
{
  UnitFunc unit;
  ScalesFunc scales;
  gsize bytes; /* of COLUMNS */
  gboolean halves, offset;
} Type;

/* n up to GROUP rows; past the last one it again, whose sums are not kept. */
static ALWAYS_INLINE void
group_rows (const guint8 **rows, const guint8 *w, gsize row_bytes, guint n)
{
  for (guint r = 0; r < GROUP; r++)
    rows[r] = w + MIN (r, n - 1) * row_bytes;
}

/* The group's next columns. */
static ALWAYS_INLINE void
group_advance (const guint8 **rows, gsize bytes)
{
  for (guint r = 0; r < GROUP; r++)
    rows[r] += bytes;
}

/* ---- few rows of activations: lanes are columns, until they are summed ------------------------ */

/* Adds a unit of a group's rows, or half of one from @half on, times one of activations; d: the weights' scales. */
static ALWAYS_INLINE float32x4_t
add_unit (float32x4_t sum, const Unit *w, const PldQ8 *x, guint half, guint n_halves, const float *d)
{
  int32x4_t dot[GROUP];

  for (guint r = 0; r < GROUP; r++)
    {
      dot[r] = vdupq_n_s32 (0);
      for (guint i = half; i < half + n_halves; i++)
        dot[r] = dot_bytes (dot[r], w[r].half[i], vld1q_s8 (x->q + 16 * i));
    }
  return vfmaq_f32 (sum, vcvtq_f32_s32 (vpaddq_s32 (vpaddq_s32 (dot[0], dot[1]), vpaddq_s32 (dot[2], dot[3]))),
                    vmulq_n_f32 (vld1q_f32 (d), x->scale));
}

static ALWAYS_INLINE float32x4_t
add_offset (float32x4_t offset, gint sum, float scale, const float *m)
{
  return vfmaq_n_f32 (offset, vld1q_f32 (m), (float) sum * scale);
}

/* A group of n_rows, and n_x up to PLD_PANEL_ROWS of activations. */
static ALWAYS_INLINE void
matvec_group (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8 *x, guint n_x,
              gsize n_cols, const Type *type)
{
  const gsize n_units = n_cols / PLD_Q8_VALUES;
  const guint8 *rows[GROUP];
  float32x4_t sum[PLD_PANEL_ROWS], offset[PLD_PANEL_ROWS];
  Scales s;

  group_rows (rows, w, row_bytes, n_rows);
  for (guint j = 0; j < n_x; j++)
    sum[j] = offset[j] = vdupq_n_f32 (0);
  for (gsize first = 0; first < n_units; first += UNITS)
    {
      const guint units = (guint) MIN (n_units - first, UNITS);

      /* The next group's. */
      for (guint r = 0; r < GROUP; r++)
        for (gsize at = 0; at < type->bytes; at += 64)
          __builtin_prefetch (rows[r] + GROUP * row_bytes + at, 0, 2);
      type->scales (&s, rows, units);
      for (guint u = 0; u < units; u++)
        {
          Unit q[GROUP];

          for (guint r = 0; r < GROUP; r++)
            q[r] = type->unit (rows[r], u);
          for (guint j = 0; j < n_x; j++)
            {
              const PldQ8 *unit = x + j * n_units + first + u;

              if (type->halves)
                for (guint i = 0; i < 2; i++)
                  {
                    sum[j] = add_unit (sum[j], q, unit, i, 1, s.d[2 * u + i]);
                    if (type->offset)
                      offset[j] = add_offset (offset[j], unit->sums[i], unit->scale, s.m[2 * u + i]);
                  }
              else
                {
                  sum[j] = add_unit (sum[j], q, unit, 0, 2, s.d[u]);
                  if (type->offset)
                    offset[j] = add_offset (offset[j], unit->sums[0] + unit->sums[1], unit->scale, s.m[u]);
                }
            }
        }
      group_advance (rows, type->bytes);
    }
  for (guint j = 0; j < n_x; j++)
    {
      const float32x4_t all = type->offset ? vaddq_f32 (sum[j], offset[j]) : sum[j];

      memcpy (y + j * y_stride, &all, n_rows * sizeof *y);
    }
}

/* ---- panels: lanes are rows of activations ---------------------------------------------------- */

/* A group of rows of weights. */
typedef struct
{
  gint8 q[UNITS][PLD_Q8_VALUES / 8][GROUP][8];
  Scales scales;
} Weights;

static ALWAYS_INLINE void
expand (Weights *weights, const guint8 *const *rows, guint units, const Type *type)
{
  type->scales (&weights->scales, rows, units);
  for (guint u = 0; u < units; u++)
    for (guint r = 0; r < GROUP; r += 2)
      {
        const Unit a = type->unit (rows[r], u), b = type->unit (rows[r + 1], u);

        for (guint i = 0; i < 2; i++)
          {
            const int64x2_t even = vreinterpretq_s64_s8 (a.half[i]), odd = vreinterpretq_s64_s8 (b.half[i]);

            vst1q_s8 (weights->q[u][2 * i][r], vreinterpretq_s8_s64 (vzip1q_s64 (even, odd)));
            vst1q_s8 (weights->q[u][2 * i + 1][r], vreinterpretq_s8_s64 (vzip2q_s64 (even, odd)));
          }
      }
}

/* Adds to y, n_rows rows from their first column's tile on, what columns of @units give; @begin: to nothing. */
static ALWAYS_INLINE void
tile (float *y, guint n_rows, const Weights *w, const PanelUnit *x, guint first, guint units, gboolean begin,
      const Type *type)
{
  const guint parts = type->halves ? 2 : 1, eighths = PLD_Q8_VALUES / 8 / parts;
  float32x4_t sum[VECTORS];

  for (guint i = 0; i < VECTORS; i++)
    sum[i] = begin || i / 2 >= n_rows ? vdupq_n_f32 (0) : vld1q_f32 (y + i / 2 * PLD_PANEL_ROWS + i % 2 * 4);
  tile_order (sum, FALSE);
  for (guint u = 0; u < units; u++, x++)
    for (guint part = 0; part < parts; part++)
      {
        Dot dot;

        tile_begin (&dot);
        for (guint i = 0; i < eighths; i++)
          tile_dot (&dot, w->q[u][part * eighths + i], x, part * eighths + i, first);
        tile_add (sum, &dot, w->scales.d[u * parts + part], x, first);
      }
  tile_order (sum, TRUE);
  for (guint i = 0; i < VECTORS; i++)
    if (i / 2 < n_rows)
      vst1q_f32 (y + i / 2 * PLD_PANEL_ROWS + i % 2 * 4, sum[i]);
}

/* The same of offsets; sums: of each unit, or half of one, of a panel's rows, as floats. */
static ALWAYS_INLINE void
tile_offsets (float (*y)[PLD_PANEL_ROWS], const Weights *w, const float (*sums)[PLD_PANEL_ROWS], guint first, guint n)
{
  float32x4_t offset[VECTORS];

  for (guint i = 0; i < VECTORS; i++)
    offset[i] = vld1q_f32 (y[i / 2] + first + i % 2 * 4);
  for (guint u = 0; u < n; u++)
    for (guint k = 0; k < TILE / 4; k++)
      {
        const float32x4_t m = vld1q_f32 (w->scales.m[u]), sum = vld1q_f32 (sums[u] + first + 4 * k);

        offset[k] = vfmaq_laneq_f32 (offset[k], sum, m, 0);
        offset[2 + k] = vfmaq_laneq_f32 (offset[2 + k], sum, m, 1);
        offset[4 + k] = vfmaq_laneq_f32 (offset[4 + k], sum, m, 2);
        offset[6 + k] = vfmaq_laneq_f32 (offset[6 + k], sum, m, 3);
      }
  for (guint i = 0; i < VECTORS; i++)
    vst1q_f32 (y[i / 2] + first + i % 2 * 4, offset[i]);
}

/* scale * sum of each unit, or half of one. */
static ALWAYS_INLINE void
panel_sums (float (*y)[PLD_PANEL_ROWS], const PldQ8Panel *x, guint units, gboolean halves)
{
  for (guint u = 0; u < units; u++)
    for (guint r = 0; r < PLD_PANEL_ROWS; r += 4)
      {
        const float32x4_t scale = vld1q_f32 (x[u].scale + r);
        const int32x4_t sums[2] = { vld1q_s32 (x[u].sums[0] + r), vld1q_s32 (x[u].sums[1] + r) };

        if (halves)
          for (guint i = 0; i < 2; i++)
            vst1q_f32 (y[2 * u + i] + r, vmulq_f32 (vcvtq_f32_s32 (sums[i]), scale));
        else
          vst1q_f32 (y[u] + r, vmulq_f32 (vcvtq_f32_s32 (vaddq_s32 (sums[0], sums[1])), scale));
      }
}

/* n_rows up to ROWS of weights times n_x up to PANELS. */
static ALWAYS_INLINE void
matmul_rows (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8Panel *x, guint n_x,
             gsize n_cols, const Type *type)
{
  const gsize n_units = n_cols / PLD_Q8_VALUES;
  float offsets[PANELS][ROWS][PLD_PANEL_ROWS], sums[2 * UNITS][PLD_PANEL_ROWS];
  Weights weights[ROWS / GROUP];
  PanelUnit packed[UNITS];

  if (type->offset)
    memset (offsets, 0, n_x * sizeof *offsets);
  for (gsize first = 0; first < n_units; first += UNITS)
    {
      const guint units = (guint) MIN (n_units - first, UNITS);

      for (guint i = 0; i < n_rows; i += GROUP)
        {
          const guint8 *rows[GROUP];

          group_rows (rows, w + first / UNITS * type->bytes + i * row_bytes, row_bytes, MIN (GROUP, n_rows - i));
          expand (&weights[i / GROUP], rows, units, type);
          group_advance (rows, type->bytes);
          for (guint r = 0; r < GROUP; r++)
            for (gsize at = 0; at < type->bytes; at += 64)
              __builtin_prefetch (rows[r] + at, 0, 2);
        }
      for (guint j = 0; j < n_x; j++)
        {
          const PanelUnit *panel = panel_units (packed, x + j * n_units + first, units);

          if (type->offset)
            panel_sums (sums, x + j * n_units + first, units, type->halves);
          for (guint i = 0; i < n_rows; i += GROUP)
            for (guint r = 0; r < PLD_PANEL_ROWS; r += TILE)
              {
                tile (y + j * y_stride + i * PLD_PANEL_ROWS + r, MIN (GROUP, n_rows - i), &weights[i / GROUP], panel, r,
                      units, first == 0, type);
                if (type->offset)
                  tile_offsets (offsets[j] + i, &weights[i / GROUP], (const float (*)[PLD_PANEL_ROWS]) sums, r,
                                type->halves ? 2 * units : units);
              }
        }
    }
  for (guint j = 0; type->offset && j < n_x; j++)
    for (guint i = 0; i < n_rows; i++)
      for (guint r = 0; r < PLD_PANEL_ROWS; r++)
        y[j * y_stride + i * PLD_PANEL_ROWS + r] += offsets[j][i][r];
}

#define NEON_KERNELS(type, UPPER, values, bytes_)                                                                      \
  static const Type type_##type                                                                                        \
      = { unit_##type, scales_##type, COLUMNS / values * bytes_, PLD_UNIT_##type == 16, PLD_OFFSET_##type };           \
                                                                                                                       \
  void PLD_FUNC (matvec_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const PldQ8 *x, guint n_x, gsize n_cols)                                              \
  {                                                                                                                    \
    for (guint j = 0; j < n_x; j += PLD_PANEL_ROWS)                                                                    \
      for (guint i = 0; i < n_rows; i += GROUP)                                                                        \
        if (n_x == 1)                                                                                                  \
          matvec_group (y + i, y_stride, w + i * row_bytes, row_bytes, MIN (GROUP, n_rows - i), x, 1, n_cols,          \
                        &type_##type);                                                                                 \
        else                                                                                                           \
          matvec_group (y + j * y_stride + i, y_stride, w + i * row_bytes, row_bytes, MIN (GROUP, n_rows - i),         \
                        x + j * (n_cols / PLD_Q8_VALUES), MIN (PLD_PANEL_ROWS, n_x - j), n_cols, &type_##type);        \
  }                                                                                                                    \
                                                                                                                       \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const PldQ8Panel *x, guint n_x, gsize n_cols)                                         \
  {                                                                                                                    \
    for (guint j = 0; j < n_x; j += PANELS)                                                                            \
      for (guint i = 0; i < n_rows; i += ROWS)                                                                         \
        matmul_rows (y + j * y_stride + i * PLD_PANEL_ROWS, y_stride, w + i * row_bytes, row_bytes,                    \
                     MIN (ROWS, n_rows - i), x + j * (n_cols / PLD_Q8_VALUES), MIN (PANELS, n_x - j), n_cols,          \
                     &type_##type);                                                                                    \
  }
PLD_BLOCK_TYPES (NEON_KERNELS)
