/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cblas.h>
#include <time.h>

#include "engine/kernels/blocks.h"
#include "engine/runtime/dispatch.h"
#include "engine/runtime/session.h"

/* Tiles that a linear layer leases at once at most. */
#define LEASES_MAX 4
/* Rows of activations that stay in a core's cache beside a granule: as blocks of 8 bits some 180 KB at 4096 values. */
#define ROW_BLOCK 32

G_STATIC_ASSERT (sizeof (PldQ8) % sizeof (float) == 0);

gsize
pld_linear_scratch (const PldTape *tape, gboolean by_row)
{
  gsize most = 0;

  for (guint i = 0; i < tape->matrices->len; i++)
    {
      const PldMatrix *matrix = tape->matrices->pdata[i];
      const gsize n = MIN (matrix->granule, matrix->n_rows);

      if (by_row)
        most = MAX (most, ROW_BLOCK * n);
      else if (matrix->dtype != PLD_DTYPE_F32)
        most = MAX (most, n * matrix->n_cols);
    }
  return most;
}

gsize
pld_linear_q8_floats (guint n_rows, guint n_cols)
{
  return (gsize) n_rows * ((n_cols + PLD_Q8_VALUES - 1) / PLD_Q8_VALUES) * (sizeof (PldQ8) / sizeof (float));
}

typedef struct
{
  PldSession *session;
  PldRows y, x;
  const PldMatrix *w;
  guint row0;                         /* the first row that is leased */
  guint n_rows;                       /* and how many are */
  guint n_leases;
  struct
  {
    guint row0, n_rows;
    const guint8 *weights;            /* [n_rows, w->n_cols], as stored */
  } leases[LEASES_MAX];
  const float *bias;
  PldActivation act;
  gboolean accumulate;
  gsize q8_stride;                    /* by row, weights in blocks: blocks a row of x */
} Linear;

static void
linear_finish (const Linear *l, float *y, const float *bias, gsize n)
{
  const PldKernels *k = l->session->kernels;

  switch (l->act)
    {
    case PLD_ACT_NONE:
      k->bias (y, bias, n);
      break;
    case PLD_ACT_GELU:
      k->bias_gelu (y, bias, n);
      break;
    case PLD_ACT_GELU_TANH:
      k->bias_gelu_tanh (y, bias, n);
      break;
    case PLD_ACT_RELU:
      k->bias_relu (y, bias, n);
      break;
    case PLD_ACT_SILU:
      k->bias_silu (y, bias, n);
      break;
    }
}

/* The stored rows of a granule: those of W from @column on. */
static const guint8 *
linear_weights (const Linear *l, guint column)
{
  guint i = 0;

  while (column >= l->leases[i].row0 + l->leases[i].n_rows)
    i++;
  return l->leases[i].weights + (column - l->leases[i].row0) * l->w->row_bytes;
}

/* One granule of rows of W against all of x: the same product of the same shape however W is cut into tiles. */
static void
linear_product (const Linear *l, const guint8 *stored, guint column, guint n, guint thread)
{
  const PldMatrix *w = l->w;
  const float *weights = (const float *) (gconstpointer) stored;

  if (w->dtype != PLD_DTYPE_F32)
    {
      float *wide = pld_session_scratch (l->session, thread);

      pld_dequantize_kernel (l->session->kernels, w->dtype) (wide, stored, (gsize) n * w->n_cols);
      weights = wide;
    }
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, (blasint) l->x.n_rows, (blasint) n, (blasint) w->n_cols, 1.0f, l->x.data,
               (blasint) l->x.stride, weights, (blasint) w->n_cols, l->accumulate ? 1.0f : 0.0f, l->y.data + column,
               (blasint) l->y.stride);
}

/* The same, each row of x on its own, some rows at a time so that they stay near while the granule's rows pass. */
static void
linear_product_by_row (const Linear *l, const guint8 *stored, guint column, guint n, guint thread)
{
  const PldMatrix *w = l->w;
  const PldKernels *k = l->session->kernels;
  const PldMatmulFunc floats = pld_matmul_kernel (k, w->dtype);
  float *sum = pld_session_scratch (l->session, thread); /* [ROW_BLOCK, n] */

  for (guint row = 0; row < l->x.n_rows; row += ROW_BLOCK)
    {
      const guint n_x = MIN (ROW_BLOCK, l->x.n_rows - row);
      float *y = l->accumulate ? sum : l->y.data + row * l->y.stride + column;
      const gsize stride = l->accumulate ? n : l->y.stride;

      if (floats != NULL)
        floats (y, stride, stored, w->row_bytes, n, l->x.data + row * l->x.stride, l->x.stride, n_x, w->n_cols);
      else
        pld_matmul_q8_kernel (k, w->dtype) (y, stride, stored, w->row_bytes, n, l->session->q8 + row * l->q8_stride, n_x, w->n_cols);
      for (guint i = 0; l->accumulate && i < n_x; i++)
        k->add (l->y.data + (row + i) * l->y.stride + column, sum + (gsize) i * n, n);
    }
}

