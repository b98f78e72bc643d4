/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The execution engine: what an architecture's forward pass computes with. An operation uses all threads of the session; matrices
 * come from the stream tile by tile, which the architecture does not see.
 *
 * One pass at a time, from one thread. Activations are float, row-major.
 */
#pragma once

#include "engine/base/team.h"
#include "engine/kernels/kernels.h"
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
  PldTeam *team;      /* not owned */
  guint n_threads;
  PldStream *stream;  /* not owned */
  const PldPlan *plan; /* not owned */
  guint tile;         /* next on the tape */
  float *scratch;     /* [n_threads, scratch_floats] */
  gsize scratch_floats;
} PldSession;

/* Sets kernels, and takes the BLAS library's threads away: the team's are the only ones. The caller sets the rest. */
void pld_session_init (PldSession *session);

/* Begins a pass; @cancelled (nullable) is asked at each tile. */
void pld_session_begin (PldSession *session, PldCancelFunc cancelled, gpointer data);

/* Scratch floats a thread that linear layers over @tape need. */
gsize pld_linear_scratch (const PldTape *tape);
/* … and that attention over @n_tokens does. */
gsize pld_attention_scratch (guint n_tokens);

/* Rows of a matrix in memory: row i begins at i * stride floats. */
typedef struct
{
  float *data;
  guint n_rows;
  gsize stride;
} PldRows;

/**
 * pld_linear:
 * @y: (out): [x.n_rows, w->n_rows]
 * @x: [x.n_rows, w->n_cols]
 * @w: the next matrix on the tape
 * @bias: (nullable): [w->n_rows]; NULL only with PLD_ACT_NONE
 * @accumulate: y += instead of y =; only with PLD_ACT_NONE
 *
 * y = act (x Wᵀ + bias). Errors are the stream's.
 */
gboolean pld_linear (PldSession *session, PldRows y, PldRows x, const PldMatrix *w, const float *bias, PldActivation act,
                     gboolean accumulate, GError **error);

/* y = layer norm of each row of x [n, d]; may be in place. */
void pld_layer_norm (PldSession *session, PldRows y, PldRows x, const float *w, const float *b, guint d, float eps);

/**
 * pld_attention:
 * @out: (out): [n_sequences * n_queries, n_heads * d_head]
 * @q: [n_sequences * n_queries, n_heads * d_head]; may be the same memory as @out
 * @k, @v: [n_sequences * n_tokens, n_heads * d_head]
 *
 * softmax (q kᵀ / √d_head) v for each head of each sequence on its own, without a mask: Attention Is All You Need, arXiv 1706.03762.
 * Scores are made for a block of queries at a time, so scratch grows with n_tokens, not with its square.
 */
void pld_attention (PldSession *session, PldRows out, PldRows q, PldRows k, PldRows v, guint n_sequences, guint n_queries,
                    guint n_tokens, guint n_heads, guint d_head);
