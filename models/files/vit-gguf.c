/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models/files/vit-gguf.h"

#include <string.h>

static const PldVitMix mixes[] = {
  { "f32", PLD_DTYPE_F32, PLD_DTYPE_F32, 0 },     { "f16", PLD_DTYPE_F16, PLD_DTYPE_F16, 1 },
  { "bf16", PLD_DTYPE_BF16, PLD_DTYPE_BF16, 32 }, { "q8_0", PLD_DTYPE_Q8_0, PLD_DTYPE_Q8_0, 7 },
  { "q6_k", PLD_DTYPE_Q6_K, PLD_DTYPE_Q8_0, 18 }, { "q5_k", PLD_DTYPE_Q5_K, PLD_DTYPE_Q8_0, 16 },
  { "q5_1", PLD_DTYPE_Q5_1, PLD_DTYPE_Q8_0, 9 },  { "q5_0", PLD_DTYPE_Q5_0, PLD_DTYPE_Q8_0, 8 },
  { "q4_k", PLD_DTYPE_Q4_K, PLD_DTYPE_Q8_0, 14 }, { "q4_1", PLD_DTYPE_Q4_1, PLD_DTYPE_Q8_0, 3 },
  { "q4_0", PLD_DTYPE_Q4_0, PLD_DTYPE_Q8_0, 2 },
};

const PldVitMix *
pld_vit_mix_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (mixes); i++)
    if (strcmp (mixes[i].name, name) == 0)
      return &mixes[i];
  return NULL;
}

static gboolean
fits (PldDtype dtype, guint64 n_cols)
{
  return n_cols % pld_dtype_info (dtype)->block == 0;
}

static PldDtype
matrix_type (const PldVitMix *mix, const char *name, guint64 n_cols)
{
  const gboolean is_position = g_str_has_suffix (name, "position_embd.weight"),
                 is_block = g_str_has_prefix (name, "v.blk.");
  PldDtype dtype = is_block ? mix->base : mix->ends;

  /* They are added to what all blocks pass on. */
  if (is_position && pld_dtype_info (dtype)->block > 1)
    return PLD_DTYPE_F16;
  if (!fits (dtype, n_cols))
    dtype = dtype == PLD_DTYPE_Q4_K ? PLD_DTYPE_Q5_0 : dtype == PLD_DTYPE_Q5_K ? PLD_DTYPE_Q5_1 : PLD_DTYPE_Q8_0;
  return fits (dtype, n_cols) ? dtype : PLD_DTYPE_F16;
}

void
pld_vit_mix_apply (const PldVitMix *mix, PldTensor *tensor, guint64 n_cols)
{
  tensor->dtype = n_cols > 0 ? matrix_type (mix, tensor->name, n_cols) : PLD_DTYPE_F32;
  /* [1, 197, 768], [11, 1, 197, 768] */
  for (guint i = tensor->n_dims; i-- > 0;)
    if (tensor->dims[i] == 1 && tensor->n_dims > (n_cols > 0 ? 2 : 1))
      memmove (tensor->dims + i, tensor->dims + i + 1, (--tensor->n_dims - i) * sizeof *tensor->dims);
  /* The rows of a patch projection [768, 3, 16, 16] are whole blocks only as those of a matrix. */
  if (pld_dtype_info (tensor->dtype)->block > 1)
    {
      tensor->n_dims = 2;
      tensor->dims[1] = n_cols;
    }
}

/* "<architecture>.<name>"; one at a time. */
typedef struct
{
  const PldModel *model;
  char text[PLD_VIT_NAME];
} Key;

static const char *
key (Key *k, const char *name)
{
  g_snprintf (k->text, sizeof k->text, "%s.%s", k->model->arch->name, name);
  return k->text;
}

static void
add_size (PldGgufWriter *writer, Key *k, const char *name, guint width, guint height)
{
  const gint32 size[] = { (gint32) height, (gint32) width };

  if (width == height)
    pld_gguf_writer_add_uint32 (writer, key (k, name), width);
  else
    pld_gguf_writer_add_int32s (writer, key (k, name), size, 2);
}

/* What is as it is without the key is left out: 1 / 255 has no exact float. */
static void
add_preprocessing (PldGgufWriter *writer, Key *k)
{
  const PldModel *model = k->model;
  const PldVit *vit = (const PldVit *) model->net;
  float mean[3], std[3];

  if (vit->base.input_width != vit->image_width || vit->base.input_height != vit->image_height)
    add_size (writer, k, "size", vit->base.input_width, vit->base.input_height);
  for (guint c = 0; c < 3; c++)
    {
      mean[c] = (float) model->mean[c];
      std[c] = (float) model->std[c];
    }
  pld_gguf_writer_add_floats (writer, key (k, "image_mean"), mean, 3);
  pld_gguf_writer_add_floats (writer, key (k, "image_std"), std, 3);
  if ((float) model->rescale != (float) (1 / 255.0))
    pld_gguf_writer_add_float (writer, key (k, "rescale_factor"), (float) model->rescale);
  pld_gguf_writer_add_uint32 (writer, key (k, "resample"), model->filter);
}

static void
add_detector (PldGgufWriter *writer, Key *k, const PldVit *vit)
{
  pld_gguf_writer_add_uint32 (writer, key (k, "detector_cells"), vit->cells);
  pld_gguf_writer_add_float (writer, key (k, "detector_furthest"), vit->furthest);
  pld_gguf_writer_add_float (writer, key (k, "detector_overlap"), vit->overlap);
  pld_gguf_writer_add_float (writer, key (k, "detector_threshold"), vit->base.threshold);
}

void
pld_vit_add_keys (PldGgufWriter *writer, const PldModel *model, const PldVitMix *mix, const char *name)
{
  const PldVit *vit = (const PldVit *) model->net;
  Key k = { .model = model };

  pld_gguf_writer_add_string (writer, "general.architecture", model->arch->name);
  pld_gguf_writer_add_string (writer, "general.name", name);
  pld_gguf_writer_add_uint32 (writer, "general.file_type", mix->file_type);
  pld_gguf_writer_add_uint32 (writer, "general.quantization_version", 2);
  pld_gguf_writer_add_uint32 (writer, key (&k, "embedding_length"), vit->d);
  pld_gguf_writer_add_uint32 (writer, key (&k, "feed_forward_length"), vit->d_mlp);
  pld_gguf_writer_add_uint32 (writer, key (&k, "block_count"), vit->n_blocks);
  pld_gguf_writer_add_uint32 (writer, key (&k, "attention.head_count"), vit->n_heads);
  pld_gguf_writer_add_float (writer, key (&k, "attention.layer_norm_epsilon"), vit->eps);
  pld_gguf_writer_add_uint32 (writer, key (&k, "patch_size"), vit->patch);
  add_size (writer, &k, "image_size", vit->image_width, vit->image_height);
  pld_gguf_writer_add_string (writer, key (&k, "hidden_act"), pld_vit_activation (vit->act));
  add_preprocessing (writer, &k);
  if (vit->cells > 0)
    add_detector (writer, &k, vit);
  if (vit->n_detection > 0)
    {
      pld_gguf_writer_add_uint32 (writer, key (&k, "num_detection_tokens"), vit->n_detection);
      pld_gguf_writer_add_bool (writer, key (&k, "use_mid_position_embeddings"), vit->mid_positions);
    }
  g_snprintf (k.text, sizeof k.text, "%s" PLD_MODEL_LABELS, model->arch->name);
  pld_gguf_writer_add_strings (writer, k.text, (const char *const *) model->labels, vit->base.n_classes);
}
