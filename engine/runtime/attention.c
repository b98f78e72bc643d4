/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "engine/runtime/session.h"

/* Positions of a cache that are unpacked at once. */
#define CACHE_BLOCK 64

/* ---- over the rows of a pass --------------------------------------------------------------- */

gsize
pld_attention_scratch (guint n_tokens)
{
  return (gsize) n_tokens * PLD_PANEL_ROWS;
}

typedef struct
{
  PldSession *session;
  PldPanels out, q, k, v;
  guint n_queries, n_tokens, n_heads, d_head;
} Attention;

/* One head of one panel of queries; neighbours share keys and values. */
static void
attention_panel (gpointer data, guint item, guint thread)
{
  const Attention *a = data;
  const PldKernels *kernels = a->session->kernels;
  const guint query = item % a->n_queries, head = item / a->n_queries % a->n_heads, sequence = item / a->n_queries / a->n_heads;
  const gsize panel = (gsize) sequence * a->n_queries + query, column = (gsize) head * a->d_head * PLD_PANEL_ROWS;
  const gsize first = (gsize) sequence * pld_panels (a->n_tokens);
  float *scores = pld_session_scratch (a->session, thread); /* [n_tokens][16] */

  kernels->panel_scores (scores, a->q.data + panel * a->q.stride + column, a->k.data + first * a->k.stride + column, a->k.stride, a->n_tokens,
                         a->d_head);
  kernels->panel_softmax (scores, a->n_tokens, 1.0f / sqrtf ((float) a->d_head));
  kernels->panel_mix (a->out.data + panel * a->out.stride + column, scores, a->v.data + first * a->v.stride + column, a->v.stride, a->n_tokens,
                      a->d_head);
}

void
pld_attention (PldSession *session, PldPanels out, PldPanels q, PldPanels k, PldPanels v, guint n_sequences, guint n_queries,
               guint n_tokens, guint n_heads, guint d_head)
{
  Attention a = { session, out, q, k, v, n_queries, n_tokens, n_heads, d_head };

  pld_team_run (session->team, session->n_threads, n_sequences * n_heads * n_queries, attention_panel, &a);
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
