/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks of the kernels on weights as files store them: random bits in every field of a block, scales as models have
 * them and at the ends of the range of a half; and that a value is the same to the bit regardless of what is computed
 * together with it.
 */
#include "tests/kernel/rig.h"

#include <math.h>

typedef struct
{
  guint values, bytes;
  gint halves[2];   /* where halves that scale are; -1: none */
  guint codes, end; /* the bytes that hold what scales multiply, for types that have an offset too */
} Layout;

static const Layout layout_q4_0 = { 32, 18, { 0, -1 }, 0, 0 };
static const Layout layout_q4_1 = { 32, 20, { 0, 2 }, 4, 20 };
static const Layout layout_q5_0 = { 32, 22, { 0, -1 }, 0, 0 };
static const Layout layout_q5_1 = { 32, 24, { 0, 2 }, 4, 24 };
static const Layout layout_q8_0 = { 32, 34, { 0, -1 }, 0, 0 };
static const Layout layout_q2_k = { 256, 84, { 80, 82 }, 16, 80 };
static const Layout layout_q3_k = { 256, 110, { 108, -1 }, 0, 0 };
static const Layout layout_q4_k = { 256, 144, { 0, 2 }, 16, 144 };
static const Layout layout_q5_k = { 256, 176, { 0, 2 }, 16, 176 };
static const Layout layout_q6_k = { 256, 210, { 208, -1 }, 0, 0 };
static const Layout layout_iq4_nl = { 32, 18, { 0, -1 }, 0, 0 };
static const Layout layout_iq4_xs = { 256, 136, { 0, -1 }, 0, 0 };
static const Layout layout_f32 = { 1, 4, { -1, -1 }, 0, 0 };
static const Layout layout_f16 = { 1, 2, { 0, -1 }, 0, 0 };
static const Layout layout_bf16 = { 1, 2, { -1, -1 }, 0, 0 };

/* A half that is a number: as scales are, or zero, subnormal, the largest. */
static guint16
any_half (void)
{
  static const guint16 ends[] = { 0, 0x8000, 1, 0x8001, 0x03ff, 0x0400, 0x7bff, 0xfbff };
  const guint choice = any_below (64);

  if (choice < G_N_ELEMENTS (ends))
    return ends[choice];
  return (guint16) ((0x1400 + any_below (0x1800)) | (choice & 1) << 15);
}

static void
random_blocks (const Layout *l, guint8 *x, gsize n)
{
  for (; n > 0; n--, x += l->bytes)
    {
      random_bytes (x, l->bytes);
      for (guint i = 0; i < 2; i++)
        if (l->halves[i] >= 0)
          {
            guint16 half = any_half ();

            memcpy (x + l->halves[i], &half, sizeof half);
          }
      if (l == &layout_f32)
        {
          float v = any_float (1);

          memcpy (x, &v, sizeof v);
        }
      else if (l == &layout_bf16)
        x[1] = (guint8) ((x[1] & 0x80) | 0x3b);
    }
}

typedef void (*Dequantize) (float *y, const guint8 *x, gsize n);

static void
check_dequantize (guint t, const char *name, const Layout *l, Dequantize got_kernel, Dequantize want_kernel)
{
  for (gsize n = 1; n <= 67; n = 2 * n + 1)
    for (gsize shift = 0; shift < 4; shift++)
      {
        g_autofree guint8 *memory = g_malloc (n * l->bytes + shift);
        float *got = place (&room_got, shift * 4), *want = place (&room_want, shift * 4);

        random_blocks (l, memory + shift, n);
        got_kernel (got, memory + shift, n * l->values);
        want_kernel (want, memory + shift, n * l->values);
        /* Every product is exact, in floats too, so there is one rounding in both: of a value that is 25 bits long, or
         * of a sum. */
        assert_equal (name, t, got, want, n * l->values);
        assert_guards (&room_got, shift * 4, n * l->values * sizeof (float));
      }
}

/* ---- products ------------------------------------------------------------------------------ */

/* Rows of activations: floats, and the blocks that they make. */
typedef struct
{
  guint n;
  gsize n_cols, stride;
  const float *floats;
  const PldQ8 *blocks;
} Rows;

/* The same in panels, the last one with rows of zeros. */
typedef struct
{
  guint n;
  gsize n_cols, stride;
  float *floats;
  PldQ8Panel *blocks;
} Panels;

typedef void (*PanelProduct) (const PldKernels *k, float *y, gsize y_stride, const guint8 *w, gsize row_bytes,
                              guint n_rows, const Panels *x);
