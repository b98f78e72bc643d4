/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operations on activations other than products: norms, gates, rotary positions, embeddings.
 */
#include "engine/runtime/dispatch.h"
#include "engine/runtime/session.h"

/* Rows that a thread takes at once in operations on rows alone. */
#define ROWS_BLOCK 16

void
pld_session_init (PldSession *session)
{
  session->kernels = pld_kernels ();
}

void
pld_session_begin (PldSession *session, PldCancelFunc cancelled, gpointer data)
{
  session->tile = 0;
  pld_stream_begin (session->stream, cancelled, data);
}

/* ---- layer norm ---------------------------------------------------------------------------- */

typedef struct
{
  const PldKernels *kernels;
  PldPanels y, x;
  const float *w, *b;
  guint d;
  float eps;
} LayerNorm;

static void
layer_norm_panel (gpointer data, guint item, guint thread)
{
  const LayerNorm *l = data;

  l->kernels->panel_layer_norm (l->y.data + item * l->y.stride, l->x.data + item * l->x.stride, l->w, l->b, l->d,
                                l->eps);
}

void
pld_layer_norm (PldSession *session, PldPanels y, PldPanels x, const float *w, const float *b, guint d, float eps)
{
  LayerNorm l = { session->kernels, y, x, w, b, d, eps };

  pld_team_run (session->team, session->n_threads, x.n, layer_norm_panel, &l);
}

/* ---- RMS norm, SwiGLU, rotary positions ---------------------------------------------------- */

typedef struct
{
  const PldKernels *kernels;
  PldRows y, x;
  const float *w; /* RMS norm */
  const float *cos, *sin;
  guint d, n_heads, n_pairs;
  float eps;
  gboolean neox;
} Rows;

static void
rms_norm_row (const Rows *r, guint i)
{
  r->kernels->rms_norm (r->y.data + i * r->y.stride, r->x.data + i * r->x.stride, r->w, r->d, r->eps);
}

static void
swiglu_row (const Rows *r, guint i)
{
  float *gate = r->y.data + i * r->y.stride;

  r->kernels->swiglu (gate, gate, r->x.data + i * r->x.stride, r->d);
}

static void
rope_row (const Rows *r, guint i)
{
  for (guint head = 0; head < r->n_heads; head++)
    (r->neox ? r->kernels->rope_neox : r->kernels->rope_norm) (r->x.data + i * r->x.stride + (gsize) head * r->d,
                                                               r->cos + (gsize) i * r->n_pairs,
                                                               r->sin + (gsize) i * r->n_pairs, r->n_pairs);
}

#define ROWS_BLOCK_FUNC(name)                                                                                          \
  static void name##_block (gpointer data, guint item, guint thread)                                                   \
  {                                                                                                                    \
    const Rows *r = data;                                                                                              \
    guint end = MIN ((item + 1) * ROWS_BLOCK, r->x.n_rows);                                                            \
                                                                                                                       \
    for (guint i = item * ROWS_BLOCK; i < end; i++)                                                                    \
      name##_row (r, i);                                                                                               \
  }

ROWS_BLOCK_FUNC (rms_norm)
ROWS_BLOCK_FUNC (swiglu)
ROWS_BLOCK_FUNC (rope)

static void
rows_run (PldSession *session, Rows *rows, PldTeamFunc func)
{
  rows->kernels = session->kernels;
  pld_team_run (session->team, session->n_threads, (rows->x.n_rows + ROWS_BLOCK - 1) / ROWS_BLOCK, func, rows);
}

void
pld_rms_norm (PldSession *session, PldRows y, PldRows x, const float *w, guint d, float eps)
{
  Rows rows = { .y = y, .x = x, .w = w, .d = d, .eps = eps };

  rows_run (session, &rows, rms_norm_block);
}

void
pld_swiglu (PldSession *session, PldRows gate, PldRows up, guint d)
{
  Rows rows = { .y = gate, .x = up, .d = d };

  rows_run (session, &rows, swiglu_block);
}

void
pld_rope (PldSession *session, PldRows x, const float *cos, const float *sin, guint n_pairs, guint n_heads,
          guint d_head, gboolean neox)
{
  Rows rows = { .x = x, .cos = cos, .sin = sin, .d = d_head, .n_heads = n_heads, .n_pairs = n_pairs, .neox = neox };

  rows_run (session, &rows, rope_block);
}

/* ---- rows of a table ----------------------------------------------------------------------- */

typedef struct
{
  PldSession *session;
  PldRows x;
  const PldTable *table;
  const PldToken *tokens;
  GMutex lock;
  GError *error; /* the first; under the lock */
} Load;

static void
load_row (gpointer data, guint item, guint thread)
{
  Load *l = data;
  const PldTensor *tensor = l->table->tensor;
  GError *error = NULL;
  const guint8 *view;

  if (pld_file_read (l->session->files[tensor->file], tensor->offset + l->tokens[item].id * l->table->row_bytes,
                     l->table->row_bytes, l->session->window + thread * l->session->window_bytes, &view, &error))
    pld_dequantize_kernel (l->session->kernels, tensor->dtype) (l->x.data + item * l->x.stride, view, l->table->n_cols);
  else
    {
      g_mutex_lock (&l->lock);
      if (l->error == NULL)
        l->error = g_steal_pointer (&error);
      g_mutex_unlock (&l->lock);
      g_clear_error (&error);
    }
}

gboolean
pld_rows_load (PldSession *session, PldRows x, const PldTable *table, const PldToken *tokens, GError **error)
{
  Load l = { .session = session, .x = x, .table = table, .tokens = tokens };

  g_mutex_init (&l.lock);
  pld_team_run (session->team, session->n_threads, x.n_rows, load_row, &l);
  g_mutex_clear (&l.lock);
  if (l.error == NULL)
    return TRUE;
  g_propagate_error (error, l.error);
  return FALSE;
}
