/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models of true shapes with random weights. The generator is integer arithmetic up to one multiplication a
 * value, so that every machine writes the same bytes.
 */
#include "engine/format/safetensors-writer.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#define CHUNK 65536u /* values in memory at a time */
#define N_CLASSES 1000
#define IMAGE 224
#define PATCH 16
#define WEIGHT_STD 0.02 /* of ViT's own initialisation */
#define BIAS_STD 0.002

typedef struct
{
  const char *name;
  guint hidden, layers, heads;
} Preset;

static const Preset presets[]
    = { { "vit-ti16", 192, 12, 3 }, { "vit-b16", 768, 12, 12 }, { "vit-l16", 1024, 24, 16 } };

static const struct
{
  const char *name, *torch_name;
  PldDtype dtype;
} types[] = { { "f32", "float32", PLD_DTYPE_F32 },
              { "f16", "float16", PLD_DTYPE_F16 },
              { "bf16", "bfloat16", PLD_DTYPE_BF16 } };

/* ---- random numbers ------------------------------------------------------------------------ */

typedef struct
{
  guint64 s[4];
} Rng; /* xoshiro256** (Blackman, Vigna) */

static guint64
splitmix (guint64 *state)
{
  guint64 z = *state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* A tensor's values depend on the seed and its name, not on its place in the file. */
static Rng
rng_new (guint64 seed, const char *name)
{
  guint64 state = seed;
  Rng rng;

  for (const char *c = name; *c != '\0'; c++)
    {
      state ^= (guchar) *c;
      state = splitmix (&state);
    }
  for (guint i = 0; i < 4; i++)
    rng.s[i] = splitmix (&state);
  return rng;
}

static inline guint64
rotate (guint64 x, guint k)
{
  return (x << k) | (x >> (64 - k));
}

static inline guint64
rng_next (Rng *rng)
{
  guint64 *s = rng->s, result = rotate (s[1] * 5, 7) * 9, t = s[1] << 17;

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate (s[3], 45);
  return result;
}

/* The sum of four uniform 16-bit numbers: nearly normal, mean 0, truncated at 3.5 standard deviations of
 * 65536 / √3. */
static inline gint32
rng_normal (Rng *rng)
{
  guint64 r = rng_next (rng);

  return (gint32) ((r & 0xffff) + (r >> 16 & 0xffff) + (r >> 32 & 0xffff) + (r >> 48)) - 2 * 65535;
}

/* ---- the tensors --------------------------------------------------------------------------- */

typedef struct
{
  GArray *tensors; /* PldTensor */
  const Preset *preset;
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
tensor_clear (gpointer tensor)
{
  g_free (((PldTensor *) tensor)->name);
}

static GArray *
shapes_make (const Preset *preset, PldDtype dtype)
{
  Shapes shapes = { g_array_new (FALSE, FALSE, sizeof (PldTensor)), preset, dtype };
  guint64 h = preset->hidden, tokens = 1 + (IMAGE / PATCH) * (IMAGE / PATCH);

  g_array_set_clear_func (shapes.tensors, tensor_clear);
  shapes_add (&shapes, 3, (guint64[]) { 1, 1, h }, "vit.embeddings.cls_token");
  shapes_add (&shapes, 3, (guint64[]) { 1, tokens, h }, "vit.embeddings.position_embeddings");
  shapes_add (&shapes, 4, (guint64[]) { h, 3, PATCH, PATCH },
              "vit.embeddings.patch_embeddings.projection.weight");
  shapes_add (&shapes, 1, &h, "vit.embeddings.patch_embeddings.projection.bias");
  for (guint i = 0; i < preset->layers; i++)
    shapes_add_layer (&shapes, i);
  shapes_add_linear (&shapes, "vit.layernorm", preset->hidden, 0);
  shapes_add_linear (&shapes, "classifier", N_CLASSES, preset->hidden);
  return shapes.tensors;
}

/* ---- values -------------------------------------------------------------------------------- */

/* IEEE binary16, rounded to the nearest, ties to even; the values here are far from its largest. */
static guint16
half_from_float (guint32 x)
{
  guint32 sign = x >> 16 & 0x8000, mantissa, shift, half;

  x &= 0x7fffffff;
  if (x >= 0x38800000)
    return (guint16) (sign | (((x + 0xfff + (x >> 13 & 1)) >> 13) - (112 << 10)));
  if (x < 0x33000000)
    return (guint16) sign;
  mantissa = (x & 0x7fffff) | 0x800000;
  shift = 126 - (x >> 23);
  half = mantissa >> shift;
  mantissa &= (1u << shift) - 1;
  if (mantissa > 1u << (shift - 1) || (mantissa == 1u << (shift - 1) && (half & 1)))
    half++;
  return (guint16) (sign | half);
}

/* @n ≤ CHUNK values as @dtype stores them, little-endian. Returns bytes. */
static gsize
fill (Rng *rng, PldDtype dtype, double scale, guint n, guint8 *out)
{
  gsize size = pld_dtype_info (dtype)->bytes;

  for (guint i = 0; i < n; i++)
    {
      float value = scale == 0 ? 1.0f : (float) (rng_normal (rng) * scale);
      guint32 bits;

      memcpy (&bits, &value, sizeof bits);
      if (dtype == PLD_DTYPE_F16)
        bits = half_from_float (bits);
      else if (dtype == PLD_DTYPE_BF16)
        bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
      for (gsize b = 0; b < size; b++)
        out[i * size + b] = (guint8) (bits >> (8 * b));
    }
  return n * size;
}

/* 0 stands for the constant 1. */
static double
tensor_scale (const PldTensor *tensor)
{
  const double unit = 1.7320508075688772 / 65536; /* one over rng_normal()'s standard deviation */

  if (strstr (tensor->name, "layernorm") != NULL && g_str_has_suffix (tensor->name, ".weight"))
    return 0;
  return unit * (tensor->n_dims == 1 ? BIAS_STD : WEIGHT_STD);
}

typedef struct
{
  PldProgressFunc func;
  gpointer data;
  guint64 done, total;
  guint percent;
} Progress;

static void
progress_tell (Progress *progress, guint64 values)
{
  guint percent;

  progress->done += values;
  percent = (guint) (100 * progress->done / progress->total);
  if (progress->func != NULL && (percent != progress->percent || values == 0))
    progress->func ("writing weights", percent, progress->data);
  progress->percent = percent;
}

static gboolean
write_tensor (PldWriter *writer, const PldTensor *tensor, guint64 seed, guint8 *chunk,
              Progress *progress, GCancellable *cancellable, GError **error)
{
  Rng rng = rng_new (seed, tensor->name);
  double scale = tensor_scale (tensor);

  for (guint64 left = tensor->n_values; left > 0;)
    {
      guint n = (guint) MIN (left, CHUNK);

      if (g_cancellable_is_cancelled (cancellable))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled; nothing was written");
          return FALSE;
        }
      if (!pld_writer_write (writer, chunk, fill (&rng, tensor->dtype, scale, n, chunk), error))
        return FALSE;
      left -= n;
      progress_tell (progress, n);
    }
  return TRUE;
}

/* ---- the folder ---------------------------------------------------------------------------- */

static char *
config_text (const Preset *preset, const char *torch_name)
{
  GString *labels = g_string_new (NULL);
  char *text;

  for (guint i = 0; i < N_CLASSES; i++)
    g_string_append_printf (labels, "%s\n    \"%u\": \"LABEL_%u\"", i > 0 ? "," : "", i, i);
  text = g_strdup_printf ("{\n"
                          "  \"architectures\": [\"ViTForImageClassification\"],\n"
                          "  \"model_type\": \"vit\",\n"
                          "  \"hidden_size\": %u,\n"
                          "  \"intermediate_size\": %u,\n"
                          "  \"num_hidden_layers\": %u,\n"
                          "  \"num_attention_heads\": %u,\n"
                          "  \"image_size\": %u,\n"
                          "  \"patch_size\": %u,\n"
                          "  \"num_channels\": 3,\n"
                          "  \"hidden_act\": \"gelu\",\n"
                          "  \"layer_norm_eps\": 1e-12,\n"
                          "  \"qkv_bias\": true,\n"
                          "  \"torch_dtype\": \"%s\",\n"
                          "  \"id2label\": {%s\n  }\n"
                          "}\n",
                          preset->hidden, 4 * preset->hidden, preset->layers, preset->heads, IMAGE, PATCH,
                          torch_name, labels->str);
  g_string_free (labels, TRUE);
  return text;
}

static const char preprocessor_text[] = "{\n"
                                        "  \"image_processor_type\": \"ViTImageProcessor\",\n"
                                        "  \"do_resize\": true,\n"
                                        "  \"size\": {\"height\": 224, \"width\": 224},\n"
                                        "  \"resample\": 2,\n"
                                        "  \"do_rescale\": true,\n"
                                        "  \"rescale_factor\": 0.00392156862745098,\n"
                                        "  \"do_normalize\": true,\n"
                                        "  \"image_mean\": [0.5, 0.5, 0.5],\n"
                                        "  \"image_std\": [0.5, 0.5, 0.5]\n"
                                        "}\n";

static gboolean
write_text (const char *folder, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) failure = NULL;

  if (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                0666, &failure))
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_IO,
               "%s: cannot be written: %s; free space there or choose another folder", path,
               failure->message);
  return FALSE;
}