static void
linear_granule (gpointer data, guint item, guint thread)
{
  const Linear *l = data;
  const guint column = l->row0 + item * l->w->granule;
  const guint n = MIN (l->w->granule, l->row0 + l->n_rows - column);

  if (l->session->by_row)
    linear_product_by_row (l, linear_weights (l, column), column, n, thread);
  else
    linear_product (l, linear_weights (l, column), column, n, thread);
  if (l->bias != NULL)
    for (guint row = 0; row < l->x.n_rows; row++)
      linear_finish (l, l->y.data + row * l->y.stride + column, l->bias + column, n);
}

static void
linear_quantize (gpointer data, guint item, guint thread)
{
  const Linear *l = data;

  l->session->kernels->quantize_q8 (l->session->q8 + item * l->q8_stride, l->x.data + item * l->x.stride, l->w->n_cols);
}

/* Leases the next tile of W, and more that are there already until every thread has a granule: small tiles are worth a region only together. */
static gboolean
linear_lease (Linear *l, GError **error)
{
  PldSession *session = l->session;
  const guint enough = session->n_threads * l->w->granule;
  /* Half of the ring stays with the loaders. */
  const guint most = session->plan->n_slots > 0 ? CLAMP (session->plan->n_slots / 2, 1, LEASES_MAX) : LEASES_MAX;

  l->row0 += l->n_rows;
  l->n_rows = l->n_leases = 0;
  while (l->n_leases < most && l->n_rows < enough && l->row0 + l->n_rows < l->w->n_rows)
    {
      const PldTile *tile = &g_array_index (session->plan->tiles, PldTile, session->tile);
      const guint8 *weights;

      g_assert (tile->matrix == l->w->index && tile->row0 == l->row0 + l->n_rows);
      if (l->n_leases == 0 ? !pld_stream_lease (session->stream, session->tile, &weights, error)
                           : !pld_stream_try_lease (session->stream, session->tile, &weights))
        break;
      l->leases[l->n_leases].row0 = tile->row0;
      l->leases[l->n_leases].n_rows = tile->n_rows;
      l->leases[l->n_leases++].weights = weights;
      l->n_rows += tile->n_rows;
      session->tile++;
    }
  return l->n_leases > 0;
}

/* Blocks of 8 bits of x, if W's type calls for them. */
static void
linear_prepare (Linear *l)
{
  PldSession *session = l->session;

  if (!session->by_row || pld_matmul_kernel (session->kernels, l->w->dtype) != NULL)
    return;
  l->q8_stride = l->w->n_cols / PLD_Q8_VALUES;
  pld_team_run (session->team, session->n_threads, l->x.n_rows, linear_quantize, l);
}

/* The rows of W that are leased. */
static void
linear_compute (Linear *l)
{
  if (l->x.n_rows > 0)
    pld_team_run (l->session->team, l->session->n_threads, (l->n_rows + l->w->granule - 1) / l->w->granule, linear_granule, l);
}

gboolean
pld_linear (PldSession *session, PldRows y, PldRows x, const PldMatrix *w, const float *bias, PldActivation act,
            gboolean accumulate, GError **error)
{
  Linear l = { .session = session, .y = y, .x = x, .w = w, .bias = bias, .act = act, .accumulate = accumulate };

  g_assert (bias != NULL || act == PLD_ACT_NONE);
  linear_prepare (&l);
  while (l.row0 + l.n_rows < w->n_rows)
    {
      if (!linear_lease (&l, error))
        return FALSE;
      linear_compute (&l);
      for (guint i = 0; i < l.n_leases; i++)
        pld_stream_release (session->stream, session->tile - l.n_leases + i);
    }
  return TRUE;
}

static gint64
time_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

gint64
pld_linear_time (PldSession *session, PldRows y, PldRows x, const PldMatrix *w, guint n_rows, const guint8 *weights)
{
  Linear l = { .session = session, .y = y, .x = x, .w = w, .act = PLD_ACT_NONE, .n_rows = n_rows, .n_leases = 1 };
  gint64 begun;

  l.leases[0].n_rows = n_rows;
  l.leases[0].weights = weights;
  linear_prepare (&l);
  begun = time_ns ();
  linear_compute (&l);
  return time_ns () - begun;
}
