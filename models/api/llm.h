/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * State shared by the files of the facade for language models: llm.c (handles, their caches and the computing of
 * tokens), prompt.c (messages → tokens), generate.c (tokens → answer).
 */
#pragma once

#include "engine/text/sampler.h"
#include "engine/text/template.h"
#include "models/api/guess.h"
#include "models/api/handle.h"

struct _PldLlm
{
  PldHandle handle;
  PldLlmInfo info;
  PldGenerateResult result;
  char *name;
  const PldTemplate *chat_template; /* NULL: the file has none, or an unknown one */
  gboolean unknown_template;
  float temperature; /* that the file recommends, or 0.8 */
  PldCache cache;
  PldBuffer ids;   /* guint32 [context_size]: the tokens in the cache */
  guint position;  /* number of tokens in the cache */
  PldBuffer items; /* PldItem [chunk] */
  guint chunk;
  PldBuffer logits; /* float [1 + user.guesses][n_vocab] */
  PldGuess guess;
};

/* As pld_llm_eval(), with the results of the last @wanted tokens, 1 + user.guesses at most, in the handle's own logits.
 */
gboolean pld_llm_compute (PldLlm *llm, const guint32 *tokens, guint n_tokens, guint wanted, GCancellable *cancellable,
                          GError **error);

/**
 * pld_prompt_make:
 * @room: most tokens of the prompt
 * @trimmed: (out): tokens that were left out to fit @room
 * @raw: (out): whether the prompt is used without a template
 *
 * Returns: (transfer full) (element-type guint32): the tokens; NULL with UNSUPPORTED: longer than @room, unless
 * options->trim; unknown template or role
 */
GArray *pld_prompt_make (PldLlm *llm, const PldMessage *messages, guint n_messages, const PldGenerateOptions *options,
                         guint room, guint *trimmed, gboolean *raw, GError **error);
