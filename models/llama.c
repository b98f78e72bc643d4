/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * LLaMA (arXiv 2302.13971) and its kin, with the keys and tensor names of GGUF: RMS norm before each part, rotary positions, grouped-query
 * attention, SwiGLU. Mixtral (arXiv 2401.04088) is a LLaMA whose feed-forward part is a choice of experts; Qwen2 adds biases to q, k and v; Qwen3
 * normalises each head of q and k instead.
 */
#include <math.h>
#include <string.h>

#include "engine/base/size.h"
#include "models/arch.h"
#include "models/rope.h"

#define MAX_EXPERTS 256

/* What distinguishes the architectures. */
typedef struct
{
  const char *name;
  gboolean neox;     /* order of the pairs that positions rotate */
  gboolean qkv_bias; /* has biases for certain; others may */
  gboolean qk_norm;
} Variant;

typedef struct
{
  const PldMatrix *gate, *up; /* [d_ff, d] */
  const PldMatrix *down;      /* [d, d_ff] */
} Mlp;

typedef struct
{
  float *attn_norm, *ffn_norm;                   /* [d] */
  const PldMatrix *q, *k, *v;                    /* [n_heads * d_head, d]; k, v: n_kv_heads */
  const PldMatrix *o;                            /* [d, n_heads * d_head] */
  float *q_bias, *k_bias, *v_bias, *o_bias;      /* NULL: none */
  float *q_norm, *k_norm;                        /* [d_head]; NULL: none */
  const PldMatrix *router;                       /* [n_experts, d]; NULL: one MLP */
  Mlp *mlps;                                     /* [max (1, n_experts)] */
} Block;

typedef struct
{
  PldTextNet base;
  const Variant *variant;
  guint d, n_blocks, n_heads, n_kv_heads, d_head, d_ff;
  guint n_experts, n_used; /* 0: no experts */
  float eps;
  PldRope rope;
  float *rope_factors;     /* [n_pairs]; NULL: none */
  const PldTable *embeddings; /* [n_vocab, d] */
  float *norm;             /* [d] */
  const PldMatrix *head;   /* [n_vocab, d] */
  Mlp *mlps;               /* [n_blocks * max (1, n_experts)] */
  Block blocks[];
} Llama;

/* ---- declaration --------------------------------------------------------------------------- */

static gboolean
get_uint (const PldConfig *config, const Variant *variant, const char *key, guint64 min, guint64 max, guint *value, GError **error)
{
  g_autofree char *full = g_strdup_printf ("%s.%s", variant->name, key);
  guint64 v;

  if (!pld_config_uint (config, full, min, max, &v, error))
    return FALSE;
  *value = (guint) v;
  return TRUE;
}

/* *value stays when the key is absent. */
static gboolean
get_uint_optional (const PldConfig *config, const Variant *variant, const char *key, guint64 min, guint64 max, guint *value,
                   GError **error)
{
  g_autofree char *full = g_strdup_printf ("%s.%s", variant->name, key);

  return !json_object_has_member (config->root, full) || get_uint (config, variant, key, min, max, value, error);
}

static gboolean
parse_experts (Llama *llama, const PldConfig *config, GError **error)
{
  const Variant *variant = llama->variant;

  if (!get_uint_optional (config, variant, "expert_count", 0, MAX_EXPERTS, &llama->n_experts, error))
    return FALSE;
  return llama->n_experts == 0
         || get_uint (config, variant, "expert_used_count", 1, llama->n_experts, &llama->n_used, error);
}