typedef void (*Product) (const PldKernels *k, float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,
                         const Rows *x);

typedef struct
{
  const char *name;
  const Layout *layout;
  Product product;
  PanelProduct panel_product;
  gboolean in_blocks;
  guint unit; /* values that have a scale of their own, whose products with blocks are summed exactly */
  Dequantize dequantize;
} Type;

/* Row j as the product takes it. */
static float *
row_values (const Type *type, const Rows *x, guint j)
{
  float *values = g_new (float, x->n_cols);

  for (gsize c = 0; c < x->n_cols; c++)
    if (type->in_blocks)
      {
        const PldQ8 *block = x->blocks + (j * x->n_cols + c) / PLD_Q8_VALUES;

        values[c] = block->scale * block->q[c % PLD_Q8_VALUES];
      }
    else
      values[c] = x->floats[j * x->stride + c];
  return values;
}

/* The sizes of all that is added up to a row's values, Σ (|d q| + |m|): the values without their codes are the offsets.
 */
static double *
row_sizes (const Type *type, const guint8 *w, gsize n_cols)
{
  const Layout *l = type->layout;
  gsize n = n_cols / l->values;
  g_autofree guint8 *blocks = g_memdup2 (w, n * l->bytes);
  g_autofree float *values = g_new (float, n_cols), *offsets = g_new0 (float, n_cols);
  double *row = g_new (double, n_cols);

  type->dequantize (values, w, n_cols);
  for (gsize b = 0; b < n; b++)
    memset (blocks + b * l->bytes + l->codes, 0, l->end - l->codes);
  if (l->end > 0)
    type->dequantize (offsets, blocks, n_cols);
  for (gsize c = 0; c < n_cols; c++)
    row[c] = fabs ((double) values[c] - offsets[c]) + fabs (offsets[c]);
  return row;
}

static void
assert_product (const Type *type, guint t, const float *got, const float *want, gsize y_stride, const guint8 *w,
                gsize row_bytes, guint n_rows, const Rows *x)
{
  for (guint i = 0; i < n_rows; i++)
    {
      g_autofree double *weights = row_sizes (type, w + i * row_bytes, x->n_cols);

      for (guint j = 0; j < x->n; j++)
        {
          g_autofree float *values = row_values (type, x, j);
          double size = 0;

          for (gsize c = 0; c < x->n_cols; c++)
            size += weights[c] * fabs (values[c]);
          /* For each unit, whose sum of products in whole numbers is exact, as a weight's scale is: the product of both
           * scales, or of an activation's scale and their sum; that with the unit's sum, or offset. Of products of
           * floats there is this one alone. Then a sum for each unit, one after the other, though the first one is with
           * zero; the sum with the offsets; the reference's rounding. */
          assert_value (type->name, t, j * y_stride + i, got[j * y_stride + i], want[j * y_stride + i],
                        size * roundings (2 + (double) (x->n_cols / type->unit) - 1 + 1 + 1));
        }
    }
}

/* Every cut of the rows of x, and of the rows of w, gives the same bits. */
static void
assert_pieces (const Type *type, guint t, const float *whole, gsize y_stride, const guint8 *w, gsize row_bytes,
               guint n_rows, const Rows *x)
{
  static const guint pieces[] = { 1, 2, 3, 5, 8, 17 };

  for (guint p = 0; p < G_N_ELEMENTS (pieces); p++)
    {
      float *y = place (&room_want, 4);

      for (guint j = 0; j < x->n; j += pieces[p])
        {
          Rows piece = *x;

          piece.n = MIN (pieces[p], x->n - j);
          piece.floats += j * x->stride;
          piece.blocks += j * x->n_cols / PLD_Q8_VALUES;
          type->product (tables[t].table, y + j * y_stride, y_stride, w, row_bytes, n_rows, &piece);
        }
      for (guint j = 0; j < x->n; j++)
        g_assert_cmpmem (y + j * y_stride, n_rows * sizeof (float), whole + j * y_stride, n_rows * sizeof (float));
      y = place (&room_want, 8);
      for (guint i = 0; i < n_rows; i += pieces[p])
        type->product (tables[t].table, y + i, y_stride, w + i * row_bytes, row_bytes, MIN (pieces[p], n_rows - i), x);
      for (guint j = 0; j < x->n; j++)
        g_assert_cmpmem (y + j * y_stride, n_rows * sizeof (float), whole + j * y_stride, n_rows * sizeof (float));
    }
}

