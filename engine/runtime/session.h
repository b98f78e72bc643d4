/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The execution engine: what an architecture's forward pass computes with. An operation uses all threads of the
 * session; matrices come from the stream tile by tile, which the architecture does not see.
 *
 * One pass at a time, from one thread. Activations are float, row-major.
 */
#pragma once

#include "engine/base/team.h"
#include "engine/kernels/kernels.h"
#include "engine/runtime/cache.h"
#include "engine/runtime/params.h"
#include "engine/stream/stream.h"

typedef enum
{
  PLD_ACT_NONE,
  PLD_ACT_GELU,      /* x Φ(x), with erf */
  PLD_ACT_GELU_TANH, /* its tanh approximation */
  PLD_ACT_RELU,
  PLD_ACT_SILU,
} PldActivation;

typedef struct
{
  const PldKernels *kernels;
  PldTeam *team; /* not owned */
  guint n_threads;
  PldStream *
      stream; /* (nullable): not owned; NULL: a dry run, in which matrices have no weights: see models/core/dry-run.h */
  const PldPlan *plan; /* not owned */
  guint tile;          /* next on the tape */
  float *scratch;      /* [n_threads, scratch_floats] */
  gsize scratch_floats;
  PldFile **files; /* not owned: of the tables */
  guint8 *window;  /* [n_threads, window_bytes], page-aligned: see pld_params_window() */
  guint64 window_bytes;
  float *blocks; /* set by the architecture: room for the input of any linear layer of weights in blocks:
                    pld_linear_block_floats() */
} PldSession;

/* Sets kernels; the caller sets the rest. */
void pld_session_init (PldSession *session);

/* The thread's scratch memory. */
static inline float *
pld_session_scratch (PldSession *session, guint thread)
{
  return session->scratch + thread * session->scratch_floats;
}

/* Begins a pass; @cancelled (nullable) is asked at each tile. */
void pld_session_begin (PldSession *session, PldCancelFunc cancelled, gpointer data);

/* Rows of a matrix in memory: row i begins at i * stride floats. */
typedef struct
{
  float *data;
  guint n_rows;
  gsize stride;
} PldRows;

/* Panels of 16 rows, [columns][16], at i * stride floats. */
typedef struct
{
  float *data;
  guint n;
  gsize stride;
} PldPanels;

/* The number of panels that @n_rows rows fill. */
static inline guint
pld_panels (guint n_rows)
{
  return (n_rows + PLD_PANEL_ROWS - 1) / PLD_PANEL_ROWS;
}

/* Scratch floats a thread that linear layers need. */
gsize pld_linear_scratch (void);
/* … that attention over @n_tokens does, and attention over a cache of @n_positions with @group queries a key. */
gsize pld_attention_scratch (guint n_tokens);
gsize pld_cached_attention_scratch (guint n_positions, guint group, guint d_head);
/* Floats of PldSession.blocks for @n_rows rows of @n_cols values at most. */
gsize pld_linear_block_floats (guint n_rows, guint n_cols);

/**
 * pld_linear:
 * @y: (out): [x.n_rows, w->n_rows]
 * @x: [x.n_rows, w->n_cols]
 * @w: the next matrix on the tape
 * @bias: (nullable): [w->n_rows]
 * @accumulate: y += instead of y =
 *
 * y = x Wᵀ + bias. Without rows it only moves on along the tape. Weights in blocks of few bits are multiplied with x in
 * blocks of 8 bits (PldQ8). A row's result does not depend on the other rows. Errors are the stream's.
 */
gboolean pld_linear (PldSession *session, PldRows y, PldRows x, const PldMatrix *w, const float *bias,
                     gboolean accumulate, GError **error);

/**
 * pld_linear_panels:
 * @bias: (nullable): NULL only with PLD_ACT_NONE, and without @accumulate
 * @accumulate: only with PLD_ACT_NONE
 *
 * y = act (x Wᵀ + bias), and otherwise the same.
 */
gboolean pld_linear_panels (PldSession *session, PldPanels y, PldPanels x, const PldMatrix *w, const float *bias,
                            PldActivation act, gboolean accumulate, GError **error);

/**
 * pld_linear_time:
 * @in_panels: activations lie in panels, else in rows
 * @n: rows of activations
 * @y: (out): [@n rounded up to panels, n_rows]
 * @x: [the same, w->n_cols]
 * @weights: [n_rows, w->n_cols], as stored; aligned to 4 bytes
 *
 * For the profiler: computes @n_rows rows of @w, whole granules of it, as a linear layer computes a tile, without
 * making blocks of x. No stream takes part. Returns: the time in ns
 */
