/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * AVX-512 VNNI: the types that most models are made of, times activations in blocks of 8 bits. vpdpbusd sums four products of an unsigned and
 * a signed byte in each of 16 lanes, exactly; the sign of a weight goes to the activation. Activations are packed once for all rows of weights
 * that they meet.
 */
#include <immintrin.h>
#include <string.h>

#include "engine/kernels/table.h"

/* Values that are taken at a time, in vectors of 64. */
#define PANEL 256
#define VECTORS 4
/* Rows of activations whose sums are in registers. */
#define TILE 4
/* Rows of weights, and panels of activations, that are taken together: both stay in the second cache. */
#define ROWS 128
#define PANELS 48

#define ALWAYS_INLINE inline __attribute__ ((always_inline))

/* 256 activations. */
typedef struct
{
  gint8 q[VECTORS][64];
  float scale[VECTORS][16]; /* of each lane */
  float sum[8];             /* scale * sum, of each 32 */
} Panel;

/* 256 weights. */
typedef struct
{
  __m512i q[VECTORS];          /* without their signs */
  __mmask64 negative[VECTORS];
  __m512 scale[VECTORS]; /* of each lane */
  __m512 d;              /* of all */
  __m256 offset;         /* of each 32 */
} Weights;

/* What a type has: weights below zero; an offset. */
#define SIGNED_q4_k FALSE
#define SIGNED_q6_k TRUE
#define SIGNED_q8_0 TRUE
#define OFFSET_q4_k TRUE
#define OFFSET_q6_k FALSE
#define OFFSET_q8_0 FALSE

static ALWAYS_INLINE float
half_at (const guint8 *x)
{
  guint16 bits;

  memcpy (&bits, x, sizeof bits);
  return _cvtsh_ss (bits);
}

/* ---- weights --------------------------------------------------------------------------------- */

static ALWAYS_INLINE void
set_signed (Weights *w, guint k, __m512i q)
{
  w->negative[k] = _mm512_movepi8_mask (q);
  w->q[k] = _mm512_abs_epi8 (q);
}

static ALWAYS_INLINE Weights
load_q4_k (const guint8 *x)
{
  const __m512i low = _mm512_set1_epi8 (15);
  guint32 packed[3], scales[2], offsets[2];
  Weights w;
  __m256 s;

  memcpy (packed, x + 4, sizeof packed);
  scales[0] = packed[0] & 0x3f3f3f3f;
  scales[1] = (packed[2] & 0x0f0f0f0f) | (packed[0] >> 2 & 0x30303030);
  offsets[0] = packed[1] & 0x3f3f3f3f;
  offsets[1] = (packed[2] >> 4 & 0x0f0f0f0f) | (packed[1] >> 2 & 0x30303030);
  s = _mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *) (gconstpointer) scales)));
  w.offset = _mm256_mul_ps (_mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *) (gconstpointer) offsets))),
                            _mm256_set1_ps (-half_at (x + 2)));
  w.d = _mm512_set1_ps (half_at (x));
  for (guint i = 0; i < 2; i++)
    {
      /* Bytes of two times 32 values: the low halves are the first 32, the high ones the second. */
      const __m512i bytes = _mm512_loadu_si512 (x + 16 + 64 * i);
      const __m512i even = _mm512_and_si512 (bytes, low), odd = _mm512_and_si512 (_mm512_srli_epi16 (bytes, 4), low);

      w.q[2 * i] = _mm512_shuffle_i64x2 (even, odd, 0x44);
      w.q[2 * i + 1] = _mm512_shuffle_i64x2 (even, odd, 0xee);
    }
  for (guint k = 0; k < VECTORS; k++)
    w.scale[k] = _mm512_permutexvar_ps (_mm512_add_epi32 (_mm512_set_epi32 (1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0),
                                                          _mm512_set1_epi32 ((gint32) (2 * k))),
                                        _mm512_castps256_ps512 (s));
  return w;
}