static Panels
panels_of (const Rows *x, gboolean in_blocks)
{
  const guint n = (x->n + PLD_PANEL_ROWS - 1) / PLD_PANEL_ROWS;
  const gsize n_blocks = x->n_cols / PLD_Q8_VALUES, stride = x->n_cols * PLD_PANEL_ROWS + 32;
  Panels p = { n, x->n_cols, stride, g_new0 (float, n *stride), g_new0 (PldQ8Panel, MAX (n * n_blocks, 1)) };

  for (guint j = 0; j < x->n; j++)
    {
      const guint panel = j / PLD_PANEL_ROWS, r = j % PLD_PANEL_ROWS;

      for (gsize c = 0; c < x->n_cols; c++)
        p.floats[panel * stride + c * PLD_PANEL_ROWS + r] = x->floats[j * x->stride + c];
      for (gsize b = 0; in_blocks && b < n_blocks; b++)
        {
          const PldQ8 *from = x->blocks + j * n_blocks + b;
          PldQ8Panel *to = p.blocks + panel * n_blocks + b;

          to->scale[r] = from->scale;
          to->sums[0][r] = from->sums[0];
          to->sums[1][r] = from->sums[1];
          for (guint i = 0; i < PLD_Q8_VALUES; i++)
            to->q[i / 4][r][i % 4] = from->q[i];
        }
    }
  return p;
}

/* Panels give what rows give, to the bit, and so does every cut of the rows of w. */
static void
check_panels (guint t, const Type *type, const float *want, gsize want_stride, const guint8 *w, gsize row_bytes,
              guint n_rows, const Rows *x)
{
  static const guint pieces[] = { 1, 2, 3, 4, 5, 8, 17, 33, G_MAXUINT };
  Panels panels = panels_of (x, type->in_blocks);
  const gsize stride = n_rows * PLD_PANEL_ROWS + 16;

  for (guint p = 0; p < G_N_ELEMENTS (pieces); p++)
    {
      float *got = place (&room_want, p % 4 * 4);

      for (guint i = 0; i < n_rows; i += MIN (pieces[p], n_rows))
        type->panel_product (tables[t].table, got + i * PLD_PANEL_ROWS, stride, w + i * row_bytes, row_bytes,
                             MIN (pieces[p], n_rows - i), &panels);
      for (guint j = 0; j < x->n; j++)
        for (guint i = 0; i < n_rows; i++)
          {
            const float *value = &got[j / PLD_PANEL_ROWS * stride + i * PLD_PANEL_ROWS + j % PLD_PANEL_ROWS];

            if (memcmp (value, &want[j * want_stride + i], sizeof *value) != 0)
              g_error ("%s (%s): row %u of x, %u of w, is %.9g in panels, %.9g in rows", type->name, tables[t].name, j,
                       i, *value, want[j * want_stride + i]);
          }
      for (guint j = 0; j + 1 < panels.n; j++)
        for (gsize i = n_rows * PLD_PANEL_ROWS; i < stride; i++)
          g_assert_cmpmem (&got[j * stride + i], sizeof (float), room_want.bytes, sizeof (float));
      assert_guards (&room_want, p % 4 * 4, (panels.n * stride - 16) * sizeof (float));
    }
  g_free (panels.floats);
  g_free (panels.blocks);
}

static void
check_product (guint t, const Type *type, gboolean in_panels, guint n_rows, guint n_x, guint n_blocks, gsize shift)
{
  const Layout *l = type->layout;
  /* Of types of one value an odd number, so that the last lanes are not full. */
  const gsize n_cols = n_blocks * (l->values == 1 ? 37 : l->values), n = n_cols / l->values,
              row_bytes = n * l->bytes + l->bytes;
  const gsize y_stride = n_rows + 3;
  const Rows x = { .n = n_x, .n_cols = n_cols, .stride = n_cols + 5 };
  g_autofree guint8 *w = g_malloc (n_rows * row_bytes + shift);
  g_autofree float *floats = g_new (float, n_x *x.stride);
  g_autofree PldQ8 *blocks = g_new (PldQ8, MAX (n_x * n_cols / PLD_Q8_VALUES, 1));
  float *got = place (&room_got, shift * 4), *want = place (&room_want, 0);
  Rows rows = x;

  for (guint i = 0; i < n_rows; i++)
    random_blocks (l, w + shift + i * row_bytes, n + 1);
  for (gsize i = 0; i < n_x * x.stride; i++)
    floats[i] = any_float (2);
  for (guint j = 0; type->in_blocks && j < n_x; j++)
    pld_kernels_ref.quantize_q8 (blocks + j * n_cols / PLD_Q8_VALUES, floats + j * x.stride, n_cols);
  rows.floats = floats;
  rows.blocks = blocks;
  type->product (tables[t].table, got, y_stride, w + shift, row_bytes, n_rows, &rows);
  type->product (&pld_kernels_ref, want, y_stride, w + shift, row_bytes, n_rows, &rows);
  if (in_panels)
    {
      check_panels (t, type, got, y_stride, w + shift, row_bytes, n_rows, &rows);
      return;
    }
  assert_product (type, t, got, want, y_stride, w + shift, row_bytes, n_rows, &rows);
  assert_guards (&room_got, shift * 4, (gsize) n_x * y_stride * sizeof (float) - 3 * sizeof (float));
  for (guint j = 0; j + 1 < n_x; j++)
    for (guint i = n_rows; i < y_stride; i++)
      g_assert_cmpmem (&got[j * y_stride + i], sizeof (float), room_got.bytes, sizeof (float));
  assert_pieces (type, t, got, y_stride, w + shift, row_bytes, n_rows, &rows);
}

