/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sizes of published vision transformers, and the tensors that Hugging Face's folders of them have.
 */
#include "models/architectures/vit/presets.h"

#define WEIGHT_STD 0.02 /* of ViT's own initialization */
#define BIAS_STD 0.002
#define PILLOW_BILINEAR 2

#define VIT(name, hidden, layers, heads)                                                                               \
  { { name, &pld_arch_vit }, hidden, layers, heads, 224, 224, 224, 224, 1000, 0, FALSE, 0 }

/* YOLOS: as hustvl's on Hugging Face. */
static const PldVitPreset presets[] = {
  VIT ("vit-ti16", 192, 12, 3),
  VIT ("vit-b16", 768, 12, 12),
  VIT ("vit-l16", 1024, 24, 16),
  { { "yolos-tiny", &pld_arch_yolos }, 192, 12, 3, 1333, 800, 896, 512, 91, 100, FALSE, 512 },
  { { "yolos-small", &pld_arch_yolos }, 384, 12, 6, 864, 512, 1328, 736, 91, 100, TRUE, 800 },
  { { "yolos-small-dwr", &pld_arch_yolos }, 330, 14, 6, 864, 512, 1328, 736, 91, 100, TRUE, 800 },
  { { "yolos-base", &pld_arch_yolos }, 768, 12, 12, 1344, 800, 1328, 736, 91, 100, TRUE, 800 },
};

/* ---- the tensors --------------------------------------------------------------------------- */

/* "….weight" [n_out, n_in], or [n_out], of a norm, when n_in is 0, and "….bias" [n_out] */
static void
add_linear (GArray *drafts, const char *name, guint n_out, guint n_in)
{
  const guint64 dims[2] = { n_out, n_in };
  PldDraft *weight = pld_drafts_add (drafts, g_strconcat (name, ".weight", NULL), n_in > 0 ? 2 : 1, dims);

  weight->n_cols = n_in;
  weight->std = n_in > 0 ? WEIGHT_STD : PLD_DRAFT_ONES;
  pld_drafts_add (drafts, g_strconcat (name, ".bias", NULL), 1, dims)->std = BIAS_STD;
}

/* Embeddings; @n_cols 0: a vector */
static void
add_embedding (GArray *drafts, const char *name, guint n_dims, const guint64 *dims, guint64 n_cols)
{
  PldDraft *draft = pld_drafts_add (drafts, g_strdup (name), n_dims, dims);

  draft->n_cols = n_cols;
  draft->std = WEIGHT_STD;
}

static void
add_layer (GArray *drafts, guint h, guint layer)
{
  const struct
  {
    const char *name;
    guint n_out, n_in;
  } parts[] = { { "layernorm_before", h, 0 },        { "attention.attention.query", h, h },
                { "attention.attention.key", h, h }, { "attention.attention.value", h, h },
                { "attention.output.dense", h, h },  { "layernorm_after", h, 0 },
                { "intermediate.dense", 4 * h, h },  { "output.dense", h, 4 * h } };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char *name = g_strdup_printf ("vit.encoder.layer.%u.%s", layer, parts[i].name);

      add_linear (drafts, name, parts[i].n_out, parts[i].n_in);
    }
}

static void
add_heads (GArray *drafts, const PldVitPreset *preset)
{
  const struct
  {
    const char *name;
    guint n_out;
  } heads[] = { { "class_labels_classifier", preset->n_classes + 1 }, { "bbox_predictor", 4 } };

  if (preset->n_detection == 0)
    {
      add_linear (drafts, "classifier", preset->n_classes, preset->hidden);
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++)
    for (guint j = 0; j < 3; j++)
      {
        g_autofree char *name = g_strdup_printf ("%s.layers.%u", heads[i].name, j);

        add_linear (drafts, name, j < 2 ? preset->hidden : heads[i].n_out, preset->hidden);
      }
}

static void
add_drafts (const PldPreset *base, const PldNet *net, GArray *drafts)
{
  const PldVitPreset *preset = (const PldVitPreset *) base;
  const guint64 h = preset->hidden, n_detection = preset->n_detection, p = PLD_VIT_PRESET_PATCH;
  const guint64 tokens = 1 + (preset->image_width / p) * (preset->image_height / p) + n_detection;

  add_embedding (drafts, "vit.embeddings.cls_token", 3, (guint64[]) { 1, 1, h }, 0);
  if (n_detection > 0)
    add_embedding (drafts, "vit.embeddings.detection_tokens", 3, (guint64[]) { 1, n_detection, h }, 0);
  add_embedding (drafts, "vit.embeddings.position_embeddings", 3, (guint64[]) { 1, tokens, h }, h);
  add_embedding (drafts, "vit.embeddings.patch_embeddings.projection.weight", 4, (guint64[]) { h, 3, p, p }, 3 * p * p);
  pld_drafts_add (drafts, g_strdup ("vit.embeddings.patch_embeddings.projection.bias"), 1, &h)->std = BIAS_STD;
  if (preset->mid_positions)
    add_embedding (drafts, "vit.encoder.mid_position_embeddings", 4, (guint64[]) { preset->layers - 1, 1, tokens, h },
                   h);
  for (guint i = 0; i < preset->layers; i++)
    add_layer (drafts, preset->hidden, i);
  add_linear (drafts, "vit.layernorm", preset->hidden, 0);
  add_heads (drafts, preset);
}

/* ---- the model ----------------------------------------------------------------------------- */

static const PldPreset *
nth (guint i)
{
  return i < G_N_ELEMENTS (presets) ? &presets[i].base : NULL;
}

static PldNet *
make (const PldPreset *base)
{
  const PldVitPreset *preset = (const PldVitPreset *) base;
  PldVit *vit = g_new0 (PldVit, 1);

  vit->base.input_width = preset->input_width;
  vit->base.input_height = preset->input_height;
  vit->base.n_classes = preset->n_classes;
  vit->base.resample = PILLOW_BILINEAR;
  vit->base.rescale = 1 / 255.0;
  pld_vit_preset_normalization (preset, vit->base.mean, vit->base.std);
  vit->d = preset->hidden;
  vit->d_mlp = 4 * preset->hidden;
  vit->n_blocks = preset->layers;
  vit->n_heads = preset->heads;
  vit->patch = PLD_VIT_PRESET_PATCH;
  vit->image_width = preset->image_width;
  vit->image_height = preset->image_height;
  vit->eps = 1e-12f;
  vit->act = PLD_ACT_GELU;
  vit->n_detection = preset->n_detection;
  vit->mid_positions = preset->mid_positions;
  return &vit->base.base;
}

const PldPresets pld_vit_presets = {
  .default_type = "f32",
  .nth = nth,
  .make = make,
  .add_drafts = add_drafts,
  .config = pld_vit_preset_config,
  .preprocessing = pld_vit_preset_preprocessing,
};
