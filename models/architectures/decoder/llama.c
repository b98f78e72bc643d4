/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * LLaMA (arXiv 2302.13971) and its kin, with the keys and tensor names of GGUF: RMS norm before each part, rotary
 * positions, grouped-query attention, SwiGLU. Mixtral (arXiv 2401.04088) is a LLaMA whose feed-forward part is a choice
 * of experts; Qwen2 adds biases to q, k and v; Qwen3 normalizes each head of q and k instead.
 */
#include <string.h>

#include "models/architectures/decoder/llama.h"

static guint64
llama_prepare_bytes (const PldNet *net)
{
  return pld_rope_bytes (&((const PldLlama *) net)->rope);
}

static gboolean
llama_prepare (PldNet *net, PldBudget *budget, GError **error)
{
  PldLlama *llama = (PldLlama *) net;

  return pld_rope_prepare (&llama->rope, llama->rope_factors, budget, error);
}

/* ---- forward ------------------------------------------------------------------------------- */

/* Where a pass of n tokens keeps what. */
typedef struct
{
  PldToken *tokens; /* [n] */
  float *x;         /* [n, d] the residual stream */
  float *h;         /* [n, d] normalized input of a layer */
  float *wide;      /* [n, max ((n_heads + 2 n_kv_heads) d_head, 2 d_ff)] q, k, v; gate and up */
  float *cos, *sin; /* [n, n_pairs] */
  float *blocks;    /* inputs of layers, as blocks */
  /* experts */
  float *routes;   /* [n, n_experts] */
  float *in, *out; /* [n, d] the rows of one expert */
  guint32 *rows;   /* [n] which they are */
} Memory;

static gsize
llama_wide (const PldLlama *llama)
{
  return MAX ((gsize) (llama->n_heads + 2 * llama->n_kv_heads) * llama->d_head, 2 * (gsize) llama->d_ff);
}

/* Lays @m out from @memory on; returns its floats. */
static gsize
memory_lay (Memory *m, const PldLlama *llama, float *memory, guint n)
{
  const gsize d = llama->d, pairs = llama->rope.n_pairs;
  const guint widest = MAX (MAX (llama->d, llama->d_ff), llama->n_heads * llama->d_head);
  gsize at = 0;

#define LAY(target, floats) (m->target = memory != NULL ? (gpointer) (memory + at) : NULL, at += (floats))
  LAY (tokens, n * (sizeof (PldToken) / sizeof (float)));
  LAY (x, n * d);
  LAY (h, n * d);
  LAY (wide, n * llama_wide (llama));
  LAY (cos, n * pairs);
  LAY (sin, n * pairs);
  LAY (blocks, pld_linear_block_floats (n, widest));
  if (llama->n_experts > 0)
    {
      LAY (routes, (gsize) n * llama->n_experts);
      LAY (in, n * d);
      LAY (out, n * d);
      LAY (rows, n);
    }
#undef LAY
  return at;
}

static gsize
llama_activation_floats (const PldNet *net, guint n)
{
  Memory m = { NULL };

  return memory_lay (&m, (const PldLlama *) net, NULL, n);
}

static gsize
llama_scratch_floats (const PldNet *net, guint context)
{
  const PldLlama *llama = (const PldLlama *) net;

  return MAX (pld_linear_scratch (),
              pld_cached_attention_scratch (context, llama->n_heads / llama->n_kv_heads, llama->d_head));
}

