/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Picks the next token out of logits. In this order:
 *
 *   logit bias           l += bias of the token
 *   repeat penalty       l = l > 0 ? l / penalty : l × penalty, for tokens of the window (CTRL, arXiv 1909.05858)
 *   frequency, presence  l -= count in the window × frequency + (count > 0) × presence (as OpenAI's API documents them)
 *   top-k                the k likeliest stay; 0: all
 *   top-p                of these, as few of the likeliest as hold at least the share p of their probability (nucleus,
 * arXiv 1904.09751); 1: all; 0: the likeliest min-p                those that are at least min-p times as likely as the
 * likeliest (arXiv 2407.01082) temperature          p ∝ exp (l / temperature); 0: the likeliest, and nothing is drawn
 *   draw                 in the order of ids, with one number of xoshiro256**: one seed, one answer, as far as logits
 * are equal
 *
 * Of equally likely tokens the lower id comes first. The likeliest token always stays. A logit of NaN or −∞ is never
 * picked; +∞ counts as the largest float. If no token is left, it is token 0.
 *
 * A sampler is used by one thread at a time.
 */
#pragma once

#include "engine/base/buffer.h"
#include "pipeload/llm.h"

/* The temperature used for values below 0 when the model's file recommends none. */
#define PLD_SAMPLER_TEMPERATURE 0.8f
/* The longest window of penalties, tokens. */
#define PLD_SAMPLER_WINDOW_MAX 8192u

typedef struct _PldSampler PldSampler;

/* Bytes that a sampler charges: buffers only. */
guint64 pld_sampler_bytes (guint n_vocab);

/* TRUE if a sampler can do what @options say; else UNSUPPORTED, and the message names the option and its range. Biases
 * of tokens that are not in the vocabulary are an error; so is NaN anywhere. */
gboolean pld_sampler_check (const PldGenerateOptions *options, guint n_vocab, GError **error);

/**
 * pld_sampler_new:
 * @options: checked here; its biases are read as long as the sampler lives. temperature below 0 is
 * PLD_SAMPLER_TEMPERATURE; seed −1 takes a seed from the system, every other value is one
 * @n_vocab: 1 …
 *
 * LIMIT and MEMORY as of pld_buffer_init().
 *
 * Returns: (transfer full): free with pld_sampler_free()
 */
PldSampler *pld_sampler_new (const PldGenerateOptions *options, guint n_vocab, PldBudget *budget, GError **error);
/* NULL is allowed. */
void pld_sampler_free (PldSampler *sampler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldSampler, pld_sampler_free)

/* @logits: float [n_vocab], overwritten. Returns: the token; it is not accepted yet. */
guint32 pld_sampler_sample (PldSampler *sampler, float *logits);

/* Puts @token into the window that penalties look at: those of the prompt, then each one picked. Others than 0 …
 * n_vocab − 1 are left out. */
void pld_sampler_accept (PldSampler *sampler, guint32 token);

/* Empties the window and starts the random numbers again. */
void pld_sampler_reset (PldSampler *sampler);