static gboolean
parse_heads (Llama *llama, const PldConfig *config, GError **error)
{
  const Variant *variant = llama->variant;
  guint d_value;

  if (!get_uint (config, variant, "attention.head_count", 1, 1024, &llama->n_heads, error))
    return FALSE;
  llama->n_kv_heads = llama->n_heads;
  llama->d_head = llama->d / llama->n_heads;
  if (!get_uint_optional (config, variant, "attention.head_count_kv", 1, llama->n_heads, &llama->n_kv_heads, error)
      || !get_uint_optional (config, variant, "attention.key_length", 2, 4096, &llama->d_head, error))
    return FALSE;
  d_value = llama->d_head;
  if (!get_uint_optional (config, variant, "attention.value_length", 2, 4096, &d_value, error))
    return FALSE;
  if (llama->n_heads % llama->n_kv_heads != 0 || llama->d_head < 2 || d_value != llama->d_head)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "%s: %u heads of %u values with %u key heads and values of %u are not supported: key heads must divide heads, and both "
                   "have the same length; convert the model again",
                   config->path, llama->n_heads, llama->d_head, llama->n_kv_heads, d_value);
      return FALSE;
    }
  return TRUE;
}

static gboolean
parse_config (Llama *llama, const PldConfig *config, GError **error)
{
  const Variant *variant = llama->variant;
  g_autofree char *eps_key = g_strdup_printf ("%s.attention.layer_norm_rms_epsilon", variant->name);
  double eps;

  if (!get_uint (config, variant, "embedding_length", 1, 65536, &llama->d, error)
      || !get_uint (config, variant, "feed_forward_length", 1, 1 << 20, &llama->d_ff, error)
      || !get_uint (config, variant, "context_length", 1, 1 << 30, &llama->base.context, error)
      || !parse_heads (llama, config, error) || !parse_experts (llama, config, error)
      || !pld_config_double (config, eps_key, 1e-5, &eps, error))
    return FALSE;
  llama->eps = (float) eps;
  llama->base.n_layers = llama->n_blocks;
  llama->base.n_kv_heads = llama->n_kv_heads;
  llama->base.d_head = llama->d_head;
  return pld_rope_parse (&llama->rope, config, variant->name, llama->d_head, error);
}

static const char *
block_name (char *name, guint i, const char *part)
{
  g_snprintf (name, 64, "blk.%u.%s", i, part);
  return name;
}

static gboolean
declare_matrix (PldParams *params, const PldMatrix **matrix, const char *name, guint n_rows, guint n_cols, GError **error)
{
  *matrix = pld_params_matrix (params, name, n_rows, n_cols, error);
  return *matrix != NULL;
}

/* A vector that a model may lack: *target stays NULL then, unless it is @needed. */
static gboolean
declare_optional (PldParams *params, const char *name, guint n, gboolean needed, float **target, GError **error)
{
  return (!needed && !pld_params_has (params, name)) || pld_params_vector (params, name, n, target, error);
}

static gboolean
declare_attention (PldParams *params, const Llama *llama, guint i, Block *b, GError **error)
{
  const Variant *variant = llama->variant;
  const guint d = llama->d, n_q = llama->n_heads * llama->d_head, n_kv = llama->n_kv_heads * llama->d_head;
  char name[64];

  return pld_params_vector (params, block_name (name, i, "attn_norm.weight"), d, &b->attn_norm, error)
         && declare_matrix (params, &b->q, block_name (name, i, "attn_q.weight"), n_q, d, error)
         && declare_matrix (params, &b->k, block_name (name, i, "attn_k.weight"), n_kv, d, error)
         && declare_matrix (params, &b->v, block_name (name, i, "attn_v.weight"), n_kv, d, error)
         && declare_matrix (params, &b->o, block_name (name, i, "attn_output.weight"), d, n_q, error)
         && declare_optional (params, block_name (name, i, "attn_q.bias"), n_q, variant->qkv_bias, &b->q_bias, error)
         && declare_optional (params, block_name (name, i, "attn_k.bias"), n_kv, variant->qkv_bias, &b->k_bias, error)
         && declare_optional (params, block_name (name, i, "attn_v.bias"), n_kv, variant->qkv_bias, &b->v_bias, error)
         && declare_optional (params, block_name (name, i, "attn_output.bias"), d, FALSE, &b->o_bias, error)
         && declare_optional (params, block_name (name, i, "attn_q_norm.weight"), llama->d_head, variant->qk_norm, &b->q_norm, error)
         && declare_optional (params, block_name (name, i, "attn_k_norm.weight"), llama->d_head, variant->qk_norm, &b->k_norm, error);
}

