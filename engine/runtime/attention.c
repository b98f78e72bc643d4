/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Attention over panels of queries, and causal attention over KV caches.
 */
#include <math.h>
#include <string.h>

#include "engine/runtime/session.h"

/* Positions of a cache that are unpacked at once, and queries that they are unpacked for. */
#define CACHE_BLOCK 64
#define CACHE_QUERIES 16

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

/* One head of one panel of queries; neighbors share keys and values. */
static void
attention_panel (gpointer data, guint item, guint thread)
{
  const Attention *a = data;
  const PldKernels *kernels = a->session->kernels;
  const guint query = item % a->n_queries, head = item / a->n_queries % a->n_heads,
              sequence = item / a->n_queries / a->n_heads;
  const gsize panel = (gsize) sequence * a->n_queries + query, column = (gsize) head * a->d_head * PLD_PANEL_ROWS;
  const gsize first = (gsize) sequence * pld_panels (a->n_tokens);
  float *scores = pld_session_scratch (a->session, thread); /* [n_tokens][16] */

  kernels->panel_scores (scores, a->q.data + panel * a->q.stride + column, a->k.data + first * a->k.stride + column,
                         a->k.stride, a->n_tokens, a->d_head);
  kernels->panel_softmax (scores, a->n_tokens, 1.0f / sqrtf ((float) a->d_head));
  kernels->panel_mix (a->out.data + panel * a->out.stride + column, scores, a->v.data + first * a->v.stride + column,
                      a->v.stride, a->n_tokens, a->d_head);
}

void
pld_attention (PldSession *session, PldPanels out, PldPanels q, PldPanels k, PldPanels v, guint n_sequences,
               guint n_queries, guint n_tokens, guint n_heads, guint d_head)
{
  Attention a = { session, out, q, k, v, n_queries, n_tokens, n_heads, d_head };

  pld_team_run (session->team, session->n_threads, n_sequences * n_heads * n_queries, attention_panel, &a);
}

/* ---- over a cache -------------------------------------------------------------------------- */

/* Tokens whose queries of a key head are taken together. */
static guint
cached_rows (guint group)
{
  return MAX (CACHE_QUERIES / group, 1);
}

gsize
pld_cached_attention_scratch (guint n_positions, guint group, guint d_head)
{
  return (gsize) cached_rows (group) * group * n_positions + (gsize) CACHE_BLOCK * d_head;
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

      pld_cache_store (cache, a->session->kernels, a->layer, PLD_CACHE_KEY, head, token->position,
                       a->k.data + item * a->k.stride + column);
      pld_cache_store (cache, a->session->kernels, a->layer, PLD_CACHE_VALUE, head, token->position,
                       a->v.data + item * a->v.stride + column);
    }
}

/* Queries of some tokens of one sequence that share a key head. */
typedef struct
{
  const Cached *a;
  const PldToken *tokens;
  guint n_rows, head;
  const float *q; /* [n_rows, group, d]: rows a->q.stride apart */
  float *out;     /* likewise */
  float *block;   /* [CACHE_BLOCK, d] */
  float *scores;  /* [n_rows, group, n] */
} Queries;

/* Positions that token @row sees of the @m from @p on. */
static guint
positions_seen (const Queries *s, guint row, guint p, guint m)
{
  const guint n = s->tokens[row].position + 1;

  return n > p ? MIN (m, n - p) : 0;
}

static void
queries_attend (const Queries *s)
{
  const Cached *a = s->a;
  const PldKernels *kernels = a->session->kernels;
  const PldCache *cache = s->tokens->cache;
  const guint d = cache->d_head, n = s->tokens[s->n_rows - 1].position + 1;

  for (guint p = 0; p < n; p += CACHE_BLOCK)
    {
      const guint m = MIN (CACHE_BLOCK, n - p);

      pld_cache_load (cache, kernels, a->layer, PLD_CACHE_KEY, s->head, p, m, s->block);
      for (guint i = 0; i < s->n_rows * a->group; i++)
        kernels->scores (s->scores + (gsize) i * n + p, s->q + i / a->group * a->q.stride + i % a->group * d, s->block,
                         d, positions_seen (s, i / a->group, p, m), d);
    }
  for (guint i = 0; i < s->n_rows * a->group; i++)
    {
      kernels->softmax (s->scores + (gsize) i * n, s->tokens[i / a->group].position + 1, 1.0f / sqrtf ((float) d));
      memset (s->out + i / a->group * a->out.stride + i % a->group * d, 0, d * sizeof (float));
    }
  for (guint p = 0; p < n; p += CACHE_BLOCK)
    {
      const guint m = MIN (CACHE_BLOCK, n - p);

      pld_cache_load (cache, kernels, a->layer, PLD_CACHE_VALUE, s->head, p, m, s->block);
      for (guint i = 0; i < s->n_rows * a->group; i++)
        kernels->mix (s->out + i / a->group * a->out.stride + i % a->group * d, s->scores + (gsize) i * n + p, s->block,
                      d, positions_seen (s, i / a->group, p, m), d);
    }
}

/* One key head of some rows: those of each sequence among them together. */
static void
cached_group (gpointer data, guint item, guint thread)
{
  const Cached *a = data;
  const PldCache *cache = a->tokens->cache;
  const guint rows = cached_rows (a->group), head = item % cache->n_kv_heads;
  const guint first = item / cache->n_kv_heads * rows, end = MIN (first + rows, a->q.n_rows);
  const gsize column = (gsize) head * a->group * cache->d_head;
  Queries s = { .a = a, .head = head, .block = pld_session_scratch (a->session, thread) };

  s.scores = s.block + (gsize) CACHE_BLOCK * cache->d_head;
  for (guint row = first; row < end; row += s.n_rows)
    {
      s.tokens = a->tokens + row;
      s.q = a->q.data + row * a->q.stride + column;
      s.out = a->out.data + row * a->out.stride + column;
      for (s.n_rows = 1; row + s.n_rows < end && s.tokens[s.n_rows].cache == s.tokens->cache; s.n_rows++)
        ;
      queries_attend (&s);
    }
}

void
pld_cached_attention (PldSession *session, PldRows out, PldRows q, PldRows k, PldRows v, const PldToken *tokens,
                      guint layer, guint n_heads)
{
  const guint n_kv_heads = tokens->cache->n_kv_heads, rows = cached_rows (n_heads / n_kv_heads);
  Cached a = { session, out, q, k, v, tokens, layer, n_heads / n_kv_heads };

  pld_team_run (session->team, session->n_threads, q.n_rows, cached_store, &a);
  pld_team_run (session->team, session->n_threads, (q.n_rows + rows - 1) / rows * n_kv_heads, cached_group, &a);
}
