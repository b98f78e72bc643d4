/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guesses at the next tokens without a model: what stood there once before, as in "Inference with Reference" (arXiv
 * 2304.04487). Good where an answer repeats its prompt or itself: reports, summaries, code, lists.
 */
#pragma once

#include <glib.h>

/**
 * pld_lookup:
 * @tokens: [n]: prompt and answer so far
 * @guess: (out): [most]
 *
 * Looks for the place where most of the last tokens stood before, two at least, the latest such place, and takes what
 * followed there; where that runs into the end, it is gone through again. Returns: how many tokens were guessed: @most,
 * or 0 if nothing matches
 */
guint pld_lookup (const guint32 *tokens, guint n, guint32 *guess, guint most);
