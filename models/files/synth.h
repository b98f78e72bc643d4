/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models of true shapes with random weights: what the families share. A tensor's values depend on the seed and its
 * name alone, and are made by integer arithmetic up to one multiplication a value, so that every machine writes the
 * same bytes.
 */
#pragma once

#include "engine/format/gguf-writer.h"
#include "pipeload/model.h"

#define PLD_SYNTH_ONES 0.0 /* in place of a standard deviation */

/* One call of pld_model_synth(). */
typedef struct
{
  guint64 seed;
  const char *vocab_from; /* (nullable) */
  PldProgressFunc progress;
  gpointer user_data;
  GCancellable *cancellable;

  guint64 done, total; /* values */
  guint percent;
} PldSynth;

/* A family of presets. */
typedef struct
{
  const char *default_type;
  const char *types;   /* for messages: "f32, f16 and bf16" */
  const char *presets; /* likewise */
  gboolean (*has_preset) (const char *preset);
  gboolean (*has_type) (const char *type);
  gboolean (*write) (PldSynth *synth, const char *preset, const char *type, const char *path, GError **error);
} PldSynthFamily;

extern const PldSynthFamily pld_synth_vit, pld_synth_llama;

/* Where a tensor's bytes go. */
typedef gboolean (*PldSynthPut) (gpointer writer, const void *bytes, gsize n, GError **error);

/**
 * pld_synth_tensor:
 * @std: standard deviation of the values, whose mean is 0; or PLD_SYNTH_ONES
 *
 * Makes and writes the values of @tensor, of which name, dtype, dims and n_values count. Any dtype of
 * pld_synth_has_dtype() will do. CANCELLED, or what @put fails with.
 */
gboolean pld_synth_tensor (PldSynth *synth, const PldTensor *tensor, double std, PldSynthPut put, gpointer writer,
                           GError **error);

gboolean pld_synth_has_dtype (PldDtype dtype);

/* @n more values are written; the first call, before any, has 0. */
void pld_synth_advance (PldSynth *synth, guint64 n);

/**
 * pld_synth_vocabulary:
 * @n_vocab: (inout): tokens; those of synth->vocab_from if that is set
 *
 * Adds the tokenizer.* keys: those of synth->vocab_from as they are there, or a plain SentencePiece vocabulary.
 */
gboolean pld_synth_vocabulary (PldSynth *synth, PldGgufWriter *writer, guint *n_vocab, GError **error);