static gboolean
attention (const PldLlama *llama, PldSession *session, guint layer, guint n, const Memory *m, GError **error)
{
  const PldLlamaBlock *b = &llama->blocks[layer];
  const guint d = llama->d, dh = llama->d_head, n_q = llama->n_heads * dh, n_kv = llama->n_kv_heads * dh;
  const PldRows x = { m->x, n, d }, h = { m->h, n, d };
  const PldRows q = { m->wide, n, n_q }, k = { m->wide + (gsize) n * n_q, n, n_kv },
                v = { k.data + (gsize) n * n_kv, n, n_kv };

  pld_rms_norm (session, h, x, b->attn_norm, d, llama->eps);
  if (!pld_linear (session, q, h, b->q, b->q_bias, FALSE, error)
      || !pld_linear (session, k, h, b->k, b->k_bias, FALSE, error)
      || !pld_linear (session, v, h, b->v, b->v_bias, FALSE, error))
    return FALSE;
  if (b->q_norm != NULL)
    {
      const PldRows q_heads = { q.data, n * llama->n_heads, dh };

      pld_rms_norm (session, q_heads, q_heads, b->q_norm, dh, llama->eps);
    }
  if (b->k_norm != NULL)
    {
      const PldRows k_heads = { k.data, n * llama->n_kv_heads, dh };

      pld_rms_norm (session, k_heads, k_heads, b->k_norm, dh, llama->eps);
    }
  pld_rope (session, q, m->cos, m->sin, llama->rope.n_pairs, llama->n_heads, dh, llama->variant->neox);
  pld_rope (session, k, m->cos, m->sin, llama->rope.n_pairs, llama->n_kv_heads, dh, llama->variant->neox);
  pld_cached_attention (session, q, q, k, v, m->tokens, layer, llama->n_heads);
  return pld_linear (session, x, q, b->o, b->o_bias, TRUE, error);
}

/* y (+)= W_down (silu (W_gate x + b_gate) * (W_up x + b_up)) + b_down */
static gboolean
mlp (const PldLlama *llama, PldSession *session, const PldLlamaMlp *w, PldRows y, PldRows x, gboolean accumulate,
     const Memory *m, GError **error)
{
  const PldRows gate = { m->wide, x.n_rows, llama->d_ff };
  const PldRows up = { m->wide + (gsize) x.n_rows * llama->d_ff, x.n_rows, llama->d_ff };

  if (!pld_linear (session, gate, x, w->gate, w->gate_bias, FALSE, error)
      || !pld_linear (session, up, x, w->up, w->up_bias, FALSE, error))
    return FALSE;
  pld_swiglu (session, gate, up, llama->d_ff);
  return pld_linear (session, y, gate, w->down, w->down_bias, accumulate, error);
}

/* Keeps the n_used largest of a row of probabilities, the first of equals, scaled to a sum of 1; the others become 0.
 */
static void
choose_experts (const PldLlama *llama, float *p)
{
  gboolean chosen[PLD_LLAMA_MAX_EXPERTS] = { FALSE };
  float sum = 0;

  for (guint i = 0; i < llama->n_used; i++)
    {
      guint best = PLD_LLAMA_MAX_EXPERTS;

      for (guint e = 0; e < llama->n_experts; e++)
        if (!chosen[e] && (best == PLD_LLAMA_MAX_EXPERTS || p[e] > p[best]))
          best = e;
      chosen[best] = TRUE;
      sum += p[best];
    }
  for (guint e = 0; e < llama->n_experts; e++)
    p[e] = chosen[e] ? p[e] / sum : 0;
}

