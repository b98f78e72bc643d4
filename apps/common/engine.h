/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The options of every verb that runs a model: tables for PldVerb.options, whose values are in pld_engine.
 */
#pragma once

#include "pipeload/pipeload.h"

typedef struct
{
  char *model; /* NULL: the bundled one */
  char *memory_limit, *cache_type, *input_size;
  int loaders, threads, batch, context_size, lookup;
} PldEngineValues;

extern PldEngineValues pld_engine;

extern const GOptionEntry pld_model_options[], pld_limit_options[], pld_engine_options[], pld_vision_options[],
    pld_llm_options[];
/* In place of pld_limit_options, for verbs that accept "small" too. */
extern const GOptionEntry pld_small_limit_options[];

/* The options for a model at @path (nullable). FALSE: an error was printed, return PLD_EXIT_USAGE. Options of the other
 * kind of model are such an error. */
gboolean pld_engine_vision (const char *path, PldVisionOptions *options);
gboolean pld_engine_llm (const char *path, PldLlmOptions *options);

/* Prints each warning about a model that was opened as "pipeload: warning: ..." on stderr. */
void pld_engine_warn (PldHandle *handle);

/* Returns: a memory limit smaller than the weights of a vision model, halfway from them to the smallest that works, or
 * that one where none is smaller; 0 = @error. @threads (out): to run with: each needs memory of its own, so of many
 * cores only as many compute as leave room for streamed weights.
 * @model: (nullable); @users: handles that share it */
guint64 pld_limit_small (const char *model, guint users, guint *threads, GError **error);
