/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Language models: a GGUF file with the keys, names and type mixes that llama.cpp writes.
 */
#include "engine/format/tensors.h"
#include "models/files/synth.h"

#include <math.h>
#include <string.h>

#define BIAS_STD 0.02
/* Llama 3.1's scaling: wavelengths beyond the original context over ROPE_LOW are stretched in full, those below it
 * over ROPE_HIGH not at all. */
#define ROPE_LOW 1.0
#define ROPE_HIGH 4.0
#define ROPE_CONTEXT 8192.0

typedef struct
{
  const char *name, *architecture;
  guint hidden, layers, heads, kv_heads, inner, vocab, context;
  float rope_base, epsilon, rope_factor; /* rope_factor 0: no rope_freqs.weight */
  gboolean tied, bias;                   /* the head is the embedding; query, key and value have biases */
} Preset;

static const Preset presets[] = {
  { "llama-tiny", "llama", 256, 4, 8, 4, 768, 512, 16384, 500000, 1e-5f, 8, FALSE, FALSE },
  { "tinyllama-1.1b", "llama", 2048, 22, 32, 4, 5632, 32000, 2048, 10000, 1e-5f, 0, FALSE, FALSE },
  { "llama-2-7b", "llama", 4096, 32, 32, 32, 11008, 32000, 4096, 10000, 1e-5f, 0, FALSE, FALSE },
  { "llama-3.1-8b", "llama", 4096, 32, 32, 8, 14336, 128256, 131072, 500000, 1e-5f, 8, FALSE, FALSE },
  { "llama-3.2-1b", "llama", 2048, 16, 32, 8, 8192, 128256, 131072, 500000, 1e-5f, 32, TRUE, FALSE },
  { "llama-3.2-3b", "llama", 3072, 28, 24, 8, 8192, 128256, 131072, 500000, 1e-5f, 32, TRUE, FALSE },
  { "mistral-7b", "llama", 4096, 32, 32, 8, 14336, 32768, 32768, 1000000, 1e-5f, 0, FALSE, FALSE },
  { "qwen2-tiny", "qwen2", 224, 2, 7, 1, 640, 512, 4096, 1000000, 1e-6f, 0, TRUE, TRUE },
  { "qwen2.5-0.5b", "qwen2", 896, 24, 14, 2, 4864, 151936, 32768, 1000000, 1e-6f, 0, TRUE, TRUE },
  { "qwen2.5-7b", "qwen2", 3584, 28, 28, 4, 18944, 152064, 131072, 1000000, 1e-6f, 0, FALSE, TRUE },
};

/* sensitive: the type of the head, and of the value and down projections of those layers that use_more_bits() names. */
typedef struct
{
  const char *name;
  PldDtype base, sensitive;
  guint file_type; /* llama.cpp's number of the mix */
} Mix;

static const Mix mixes[] = {
  { "f32", PLD_DTYPE_F32, PLD_DTYPE_F32, 0 },           { "f16", PLD_DTYPE_F16, PLD_DTYPE_F16, 1 },
  { "bf16", PLD_DTYPE_BF16, PLD_DTYPE_BF16, 32 },       { "q4_0", PLD_DTYPE_Q4_0, PLD_DTYPE_Q4_0, 2 },
  { "q4_1", PLD_DTYPE_Q4_1, PLD_DTYPE_Q4_1, 3 },        { "q5_0", PLD_DTYPE_Q5_0, PLD_DTYPE_Q5_0, 8 },
  { "q5_1", PLD_DTYPE_Q5_1, PLD_DTYPE_Q5_1, 9 },        { "q8_0", PLD_DTYPE_Q8_0, PLD_DTYPE_Q8_0, 7 },
  { "q2_k", PLD_DTYPE_Q2_K, PLD_DTYPE_Q2_K, 10 },       { "q3_k", PLD_DTYPE_Q3_K, PLD_DTYPE_Q3_K, 11 },
  { "q4_k", PLD_DTYPE_Q4_K, PLD_DTYPE_Q4_K, 14 },       { "q5_k", PLD_DTYPE_Q5_K, PLD_DTYPE_Q5_K, 16 },
  { "q6_k", PLD_DTYPE_Q6_K, PLD_DTYPE_Q6_K, 18 },       { "iq4_nl", PLD_DTYPE_IQ4_NL, PLD_DTYPE_IQ4_NL, 25 },
  { "iq4_xs", PLD_DTYPE_IQ4_XS, PLD_DTYPE_IQ4_XS, 30 }, { "q4_k_m", PLD_DTYPE_Q4_K, PLD_DTYPE_Q6_K, 15 },
  { "q5_k_m", PLD_DTYPE_Q5_K, PLD_DTYPE_Q6_K, 17 },
};

/* ---- the tensors --------------------------------------------------------------------------- */

typedef struct
{
  GArray *tensors; /* PldTensor */
  const Preset *preset;
  const Mix *mix;
} Shapes;