/* They run every instruction; an emulator has no time for the others. */
#define SMALL_SHAPES 6

static void
check_products (guint t, const Type *type, gboolean in_panels)
{
  static const guint shapes[][3]
      = { { 1, 1, 1 },  { 3, 2, 2 },  { 2, 5, 3 },   { 5, 35, 2 },  { 7, 17, 1 },  { 1, 70, 1 },
          { 19, 3, 9 }, { 2, 8, 24 }, { 16, 16, 8 }, { 33, 49, 2 }, { 70, 20, 3 }, { 37, 1, 17 } };
  /* A row's beginning is aligned to what its values are, at least. */
  const gsize unit = type->layout->values == 1 ? type->layout->bytes : 1;
  const guint n_shapes = g_test_thorough () ? G_N_ELEMENTS (shapes) : SMALL_SHAPES;

  for (guint i = 0; i < n_shapes; i++)
    check_product (t, type, in_panels, shapes[i][0], shapes[i][1], shapes[i][2], i % 4 * unit);
}

#define PLD_KERNEL(name, args) void pld_##name##_ref args;
#include "engine/kernels/kernels.def"
#undef PLD_KERNEL

/* Rows against the reference, panels against rows. */
#define CHECKS(type, in_blocks, unit, rows, panels)                                                                    \
  static void product_##type (const PldKernels *k, float *y, gsize y_stride, const guint8 *w, gsize row_bytes,         \
                              guint n_rows, const Rows *x)                                                             \
  {                                                                                                                    \
    k->matvec_##type (y, y_stride, w, row_bytes, n_rows, rows, x->n, x->n_cols);                                       \
  }                                                                                                                    \
                                                                                                                       \
  static void panel_product_##type (const PldKernels *k, float *y, gsize y_stride, const guint8 *w, gsize row_bytes,   \
                                    guint n_rows, const Panels *x)                                                     \
  {                                                                                                                    \
    k->matmul_##type (y, y_stride, w, row_bytes, n_rows, panels, x->n, x->n_cols);                                     \
  }                                                                                                                    \
                                                                                                                       \
  void check_dequantize_##type (guint t)                                                                               \
  {                                                                                                                    \
    check_dequantize (t, "dequantize_" #type, &layout_##type, tables[t].table->dequantize_##type,                      \
                      pld_kernels_ref.dequantize_##type);                                                              \
  }                                                                                                                    \
                                                                                                                       \
  static const Type type_##type                                                                                        \
      = { #type, &layout_##type, product_##type, panel_product_##type, in_blocks, unit, pld_dequantize_##type##_ref }; \
                                                                                                                       \
  void check_matvec_##type (guint t) { check_products (t, &type_##type, FALSE); }                                      \
                                                                                                                       \
  void check_matmul_##type (guint t) { check_products (t, &type_##type, TRUE); }
#define FLOAT_ROWS x->floats, x->stride
#define FLOAT_CHECKS(type, UPPER, values, bytes) CHECKS (type, FALSE, 1, FLOAT_ROWS, FLOAT_ROWS)
#define BLOCK_CHECKS(type, UPPER, values, bytes) CHECKS (type, TRUE, PLD_UNIT_##type, x->blocks, x->blocks)

PLD_FLOAT_TYPES (FLOAT_CHECKS)
PLD_BLOCK_TYPES (BLOCK_CHECKS)
