/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vision transformers: a Hugging Face folder, or a GGUF file.
 */
#include "engine/format/safetensors-writer.h"
#include "engine/format/tensors.h"
#include "models/files/synth-vit.h"
#include "models/files/vit-gguf.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#define WEIGHT_STD 0.02 /* of ViT's own initialisation */
#define BIAS_STD 0.002

#define VIT(name, hidden, layers, heads)                                                                               \
  { name, &pld_arch_vit, hidden, layers, heads, 224, 224, 224, 224, 1000, 0, FALSE, 0 }

/* YOLOS: as hustvl's on Hugging Face. */
static const PldVitPreset presets[] = {
  VIT ("vit-ti16", 192, 12, 3),
  VIT ("vit-b16", 768, 12, 12),
  VIT ("vit-l16", 1024, 24, 16),
  { "yolos-tiny", &pld_arch_yolos, 192, 12, 3, 1333, 800, 896, 512, 91, 100, FALSE, 512 },
  { "yolos-small", &pld_arch_yolos, 384, 12, 6, 864, 512, 1328, 736, 91, 100, TRUE, 800 },
  { "yolos-small-dwr", &pld_arch_yolos, 330, 14, 6, 864, 512, 1328, 736, 91, 100, TRUE, 800 },
  { "yolos-base", &pld_arch_yolos, 768, 12, 12, 1344, 800, 1328, 736, 91, 100, TRUE, 800 },
};

/* Those that safetensors has too. */
static const struct
{
  const char *name, *torch_name;
} folder_types[] = { { "f32", "float32" }, { "f16", "float16" }, { "bf16", "bfloat16" } };

/* ---- the tensors --------------------------------------------------------------------------- */

typedef struct
{
  GArray *tensors; /* PldTensor */
  const PldVitPreset *preset;
  PldDtype dtype;
} Shapes;

static void shapes_add (Shapes *shapes, guint n_dims, const guint64 *dims, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static void
shapes_add (Shapes *shapes, guint n_dims, const guint64 *dims, const char *format, ...)
{
  PldTensor tensor = { .dtype = shapes->dtype, .n_dims = n_dims, .n_values = 1 };
  va_list args;

  va_start (args, format);
  tensor.name = g_strdup_vprintf (format, args);
  va_end (args);
  for (guint i = 0; i < n_dims; i++)
    {
      tensor.dims[i] = dims[i];
      tensor.n_values *= dims[i];
    }
  g_array_append_val (shapes->tensors, tensor);
}

/* "….weight" [n_out, n_in], or [n_out] when n_in is 0, and "….bias" [n_out] */
static void
shapes_add_linear (Shapes *shapes, const char *name, guint n_out, guint n_in)
{
  guint64 dims[2] = { n_out, n_in };

  shapes_add (shapes, n_in > 0 ? 2 : 1, dims, "%s.weight", name);
  shapes_add (shapes, 1, dims, "%s.bias", name);
}

static void
shapes_add_layer (Shapes *shapes, guint layer)
{
  guint h = shapes->preset->hidden;
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

      shapes_add_linear (shapes, name, parts[i].n_out, parts[i].n_in);
    }
}

static void
shapes_add_heads (Shapes *shapes)
{
  const PldVitPreset *preset = shapes->preset;
  const struct
  {
    const char *name;
    guint n_out;
  } heads[] = { { "class_labels_classifier", preset->n_classes + 1 }, { "bbox_predictor", 4 } };

  if (preset->n_detection == 0)
    {
      shapes_add_linear (shapes, "classifier", preset->n_classes, preset->hidden);
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++)
    for (guint j = 0; j < 3; j++)
      {
        g_autofree char *name = g_strdup_printf ("%s.layers.%u", heads[i].name, j);

        shapes_add_linear (shapes, name, j < 2 ? preset->hidden : heads[i].n_out, preset->hidden);
      }
}

