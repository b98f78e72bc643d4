/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models/vit-gguf.h"

#include <string.h>

static const PldVitMix mixes[] = {
  { "f32", PLD_DTYPE_F32, PLD_DTYPE_F32, 0 },    { "f16", PLD_DTYPE_F16, PLD_DTYPE_F16, 1 },
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
  const gboolean is_end = strcmp (name, "v.patch_embd.weight") == 0 || strcmp (name, "head.weight") == 0 || strcmp (name, "detector.weight") == 0;
  PldDtype dtype = is_end ? mix->ends : mix->base;

  if (!fits (dtype, n_cols))
    dtype = dtype == PLD_DTYPE_Q4_K ? PLD_DTYPE_Q5_0 : dtype == PLD_DTYPE_Q5_K ? PLD_DTYPE_Q5_1 : PLD_DTYPE_Q8_0;
  return fits (dtype, n_cols) ? dtype : PLD_DTYPE_F16;
}

void
pld_vit_mix_apply (const PldVitMix *mix, PldTensor *tensor, guint64 n_cols)
{
  tensor->dtype = n_cols > 0 ? matrix_type (mix, tensor->name, n_cols) : PLD_DTYPE_F32;
  /* [1, 197, 768] */
  while (n_cols == 0 && tensor->n_dims > 1 && tensor->dims[0] == 1)
    memmove (tensor->dims, tensor->dims + 1, --tensor->n_dims * sizeof *tensor->dims);
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
add_size (PldGgufWriter *writer, Key *k, const PldVit *vit)
{
  const gint32 size[] = { (gint32) vit->image_height, (gint32) vit->image_width };

  if (vit->image_width == vit->image_height)
    pld_gguf_writer_add_uint32 (writer, key (k, "image_size"), vit->image_width);
  else
    pld_gguf_writer_add_int32s (writer, key (k, "image_size"), size, 2);
}

/* What is as it is without the key is left out: 1 / 255 has no exact float. */
static void
add_preprocessing (PldGgufWriter *writer, Key *k)
{
  const PldModel *model = k->model;
  float mean[3], std[3];

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
  add_size (writer, &k, vit);
  pld_gguf_writer_add_string (writer, key (&k, "hidden_act"), pld_vit_activation (vit->act));
  add_preprocessing (writer, &k);
  if (vit->cells > 0)
    add_detector (writer, &k, vit);
  g_snprintf (k.text, sizeof k.text, "%s" PLD_MODEL_LABELS, model->arch->name);
  pld_gguf_writer_add_strings (writer, k.text, (const char *const *) model->labels, vit->base.n_classes);
}