static ALWAYS_INLINE Weights
load_q6_k (const guint8 *x)
{
  const __m512i low = _mm512_set1_epi8 (15), two = _mm512_set1_epi8 (3), middle = _mm512_set1_epi8 (32);
  /* Of the high bits, those of the first 32 values and of the second ones. */
  const __m512i shift = _mm512_inserti64x4 (_mm512_setzero_si512 (), _mm256_set1_epi16 (2), 1);
  const __m512 s = _mm512_cvtepi32_ps (_mm512_cvtepi8_epi32 (_mm_loadu_si128 ((const __m128i *) (gconstpointer) (x + 192))));
  Weights w;

  w.offset = _mm256_setzero_ps ();
  w.d = _mm512_set1_ps (half_at (x + 208));
  for (guint h = 0; h < 2; h++)
    {
      const __m512i bytes = _mm512_loadu_si512 (x + 64 * h);
      const __m256i half = _mm256_loadu_si256 ((const __m256i *) (gconstpointer) (x + 128 + 32 * h));
      const __m512i high = _mm512_srlv_epi16 (_mm512_broadcast_i64x4 (half), shift);

      const __m512i even = _mm512_or_si512 (_mm512_and_si512 (bytes, low), _mm512_slli_epi16 (_mm512_and_si512 (high, two), 4));
      const __m512i odd = _mm512_or_si512 (_mm512_and_si512 (_mm512_srli_epi16 (bytes, 4), low),
                                           _mm512_slli_epi16 (_mm512_and_si512 (_mm512_srli_epi16 (high, 4), two), 4));

      set_signed (&w, 2 * h, _mm512_sub_epi8 (even, middle));
      set_signed (&w, 2 * h + 1, _mm512_sub_epi8 (odd, middle));
    }
  for (guint k = 0; k < VECTORS; k++)
    w.scale[k] = _mm512_permutexvar_ps (_mm512_add_epi32 (_mm512_set_epi32 (3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0),
                                                          _mm512_set1_epi32 ((gint32) (4 * k))),
                                        s);
  return w;
}

static ALWAYS_INLINE Weights
load_q8_0 (const guint8 *x)
{
  Weights w;

  w.offset = _mm256_setzero_ps ();
  w.d = _mm512_set1_ps (1);
  for (guint k = 0; k < VECTORS; k++, x += 68)
    {
      const __m256i first = _mm256_loadu_si256 ((const __m256i *) (gconstpointer) (x + 2));
      const __m256i second = _mm256_loadu_si256 ((const __m256i *) (gconstpointer) (x + 36));

      set_signed (&w, k, _mm512_inserti64x4 (_mm512_castsi256_si512 (first), second, 1));
      w.scale[k] = _mm512_insertf32x8 (_mm512_set1_ps (half_at (x)), _mm256_set1_ps (half_at (x + 34)), 1);
    }
  return w;
}

/* ---- activations ----------------------------------------------------------------------------- */

/* @n blocks, up to 8; the rest of the panel is zeros. */
static void
pack_panel (Panel *p, const PldQ8 *x, guint n)
{
  if (n < 8)
    memset (p, 0, sizeof *p);
  for (guint b = 0; b < n; b++)
    {
      memcpy (p->q[b / 2] + b % 2 * 32, x[b].q, 32);
      p->sum[b] = x[b].sums[0] + x[b].sums[1];
      for (guint lane = 0; lane < 8; lane++)
        p->scale[b / 2][b % 2 * 8 + lane] = x[b].scale;
    }
}

/* ---- products -------------------------------------------------------------------------------- */

typedef struct
{
  __m512 lanes;
  __m256 offset;
} Sum;

/* Adds a panel of weights times one of activations. The order of operations is the same wherever this is inlined. */
static ALWAYS_INLINE void
panel_dot (Sum *sum, const Weights *w, const Panel *p, gboolean is_signed, gboolean has_offset)
{
  __m512 lanes = _mm512_setzero_ps ();

  for (guint k = 0; k < VECTORS; k++)
    {
      const __m512i zero = _mm512_setzero_si512 (), q = _mm512_loadu_si512 (p->q[k]);
      const __m512i dot = _mm512_dpbusd_epi32 (zero, w->q[k], is_signed ? _mm512_mask_sub_epi8 (q, w->negative[k], zero, q) : q);

      lanes = _mm512_fmadd_ps (_mm512_cvtepi32_ps (dot), _mm512_mul_ps (w->scale[k], _mm512_loadu_ps (p->scale[k])), lanes);
    }
  sum->lanes = _mm512_fmadd_ps (lanes, w->d, sum->lanes);
  if (has_offset)
    sum->offset = _mm256_fmadd_ps (w->offset, _mm256_loadu_ps (p->sum), sum->offset);
}

static ALWAYS_INLINE float
sum_value (const Sum *sum)
{
  const __m512 all = _mm512_add_ps (sum->lanes, _mm512_zextps256_ps512 (sum->offset));
  __m256 half = _mm256_add_ps (_mm512_castps512_ps256 (all), _mm512_extractf32x8_ps (all, 1));
  __m128 quarter = _mm_add_ps (_mm256_castps256_ps128 (half), _mm256_extractf128_ps (half, 1));

  quarter = _mm_add_ps (quarter, _mm_movehl_ps (quarter, quarter));
  return _mm_cvtss_f32 (_mm_add_ss (quarter, _mm_movehdup_ps (quarter)));
}