static gboolean
declare_experts (PldParams *params, const Llama *llama, guint i, Block *b, GError **error)
{
  const guint d = llama->d, f = llama->d_ff, n = llama->n_experts;
  char gate[64], up[64], down[64], name[64];

  if (!declare_matrix (params, &b->router, block_name (name, i, "ffn_gate_inp.weight"), n, d, error))
    return FALSE;
  block_name (gate, i, "ffn_gate_exps.weight");
  block_name (up, i, "ffn_up_exps.weight");
  block_name (down, i, "ffn_down_exps.weight");
  for (guint e = 0; e < n; e++)
    {
      Mlp *m = &b->mlps[e];

      if ((m->gate = pld_params_matrix_part (params, gate, e, n, f, d, error)) == NULL
          || (m->up = pld_params_matrix_part (params, up, e, n, f, d, error)) == NULL
          || (m->down = pld_params_matrix_part (params, down, e, n, d, f, error)) == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
declare_block (PldParams *params, const Llama *llama, guint i, Block *b, GError **error)
{
  const guint d = llama->d, f = llama->d_ff;
  char name[64];

  b->mlps = llama->mlps + (gsize) i * MAX (1, llama->n_experts);
  if (!declare_attention (params, llama, i, b, error)
      || !pld_params_vector (params, block_name (name, i, "ffn_norm.weight"), d, &b->ffn_norm, error))
    return FALSE;
  if (llama->n_experts > 0)
    return declare_experts (params, llama, i, b, error);
  return declare_matrix (params, &b->mlps->gate, block_name (name, i, "ffn_gate.weight"), f, d, error)
         && declare_matrix (params, &b->mlps->up, block_name (name, i, "ffn_up.weight"), f, d, error)
         && declare_matrix (params, &b->mlps->down, block_name (name, i, "ffn_down.weight"), d, f, error);
}

static gboolean
declare_tensors (PldParams *params, Llama *llama, GError **error)
{
  const PldTensor *embeddings = pld_weights_find (params->weights, "token_embd.weight");
  /* The vocabulary is as large as its embeddings; missing ones are named by the declaration. */
  const guint n_vocab = embeddings != NULL && embeddings->n_dims == 2 ? (guint) CLAMP (embeddings->dims[0], 1, 1 << 24) : 1;
  /* Without a head of its own, the embeddings are the head. */
  const char *head = pld_params_has (params, "output.weight") ? "output.weight" : "token_embd.weight";

  llama->base.base.n_outputs = n_vocab;
  llama->embeddings = pld_params_table (params, "token_embd.weight", n_vocab, llama->d, error);
  if (llama->embeddings == NULL
      || !declare_optional (params, "rope_freqs.weight", llama->rope.n_pairs, FALSE, &llama->rope_factors, error))
    return FALSE;
  for (guint i = 0; i < llama->n_blocks; i++)
    if (!declare_block (params, llama, i, &llama->blocks[i], error))
      return FALSE;
  return pld_params_vector (params, "output_norm.weight", llama->d, &llama->norm, error)
         && declare_matrix (params, &llama->head, head, n_vocab, llama->d, error);
}

static void
llama_release (PldNet *net)
{
  Llama *llama = (Llama *) net;

  pld_rope_clear (&llama->rope);
  g_clear_pointer (&llama->mlps, g_free);
}

static PldNet *
declare (PldParams *params, const PldConfig *config, const Variant *variant, GError **error)
{
  Llama *llama;
  guint n_blocks;

  if (!get_uint (config, variant, "block_count", 1, 1024, &n_blocks, error))
    return NULL;
  llama = g_malloc0 (sizeof (Llama) + n_blocks * sizeof (Block));
  llama->variant = variant;
  llama->n_blocks = n_blocks;
  if (parse_config (llama, config, error))
    {
      llama->mlps = g_new0 (Mlp, (gsize) n_blocks * MAX (1, llama->n_experts));
      if (declare_tensors (params, llama, error))
        return &llama->base.base;
    }
  llama_release (&llama->base.base);
  g_free (llama);
  return NULL;
}

static guint64
llama_prepare_bytes (const PldNet *net)
{
  return pld_rope_bytes (&((const Llama *) net)->rope);
}

static gboolean
llama_prepare (PldNet *net, PldBudget *budget, GError **error)
{
  Llama *llama = (Llama *) net;

  return pld_rope_prepare (&llama->rope, llama->rope_factors, budget, error);
}

/* ---- forward ------------------------------------------------------------------------------- */

/* Where a pass of n tokens keeps what. */
typedef struct
{
  PldToken *tokens; /* [n] */
  float *x;         /* [n, d] the residual stream */
  float *h;         /* [n, d] normalised input of a layer */
  float *wide;      /* [n, max ((n_heads + 2 n_kv_heads) d_head, 2 d_ff)] q, k, v; gate and up */
  float *cos, *sin; /* [n, n_pairs] */
  PldQ8 *q8;
  /* experts */
  float *routes;    /* [n, n_experts] */
  float *in, *out;  /* [n, d] the rows of one expert */
  guint32 *rows;    /* [n] which they are */
} Memory;

static gsize
llama_wide (const Llama *llama)
{
  return MAX ((gsize) (llama->n_heads + 2 * llama->n_kv_heads) * llama->d_head, 2 * (gsize) llama->d_ff);
}

/* Lays @m out from @memory on; returns its floats. */
static gsize
memory_lay (Memory *m, const Llama *llama, float *memory, guint n)
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
  LAY (q8, pld_linear_q8_floats (n, widest));
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

  return memory_lay (&m, (const Llama *) net, NULL, n);
}

static gsize
llama_scratch_floats (const PldNet *net, const PldTape *tape, guint context)
{
  const Llama *llama = (const Llama *) net;

  return MAX (pld_linear_scratch (tape, TRUE),
              pld_cached_attention_scratch (context, llama->n_heads / llama->n_kv_heads, llama->d_head));
}

static gboolean
attention (const Llama *llama, PldSession *session, guint layer, guint n, const Memory *m, GError **error)
{
  const Block *b = &llama->blocks[layer];
  const guint d = llama->d, dh = llama->d_head, n_q = llama->n_heads * dh, n_kv = llama->n_kv_heads * dh;
  const PldRows x = { m->x, n, d }, h = { m->h, n, d };
  const PldRows q = { m->wide, n, n_q }, k = { m->wide + (gsize) n * n_q, n, n_kv }, v = { k.data + (gsize) n * n_kv, n, n_kv };

  pld_rms_norm (session, h, x, b->attn_norm, d, llama->eps);
  if (!pld_linear (session, q, h, b->q, b->q_bias, PLD_ACT_NONE, FALSE, error)
      || !pld_linear (session, k, h, b->k, b->k_bias, PLD_ACT_NONE, FALSE, error)
      || !pld_linear (session, v, h, b->v, b->v_bias, PLD_ACT_NONE, FALSE, error))
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
  return pld_linear (session, x, q, b->o, b->o_bias, PLD_ACT_NONE, TRUE, error);
}

/* y (+)= W_down (silu (W_gate x) * W_up x) */
static gboolean
mlp (const Llama *llama, PldSession *session, const Mlp *w, PldRows y, PldRows x, gboolean accumulate, const Memory *m, GError **error)
{
  const PldRows gate = { m->wide, x.n_rows, llama->d_ff };
  const PldRows up = { m->wide + (gsize) x.n_rows * llama->d_ff, x.n_rows, llama->d_ff };

  if (!pld_linear (session, gate, x, w->gate, NULL, PLD_ACT_NONE, FALSE, error)
      || !pld_linear (session, up, x, w->up, NULL, PLD_ACT_NONE, FALSE, error))
    return FALSE;
  pld_swiglu (session, gate, up, llama->d_ff);
  return pld_linear (session, y, gate, w->down, NULL, PLD_ACT_NONE, accumulate, error);
}

/* Keeps the n_used largest of a row of probabilities, the first of equals, scaled to a sum of 1; the others become 0. */
static void
choose_experts (const Llama *llama, float *p)
{
  gboolean chosen[MAX_EXPERTS] = { FALSE };
  float sum = 0;

  for (guint i = 0; i < llama->n_used; i++)
    {
      guint best = MAX_EXPERTS;

      for (guint e = 0; e < llama->n_experts; e++)
        if (!chosen[e] && (best == MAX_EXPERTS || p[e] > p[best]))
          best = e;
      chosen[best] = TRUE;
      sum += p[best];
    }
  for (guint e = 0; e < llama->n_experts; e++)
    p[e] = chosen[e] ? p[e] / sum : 0;
}

/* Every expert passes by on the tape, and computes the rows that chose it. */
static gboolean
experts (const Llama *llama, PldSession *session, const Block *b, guint n, const Memory *m, GError **error)
{
  const guint d = llama->d, n_experts = llama->n_experts;

  if (!pld_linear (session, (PldRows) { m->routes, n, n_experts }, (PldRows) { m->h, n, d }, b->router, NULL, PLD_ACT_NONE, FALSE, error))
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
      if (!mlp (llama, session, &b->mlps[e], (PldRows) { m->out, chosen, d }, (PldRows) { m->in, chosen, d }, FALSE, m, error))
        return FALSE;
      for (guint i = 0; i < chosen; i++)
        session->kernels->mix (m->x + (gsize) m->rows[i] * d, &m->routes[(gsize) m->rows[i] * n_experts + e], m->out + (gsize) i * d, d, 1, d);
    }
  return TRUE;
}

static gboolean
feed_forward (const Llama *llama, PldSession *session, guint layer, guint n, const Memory *m, GError **error)
{
  const Block *b = &llama->blocks[layer];
  const PldRows x = { m->x, n, llama->d }, h = { m->h, n, llama->d };

  pld_rms_norm (session, h, x, b->ffn_norm, llama->d, llama->eps);
  return b->router != NULL ? experts (llama, session, b, n, m, error) : mlp (llama, session, b->mlps, x, h, TRUE, m, error);
}

static gboolean
llama_forward (const PldNet *net, PldSession *session, const PldItem *items, guint n, float *memory, float *results, GError **error)
{
  const Llama *llama = (const Llama *) net;
  const guint d = llama->d;
  guint n_wanted = 0;
  Memory m = { NULL };
  PldRows last;

  memory_lay (&m, llama, memory, n);
  session->by_row = TRUE;
  session->q8 = m.q8;
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
  return pld_linear (session, (PldRows) { results, n_wanted, net->n_outputs }, last, llama->head, NULL, PLD_ACT_NONE, FALSE, error);
}

/* ---- the architectures --------------------------------------------------------------------- */

static const Variant llama_variant = { "llama", FALSE, FALSE, FALSE };
static const Variant qwen2_variant = { "qwen2", TRUE, TRUE, FALSE };
static const Variant qwen3_variant = { "qwen3", TRUE, FALSE, TRUE };

#define LLAMA_ARCH(id)                                                                                       \
  static PldNet *id##_declare (PldParams *params, const PldConfig *config, guint input_size, GError **error) \
  {                                                                                                          \
    return declare (params, config, &id##_variant, error);                                                   \
  }                                                                                                          \
                                                                                                             \
  const PldArch pld_arch_##id = {                                                                            \
    .name = #id,                                                                                             \
    .kind = PLD_KIND_TEXT,                                                                                   \
    .batch_max = PLD_BATCH_MAX,                                                                              \
    .batch_share = 32,                                                                                       \
    .declare = id##_declare,                                                                                 \
    .prepare = llama_prepare,                                                                                \
    .release = llama_release,                                                                                \
    .prepare_bytes = llama_prepare_bytes,                                                                    \
    .activation_floats = llama_activation_floats,                                                            \
    .scratch_floats = llama_scratch_floats,                                                                  \
    .forward = llama_forward,                                                                                \
  };

LLAMA_ARCH (llama)
LLAMA_ARCH (qwen2)
LLAMA_ARCH (qwen3)
