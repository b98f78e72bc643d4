/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The keys and tensor names of GGUF's LLaMA architectures.
 */
#include "models/architectures/decoder/llama.h"

static gboolean
get_uint (const PldConfig *config, const PldLlamaVariant *variant, const char *key, guint64 min, guint64 max,
          guint *value, GError **error)
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
get_uint_optional (const PldConfig *config, const PldLlamaVariant *variant, const char *key, guint64 min, guint64 max,
                   guint *value, GError **error)
{
  g_autofree char *full = g_strdup_printf ("%s.%s", variant->name, key);

  return !json_object_has_member (config->root, full) || get_uint (config, variant, key, min, max, value, error);
}

/* A key that converters write once for all layers, or as a list with a number for each. Layers that differ are another
 * architecture. */
static gboolean
get_uniform (const PldConfig *config, const PldLlamaVariant *variant, const char *key, guint min, guint max,
             gboolean optional, guint *value, GError **error)
{
  g_autofree char *full = g_strdup_printf ("%s.%s", variant->name, key);
  JsonNode *node = json_object_get_member (config->root, full);
  JsonArray *list = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  gint64 first = 0;

  if (list == NULL || json_array_get_length (list) == 0)
    return optional ? get_uint_optional (config, variant, key, min, max, value, error)
                    : get_uint (config, variant, key, min, max, value, error);
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonNode *item = json_array_get_element (list, i);
      const gboolean is_int = JSON_NODE_HOLDS_VALUE (item) && json_node_get_value_type (item) == G_TYPE_INT64;
      const gint64 n = is_int ? json_node_get_int (item) : -1;

      if (i == 0)
        first = n;
      if (n < (gint64) min || n > (gint64) max || n != first)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                       "%s: \"%s\" is a list whose numbers differ or are not from %u to %u; layers of different sizes "
                       "are not supported",
                       config->path, full, min, max);
          return FALSE;
        }
    }
  *value = (guint) first;
  return TRUE;
}

static gboolean
parse_experts (PldLlama *llama, const PldConfig *config, GError **error)
{
  const PldLlamaVariant *variant = llama->variant;

  if (!get_uint_optional (config, variant, "expert_count", 0, PLD_LLAMA_MAX_EXPERTS, &llama->n_experts, error))
    return FALSE;
  return llama->n_experts == 0
         || get_uint (config, variant, "expert_used_count", 1, llama->n_experts, &llama->n_used, error);
}

static gboolean
parse_heads (PldLlama *llama, const PldConfig *config, GError **error)
{
  const PldLlamaVariant *variant = llama->variant;
  guint d_value;

  if (!get_uniform (config, variant, "attention.head_count", 1, 1024, FALSE, &llama->n_heads, error))
    return FALSE;
  llama->n_kv_heads = llama->n_heads;
  llama->d_head = llama->d / llama->n_heads;
  if (!get_uniform (config, variant, "attention.head_count_kv", 1, llama->n_heads, TRUE, &llama->n_kv_heads, error)
      || !get_uint_optional (config, variant, "attention.key_length", 2, 4096, &llama->d_head, error))
    return FALSE;
  d_value = llama->d_head;
  if (!get_uint_optional (config, variant, "attention.value_length", 2, 4096, &d_value, error))
    return FALSE;
  if (llama->n_heads % llama->n_kv_heads != 0 || llama->d_head < 2 || d_value != llama->d_head)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "%s: %u heads of %u values with %u key heads and values of %u are not supported: key heads must "
                   "divide heads, and both "
                   "have the same length; convert the model again",
                   config->path, llama->n_heads, llama->d_head, llama->n_kv_heads, d_value);
      return FALSE;
    }
  return TRUE;
}

