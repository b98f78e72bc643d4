/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pipeline planner: memory limit → tiles, ring, pinned set, loaders.
 *
 * What the limit leaves after the fixed bytes (tables, activations, inputs) goes to a ring of slots that tiles stream through, and the rest
 * to tiles that stay. Those are spread evenly along the tape, so that loading and computing stay level; never an LRU, which hits
 * 0 % on a cyclic scan.
 */
#pragma once

#include "engine/stream/tape.h"

typedef struct
{
  guint64 limit;       /* asked for; 0 = none */
  guint64 minimum;     /* the smallest limit that works */
  guint64 resident;    /* the smallest limit under which nothing streams */
  GArray *tiles;       /* PldTile, in the order of use */
  guint n_pinned;
  guint64 pinned_bytes; /* memory */
  guint64 ring_bytes;   /* memory */
  guint64 slot_bytes;
  guint n_slots;        /* 0: everything is pinned */
  guint64 streamed_bytes; /* read a pass */
  guint loaders;        /* 0: everything is pinned */
} PldPlan;

/* Memory beside tiles that a stream of @n_tiles takes: charged, so planned. */
guint64 pld_plan_table_bytes (guint n_tiles);

/**
 * pld_plan_make:
 * @limit: 0 = none
 * @fixed: bytes that the model holds beside its tiles
 * @loaders: 0 = planned
 *
 * PLD_ERROR_LIMIT names the smallest limit that works. Returns: (transfer full)
 */
PldPlan *pld_plan_make (const PldTape *tape, guint64 limit, guint64 fixed, guint loaders, GError **error);
void pld_plan_free (PldPlan **plan);