static GArray *
shapes_make (const PldVitPreset *preset, PldDtype dtype)
{
  Shapes shapes = { pld_tensors_new (), preset, dtype };
  const guint64 h = preset->hidden, n_detection = preset->n_detection;
  const guint64 tokens
      = 1 + (preset->image_width / PLD_SYNTH_PATCH) * (preset->image_height / PLD_SYNTH_PATCH) + n_detection;

  shapes_add (&shapes, 3, (guint64[]) { 1, 1, h }, "vit.embeddings.cls_token");
  if (n_detection > 0)
    shapes_add (&shapes, 3, (guint64[]) { 1, n_detection, h }, "vit.embeddings.detection_tokens");
  shapes_add (&shapes, 3, (guint64[]) { 1, tokens, h }, "vit.embeddings.position_embeddings");
  shapes_add (&shapes, 4, (guint64[]) { h, 3, PLD_SYNTH_PATCH, PLD_SYNTH_PATCH },
              "vit.embeddings.patch_embeddings.projection.weight");
  shapes_add (&shapes, 1, &h, "vit.embeddings.patch_embeddings.projection.bias");
  if (preset->mid_positions)
    shapes_add (&shapes, 4, (guint64[]) { preset->layers - 1, 1, tokens, h }, "vit.encoder.mid_position_embeddings");
  for (guint i = 0; i < preset->layers; i++)
    shapes_add_layer (&shapes, i);
  shapes_add_linear (&shapes, "vit.layernorm", preset->hidden, 0);
  shapes_add_heads (&shapes);
  return shapes.tensors;
}

/* Values of a row of a matrix; 0: it is a vector. */
static guint64
tensor_cols (const PldTensor *tensor)
{
  if (g_str_has_suffix (tensor->name, "position_embeddings"))
    return tensor->dims[tensor->n_dims - 1];
  return tensor->n_dims == 2 || tensor->n_dims == 4 ? tensor->n_values / tensor->dims[0] : 0;
}

/* The same as a GGUF file has them: its names, matrices as @mix says, vectors in F32. */
static void
shapes_to_gguf (GArray *tensors, const PldVitMix *mix)
{
  for (guint i = 0; i < tensors->len; i++)
    {
      PldTensor *tensor = &g_array_index (tensors, PldTensor, i);
      const guint64 n_cols = tensor_cols (tensor);
      g_autofree char *name = g_steal_pointer (&tensor->name);

      tensor->name = g_malloc (PLD_VIT_NAME);
      pld_vit_tensor_name (tensor->name, name, TRUE);
      pld_vit_mix_apply (mix, tensor, n_cols);
    }
}

/* ---- the folder ---------------------------------------------------------------------------- */

static gboolean
write_text (const char *folder, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) failure = NULL;

  if (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0666,
                                &failure))
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_IO, "%s: cannot be written: %s; free space there or choose another folder",
               path, failure->message);
  return FALSE;
}

/* ---- the model ----------------------------------------------------------------------------- */

static double
tensor_std (const PldTensor *tensor)
{
  const gboolean norm = strstr (tensor->name, "layernorm") != NULL || strstr (tensor->name, "ln") != NULL;

  if (norm && g_str_has_suffix (tensor->name, ".weight"))
    return PLD_SYNTH_ONES;
  return g_str_has_suffix (tensor->name, ".bias") ? BIAS_STD : WEIGHT_STD;
}

static gboolean
put (gpointer writer, const void *bytes, gsize n, GError **error)
{
  return pld_writer_write (writer, bytes, n, error);
}

static gboolean
write_model (PldSynth *synth, const char *path, GArray *tensors, PldWriter **out, GError **error)
{
  const PldTensor *all = (const PldTensor *) tensors->data;
  g_autoptr (JsonObject) metadata = json_object_new ();
  PldWriter *writer;

  json_object_set_string_member (metadata, "format", "pt");
  for (guint i = 0; i < tensors->len; i++)
    synth->total += all[i].n_values;
  writer = pld_safetensors_writer_new (path, all, tensors->len, metadata, error);
  if (writer == NULL)
    return FALSE;
  pld_synth_advance (synth, 0);
  for (guint i = 0; i < tensors->len; i++)
    if (!pld_synth_tensor (synth, &all[i], tensor_std (&all[i]), put, writer, error))
      {
        pld_writer_free (&writer);
        return FALSE;
      }
  *out = writer;
  return TRUE;
}

static const PldVitPreset *
preset_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (presets); i++)
    if (strcmp (presets[i].name, name) == 0)
      return &presets[i];
  return NULL;
}

static gboolean
vit_has_preset (const char *preset)
{
  return preset_find (preset) != NULL;
}

static gboolean
vit_has_type (const char *type)
{
  return pld_vit_mix_find (type) != NULL;
}

