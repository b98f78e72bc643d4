/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the planner (PIPELOAD, arXiv 2409.04249) predicts from the profiles of storage and computing: how long a pass
 * will take, and what would make it shorter. Computing is that of the matrices (engine/runtime/profile.h) and all else
 * (models/core/dry-run.h).
 */
#pragma once

#include "engine/runtime/profile.h"
#include "engine/stream/profile.h"
#include "models/core/core.h"

/* A pass, in ns. */
typedef struct
{
  double load_ns;    /* of all reads, one after the other at the bandwidth that the loaders reach together */
  double compute_ns; /* of all that is computed */
  double pass_ns;    /* from one pass's end to the next one's */
} PldPrediction;

/**
 * pld_predict_pass:
 * @speed: of the storage, 1 as profiled
 * @items: of the pass
 * @results: of them wanted: for those alone the tape's last matrix is computed
 * @beside_ns: what the pass computes beside its matrices
 *
 * Follows a few passes tile by tile: reading waits for a free slot of the ring, computing for the tile. Pinned tiles
 * are there already. What is computed beside the matrices is taken to lie along the tape as their products do.
 */
PldPrediction pld_predict_pass (const PldTape *tape, const PldPlan *plan, const PldProfile *storage, double speed,
                                const PldComputeProfile *compute, guint items, guint results, double beside_ns);

/* Measures the storage that the model lies on, unless its profile was in the user's cache; with no more memory than
 * @limit (0 = none). Errors: those of reading; LIMIT, MEMORY, CANCELLED. */
gboolean pld_predict_storage (PldModel *model, guint64 limit, GCancellable *cancellable, GError **error);

/**
 * pld_predict_info:
 * @wishes: that @plan was made for
 * @shape: what it made of them
 * @info: has the plan; gets the predictions
 *
 * After pld_predict_storage(). Measures what the user's cache does not have of computing. Errors: LIMIT, MEMORY,
 * CANCELLED.
 */
gboolean pld_predict_info (const PldModel *model, const PldUser *wishes, const PldUser *shape, const PldPlan *plan,
                           PldPlanInfo *info, GCancellable *cancellable, GError **error);
