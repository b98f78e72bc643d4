/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "engine/runtime/session.h"

/* Queries whose scores are made at once. */
#define QUERY_BLOCK 128
/* Positions of a cache that are unpacked at once. */
#define CACHE_BLOCK 64

/* ---- over the rows of a pass --------------------------------------------------------------- */

gsize
pld_attention_scratch (guint n_tokens)
{
  return (gsize) QUERY_BLOCK * n_tokens;
}

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
  float *scores = pld_session_scratch (a->session, thread); /* [n, n_tokens] */

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

/* ---- over a cache -------------------------------------------------------------------------- */

gsize
pld_cached_attention_scratch (guint n_positions, guint group, guint d_head)
{
  return (gsize) group * n_positions + (gsize) CACHE_BLOCK * d_head;
}

typedef struct
{
  PldSession *session;
  PldRows out, q, k, v;
  const PldToken *tokens;
  guint layer, group; /* queries a key */
} Cached;

static void
cached_store (gpointer data, guint item, guint thread)
{
  const Cached *a = data;
  const PldToken *token = &a->tokens[item];
  PldCache *cache = token->cache;

  for (guint head = 0; head < cache->n_kv_heads; head++)
    {
      gsize column = (gsize) head * cache->d_head;

      pld_cache_store (cache, a->session->kernels, a->layer, PLD_CACHE_KEY, head, token->position, a->k.data + item * a->k.stride + column);
      pld_cache_store (cache, a->session->kernels, a->layer, PLD_CACHE_VALUE, head, token->position,
                       a->v.data + item * a->v.stride + column);
    }
}

/* The queries of one token that share a key head. */
static void
cached_group (gpointer data, guint item, guint thread)
{
  const Cached *a = data;
  const PldKernels *kernels = a->session->kernels;
  const guint n_heads = a->tokens->cache->n_kv_heads, row = item / n_heads, head = item % n_heads;
  const PldToken *token = &a->tokens[row];
  const guint d = token->cache->d_head, n = token->position + 1;
  const gsize column = (gsize) head * a->group * d;
  const float *q = a->q.data + row * a->q.stride + column;
  float *out = a->out.data + row * a->out.stride + column;
  float *block = pld_session_scratch (a->session, thread); /* [CACHE_BLOCK, d] */
  float *scores = block + (gsize) CACHE_BLOCK * d;         /* [group, n] */

  for (guint p = 0; p < n; p += CACHE_BLOCK)
    {
      guint m = MIN (CACHE_BLOCK, n - p);

      pld_cache_load (token->cache, kernels, a->layer, PLD_CACHE_KEY, head, p, m, block);
      for (guint g = 0; g < a->group; g++)
        kernels->scores (scores + (gsize) g * n + p, q + (gsize) g * d, block, d, m, d);
    }
  for (guint g = 0; g < a->group; g++)
    kernels->softmax (scores + (gsize) g * n, n, 1.0f / sqrtf ((float) d));
  memset (out, 0, (gsize) a->group * d * sizeof (float));
  for (guint p = 0; p < n; p += CACHE_BLOCK)
    {
      guint m = MIN (CACHE_BLOCK, n - p);

      pld_cache_load (token->cache, kernels, a->layer, PLD_CACHE_VALUE, head, p, m, block);
      for (guint g = 0; g < a->group; g++)
        kernels->mix (out + (gsize) g * d, scores + (gsize) g * n + p, block, d, m, d);
    }
}

void
pld_cached_attention (PldSession *session, PldRows out, PldRows q, PldRows k, PldRows v, const PldToken *tokens, guint layer,
                      guint n_heads)
{
  const guint n_kv_heads = tokens->cache->n_kv_heads;
  Cached a = { session, out, q, k, v, tokens, layer, n_heads / n_kv_heads };

  pld_team_run (session->team, session->n_threads, q.n_rows, cached_store, &a);
  pld_team_run (session->team, session->n_threads, q.n_rows * n_kv_heads, cached_group, &a);
}
