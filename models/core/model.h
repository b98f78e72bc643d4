/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A model as its files declare it: architecture, shapes, and the data for pictures or text other than the network:
 * labels and preprocessing, or the tokenizer. Nothing is loaded before pld_model_prepare(); immutable after it.
 */
#pragma once

#include "engine/image/image.h"
#include "engine/stream/profile.h"
#include "engine/text/tokenizer.h"
#include "models/architectures/arch.h"

/* GGUF's list of the names of classes, after the architecture's name; the key that llama.cpp has for classifiers. */
#define PLD_MODEL_LABELS ".classifier.output_labels"

typedef struct
{
  char *path;
  PldWeights *weights;
  PldConfig *config; /* config.json, or GGUF's keys */
  PldParams *params;
  const PldArch *arch;
  PldNet *net;
  guint64 n_parameters, weight_bytes;
  GPtrArray *warnings; /* strings: what a user should know, although the model runs */
  PldProfile *storage; /* (nullable): of the storage that holds it, measured on its largest file; taken from the cache
                          at opening */
  /* vision */
  char **labels; /* [n_classes + 1], NULL-terminated */
  /* text */
  guint64 tokenizer_bytes;
  PldTokenizer *tokenizer; /* NULL until prepared, or when the file has none */
} PldModel;

/* @path: not NULL. @input: of vision models. Returns: (transfer full) */
PldModel *pld_model_open (PldModelKind kind, const char *path, PldInputSize input, GError **error);
/* The same of an open directory. @weights: (transfer full), also on failure */
PldModel *pld_model_new (PldModelKind kind, PldWeights *weights, PldInputSize input, GError **error);
void pld_model_free (PldModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldModel, pld_model_free)

void pld_model_warn (PldModel *model, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* The file that most of the weights come from. */
const char *pld_model_largest_file (const PldModel *model);

/* Resident memory other than the tiles: small tensors, derived tables, the tokenizer. */
guint64 pld_model_table_bytes (const PldModel *model);

/* After pld_params_load(): makes the derived tables and the tokenizer. */
gboolean pld_model_prepare (PldModel *model, PldBudget *budget, GError **error);
