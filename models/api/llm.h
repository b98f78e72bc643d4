/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the facade for language models share: llm.c (handles and their caches), prompt.c (messages →
 * tokens), generate.c (tokens → answer).
 */
#pragma once

#include "engine/text/sampler.h"
#include "engine/text/template.h"
#include "models/core/core.h"
#include "models/api/guess.h"

struct _PldLlm
{
  PldCore *core;
  GMutex user_lock; /* held while user is read and replaced */
  PldDemand user;
  PldLlmInfo info;
  char *path, *name;
  const PldTemplate *chat_template; /* NULL: the file has none, or one that is not known */
  gboolean strange_template;        /* one that is not known */
  float temperature;                /* that the file recommends, or 0.8 */
  PldCache cache;
  PldBuffer ids;   /* guint32 [context_size]: the tokens in the cache */
  guint position;  /* how many they are */
  PldBuffer items; /* PldItem [chunk] */
  guint chunk;
  PldBuffer logits; /* float [1 + user.guesses][n_vocab] */
  PldGuess guess;
};

/* As pld_llm_eval(), with results of the last @wanted tokens, 1 + user.guesses at most, to the handle's own logits. */
gboolean pld_llm_compute (PldLlm *llm, const guint32 *tokens, guint n_tokens, guint wanted, GCancellable *cancellable,
                          GError **error);

/**
 * pld_prompt_make:
 * @room: the most tokens
 * @trimmed: (out): tokens that were left out for it
 * @raw: (out): no template stands between the prompt and the answer
 *
 * Returns: (transfer full) (element-type guint32): NULL with UNSUPPORTED: longer than @room, unless options->trim;
 * unknown template or role
 */
GArray *pld_prompt_make (PldLlm *llm, const PldMessage *messages, guint n_messages, const PldGenerateOptions *options,
                         guint room, guint *trimmed, gboolean *raw, GError **error);
