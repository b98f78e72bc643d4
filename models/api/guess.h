/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guessing tokens ahead: a pass computes the next token and guesses of the tokens after it, and all right ones are
 * answered at once. Only time depends on guesses: each token is sampled from its own logits, which do not depend on
 * other tokens of the pass. A wrong guess costs next to nothing where passes wait for storage or memory, but does cost
 * time where they compute, so guesses are made only while they pay on this machine.
 */
#pragma once

#include <glib.h>

#define PLD_GUESS_MAX 15 /* as PldLlmOptions.lookup documents */

/* Begins zeroed. */
typedef struct
{
  guint width;        /* tokens to guess next; 0: none were guessed yet */
  guint rest;         /* passes without guesses that are left */
  guint last_rest;    /* how many there were last; 0: the last trial paid */
  double plain_ns;    /* running mean of a pass without guesses; 0: unknown */
  double trial_ns;    /* of the passes with guesses since they were last judged */
  guint trial_passes; /* number of these passes */
  guint trial_tokens; /* tokens that they gave */
} PldGuess;

/**
 * pld_guess_make:
 * @tokens: [n]: prompt and answer so far
 * @most: PLD_GUESS_MAX at most
 * @guess: (out): [@most]
 *
 * Returns: number of guesses; 0 where none are likely, or would not pay
 */
guint pld_guess_make (PldGuess *state, const guint32 *tokens, guint n, guint most, guint32 *guess);

/* Reports a pass of @ns with @made guesses, of which @right were right. */
void pld_guess_learn (PldGuess *state, guint made, guint right, guint64 ns);
