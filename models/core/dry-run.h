/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Passes without weights, for predictions: how long everything takes but the products with matrices, which the compute
 * profile has of its own (engine/runtime/profile.h).
 */
#pragma once

#include "engine/runtime/profile.h"
#include "models/core/core.h"

/* Tokens that the next one of a language model follows, unless the context holds fewer. */
#define PLD_DRY_POSITIONS 512

/**
 * pld_dry_run:
 * @shape: what a pass is planned for
 * @items: [n]: of passes, 1 … shape->batch
 * @profile: asked first; what is measured is added to it
 * @budget: charged what a pass holds beside the ring and pinned tiles, which fits any limit that works
 * @measured: (out): whether there was anything to measure
 * @ns: (out): [n]
 *
 * Runs the architecture's own forward pass on a second opening of the model, without streaming and with products left
 * out. One token of a language model follows %PLD_DRY_POSITIONS others; several are the beginning of a prompt. Errors:
 * those of opening and reading; LIMIT, MEMORY, CANCELLED.
 */
gboolean pld_dry_run (const PldModel *model, const PldUser *shape, const guint *items, guint n,
                      PldComputeProfile *profile, PldBudget *budget, gboolean *measured, double *ns,
                      GCancellable *cancellable, GError **error);