/* The first eighth of the layers, the last, and every third between them. */
static gboolean
use_more_bits (guint layer, guint n_layers)
{
  guint eighth = n_layers / 8;

  return layer < eighth || layer >= 7 * n_layers / 8 || (layer - eighth) % 3 == 2;
}

/* What llama.cpp takes where rows are no whole blocks of 256. */
static PldDtype
dtype_for_rows (PldDtype dtype, guint n_in)
{
  const struct
  {
    PldDtype wide, narrow;
  } pairs[] = { { PLD_DTYPE_Q2_K, PLD_DTYPE_IQ4_NL },   { PLD_DTYPE_Q3_K, PLD_DTYPE_IQ4_NL },
                { PLD_DTYPE_IQ4_XS, PLD_DTYPE_IQ4_NL }, { PLD_DTYPE_Q4_K, PLD_DTYPE_Q5_0 },
                { PLD_DTYPE_Q5_K, PLD_DTYPE_Q5_1 },     { PLD_DTYPE_Q6_K, PLD_DTYPE_Q8_0 } };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    if (dtype == pairs[i].wide && n_in % pld_dtype_info (dtype)->block != 0)
      return pairs[i].narrow;
  return dtype;
}

/* [n_out, n_in] of @dtype, or [n_out] of F32 when @n_in is 0 */
static void
shapes_add (Shapes *shapes, const char *name, PldDtype dtype, guint n_out, guint n_in)
{
  PldTensor tensor
      = { .name = g_strdup (name), .dtype = PLD_DTYPE_F32, .n_dims = 1, .dims = { n_out }, .n_values = n_out };

  if (n_in > 0)
    {
      tensor.dtype = dtype_for_rows (dtype, n_in);
      tensor.n_dims = 2;
      tensor.dims[1] = n_in;
      tensor.n_values *= n_in;
    }
  g_array_append_val (shapes->tensors, tensor);
}

static void
shapes_add_layer (Shapes *shapes, guint layer)
{
  const Preset *p = shapes->preset;
  guint kv = p->hidden / p->heads * p->kv_heads;
  PldDtype base = shapes->mix->base;
  PldDtype more = use_more_bits (layer, p->layers) ? shapes->mix->sensitive : base;
  const struct
  {
    const char *name;
    PldDtype dtype;
    guint n_out, n_in;
    gboolean bias;
  } parts[] = { { "attn_norm", base, p->hidden, 0, FALSE },           { "attn_q", base, p->hidden, p->hidden, p->bias },
                { "attn_k", base, kv, p->hidden, p->bias },           { "attn_v", more, kv, p->hidden, p->bias },
                { "attn_output", base, p->hidden, p->hidden, FALSE }, { "ffn_norm", base, p->hidden, 0, FALSE },
                { "ffn_gate", base, p->inner, p->hidden, FALSE },     { "ffn_up", base, p->inner, p->hidden, FALSE },
                { "ffn_down", more, p->hidden, p->inner, FALSE } };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char *weight = g_strdup_printf ("blk.%u.%s.weight", layer, parts[i].name);
      g_autofree char *bias = g_strdup_printf ("blk.%u.%s.bias", layer, parts[i].name);

      shapes_add (shapes, weight, parts[i].dtype, parts[i].n_out, parts[i].n_in);
      if (parts[i].bias)
        shapes_add (shapes, bias, base, parts[i].n_out, 0);
    }
}

static GArray *
shapes_make (const Preset *preset, const Mix *mix, guint vocab)
{
  Shapes shapes = { pld_tensors_new (), preset, mix };

  if (preset->rope_factor > 0)
    shapes_add (&shapes, "rope_freqs.weight", mix->base, preset->hidden / preset->heads / 2, 0);
  shapes_add (&shapes, "token_embd.weight", preset->tied ? mix->sensitive : mix->base, vocab, preset->hidden);
  for (guint i = 0; i < preset->layers; i++)
    shapes_add_layer (&shapes, i);
  shapes_add (&shapes, "output_norm.weight", mix->base, preset->hidden, 0);
  if (!preset->tied)
    shapes_add (&shapes, "output.weight", mix->sensitive, vocab, preset->hidden);
  return shapes.tensors;
}

/* ---- the file ------------------------------------------------------------------------------ */

static gboolean
put (gpointer writer, const void *bytes, gsize n, GError **error)
{
  return pld_gguf_writer_write (writer, bytes, n, error);
}

