/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vision Transformer, image classification: "An Image is Worth 16x16 Words", arXiv 2010.11929; tensor names and config.json as in Hugging
 * Face's ViTForImageClassification. Pre-norm blocks, a class token, learned position embeddings.
 *
 *   x = [cls; patches Wᵖ + bᵖ] + pos                         [T, d], T = 1 + patches
 *   x += Attention (LN (x)) Wᵒ + bᵒ;  x += act (LN (x) W¹ + b¹) W² + b²      in each block
 *   logits = LN (x[cls]) Wᶜ + bᶜ
 */
#include "models/arch.h"

#include <math.h>
#include <string.h>

#include "models/position.h"

typedef struct
{
  const PldMatrix *query, *key, *value, *out;  /* [d, d] */
  const PldMatrix *up, *down;                  /* [d_mlp, d], [d, d_mlp] */
  float *query_bias, *key_bias, *value_bias;   /* [d]; NULL without qkv_bias */
  float *out_bias, *up_bias, *down_bias;       /* [d], [d_mlp], [d] */
  float *norm1_weight, *norm1_bias, *norm2_weight, *norm2_bias; /* [d] */
} Block;

typedef struct
{
  PldVisionNet base;
  guint d, d_mlp, n_blocks, n_heads, patch;
  guint grid_w, grid_h;                 /* patches of the input */
  guint stored_w, stored_h;             /* patches that the stored position embeddings are for */
  float eps;
  PldActivation act;
  float *cls;                           /* [d] */
  float *stored_position;               /* [1 + stored_w * stored_h, d] */
  PldBuffer position;                   /* interpolated: [1 + grid_w * grid_h, d]; empty when the sizes agree */
  const PldMatrix *project;             /* [d, 3 * patch * patch] */
  float *project_bias;                  /* [d] */
  float *norm_weight, *norm_bias;       /* [d] */
  const PldMatrix *classifier;          /* [n_classes, d] */
  float *classifier_bias;               /* [n_classes] */
  Block blocks[];                       /* [n_blocks] */
} Vit;

static guint
vit_tokens (const Vit *vit)
{
  return 1 + vit->grid_w * vit->grid_h;
}

static guint
vit_patch_values (const Vit *vit)
{
  return 3 * vit->patch * vit->patch;
}

/* ---- declaration --------------------------------------------------------------------------- */

static gboolean
parse_activation (const PldConfig *config, PldActivation *act, GError **error)
{
  static const struct
  {
    const char *name;
    PldActivation act;
  } known[] = { { "gelu", PLD_ACT_GELU },           { "gelu_new", PLD_ACT_GELU_TANH }, { "gelu_pytorch_tanh", PLD_ACT_GELU_TANH },
                { "gelu_fast", PLD_ACT_GELU_TANH }, { "relu", PLD_ACT_RELU },          { "silu", PLD_ACT_SILU },
                { "swish", PLD_ACT_SILU } };
  const char *name;

  if (!pld_config_string (config, "hidden_act", "gelu", &name, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (strcmp (name, known[i].name) == 0)
      {
        *act = known[i].act;
        return TRUE;
      }
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: hidden_act \"%s\" is not supported; known are gelu, gelu_new, relu and silu",
               config->path, name);
  return FALSE;
}

static Vit *
parse_config (const PldConfig *config, guint input_size, GError **error)
{
  guint64 d, d_mlp, n_blocks, n_heads, patch, channels = 3;
  guint width, height;
  double eps;
  PldActivation act;
  Vit *vit;

  if (!pld_config_uint (config, "hidden_size", 1, 65536, &d, error)
      || !pld_config_uint (config, "intermediate_size", 1, 262144, &d_mlp, error)
      || !pld_config_uint (config, "num_hidden_layers", 1, 1024, &n_blocks, error)
      || !pld_config_uint (config, "num_attention_heads", 1, 1024, &n_heads, error)
      || !pld_config_uint (config, "patch_size", 1, 1024, &patch, error)
      || !pld_config_size (config, "image_size", &width, &height, error)
      || !pld_config_double (config, "layer_norm_eps", 1e-12, &eps, error) || !parse_activation (config, &act, error))
    return NULL;
  if (json_object_has_member (config->root, "num_channels") && !pld_config_uint (config, "num_channels", 3, 3, &channels, error))
    return NULL;
  if (d % n_heads != 0 || width < patch || height < patch || (input_size > 0 && input_size < patch) || input_size > 8192)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "%s: %u heads do not divide hidden_size %u, or the picture of %u × %u (input size %u) has no patch of %u", config->path,
                   (guint) n_heads, (guint) d, width, height, input_size, (guint) patch);
      return NULL;
    }
  vit = g_malloc0 (sizeof *vit + n_blocks * sizeof (Block));
  vit->d = (guint) d;
  vit->d_mlp = (guint) d_mlp;
  vit->n_blocks = (guint) n_blocks;
  vit->n_heads = (guint) n_heads;
  vit->patch = (guint) patch;
  vit->eps = (float) eps;
  vit->act = act;
  vit->stored_w = width / vit->patch;
  vit->stored_h = height / vit->patch;
  vit->base.input_width = input_size > 0 ? input_size : width;
  vit->base.input_height = input_size > 0 ? input_size : height;
  vit->grid_w = vit->base.input_width / vit->patch;
  vit->grid_h = vit->base.input_height / vit->patch;
  return vit;
}

