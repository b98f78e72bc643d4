/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guessing tokens ahead: a pass computes the next token and guesses at those after it, and as many as prove right are
 * answered at once. Only time depends on guesses: each token is sampled from its own logits, which do not depend on
 * what is computed beside it. Where passes wait for storage or memory a wrong guess costs next to nothing; where they
 * compute it does, so guesses are made only as long as they pay on this machine.
 */
#pragma once

#include <glib.h>

#define PLD_GUESS_MAX 15 /* PldLlmOptions.lookup says so */

/* Begins zeroed. */
typedef struct
{
  guint width; /* tokens to guess next; 0: none were guessed yet */
  guint rest,
      last_rest;   /* passes without guesses that are still to come, and that there were last; 0: the last trial paid */
  double plain_ns; /* of a pass without guesses: a mean that forgets; 0: not known */
  double trial_ns; /* of the passes with guesses since they were last judged, */
  guint trial_passes, trial_tokens; /* how many they were, and tokens that they gave */
} PldGuess;

/**
 * pld_guess_make:
 * @tokens: [n]: prompt and answer so far
 * @most: PLD_GUESS_MAX at most
 * @guess: (out): [@most]
 *
 * Returns: how many there are; 0 where none are likely, or would not pay
 */
guint pld_guess_make (PldGuess *state, const guint32 *tokens, guint n, guint most, guint32 *guess);

/* Of a pass with @made guesses @right were, and it took @ns. */
void pld_guess_learn (PldGuess *state, guint made, guint right, guint64 ns);