static gboolean
write_model (const char *path, GArray *tensors, guint64 seed, PldWriter **out, Progress *progress,
             GCancellable *cancellable, GError **error)
{
  const PldTensor *all = (const PldTensor *) tensors->data;
  g_autoptr (JsonObject) metadata = json_object_new ();
  g_autofree guint8 *chunk = g_malloc (CHUNK * sizeof (float));
  PldWriter *writer;

  json_object_set_string_member (metadata, "format", "pt");
  for (guint i = 0; i < tensors->len; i++)
    progress->total += all[i].n_values;
  writer = pld_safetensors_writer_new (path, all, tensors->len, metadata, error);
  if (writer == NULL)
    return FALSE;
  progress_tell (progress, 0);
  for (guint i = 0; i < tensors->len; i++)
    if (!write_tensor (writer, &all[i], seed, chunk, progress, cancellable, error))
      {
        pld_writer_free (&writer);
        return FALSE;
      }
  *out = writer;
  return TRUE;
}

static gboolean
write_folder (const Preset *preset, guint type, guint64 seed, const char *folder, Progress *progress,
              GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) tensors = shapes_make (preset, types[type].dtype);
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree char *config = config_text (preset, types[type].torch_name);
  PldWriter *writer = NULL;
  gboolean ok;

  if (g_mkdir_with_parents (folder, 0777) < 0)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_IO, "%s: cannot be made: %s; choose another folder", folder,
                   g_strerror (errno));
      return FALSE;
    }
  /* The weights take their name last: an interrupted run leaves the model that was there. */
  ok = write_model (path, tensors, seed, &writer, progress, cancellable, error)
       && write_text (folder, "config.json", config, error)
       && write_text (folder, "preprocessor_config.json", preprocessor_text, error)
       && pld_writer_finish (writer, error);
  pld_writer_free (&writer);
  return ok;
}

gboolean
pld_model_synth (const char *preset, const char *type, guint64 seed, const char *folder,
                 PldProgressFunc progress, gpointer user_data, GCancellable *cancellable, GError **error)
{
  Progress state = { progress, user_data };

  g_return_val_if_fail (preset != NULL && type != NULL && folder != NULL, FALSE);
  for (guint p = 0; p < G_N_ELEMENTS (presets); p++)
    for (guint t = 0; t < G_N_ELEMENTS (types); t++)
      if (strcmp (preset, presets[p].name) == 0 && strcmp (type, types[t].name) == 0)
        return write_folder (&presets[p], t, seed, folder, &state, cancellable, error);
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
               "there is no preset \"%s\" of type \"%s\"; presets are vit-ti16, vit-b16 and vit-l16, types "
               "f32, f16 and bf16",
               preset, type);
  return FALSE;
}