/* Every expert passes by on the tape, and computes the rows that chose it. */
static gboolean
experts (const PldLlama *llama, PldSession *session, const PldLlamaBlock *b, guint n, const Memory *m, GError **error)
{
  const guint d = llama->d, n_experts = llama->n_experts;

  if (!pld_linear (session, (PldRows) { m->routes, n, n_experts }, (PldRows) { m->h, n, d }, b->router, NULL, FALSE,
                   error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      session->kernels->softmax (m->routes + (gsize) i * n_experts, n_experts, 1);
      choose_experts (llama, m->routes + (gsize) i * n_experts);
    }
  for (guint e = 0; e < n_experts; e++)
    {
      guint chosen = 0;

      for (guint i = 0; i < n; i++)
        if (m->routes[(gsize) i * n_experts + e] > 0)
          {
            memcpy (m->in + (gsize) chosen * d, m->h + (gsize) i * d, d * sizeof (float));
            m->rows[chosen++] = i;
          }
      if (!mlp (llama, session, &b->mlps[e], (PldRows) { m->out, chosen, d }, (PldRows) { m->in, chosen, d }, FALSE, m,
                error))
        return FALSE;
      for (guint i = 0; i < chosen; i++)
        session->kernels->mix (m->x + (gsize) m->rows[i] * d, &m->routes[(gsize) m->rows[i] * n_experts + e],
                               m->out + (gsize) i * d, d, 1, d);
    }
  return TRUE;
}

static gboolean
feed_forward (const PldLlama *llama, PldSession *session, guint layer, guint n, const Memory *m, GError **error)
{
  const PldLlamaBlock *b = &llama->blocks[layer];
  const PldRows x = { m->x, n, llama->d }, h = { m->h, n, llama->d };

  pld_rms_norm (session, h, x, b->ffn_norm, llama->d, llama->eps);
  return b->router != NULL ? experts (llama, session, b, n, m, error)
                           : mlp (llama, session, b->mlps, x, h, TRUE, m, error);
}

static gboolean
llama_forward (const PldNet *net, PldSession *session, const PldItem *items, guint n, float *memory, float *results,
               GError **error)
{
  const PldLlama *llama = (const PldLlama *) net;
  const guint d = llama->d;
  guint n_wanted = 0;
  Memory m = { NULL };
  PldRows last;

  memory_lay (&m, llama, memory, n);
  session->blocks = m.blocks;
  for (guint i = 0; i < n; i++)
    {
      m.tokens[i] = items[i].token;
      pld_rope_angles (&llama->rope, items[i].token.position, m.cos + (gsize) i * llama->rope.n_pairs,
                       m.sin + (gsize) i * llama->rope.n_pairs);
    }
  if (!pld_rows_load (session, (PldRows) { m.x, n, d }, llama->embeddings, m.tokens, error))
    return FALSE;
  for (guint i = 0; i < llama->n_blocks; i++)
    if (!attention (llama, session, i, n, &m, error) || !feed_forward (llama, session, i, n, &m, error))
      return FALSE;
  for (guint i = 0; i < n; i++)
    if (items[i].wanted)
      memcpy (m.h + (gsize) n_wanted++ * d, m.x + (gsize) i * d, d * sizeof (float));
  last = (PldRows) { m.h, n_wanted, d };
  pld_rms_norm (session, last, last, llama->norm, d, llama->eps);
  return pld_linear (session, (PldRows) { results, n_wanted, net->n_outputs }, last, llama->head, NULL, FALSE, error);
}

/* ---- the architectures --------------------------------------------------------------------- */

static const PldLlamaVariant llama_variant = { "llama", FALSE, FALSE, FALSE };
static const PldLlamaVariant qwen2_variant = { "qwen2", TRUE, TRUE, FALSE };
static const PldLlamaVariant qwen3_variant = { "qwen3", TRUE, FALSE, TRUE };

/* Tables that follow from the keys: converters of 2023 wrote them. */
static const char *const harmless[] = { "blk.*.attn_rot_embd", "*.rotary_emb.inv_freq", NULL };

#define LLAMA_ARCH(id)                                                                                                 \
  static PldNet *id##_declare (PldParams *params, const PldConfig *config, PldInputSize input, PldBlocks blocks,       \
                               GError **error)                                                                         \
  {                                                                                                                    \
    return pld_llama_declare (params, config, &id##_variant, blocks, error);                                           \
  }                                                                                                                    \
                                                                                                                       \
  const PldArch pld_arch_##id = {                                                                                      \
    .name = #id,                                                                                                       \
    .kind = PLD_MODEL_LANGUAGE,                                                                                        \
    .batch_max = PLD_BATCH_MAX,                                                                                        \
    .batch_share = 1.0 / 32, /* the next tokens, one by one, have no use for it */                                     \
    .declare = id##_declare,                                                                                           \
    .prepare = llama_prepare,                                                                                          \
    .release = pld_llama_release,                                                                                      \
    .prepare_bytes = llama_prepare_bytes,                                                                              \
    .activation_floats = llama_activation_floats,                                                                      \
    .scratch_floats = llama_scratch_floats,                                                                            \
    .forward = llama_forward,                                                                                          \
    .harmless = harmless,                                                                                              \
    .mixes = pld_llama_mixes,                                                                                          \
    .mix = pld_llama_mix,                                                                                              \
    .write_keys = pld_llama_write_keys,                                                                                \
  };

LLAMA_ARCH (llama)
LLAMA_ARCH (qwen2)
LLAMA_ARCH (qwen3)
