/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Passes without weights, for predictions: the time of all computing other than products with matrices, which the
 * compute profile has itself (engine/runtime/profile.h).
 */
#pragma once

#include "engine/runtime/profile.h"
#include "models/core/core.h"

/* The measured token of a language model follows this many others, unless the context holds fewer. */
#define PLD_DRY_POSITIONS 512

/**
 * pld_dry_run:
 * @grant: of the plan
 * @cache_type: of language models
 * @items: [n]: of each pass, 1 … grant->batch
 * @profile: looked up first; measurements are added to it
 * @budget: charged all that a pass holds except ring and pinned tiles, which fits any limit that works
 * @measured: (out): whether anything was measured
 * @ns: (out): [n]
 *
 * Runs the architecture's own forward pass on a second opening of the model, without streaming and with products left
 * out. One token of a language model follows %PLD_DRY_POSITIONS others; several are the beginning of a prompt. Errors:
 * those of opening and reading; LIMIT, MEMORY, CANCELLED.
 */
gboolean pld_dry_run (const PldModel *model, const PldGrant *grant, PldCacheType cache_type, const guint *items,
                      guint n, PldComputeProfile *profile, PldBudget *budget, gboolean *measured, double *ns,
                      GCancellable *cancellable, GError **error);