/* @panels: [TILE, PANELS]; @tail: bytes of a last panel of weights that is not whole, 0: all are */
#define ROW_(type, n)                                                                                         \
  static ALWAYS_INLINE void step_##type##_##n (Sum *sums, const guint8 *w, const Panel *panels)               \
  {                                                                                                           \
    const Weights weights = load_##type (w);                                                                  \
                                                                                                              \
    for (guint t = 0; t < n; t++)                                                                             \
      panel_dot (&sums[t], &weights, panels + t * PANELS, SIGNED_##type, OFFSET_##type);                      \
  }                                                                                                           \
                                                                                                              \
  static void row_##type##_##n (Sum *sums, const guint8 *w, const Panel *panels, guint n_panels, gsize bytes, gsize tail) \
  {                                                                                                           \
    const guint whole = n_panels - (tail > 0 ? 1 : 0);                                                        \
    Sum kept[n];                                                                                              \
                                                                                                              \
    memcpy (kept, sums, sizeof kept);                                                                         \
    for (guint i = 0; i < whole; i++)                                                                         \
      step_##type##_##n (kept, w + i * bytes, panels + i);                                                    \
    if (tail > 0)                                                                                             \
      {                                                                                                       \
        guint8 padded[8 * 34] = { 0 };                                                                        \
                                                                                                              \
        memcpy (padded, w + whole * bytes, tail);                                                             \
        step_##type##_##n (kept, padded, panels + whole);                                                     \
      }                                                                                                       \
    memcpy (sums, kept, sizeof kept);                                                                         \
  }

typedef void (*RowFunc) (Sum *sums, const guint8 *w, const Panel *panels, guint n_panels, gsize bytes, gsize tail);

/* n_x up to TILE rows of activations times n_rows up to ROWS of weights. */
static void
matmul_tile (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8 *x, guint n_x, gsize n_cols,
             RowFunc row, gsize bytes)
{
  const gsize n_blocks = n_cols / PLD_Q8_VALUES, n_panels = (n_blocks + 7) / 8;
  Panel panels[TILE * PANELS];
  Sum sums[ROWS][TILE];

  for (guint i = 0; i < n_rows; i++)
    for (guint t = 0; t < n_x; t++)
      sums[i][t] = (Sum) { _mm512_setzero_ps (), _mm256_setzero_ps () };
  for (gsize first = 0; first < n_panels; first += PANELS)
    {
      const guint n = (guint) MIN (PANELS, n_panels - first);
      const gsize tail = first + n == n_panels ? n_blocks % 8 * (bytes / 8) : 0;

      for (guint t = 0; t < n_x; t++)
        for (guint i = 0; i < n; i++)
          pack_panel (panels + t * PANELS + i, x + t * n_blocks + (first + i) * 8, (guint) MIN (8, n_blocks - (first + i) * 8));
      for (guint i = 0; i < n_rows; i++)
        row (sums[i], w + i * row_bytes + first * bytes, panels, n, bytes, tail);
    }
  for (guint i = 0; i < n_rows; i++)
    for (guint t = 0; t < n_x; t++)
      y[t * y_stride + i] = sum_value (&sums[i][t]);
}

#define VNNI_KERNEL(type, UPPER, values, bytes)                                                               \
  ROW_ (type, 1) ROW_ (type, 2) ROW_ (type, 3) ROW_ (type, 4)                                                 \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,    \
                                 const PldQ8 *x, guint n_x, gsize n_cols)                                     \
  {                                                                                                           \
    static const RowFunc rows[] = { row_##type##_1, row_##type##_2, row_##type##_3, row_##type##_4 };         \
                                                                                                              \
    for (guint j = 0; j < n_x; j += TILE)                                                                     \
      for (guint i = 0; i < n_rows; i += ROWS)                                                                \
        matmul_tile (y + j * y_stride + i, y_stride, w + i * row_bytes, row_bytes, MIN (ROWS, n_rows - i),    \
                     x + j * (n_cols / PLD_Q8_VALUES), MIN (TILE, n_x - j), n_cols, rows[MIN (TILE, n_x - j) - 1], \
                     PANEL / values * bytes);                                                                 \
  }
PLD_BLOCK_TYPES_MOST (VNNI_KERNEL)