static gboolean
write_folder (PldSynth *synth, const PldVitPreset *preset, const PldVitMix *mix, const char *folder, GError **error)
{
  g_autoptr (GArray) tensors = shapes_make (preset, mix->base);
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree char *config = NULL, *preprocessor = pld_vit_preset_preprocessor (preset);
  PldWriter *writer = NULL;
  guint t = 0;
  gboolean ok;

  while (t < G_N_ELEMENTS (folder_types) && strcmp (folder_types[t].name, mix->name) != 0)
    t++;
  if (t == G_N_ELEMENTS (folder_types))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "%s: %s is a type of GGUF files; name one that ends in .gguf", folder, mix->name);
      return FALSE;
    }
  if (g_mkdir_with_parents (folder, 0777) < 0)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_IO, "%s: cannot be made: %s; choose another folder", folder,
                   g_strerror (errno));
      return FALSE;
    }
  config = pld_vit_preset_config (preset, folder_types[t].torch_name);
  /* The weights take their name last: an interrupted run leaves the model that was there. */
  ok = write_model (synth, path, tensors, &writer, error) && write_text (folder, "config.json", config, error)
       && write_text (folder, "preprocessor_config.json", preprocessor, error) && pld_writer_finish (writer, error);
  pld_writer_free (&writer);
  return ok;
}

/* ---- the GGUF file ------------------------------------------------------------------------- */

static void
add_keys (PldGgufWriter *writer, const PldVitPreset *preset, const PldVitMix *mix)
{
  PldVit vit = { .base = { .input_width = preset->input_width,
                           .input_height = preset->input_height,
                           .n_classes = preset->n_classes },
                 .d = preset->hidden,
                 .d_mlp = 4 * preset->hidden,
                 .n_blocks = preset->layers,
                 .n_heads = preset->heads,
                 .patch = PLD_SYNTH_PATCH,
                 .image_width = preset->image_width,
                 .image_height = preset->image_height,
                 .eps = 1e-12f,
                 .act = PLD_ACT_GELU,
                 .n_detection = preset->n_detection,
                 .mid_positions = preset->mid_positions };
  g_auto (GStrv) labels = g_new0 (char *, preset->n_classes + 1);
  PldModel model = {
    .arch = preset->arch, .net = &vit.base.base, .labels = labels, .rescale = 1 / 255.0, .filter = PLD_FILTER_BILINEAR
  };
  g_autofree char *name = g_strdup_printf ("%s (random weights)", preset->name);

  pld_vit_preset_normalization (preset, model.mean, model.std);
  for (guint i = 0; i < preset->n_classes; i++)
    labels[i] = g_strdup_printf ("LABEL_%u", i);
  pld_vit_add_keys (writer, &model, mix, name);
}

static gboolean
put_gguf (gpointer writer, const void *bytes, gsize n, GError **error)
{
  return pld_gguf_writer_write (writer, bytes, n, error);
}

static gboolean
write_gguf (PldSynth *synth, const PldVitPreset *preset, const PldVitMix *mix, PldGgufWriter *writer, const char *path,
            GError **error)
{
  g_autoptr (GArray) tensors = shapes_make (preset, mix->base);

  add_keys (writer, preset, mix);
  shapes_to_gguf (tensors, mix);
  for (guint i = 0; i < tensors->len; i++)
    {
      const PldTensor *tensor = &g_array_index (tensors, PldTensor, i);

      pld_gguf_writer_add_tensor (writer, tensor);
      synth->total += tensor->n_values;
    }
  if (!pld_gguf_writer_begin (writer, path, error))
    return FALSE;
  pld_synth_advance (synth, 0);
  for (guint i = 0; i < tensors->len; i++)
    {
      const PldTensor *tensor = &g_array_index (tensors, PldTensor, i);

      if (!pld_synth_tensor (synth, tensor, tensor_std (tensor), put_gguf, writer, error))
        return FALSE;
    }
  return pld_gguf_writer_finish (writer, error);
}

static gboolean
vit_write (PldSynth *synth, const char *name, const char *type, const char *path, GError **error)
{
  const PldVitPreset *preset = preset_find (name);
  const PldVitMix *mix = pld_vit_mix_find (type);
  PldGgufWriter *writer;
  gboolean ok;

  if (synth->vocab_from != NULL)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "%s: is no language model and has no vocabulary; leave it out", name);
      return FALSE;
    }
  if (!g_str_has_suffix (path, ".gguf"))
    return write_folder (synth, preset, mix, path, error);
  writer = pld_gguf_writer_new ();
  ok = write_gguf (synth, preset, mix, writer, path, error);
  pld_gguf_writer_free (&writer);
  return ok;
}

const PldSynthFamily pld_synth_vit = {
  "f32",          PLD_VIT_TYPES, "vit-ti16, vit-b16, vit-l16, yolos-tiny, yolos-small, yolos-small-dwr and yolos-base",
  vit_has_preset, vit_has_type,  vit_write
};