static gboolean
parse_config (PldLlama *llama, const PldConfig *config, GError **error)
{
  const PldLlamaVariant *variant = llama->variant;
  g_autofree char *eps_key = g_strdup_printf ("%s.attention.layer_norm_rms_epsilon", variant->name);
  double eps;

  if (!get_uint (config, variant, "embedding_length", 1, 65536, &llama->d, error)
      || !get_uniform (config, variant, "feed_forward_length", 1, 1 << 20, FALSE, &llama->d_ff, error)
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

/* "blk.<i>.<part>", in a buffer of the caller's. */
static const char *
block_name (char *name, guint i, const char *part)
{
  g_snprintf (name, 64, "blk.%u.%s", i, part);
  return name;
}

static gboolean
declare_matrix (PldParams *params, const PldMatrix **matrix, const char *name, guint n_rows, guint n_cols,
                GError **error)
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
declare_attention (PldParams *params, const PldLlama *llama, guint i, PldLlamaBlock *b, GError **error)
{
  const PldLlamaVariant *variant = llama->variant;
  /* In all blocks or in none. */
  const gboolean qkv_bias = pld_params_has (params, "blk.0.attn_q.bias");
  const guint d = llama->d, n_q = llama->n_heads * llama->d_head, n_kv = llama->n_kv_heads * llama->d_head;
  char name[64];

  return pld_params_vector (params, block_name (name, i, "attn_norm.weight"), d, &b->attn_norm, error)
         && declare_matrix (params, &b->q, block_name (name, i, "attn_q.weight"), n_q, d, error)
         && declare_matrix (params, &b->k, block_name (name, i, "attn_k.weight"), n_kv, d, error)
         && declare_matrix (params, &b->v, block_name (name, i, "attn_v.weight"), n_kv, d, error)
         && declare_matrix (params, &b->o, block_name (name, i, "attn_output.weight"), d, n_q, error)
         && declare_optional (params, block_name (name, i, "attn_q.bias"), n_q, qkv_bias, &b->q_bias, error)
         && declare_optional (params, block_name (name, i, "attn_k.bias"), n_kv, FALSE, &b->k_bias, error)
         && declare_optional (params, block_name (name, i, "attn_v.bias"), n_kv, FALSE, &b->v_bias, error)
         && declare_optional (params, block_name (name, i, "attn_output.bias"), d, FALSE, &b->o_bias, error)
         && declare_optional (params, block_name (name, i, "attn_q_norm.weight"), llama->d_head, variant->qk_norm,
                              &b->q_norm, error)
         && declare_optional (params, block_name (name, i, "attn_k_norm.weight"), llama->d_head, variant->qk_norm,
                              &b->k_norm, error);
}

static gboolean
declare_experts (PldParams *params, const PldLlama *llama, guint i, PldLlamaBlock *b, GError **error)
{
  const guint d = llama->d, f = llama->d_ff, n = llama->n_experts;
  char gate[64], up[64], down[64], name[64];

  if (!declare_matrix (params, &b->router, block_name (name, i, "ffn_gate_inp.weight"), n, d, error))
    return FALSE;
  block_name (gate, i, "ffn_gate_exps.weight");
  block_name (up, i, "ffn_up_exps.weight");
  block_name (down, i, "ffn_down_exps.weight");
  params->work = (gdouble) llama->n_used / n;
  for (guint e = 0; e < n; e++)
    {
      PldLlamaMlp *m = &b->mlps[e];

      if ((m->gate = pld_params_matrix_part (params, gate, e, n, f, d, error)) == NULL
          || (m->up = pld_params_matrix_part (params, up, e, n, f, d, error)) == NULL
          || (m->down = pld_params_matrix_part (params, down, e, n, d, f, error)) == NULL)
        return FALSE;
    }
  params->work = 1;
  return TRUE;
}

static gboolean
declare_block (PldParams *params, const PldLlama *llama, guint i, PldLlamaBlock *b, GError **error)
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
         && declare_matrix (params, &b->mlps->down, block_name (name, i, "ffn_down.weight"), d, f, error)
         && declare_optional (params, block_name (name, i, "ffn_gate.bias"), f, FALSE, &b->mlps->gate_bias, error)
         && declare_optional (params, block_name (name, i, "ffn_up.bias"), f, FALSE, &b->mlps->up_bias, error)
         && declare_optional (params, block_name (name, i, "ffn_down.bias"), d, FALSE, &b->mlps->down_bias, error);
}

static gboolean
declare_tensors (PldParams *params, PldLlama *llama, GError **error)
{
  const PldTensor *embeddings = pld_weights_find (params->weights, "token_embd.weight");
  /* The vocabulary is as large as its embeddings; missing ones are named by the declaration. */
  const guint n_vocab
      = embeddings != NULL && embeddings->n_dims == 2 ? (guint) CLAMP (embeddings->dims[0], 1, 1 << 24) : 1;
  const char *head;

  llama->tied = !pld_params_has (params, "output.weight");
  head = llama->tied ? "token_embd.weight" : "output.weight";
  llama->base.base.n_outputs = n_vocab;
  if (llama->part.first == 0)
    llama->embeddings = pld_params_table (params, "token_embd.weight", n_vocab, llama->d, error);
  if ((llama->part.first == 0 && llama->embeddings == NULL)
      /* Every part rotates. */
      || !declare_optional (params, "rope_freqs.weight", llama->rope.n_pairs, FALSE, &llama->rope_factors, error))
    return FALSE;
  for (guint i = llama->part.first; i < llama->part.end; i++)
    if (!declare_block (params, llama, i, &llama->blocks[i], error))
      return FALSE;
  return llama->part.end < llama->n_blocks
         || (pld_params_vector (params, "output_norm.weight", llama->d, &llama->norm, error)
             && declare_matrix (params, &llama->head, head, n_vocab, llama->d, error));
}

void
pld_llama_release (PldNet *net)
{
  PldLlama *llama = (PldLlama *) net;

  pld_rope_clear (&llama->rope);
  g_clear_pointer (&llama->mlps, g_free);
}

PldNet *
pld_llama_declare (PldParams *params, const PldConfig *config, const PldLlamaVariant *variant, PldBlocks blocks,
                   GError **error)
{
  PldLlama *llama;
  guint n_blocks;

  if (!get_uint (config, variant, "block_count", 1, 1024, &n_blocks, error)
      || !pld_blocks_clip (&blocks, n_blocks, config->path, error))
    return NULL;
  llama = g_malloc0 (sizeof (PldLlama) + n_blocks * sizeof (PldLlamaBlock));
  llama->variant = variant;
  llama->n_blocks = n_blocks;
  llama->part = blocks;
  if (parse_config (llama, config, error))
    {
      llama->mlps = g_new0 (PldLlamaMlp, (gsize) n_blocks * MAX (1, llama->n_experts));
      if (declare_tensors (params, llama, error))
        return &llama->base.base;
    }
  pld_llama_release (&llama->base.base);
  g_free (llama);
  return NULL;
}
