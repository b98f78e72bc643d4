/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The keys and tensor names of ViTs: config.json and those of Hugging Face's ViTForImageClassification and
 * YolosForObjectDetection; and GGUF's, docs/gguf-vit.md.
 */
#include "models/architectures/vit/vit.h"

#include <string.h>

/* Pixels along a side of a picture, at most. */
#define MAX_SIDE 8192u

/* ---- keys ---------------------------------------------------------------------------------- */

typedef struct
{
  const char *d, *d_mlp, *n_blocks, *n_heads, *patch, *image, *eps, *act;
} Keys;

static const Keys json_keys = { "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                                "patch_size",  "image_size",        "layer_norm_eps",    "hidden_act" };
static const Keys gguf_keys
    = { "embedding_length", "feed_forward_length",          "block_count", "attention.head_count", "patch_size",
        "image_size",       "attention.layer_norm_epsilon", "hidden_act" };

/* The first name of each is the one that is written. */
static const struct
{
  const char *name;
  PldActivation act;
} activations[] = { { "gelu", PLD_ACT_GELU },
                    { "gelu_python", PLD_ACT_GELU },
                    { "gelu_pytorch_tanh", PLD_ACT_GELU_TANH },
                    { "gelu_python_tanh", PLD_ACT_GELU_TANH },
                    { "gelu_new", PLD_ACT_GELU_TANH },
                    { "gelu_fast", PLD_ACT_GELU_TANH },
                    { "gelu_accurate", PLD_ACT_GELU_TANH },
                    { "relu", PLD_ACT_RELU },
                    { "silu", PLD_ACT_SILU },
                    { "swish", PLD_ACT_SILU } };

const char *
pld_vit_activation (PldActivation act)
{
  guint i = 0;

  while (activations[i].act != act)
    i++;
  return activations[i].name;
}

static gboolean
parse_activation (const PldConfig *config, const char *key, PldActivation *act, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);
  const char *name;

  if (!pld_config_string (config, key, "gelu", &name, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (activations); i++)
    if (strcmp (name, activations[i].name) == 0)
      {
        *act = activations[i].act;
        return TRUE;
      }
  for (guint i = 0; i < G_N_ELEMENTS (activations); i++)
    g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", activations[i].name);
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: %s%s \"%s\" is not supported; those that are: %s",
               config->path, config->prefix, key, name, known->str);
  return FALSE;
}

PldVit *
pld_vit_new (const PldParams *params, const PldConfig *config, PldInputSize input, PldBlocks blocks, GError **error)
{
  const Keys *keys = params->weights->format == PLD_FORMAT_GGUF ? &gguf_keys : &json_keys;
  guint64 d, d_mlp, n_blocks, n_heads, patch, channels = 3;
  guint width, height;
  double eps;
  PldActivation act;
  PldVit *vit;

  if (!pld_config_uint (config, keys->d, 1, 65536, &d, error)
      || !pld_config_uint (config, keys->d_mlp, 1, 262144, &d_mlp, error)
      || !pld_config_uint (config, keys->n_blocks, 1, 1024, &n_blocks, error)
      || !pld_config_uint (config, keys->n_heads, 1, 1024, &n_heads, error)
      || !pld_config_uint (config, keys->patch, 1, 1024, &patch, error)
      || !pld_config_size (config, keys->image, &width, &height, error)
      || !pld_config_double (config, keys->eps, 1e-12, &eps, error)
      || !parse_activation (config, keys->act, &act, error))
    return NULL;
  if (pld_config_has (config, "num_channels") && !pld_config_uint (config, "num_channels", 3, 3, &channels, error))
    return NULL;
  if (d % n_heads != 0 || MIN (width, height) < patch || MAX (width, height) > MAX_SIDE)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "%s: %u heads do not divide %s%s %u, or the picture of %u × %u has no patch of %u or is above %u",
                   config->path, (guint) n_heads, config->prefix, keys->d, (guint) d, width, height, (guint) patch,
                   MAX_SIDE);
      return NULL;
    }
  if (!pld_blocks_clip (&blocks, (guint) n_blocks, config->path, error))
    return NULL;
  if (input.width == 0)
    input = (PldInputSize) { width, height };
  if (MIN (input.width, input.height) < patch || MAX (input.width, input.height) > MAX_SIDE)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "%s: an input of %u × %u pixels is not possible; its sides are from a patch, %u, to %u",
                   config->path, input.width, input.height, (guint) patch, MAX_SIDE);
      return NULL;
    }
  vit = g_malloc0 (sizeof *vit + n_blocks * sizeof (PldVitBlock));
  vit->d = (guint) d;
  vit->d_mlp = (guint) d_mlp;
  vit->n_blocks = (guint) n_blocks;
  vit->part = blocks;
  vit->n_heads = (guint) n_heads;
  vit->patch = (guint) patch;
  vit->eps = (float) eps;
  vit->act = act;
  vit->image_width = width;
  vit->image_height = height;
  vit->stored_w = width / vit->patch;
  vit->stored_h = height / vit->patch;
  vit->base.input_width = input.width;
  vit->base.input_height = input.height;
  vit->grid_w = vit->base.input_width / vit->patch;
  vit->grid_h = vit->base.input_height / vit->patch;
  return vit;
}

