/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pipeline planner: memory limit → tiles, ring, pinned set, loaders.
 *
 * The memory that the limit leaves after the fixed bytes (tables, activations, inputs) goes to a ring of slots that
 * tiles stream through, and to pinned tiles, which stay. Pinned tiles are chosen so that streaming keeps pace with
 * computing along the tape: tiles with little computing for their bytes are pinned first, and the others are spread
 * evenly. Never an LRU, which hits 0 % on a cyclic scan.
 */
#pragma once

#include "pipeload/model.h"
#include "engine/stream/profile.h"
#include "engine/stream/tape.h"

typedef struct
{
  guint64 limit; /* 0 = none */
  guint64 fixed; /* bytes that the model holds in addition to its tiles */
  guint loaders; /* 0 = planned */
  PldPipelining pipelining;
  const PldProfile *storage; /* (nullable): chooses the number of loaders */
} PldPlanOptions;

typedef struct
{
  guint64 limit;    /* asked for; 0 = none */
  guint64 minimum;  /* the smallest limit that works */
  guint64 resident; /* the smallest limit under which nothing streams */
  GArray *tiles;    /* PldTile, in the order of use */
  guint n_pinned;
  guint64 pinned_bytes; /* memory */
  guint64 ring_bytes;   /* memory */
  guint64 slot_bytes;
  guint n_slots;          /* 0: everything is pinned */
  guint64 streamed_bytes; /* read a pass */
  guint loaders;          /* 0: everything is pinned */
} PldPlan;

/* Memory that a stream of @n_tiles takes in addition to its tiles: it is charged, so it is planned. */
guint64 pld_plan_table_bytes (guint n_tiles);

/* The smallest limit that works with @fixed bytes: PldPlan.minimum, without a plan. */
guint64 pld_plan_minimum (const PldTape *tape, guint64 fixed);

/* PLD_ERROR_LIMIT names the smallest limit that works. Returns: (transfer full) */
PldPlan *pld_plan_make (const PldTape *tape, const PldPlanOptions *options, GError **error);
void pld_plan_free (PldPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldPlan, pld_plan_free)

/* Whether both, of one tape, cut it into the same tiles. */
gboolean pld_plan_cut_equal (const PldPlan *a, const PldPlan *b);