/* "vit.encoder.layer.<i>.<name>", in a buffer of the caller's. */
static const char *
block_name (char buffer[static 128], guint i, const char *name)
{
  g_snprintf (buffer, 128, "vit.encoder.layer.%u.%s", i, name);
  return buffer;
}

static gboolean
declare_block (PldParams *params, const Vit *vit, guint i, gboolean qkv_bias, Block *b, GError **error)
{
  const guint d = vit->d, m = vit->d_mlp;
  char name[128];
  const struct
  {
    const char *name;
    guint64 n;
    float **target;
    gboolean optional;
  } vectors[] = {
    { "layernorm_before.weight", d, &b->norm1_weight }, { "layernorm_before.bias", d, &b->norm1_bias },
    { "attention.attention.query.bias", d, &b->query_bias, TRUE }, { "attention.attention.key.bias", d, &b->key_bias, TRUE },
    { "attention.attention.value.bias", d, &b->value_bias, TRUE }, { "attention.output.dense.bias", d, &b->out_bias },
    { "layernorm_after.weight", d, &b->norm2_weight }, { "layernorm_after.bias", d, &b->norm2_bias },
    { "intermediate.dense.bias", m, &b->up_bias }, { "output.dense.bias", d, &b->down_bias },
  };
  /* After the last attention only the class token is computed. */
  const guint t = vit_tokens (vit), last = i + 1 < vit->n_blocks ? t : 1;
  const struct
  {
    const char *name;
    guint n_rows, n_cols, work;
    const PldMatrix **matrix;
  } matrices[] = {
    { "attention.attention.query.weight", d, d, last, &b->query }, { "attention.attention.key.weight", d, d, t, &b->key },
    { "attention.attention.value.weight", d, d, t, &b->value },    { "attention.output.dense.weight", d, d, last, &b->out },
    { "intermediate.dense.weight", m, d, last, &b->up },           { "output.dense.weight", d, m, last, &b->down },
  };

  for (guint j = 0; j < G_N_ELEMENTS (vectors); j++)
    if ((qkv_bias || !vectors[j].optional)
        && !pld_params_vector (params, block_name (name, i, vectors[j].name), vectors[j].n, vectors[j].target, error))
      return FALSE;
  for (guint j = 0; j < G_N_ELEMENTS (matrices); j++)
    {
      params->work = matrices[j].work;
      *matrices[j].matrix = pld_params_matrix (params, block_name (name, i, matrices[j].name), matrices[j].n_rows, matrices[j].n_cols, error);
      if (*matrices[j].matrix == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
declare_tensors (PldParams *params, Vit *vit, const PldConfig *config, GError **error)
{
  const guint d = vit->d;
  const PldTensor *head = pld_weights_find (params->weights, "classifier.weight");
  gboolean qkv_bias;

  if (!pld_config_bool (config, "qkv_bias", TRUE, &qkv_bias, error)
      || !pld_params_vector (params, "vit.embeddings.cls_token", d, &vit->cls, error)
      || !pld_params_vector (params, "vit.embeddings.position_embeddings", (1 + (guint64) vit->stored_w * vit->stored_h) * d,
                             &vit->stored_position, error)
      || !pld_params_vector (params, "vit.embeddings.patch_embeddings.projection.bias", d, &vit->project_bias, error))
    return FALSE;
  params->work = vit_tokens (vit) - 1;
  vit->project = pld_params_matrix (params, "vit.embeddings.patch_embeddings.projection.weight", d, vit_patch_values (vit), error);
  if (vit->project == NULL)
    return FALSE;
  for (guint i = 0; i < vit->n_blocks; i++)
    if (!declare_block (params, vit, i, qkv_bias, &vit->blocks[i], error))
      return FALSE;
  if (!pld_params_vector (params, "vit.layernorm.weight", d, &vit->norm_weight, error)
      || !pld_params_vector (params, "vit.layernorm.bias", d, &vit->norm_bias, error))
    return FALSE;
  /* The number of classes is the head's; a missing head is named by the declaration below. */
  vit->base.base.n_outputs = head != NULL && head->n_dims == 2 ? (guint) CLAMP (head->dims[0], 1, 1000000) : 1;
  params->work = 1;
  vit->classifier = pld_params_matrix (params, "classifier.weight", vit->base.base.n_outputs, d, error);
  return vit->classifier != NULL
         && pld_params_vector (params, "classifier.bias", vit->base.base.n_outputs, &vit->classifier_bias, error);
}

static PldNet *
vit_declare (PldParams *params, const PldConfig *config, guint input_size, GError **error)
{
  Vit *vit = parse_config (config, input_size, error);

  if (vit != NULL && !declare_tensors (params, vit, config, error))
    g_clear_pointer (&vit, g_free);
  return (PldNet *) vit;
}

/* ---- preparation --------------------------------------------------------------------------- */

static guint64
vit_prepare_bytes (const PldNet *net)
{
  const Vit *vit = (const Vit *) net;

  if (vit->grid_w == vit->stored_w && vit->grid_h == vit->stored_h)
    return 0;
  return (guint64) vit_tokens (vit) * vit->d * sizeof (float);
}

static gboolean
vit_prepare (PldNet *net, PldBudget *budget, GError **error)
{
  Vit *vit = (Vit *) net;
  float *position;

  if (vit_prepare_bytes (net) == 0)
    return TRUE;
  if (!pld_buffer_init (&vit->position, budget, vit_prepare_bytes (net), "the interpolated position embeddings", error))
    return FALSE;
  position = (float *) (gpointer) vit->position.data;
  memcpy (position, vit->stored_position, vit->d * sizeof (float));
  pld_position_interpolate (position + vit->d, vit->grid_w, vit->grid_h, vit->stored_position + vit->d, vit->stored_w, vit->stored_h,
                            vit->d);
  return TRUE;
}

static void
vit_release (PldNet *net)
{
  pld_buffer_clear (&((Vit *) net)->position);
}

/* ---- forward ------------------------------------------------------------------------------- */

/* Where a pass keeps what, in floats; B = pictures. */
typedef struct
{
  float *x;    /* [B * T, d] the residual stream */
  float *h;    /* [B * T, d] normalised input of a layer; attention's result */
  float *wide; /* [B * T, max (2 * d, d_mlp, 3 * patch²)] keys and values; the MLP's hidden layer; patches */
  float *q;    /* [B * T, d] */
} Memory;

static gsize
vit_wide (const Vit *vit)
{
  return MAX (MAX (2 * vit->d, vit->d_mlp), vit_patch_values (vit));
}

static gsize
vit_activation_floats (const PldNet *net, guint n)
{
  const Vit *vit = (const Vit *) net;

  return (gsize) n * vit_tokens (vit) * (3 * vit->d + vit_wide (vit));
}

static gsize
vit_scratch_floats (const PldNet *net, const PldTape *tape, guint context)
{
  return MAX (pld_linear_scratch (tape, FALSE), pld_attention_scratch (vit_tokens ((const Vit *) net)));
}

typedef struct
{
  const Vit *vit;
  PldSession *session;
  const PldItem *items;
  float *patches; /* [B * T, 3 * patch²]; the class token's row is zero */
  float *x;       /* [B * T, d] */
} Embed;

/* One row of patches: pixels in the order of the projection's weights, [channel, y, x]. */
static void
embed_patch_row (gpointer data, guint item, guint thread)
{
  const Embed *e = data;
  const Vit *vit = e->vit;
  const guint p = vit->patch, width = vit->base.input_width, height = vit->base.input_height;
  const guint picture = item / vit->grid_h, gy = item % vit->grid_h;
  const PldPicture *in = &e->items[picture].picture;
  float *row = e->patches + ((gsize) picture * vit_tokens (vit) + 1 + (gsize) gy * vit->grid_w) * vit_patch_values (vit);

  for (guint gx = 0; gx < vit->grid_w; gx++, row += vit_patch_values (vit))
    for (guint c = 0; c < 3; c++)
      for (guint y = 0; y < p; y++)
        {
          float *to = row + (c * p + y) * p;
          gsize line = gy * p + y, column = (gsize) gx * p;

          if (in->pixels != NULL)
            memcpy (to, in->pixels + (c * height + line) * width + column, p * sizeof (float));
          else
            e->session->kernels->normalize_rgb (to, in->rgb + (line * width + column) * 3 + c, p, vit->base.scale[c],
                                                vit->base.shift[c]);
        }
}

/* Sets the class token and adds the position embeddings, one picture. */
static void
embed_position (gpointer data, guint item, guint thread)
{
  const Embed *e = data;
  const Vit *vit = e->vit;
  const gsize n = (gsize) vit_tokens (vit) * vit->d;
  const float *position = vit->position.data != NULL ? (const float *) (gconstpointer) vit->position.data : vit->stored_position;

  memcpy (e->x + item * n, vit->cls, vit->d * sizeof (float));
  e->session->kernels->add (e->x + item * n, position, n);
}

static gboolean
vit_embed (const Vit *vit, PldSession *session, const PldItem *items, guint n, const Memory *m, GError **error)
{
  Embed e = { vit, session, items, m->wide, m->x };
  const guint rows = n * vit_tokens (vit), values = vit_patch_values (vit);

  for (guint i = 0; i < n; i++)
    memset (e.patches + (gsize) i * vit_tokens (vit) * values, 0, values * sizeof (float));
  pld_team_run (session->team, session->n_threads, n * vit->grid_h, embed_patch_row, &e);
  if (!pld_linear (session, (PldRows) { m->x, rows, vit->d }, (PldRows) { m->wide, rows, values }, vit->project, vit->project_bias,
                   PLD_ACT_NONE, FALSE, error))
    return FALSE;
  pld_team_run (session->team, session->n_threads, n, embed_position, &e);
  return TRUE;
}

/**
 * One block over all rows of @x, but with queries, and so results, only for @rows of it: every row, or in the last block the class tokens, the
 * only ones that anybody reads after it.
 */
static gboolean
vit_block (const Vit *vit, PldSession *session, const Block *b, guint n, PldRows rows, const Memory *m, GError **error)
{
  const guint d = vit->d, tokens = vit_tokens (vit), all = n * tokens;
  const guint step = (guint) (rows.stride / d);
  const PldRows x = { m->x, all, d }, h = { m->h, all, d };
  const PldRows h_rows = { m->h, rows.n_rows, rows.stride };
  const PldRows q = { m->q, rows.n_rows, d }, k = { m->wide, all, d }, v = { m->wide + (gsize) all * d, all, d };
  const PldRows hidden = { m->wide, rows.n_rows, vit->d_mlp };

  pld_layer_norm (session, h, x, b->norm1_weight, b->norm1_bias, d, vit->eps);
  if (!pld_linear (session, q, h_rows, b->query, b->query_bias, PLD_ACT_NONE, FALSE, error)
      || !pld_linear (session, k, h, b->key, b->key_bias, PLD_ACT_NONE, FALSE, error)
      || !pld_linear (session, v, h, b->value, b->value_bias, PLD_ACT_NONE, FALSE, error))
    return FALSE;
  pld_attention (session, q, q, k, v, n, tokens / step, tokens, vit->n_heads, d / vit->n_heads);
  if (!pld_linear (session, rows, q, b->out, b->out_bias, PLD_ACT_NONE, TRUE, error))
    return FALSE;
  pld_layer_norm (session, h_rows, rows, b->norm2_weight, b->norm2_bias, d, vit->eps);
  return pld_linear (session, hidden, h_rows, b->up, b->up_bias, vit->act, FALSE, error)
         && pld_linear (session, rows, hidden, b->down, b->down_bias, PLD_ACT_NONE, TRUE, error);
}

static gboolean
vit_forward (const PldNet *net, PldSession *session, const PldItem *items, guint n, float *memory, float *results,
             GError **error)
{
  const Vit *vit = (const Vit *) net;
  const gsize rows = (gsize) n * vit_tokens (vit), d = vit->d;
  const Memory m = { memory, memory + rows * d, memory + 3 * rows * d, memory + 2 * rows * d };
  const PldRows all = { m.x, (guint) rows, d }, cls = { m.x, n, vit_tokens (vit) * d };
  const PldRows h = { m.h, n, d };

  if (!vit_embed (vit, session, items, n, &m, error))
    return FALSE;
  for (guint i = 0; i < vit->n_blocks; i++)
    if (!vit_block (vit, session, &vit->blocks[i], n, i + 1 < vit->n_blocks ? all : cls, &m, error))
      return FALSE;
  pld_layer_norm (session, h, cls, vit->norm_weight, vit->norm_bias, vit->d, vit->eps);
  return pld_linear (session, (PldRows) { results, n, net->n_outputs }, h, vit->classifier, vit->classifier_bias, PLD_ACT_NONE, FALSE,
                     error);
}

const PldArch pld_arch_vit = {
  .name = "vit",
  .kind = PLD_KIND_VISION,
  .batch_max = 16,
  /* Pictures that share a pass share its reading; with two, it is mostly computing that takes the time. */
  .batch_share = 0.75,
  .declare = vit_declare,
  .prepare = vit_prepare,
  .release = vit_release,
  .prepare_bytes = vit_prepare_bytes,
  .activation_floats = vit_activation_floats,
  .scratch_floats = vit_scratch_floats,
  .forward = vit_forward,
};