/* ---- tensor names -------------------------------------------------------------------------- */

#define MID_POSITION "v.mid_position_embd.weight"

static const PldName names[] = {
  { "v.class_embd", "vit.embeddings.cls_token" },
  { "v.detection_embd", "vit.embeddings.detection_tokens" },
  { "v.position_embd.weight", "vit.embeddings.position_embeddings" },
  { MID_POSITION, "vit.encoder.mid_position_embeddings" },
  { "v.patch_embd", "vit.embeddings.patch_embeddings.projection" },
  { "ln1", "layernorm_before" },
  { "attn_q", "attention.attention.query" },
  { "attn_k", "attention.attention.key" },
  { "attn_v", "attention.attention.value" },
  { "attn_out", "attention.output.dense" },
  { "ln2", "layernorm_after" },
  { "ffn_up", "intermediate.dense" },
  { "ffn_down", "output.dense" },
  { "v.post_ln", "vit.layernorm" },
  { "head", "classifier" },
  { "detector", "detector" },
  { "class_embed.0", "class_labels_classifier.layers.0" },
  { "class_embed.1", "class_labels_classifier.layers.1" },
  { "class_embed.2", "class_labels_classifier.layers.2" },
  { "box_embed.0", "bbox_predictor.layers.0" },
  { "box_embed.1", "bbox_predictor.layers.1" },
  { "box_embed.2", "bbox_predictor.layers.2" },
};

const PldNames pld_vit_names = { { "v.blk.", "vit.encoder.layer." }, names, G_N_ELEMENTS (names) };

/* The pooler and the mask token serve other heads of the same trunk; position_ids count from 0. */
const char *const pld_vit_harmless[]
    = { "vit.pooler.*", "pooler.*", "vit.embeddings.mask_token", "*.position_ids", NULL };

/* ---- declaration --------------------------------------------------------------------------- */

static gboolean
has_last_block (const PldVit *vit)
{
  return vit->part.end == vit->n_blocks;
}

/* The name that the file has for what GGUF calls @name. */
static const char *
file_name (char buffer[PLD_NAME_SIZE], const PldWeights *weights, const char *name)
{
  if (weights->format == PLD_FORMAT_GGUF)
    return name;
  pld_names_to_hugging_face (&pld_vit_names, buffer, name);
  return buffer;
}

static gboolean
declare_vector (PldParams *params, const char *name, guint64 n, float **target, GError **error)
{
  char buffer[PLD_NAME_SIZE];

  return pld_params_vector (params, file_name (buffer, params->weights, name), n, target, error);
}

static gboolean
declare_matrix (PldParams *params, PldVit *vit, const char *name, guint n_rows, guint n_cols, guint work,
                const PldMatrix **matrix, GError **error)
{
  char buffer[PLD_NAME_SIZE];

  params->work = work;
  *matrix = pld_params_matrix (params, file_name (buffer, params->weights, name), n_rows, n_cols, error);
  if (*matrix != NULL && pld_dtype_info ((*matrix)->dtype)->block > 1)
    vit->block_cols = MAX (vit->block_cols, n_cols);
  return *matrix != NULL;
}

/* Position embeddings: part @part of the @n_parts of a tensor. They are added, which takes next to no computing. */
static gboolean
declare_position (PldParams *params, const PldVit *vit, const char *name, guint part, guint n_parts,
                  const PldMatrix **matrix, GError **error)
{
  char buffer[PLD_NAME_SIZE];

  params->work = 1;
  *matrix = pld_params_matrix_part (params, file_name (buffer, params->weights, name), part, n_parts,
                                    1 + vit->stored_w * vit->stored_h + vit->n_detection, vit->d, error);
  return *matrix != NULL;
}

/* "v.blk.<i>.<name>", in a buffer of the caller's. */
static const char *
block_name (char buffer[PLD_NAME_SIZE], guint i, const char *name)
{
  g_snprintf (buffer, PLD_NAME_SIZE, "%s%u.%s", pld_vit_names.block.gguf, i, name);
  return buffer;
}

