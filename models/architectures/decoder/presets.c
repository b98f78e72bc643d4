/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sizes of published language models: GGUF files with the keys and names that llama.cpp writes.
 */
#include "models/architectures/decoder/llama.h"
#include "models/architectures/presets.h"

#include <math.h>

#define BIAS_STD 0.02
/* Llama 3.1's scaling: wavelengths beyond the original context over ROPE_LOW are stretched in full, those below it
 * over ROPE_HIGH not at all. */
#define ROPE_LOW 1.0
#define ROPE_HIGH 4.0
#define ROPE_CONTEXT 8192.0

typedef struct
{
  PldPreset base;
  guint hidden, layers, heads, kv_heads, inner, vocab, context;
  float rope_base, epsilon, rope_factor; /* rope_factor 0: no rope_freqs.weight */
  gboolean tied, bias;                   /* the head is the embedding; query, key and value have biases */
} Preset;

static const Preset presets[] = {
  { { "llama-tiny", &pld_arch_llama }, 256, 4, 8, 4, 768, 512, 16384, 500000, 1e-5f, 8, FALSE, FALSE },
  { { "tinyllama-1.1b", &pld_arch_llama }, 2048, 22, 32, 4, 5632, 32000, 2048, 10000, 1e-5f, 0, FALSE, FALSE },
  { { "llama-2-7b", &pld_arch_llama }, 4096, 32, 32, 32, 11008, 32000, 4096, 10000, 1e-5f, 0, FALSE, FALSE },
  { { "llama-3.1-8b", &pld_arch_llama }, 4096, 32, 32, 8, 14336, 128256, 131072, 500000, 1e-5f, 8, FALSE, FALSE },
  { { "llama-3.2-1b", &pld_arch_llama }, 2048, 16, 32, 8, 8192, 128256, 131072, 500000, 1e-5f, 32, TRUE, FALSE },
  { { "llama-3.2-3b", &pld_arch_llama }, 3072, 28, 24, 8, 8192, 128256, 131072, 500000, 1e-5f, 32, TRUE, FALSE },
  { { "mistral-7b", &pld_arch_llama }, 4096, 32, 32, 8, 14336, 32768, 32768, 1000000, 1e-5f, 0, FALSE, FALSE },
  { { "qwen2-tiny", &pld_arch_qwen2 }, 224, 2, 7, 1, 640, 512, 4096, 1000000, 1e-6f, 0, TRUE, TRUE },
  { { "qwen2.5-0.5b", &pld_arch_qwen2 }, 896, 24, 14, 2, 4864, 151936, 32768, 1000000, 1e-6f, 0, TRUE, TRUE },
  { { "qwen2.5-7b", &pld_arch_qwen2 }, 3584, 28, 28, 4, 18944, 152064, 131072, 1000000, 1e-6f, 0, FALSE, TRUE },
};

/* ---- the tensors --------------------------------------------------------------------------- */

/* [n_out, n_in], or [n_out] when @n_in is 0 */
static PldDraft *
add (GArray *drafts, char *name, guint n_out, guint n_in)
{
  const guint64 dims[] = { n_out, n_in };
  PldDraft *draft = pld_drafts_add (drafts, name, n_in > 0 ? 2 : 1, dims);

  draft->n_cols = n_in;
  draft->std = n_in > 0 ? 1 / sqrt ((double) n_in) : PLD_DRAFT_ONES;
  return draft;
}

static void
add_layer (GArray *drafts, const Preset *p, guint layer)
{
  const guint kv = p->hidden / p->heads * p->kv_heads;
  const struct
  {
    const char *name;
    guint n_out, n_in;
    gboolean bias;
  } parts[] = { { "attn_norm", p->hidden, 0, FALSE },           { "attn_q", p->hidden, p->hidden, p->bias },
                { "attn_k", kv, p->hidden, p->bias },           { "attn_v", kv, p->hidden, p->bias },
                { "attn_output", p->hidden, p->hidden, FALSE }, { "ffn_norm", p->hidden, 0, FALSE },
                { "ffn_gate", p->inner, p->hidden, FALSE },     { "ffn_up", p->inner, p->hidden, FALSE },
                { "ffn_down", p->hidden, p->inner, FALSE } };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      add (drafts, g_strdup_printf ("blk.%u.%s.weight", layer, parts[i].name), parts[i].n_out, parts[i].n_in);
      if (parts[i].bias)
        add (drafts, g_strdup_printf ("blk.%u.%s.bias", layer, parts[i].name), parts[i].n_out, 0)->std = BIAS_STD;
    }
}

/* The divisor of each pair's frequency: 1 for short wavelengths, the factor for long ones, and smoothly between.
 * Returns: (transfer full): [hidden / heads / 2] */
static float *
rope_factors (const Preset *preset)
{
  const guint n_rot = preset->hidden / preset->heads;
  float *factors = g_new (float, n_rot / 2);

  for (guint i = 0; i < n_rot / 2; i++)
    {
      const double wavelength = 2 * G_PI * pow (preset->rope_base, 2.0 * i / n_rot);
      const double turns = ROPE_CONTEXT / wavelength;
      const double own = CLAMP ((turns - ROPE_LOW) / (ROPE_HIGH - ROPE_LOW), 0, 1);

      factors[i] = (float) (1 / ((1 - own) / preset->rope_factor + own));
    }
  return factors;
}

static void
add_drafts (const PldPreset *base, const PldNet *net, GArray *drafts)
{
  const Preset *preset = (const Preset *) base;
  const guint vocab = net->n_outputs;

  if (preset->rope_factor > 0)
    add (drafts, g_strdup ("rope_freqs.weight"), preset->hidden / preset->heads / 2, 0)->values = rope_factors (preset);
  add (drafts, g_strdup ("token_embd.weight"), vocab, preset->hidden);
  for (guint i = 0; i < preset->layers; i++)
    add_layer (drafts, preset, i);
  add (drafts, g_strdup ("output_norm.weight"), preset->hidden, 0);
  if (!preset->tied)
    add (drafts, g_strdup ("output.weight"), vocab, preset->hidden);
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
  const Preset *preset = (const Preset *) base;
  PldLlama *llama = g_new0 (PldLlama, 1);

  llama->base.base.n_outputs = preset->vocab;
  llama->base.context = preset->context;
  llama->d = preset->hidden;
  llama->d_ff = preset->inner;
  llama->n_blocks = preset->layers;
  llama->n_heads = preset->heads;
  llama->n_kv_heads = preset->kv_heads;
  llama->d_head = preset->hidden / preset->heads;
  llama->eps = preset->epsilon;
  llama->rope.base = preset->rope_base;
  llama->rope.n_pairs = llama->d_head / 2;
  llama->tied = preset->tied;
  return &llama->base.base;
}

const PldPresets pld_llama_presets = {
  .default_type = "q4_k_m",
  .nth = nth,
  .make = make,
  .add_drafts = add_drafts,
};
