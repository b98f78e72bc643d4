/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models of true shapes with random weights: the parts of the writer. A tensor's values depend on the seed and its name
 * alone, and are made by integer arithmetic up to one multiplication a value, so that every machine writes the same
 * bytes.
 */
#pragma once

#include "engine/format/gguf-writer.h"
#include "models/architectures/presets.h"
#include "pipeload/model.h"

/* One call of pld_model_synth(). */
typedef struct
{
  const PldPresets *family;
  const PldPreset *preset;
  const PldMix *mix;
  PldNet *net;
  guint64 seed;
  const char *vocab_from; /* (nullable) */
  PldProgressFunc progress;
  gpointer user_data;
  GCancellable *cancellable;

  guint64 done, total; /* values */
  guint percent;
} PldSynth;

/* Receives a tensor's bytes. */
typedef gboolean (*PldSynthPut) (gpointer writer, const void *bytes, gsize n, GError **error);

/**
 * pld_synth_draft:
 *
 * Makes and writes the values of @draft, of any type of pld_synth_has_dtype(); given values are written as F32, which
 * its type must be. CANCELLED, or what @put fails with.
 */
gboolean pld_synth_draft (PldSynth *synth, const PldDraft *draft, PldSynthPut put, gpointer writer, GError **error);

gboolean pld_synth_has_dtype (PldDtype dtype);

/* @n more values are written; the first call, before any, has 0. */
void pld_synth_advance (PldSynth *synth, guint64 n);

/* Writes the model as a Hugging Face folder. */
gboolean pld_synth_folder (PldSynth *synth, const char *folder, GError **error);

/**
 * pld_synth_vocabulary:
 * @n_vocab: (inout): tokens; those of synth->vocab_from if that is set
 *
 * Adds the tokenizer.* keys: those of synth->vocab_from as they are there, or a plain SentencePiece vocabulary.
 */
gboolean pld_synth_vocabulary (PldSynth *synth, PldGgufWriter *writer, guint *n_vocab, GError **error);