static gboolean
declare_block (PldParams *params, PldVit *vit, guint i, gboolean qkv_bias, PldVitBlock *b, GError **error)
{
  const guint d = vit->d, m = vit->d_mlp;
  char name[PLD_NAME_SIZE];
  const struct
  {
    const char *name;
    guint64 n;
    float **target;
    gboolean optional;
  } vectors[] = {
    { "ln1.weight", d, &b->norm1_weight },      { "ln1.bias", d, &b->norm1_bias },
    { "attn_q.bias", d, &b->query_bias, TRUE }, { "attn_k.bias", d, &b->key_bias, TRUE },
    { "attn_v.bias", d, &b->value_bias, TRUE }, { "attn_out.bias", d, &b->out_bias },
    { "ln2.weight", d, &b->norm2_weight },      { "ln2.bias", d, &b->norm2_bias },
    { "ffn_up.bias", m, &b->up_bias },          { "ffn_down.bias", d, &b->down_bias },
  };
  const guint t = pld_vit_tokens (vit), last = i + 1 < vit->n_blocks ? t : vit->n_read;
  const struct
  {
    const char *name;
    guint n_rows, n_cols, work;
    const PldMatrix **matrix;
  } matrices[] = {
    { "attn_k.weight", d, d, t, &b->key },      { "attn_v.weight", d, d, t, &b->value },
    { "attn_q.weight", d, d, last, &b->query }, { "attn_out.weight", d, d, last, &b->out },
    { "ffn_up.weight", m, d, last, &b->up },    { "ffn_down.weight", d, m, last, &b->down },
  };

  for (guint j = 0; j < G_N_ELEMENTS (vectors); j++)
    if ((qkv_bias || !vectors[j].optional)
        && !declare_vector (params, block_name (name, i, vectors[j].name), vectors[j].n, vectors[j].target, error))
      return FALSE;
  for (guint j = 0; j < G_N_ELEMENTS (matrices); j++)
    if (!declare_matrix (params, vit, block_name (name, i, matrices[j].name), matrices[j].n_rows, matrices[j].n_cols,
                         matrices[j].work, matrices[j].matrix, error))
      return FALSE;
  return TRUE;
}

/* All that precedes the blocks. */
static gboolean
declare_embeddings (PldParams *params, PldVit *vit, GError **error)
{
  const guint d = vit->d;

  return declare_vector (params, "v.class_embd", d, &vit->cls, error)
         && (vit->n_detection == 0
             || declare_vector (params, "v.detection_embd", (guint64) vit->n_detection * d, &vit->detection, error))
         && declare_vector (params, "v.patch_embd.bias", d, &vit->project_bias, error)
         && declare_matrix (params, vit, "v.patch_embd.weight", d, pld_vit_patch_values (vit), pld_vit_patches (vit),
                            &vit->project, error)
         && declare_position (params, vit, "v.position_embd.weight", 0, 1, &vit->position, error);
}

gboolean
pld_vit_declare_trunk (PldParams *params, PldVit *vit, const PldConfig *config, guint read_first, guint n_read,
                       GError **error)
{
  gboolean qkv_bias = pld_params_has (params, "v.blk.0.attn_q.bias");

  vit->read_first = read_first;
  vit->n_read = n_read;
  if (vit->n_detection > 0
      && !pld_config_bool (config, "use_mid_position_embeddings", TRUE, &vit->mid_positions, error))
    return FALSE;
  if ((params->weights->format != PLD_FORMAT_GGUF && !pld_config_bool (config, "qkv_bias", TRUE, &qkv_bias, error))
      || (vit->part.first == 0 && !declare_embeddings (params, vit, error)))
    return FALSE;
  for (guint i = vit->part.first; i < vit->part.end; i++)
    if (!declare_block (params, vit, i, qkv_bias, &vit->blocks[i], error)
        || (vit->mid_positions && i + 1 < vit->n_blocks
            && !declare_position (params, vit, MID_POSITION, i, vit->n_blocks - 1, &vit->blocks[i].position, error)))
      return FALSE;
  return !has_last_block (vit)
         || (declare_vector (params, "v.post_ln.weight", vit->d, &vit->norm_weight, error)
             && declare_vector (params, "v.post_ln.bias", vit->d, &vit->norm_bias, error));
}

gboolean
pld_vit_declare_head (PldParams *params, PldVit *vit, const char *name, guint n_rows, PldVitLinear *linear,
                      GError **error)
{
  g_autofree char *weight = g_strconcat (name, ".weight", NULL), *bias = g_strconcat (name, ".bias", NULL);

  vit->head_rows = MAX (vit->head_rows, n_rows);
  if (!has_last_block (vit))
    return TRUE;
  return declare_matrix (params, vit, weight, n_rows, vit->d, vit->n_read, &linear->weight, error)
         && declare_vector (params, bias, n_rows, &linear->bias, error);
}

guint
pld_vit_count_rows (const PldParams *params, const char *name)
{
  char buffer[PLD_NAME_SIZE];
  const PldTensor *tensor = pld_weights_find (params->weights, file_name (buffer, params->weights, name));

  return tensor != NULL && tensor->n_dims == 2 ? (guint) CLAMP (tensor->dims[0], 1, 1000000) : 1;
}