/* What each pair's frequency is divided by: 1 for short wavelengths, the factor for long ones, and smoothly between. */
static gboolean
write_rope_factors (const Preset *preset, PldGgufWriter *writer, GError **error)
{
  guint n_rot = preset->hidden / preset->heads;
  g_autofree guint8 *bytes = g_malloc (2 * (gsize) n_rot);

  for (guint i = 0; i < n_rot / 2; i++)
    {
      double wavelength = 2 * G_PI * pow (preset->rope_base, 2.0 * i / n_rot);
      double turns = ROPE_CONTEXT / wavelength;
      double own = CLAMP ((turns - ROPE_LOW) / (ROPE_HIGH - ROPE_LOW), 0, 1);
      float factor = (float) (1 / ((1 - own) / preset->rope_factor + own));
      guint32 bits;

      memcpy (&bits, &factor, sizeof bits);
      bits = GUINT32_TO_LE (bits);
      memcpy (bytes + 4 * (gsize) i, &bits, sizeof bits);
    }
  return pld_gguf_writer_write (writer, bytes, 2 * (gsize) n_rot, error);
}

static gboolean
write_tensor (PldSynth *synth, const Preset *preset, PldGgufWriter *writer, const PldTensor *tensor, GError **error)
{
  double std = tensor->n_dims == 2                        ? 1 / sqrt ((double) tensor->dims[1])
               : g_str_has_suffix (tensor->name, ".bias") ? BIAS_STD
                                                          : PLD_SYNTH_ONES;

  if (strcmp (tensor->name, "rope_freqs.weight") != 0)
    return pld_synth_tensor (synth, tensor, std, put, writer, error);
  pld_synth_advance (synth, tensor->n_values);
  return write_rope_factors (preset, writer, error);
}

static void
add_keys (const Preset *preset, const Mix *mix, PldGgufWriter *writer)
{
  const struct
  {
    const char *name;
    guint value;
  } numbers[] = { { "block_count", preset->layers },
                  { "context_length", preset->context },
                  { "embedding_length", preset->hidden },
                  { "feed_forward_length", preset->inner },
                  { "attention.head_count", preset->heads },
                  { "attention.head_count_kv", preset->kv_heads },
                  { "rope.dimension_count", preset->hidden / preset->heads } };
  g_autofree char *name = g_strdup_printf ("%s (random weights)", preset->name);
  g_autofree char *base = g_strdup_printf ("%s.rope.freq_base", preset->architecture);
  g_autofree char *epsilon = g_strdup_printf ("%s.attention.layer_norm_rms_epsilon", preset->architecture);

  pld_gguf_writer_add_string (writer, "general.architecture", preset->architecture);
  pld_gguf_writer_add_string (writer, "general.name", name);
  pld_gguf_writer_add_uint32 (writer, "general.file_type", mix->file_type);
  pld_gguf_writer_add_uint32 (writer, "general.quantization_version", 2);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autofree char *key = g_strdup_printf ("%s.%s", preset->architecture, numbers[i].name);

      pld_gguf_writer_add_uint32 (writer, key, numbers[i].value);
    }
  pld_gguf_writer_add_float (writer, base, preset->rope_base);
  pld_gguf_writer_add_float (writer, epsilon, preset->epsilon);
}

static gboolean
write_file (PldSynth *synth, const Preset *preset, const Mix *mix, PldGgufWriter *writer, const char *path,
            GError **error)
{
  g_autoptr (GArray) tensors = NULL;
  g_autofree char *size_key = g_strdup_printf ("%s.vocab_size", preset->architecture);
  guint vocab = preset->vocab;

  add_keys (preset, mix, writer);
  if (!pld_synth_vocabulary (synth, writer, &vocab, error))
    return FALSE;
  pld_gguf_writer_add_uint32 (writer, size_key, vocab);
  tensors = shapes_make (preset, mix, vocab);
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
    if (!write_tensor (synth, preset, writer, &g_array_index (tensors, PldTensor, i), error))
      return FALSE;
  return pld_gguf_writer_finish (writer, error);
}

static const Preset *
preset_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (presets); i++)
    if (strcmp (presets[i].name, name) == 0)
      return &presets[i];
  return NULL;
}

static const Mix *
mix_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (mixes); i++)
    if (strcmp (mixes[i].name, name) == 0)
      return &mixes[i];
  return NULL;
}

static gboolean
llama_has_preset (const char *preset)
{
  return preset_find (preset) != NULL;
}

static gboolean
llama_has_type (const char *type)
{
  return mix_find (type) != NULL;
}

static gboolean
llama_write (PldSynth *synth, const char *preset, const char *type, const char *path, GError **error)
{
  PldGgufWriter *writer = pld_gguf_writer_new ();
  gboolean ok = write_file (synth, preset_find (preset), mix_find (type), writer, path, error);

  pld_gguf_writer_free (&writer);
  return ok;
}

const PldSynthFamily pld_synth_llama = {
  "q4_k_m",
  "f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_k, q3_k, q4_k, q5_k, q6_k, iq4_nl, iq4_xs, q4_k_m and q5_k_m",
  "llama-tiny, tinyllama-1.1b, llama-2-7b, llama-3.1-8b, llama-3.2-1b, llama-3.2-3b, mistral-7b, qwen2-tiny, "
  "qwen2.5-0.5b and qwen2.5-7b",
  llama_has_preset,
  llama_has_type,
  llama_write,
};
