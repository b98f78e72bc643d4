/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/runtime/session.h"

#include <cblas.h>
#include <math.h>

/* Queries whose scores are made at once. */
#define QUERY_BLOCK 128
/* Tiles that a linear layer leases at once at most. */
#define LEASES_MAX 4
/* Rows that a thread normalises at once. */
#define NORM_BLOCK 16

void
pld_session_init (PldSession *session)
{
  session->kernels = pld_kernels ();
  openblas_set_num_threads (1);
}

void
pld_session_begin (PldSession *session, PldCancelFunc cancelled, gpointer data)
{
  session->tile = 0;
  pld_stream_begin (session->stream, cancelled, data);
}

gsize
pld_linear_scratch (const PldTape *tape)
{
  gsize most = 0;

  for (guint i = 0; i < tape->matrices->len; i++)
    {
      const PldMatrix *matrix = tape->matrices->pdata[i];

      if (matrix->dtype != PLD_DTYPE_F32)
        most = MAX (most, (gsize) MIN (matrix->granule, matrix->n_rows) * matrix->n_cols);
    }
  return most;
}

gsize
pld_attention_scratch (guint n_tokens)
{
  return (gsize) QUERY_BLOCK * n_tokens;
}

static float *
session_scratch (PldSession *session, guint thread)
{
  return session->scratch + thread * session->scratch_floats;
}

/* ---- linear -------------------------------------------------------------------------------- */

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

/* One granule of rows of W against all of x: the same product of the same shape however W is cut into tiles. */
static void
linear_granule (gpointer data, guint item, guint thread)
{
  const Linear *l = data;
  const PldMatrix *w = l->w;
  guint column = l->row0 + item * w->granule;
  guint n = MIN (w->granule, l->row0 + l->n_rows - column), i = 0;
  const guint8 *stored;
  const float *weights;

  while (column >= l->leases[i].row0 + l->leases[i].n_rows)
    i++;
  stored = l->leases[i].weights + (column - l->leases[i].row0) * w->row_bytes;
  weights = (const float *) (gconstpointer) stored;
  if (w->dtype != PLD_DTYPE_F32)
    {
      float *wide = session_scratch (l->session, thread);
      const guint16 *narrow = (const guint16 *) (gconstpointer) stored;

      if (w->dtype == PLD_DTYPE_F16)
        l->session->kernels->widen_f16 (wide, narrow, (gsize) n * w->n_cols);
      else
        l->session->kernels->widen_bf16 (wide, narrow, (gsize) n * w->n_cols);
      weights = wide;
    }
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, (blasint) l->x.n_rows, (blasint) n, (blasint) w->n_cols, 1.0f, l->x.data,
               (blasint) l->x.stride, weights, (blasint) w->n_cols, l->accumulate ? 1.0f : 0.0f, l->y.data + column,
               (blasint) l->y.stride);
  if (l->bias != NULL)
    for (guint row = 0; row < l->x.n_rows; row++)
      linear_finish (l, l->y.data + row * l->y.stride + column, l->bias + column, n);
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

gboolean
pld_linear (PldSession *session, PldRows y, PldRows x, const PldMatrix *w, const float *bias, PldActivation act,
            gboolean accumulate, GError **error)
{
  Linear l = { .session = session, .y = y, .x = x, .w = w, .bias = bias, .act = act, .accumulate = accumulate };

  g_assert (bias != NULL || act == PLD_ACT_NONE);
  while (l.row0 + l.n_rows < w->n_rows)
    {
      if (!linear_lease (&l, error))
        return FALSE;
      pld_team_run (session->team, session->n_threads, (l.n_rows + w->granule - 1) / w->granule, linear_granule, &l);
      for (guint i = 0; i < l.n_leases; i++)
        pld_stream_release (session->stream, session->tile - l.n_leases + i);
    }
  return TRUE;
}

/* ---- layer norm ---------------------------------------------------------------------------- */

typedef struct
{
  const PldKernels *kernels;
  PldRows y, x;
  const float *w, *b;
  guint d;
  float eps;
} LayerNorm;

static void
layer_norm_block (gpointer data, guint item, guint thread)
{
  const LayerNorm *l = data;
  guint end = MIN ((item + 1) * NORM_BLOCK, l->x.n_rows);

  for (guint i = item * NORM_BLOCK; i < end; i++)
    l->kernels->layer_norm (l->y.data + i * l->y.stride, l->x.data + i * l->x.stride, l->w, l->b, l->d, l->eps);
}

void
pld_layer_norm (PldSession *session, PldRows y, PldRows x, const float *w, const float *b, guint d, float eps)
{
  LayerNorm l = { session->kernels, y, x, w, b, d, eps };

  pld_team_run (session->team, session->n_threads, (x.n_rows + NORM_BLOCK - 1) / NORM_BLOCK, layer_norm_block, &l);
}

/* ---- attention ----------------------------------------------------------------------------- */

typedef struct
{
  PldSession *session;
  PldRows out, q, k, v;
  guint n_queries, n_tokens, n_heads, d_head, n_blocks;
} Attention;

static void
attention_block (gpointer data, guint item, guint thread)
{
  const Attention *a = data;
  guint block = item % a->n_blocks, head = item / a->n_blocks % a->n_heads, sequence = item / a->n_blocks / a->n_heads;
  guint first = block * QUERY_BLOCK, n = MIN (QUERY_BLOCK, a->n_queries - first);
  gsize row = (gsize) sequence * a->n_queries + first, column = (gsize) head * a->d_head;
  const float *q = a->q.data + row * a->q.stride + column;
  const float *k = a->k.data + (gsize) sequence * a->n_tokens * a->k.stride + column;
  const float *v = a->v.data + (gsize) sequence * a->n_tokens * a->v.stride + column;
  float *scores = session_scratch (a->session, thread); /* [n, n_tokens] */

  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, (blasint) n, (blasint) a->n_tokens, (blasint) a->d_head, 1.0f, q,
               (blasint) a->q.stride, k, (blasint) a->k.stride, 0.0f, scores, (blasint) a->n_tokens);
  for (guint i = 0; i < n; i++)
    a->session->kernels->softmax (scores + (gsize) i * a->n_tokens, a->n_tokens, 1.0f / sqrtf ((float) a->d_head));
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint) n, (blasint) a->d_head, (blasint) a->n_tokens, 1.0f, scores,
               (blasint) a->n_tokens, v, (blasint) a->v.stride, 0.0f, a->out.data + row * a->out.stride + column,
               (blasint) a->out.stride);
}

void
pld_attention (PldSession *session, PldRows out, PldRows q, PldRows k, PldRows v, guint n_sequences, guint n_queries,
               guint n_tokens, guint n_heads, guint d_head)
{
  Attention a = { session, out, q, k, v, n_queries, n_tokens, n_heads, d_head, (n_queries + QUERY_BLOCK - 1) / QUERY_BLOCK };

  pld_team_run (session->team, session->n_threads, n_sequences * n_heads * a.n_blocks, attention_block, &a);
}
