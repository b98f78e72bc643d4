/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Predictions of the planner (PIPELOAD, arXiv 2409.04249) from the profiles of storage and computing: how long a pass
 * will take, and what would make it shorter. Computing has two parts: products with matrices
 * (engine/runtime/profile.h) and all else (models/core/dry-run.h).
 */
#pragma once

#include "engine/runtime/profile.h"
#include "engine/stream/profile.h"
#include "models/core/core.h"

/* A pass, in ns. */
typedef struct
{
  double load_ns;    /* all reads, one after the other, at the bandwidth that the loaders reach together */
  double compute_ns; /* all computing */
  double pass_ns;    /* from the end of one pass to the end of the next */
} PldPrediction;

/**
 * pld_predict_pass:
 * @speed: of the storage, as a multiple of the profiled one
 * @items: of the pass
 * @results: wanted ones among @items: the tape's last matrix is computed for these alone
 * @other_ns: computing other than products with matrices
 *
 * Follows a few passes tile by tile: reading waits for a free slot of the ring, computing for the tile. Pinned tiles
 * need no reading. Other computing is taken to be distributed along the tape as the products are.
 */
PldPrediction pld_predict_pass (const PldTape *tape, const PldPlan *plan, const PldProfile *storage, double speed,
                                const PldComputeProfile *compute, guint items, guint results, double other_ns);

/* Measures the storage that holds the model, unless its profile was in the user's cache. Takes no more memory than
 * @limit (0 = none). Errors: those of reading; LIMIT, MEMORY, CANCELLED. */
gboolean pld_predict_storage (PldModel *model, guint64 limit, GCancellable *cancellable, GError **error);

/**
 * pld_predict_info:
 * @demand: that @plan was made for
 * @grant: of @plan
 * @info: has the plan; gets the predictions
 *
 * After pld_predict_storage(). Measures the computing that is not in the user's cache. Errors: LIMIT, MEMORY,
 * CANCELLED.
 */
gboolean pld_predict_info (const PldModel *model, const PldDemand *demand, const PldGrant *grant, const PldPlan *plan,
                           PldPlanInfo *info, GCancellable *cancellable, GError **error);