gint64 pld_linear_time (PldSession *session, gboolean in_panels, guint n, float *y, float *x, const PldMatrix *w,
                        guint n_rows, const guint8 *weights);

/* Taps of a row of a sum, at most. */
#define PLD_TAPS_MAX 16

/* A row of a matrix, and how much of it. */
typedef struct
{
  guint row;
  float weight;
} PldTap;

/* Which of rows @first … @end − 1 of a matrix go into row @i of a sum. @taps: (out): [PLD_TAPS_MAX], by rising row; of
 * all that row @i has, these and none else. Called by any thread. Returns: how many */
typedef guint (*PldTapsFunc) (gconstpointer data, guint i, guint first, guint end, PldTap *taps);

/**
 * pld_add_rows:
 * @x: sequences of pld_panels (@n_rows) panels of w->n_cols columns, in place
 * @n_rows: of each sequence
 * @w: the next matrix on the tape
 * @taps: what each row gets of it
 *
 * x[i] += Σ weight * w[row] over the taps of i. A matrix that is added, rather than multiplied with, such as position
 * embeddings: it is streamed tile by tile like any other matrix, and is never held as a whole. A row's taps are added
 * one by one, by rising row, so the result does not depend on the tiles. Errors are the stream's.
 */
gboolean pld_add_rows (PldSession *session, PldPanels x, guint n_rows, const PldMatrix *w, PldTapsFunc taps,
                       gconstpointer data, GError **error);
/* Scratch floats a thread that this needs. */
gsize pld_add_rows_scratch (guint n_cols);

/* y = layer norm of each row of x [d][16]; may be in place. */
void pld_layer_norm (PldSession *session, PldPanels y, PldPanels x, const float *w, const float *b, guint d, float eps);

/* y = x / rms (x) * w for each row of x [n, d] (arXiv 1910.07467); may be in place. */
void pld_rms_norm (PldSession *session, PldRows y, PldRows x, const float *w, guint d, float eps);

/* gate = silu (gate) * up, [n, d] (arXiv 2002.05202). */
void pld_swiglu (PldSession *session, PldRows gate, PldRows up, guint d);

/**
 * pld_rope:
 * @x: [n, n_heads * d_head], in place
 * @cos, @sin: [n, n_pairs], of each row's angles
 * @neox: pairs are (i, i + n_pairs); else (2 i, 2 i + 1)
 *
 * Rotates the first 2 n_pairs values of each head (RoFormer, arXiv 2104.09864).
 */
void pld_rope (PldSession *session, PldRows x, const float *cos, const float *sin, guint n_pairs, guint n_heads,
               guint d_head, gboolean neox);

/* x[i] = row tokens[i].id of @table, [n, n_cols], read from storage. Errors: IO. */
gboolean pld_rows_load (PldSession *session, PldRows x, const PldTable *table, const PldToken *tokens, GError **error);

/**
 * pld_cached_attention:
 * @out: (out): [n, n_heads * d_head]; may be the same memory as @q
 * @q: [n, n_heads * d_head]
 * @k, @v: [n, n_kv_heads * d_head]: go into the caches first
 * @tokens: [n]: which sequence and position each row is
 *
 * Causal attention of each row over its own sequence up to itself; heads share keys in groups (GQA, arXiv 2305.13245).
 */
void pld_cached_attention (PldSession *session, PldRows out, PldRows q, PldRows k, PldRows v, const PldToken *tokens,
                           guint layer, guint n_heads);

/**
 * pld_attention:
 * @out: (out): [n_sequences * n_queries] panels of n_heads * d_head columns
 * @q: the same; may be the same memory as @out
 * @k, @v: [n_sequences * pld_panels (n_tokens)] panels; their last rows may be beyond n_tokens
 * @n_queries: panels of queries of each sequence
 *
 * softmax (q kᵀ / √d_head) v for each head of each sequence on its own, without a mask: Attention Is All You Need,
 * arXiv 1706.03762. Scores are made for a panel of queries at a time, so scratch grows with n_tokens, not with its
 * square.
 */
void pld_attention (PldSession *session, PldPanels out, PldPanels q, PldPanels k, PldPanels v, guint n_sequences,
                    guint n_queries, guint n_tokens, guint n_heads, guint d_head);
