/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Decides how many tokens to guess ahead, from how many proved right and how long passes took.
 */
#include "models/api/guess.h"

#include "engine/text/lookup.h"

/* Evaluate whether guessing pays off after this many passes; one alone is too noisy. */
#define TRIAL 6
/* Passes without guesses after a trial that did not pay; doubled each time. */
#define REST_MIN 16
#define REST_MAX 512
#define WIDTH_FIRST 2
/* Weight of the newest sample in the running mean. */
#define NEW 0.25

guint
pld_guess_make (PldGuess *state, const guint32 *tokens, guint n, guint most, guint32 *guess)
{
  /* A pass without guesses comes first: trials are compared with it. */
  if (state->rest > 0 || state->plain_ns == 0)
    return 0;
  return pld_lookup (tokens, n, guess, MIN (most, state->width > 0 ? state->width : WIDTH_FIRST));
}

static void
learn_plain (PldGuess *state, double ns)
{
  state->plain_ns = state->plain_ns > 0 ? state->plain_ns + NEW * (ns - state->plain_ns) : ns;
  state->rest -= MIN (state->rest, 1);
}

/* Decides whether the last trial saved time. */
static void
judge (PldGuess *state)
{
  const gboolean pays = state->trial_ns <= state->plain_ns * state->trial_tokens;

  state->last_rest = pays ? 0 : CLAMP (2 * state->last_rest, REST_MIN, REST_MAX);
  state->rest = state->last_rest;
  if (!pays)
    state->width = 1;
  state->trial_ns = 0;
  state->trial_tokens = state->trial_passes = 0;
}

void
pld_guess_learn (PldGuess *state, guint made, guint right, guint64 ns)
{
  if (made == 0)
    {
      learn_plain (state, (double) ns);
      return;
    }
  /* If all guesses were right, more might have been. */
  state->width = right == made ? 2 * made : right + 1;
  state->trial_ns += (double) ns;
  state->trial_tokens += 1 + right;
  if (++state->trial_passes == TRIAL)
    judge (state);
}
