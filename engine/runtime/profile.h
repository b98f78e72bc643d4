/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The Layer Profiler of PIPELOAD (arXiv 2409.04249), compute: the time that this machine takes for the product of each
 * kind of matrix on a tape with a given number of rows of activations. The products are those of a pass (pld_linear),
 * on the compute team, over weights that come from memory, not out of a cache. It also keeps the remaining time of
 * whole passes: attention, norms and other work on activations.
 *
 * One thread at a time.
 */
#pragma once

#include "engine/runtime/session.h"

/* The most memory that measuring takes. */
#define PLD_COMPUTE_PROFILE_MEMORY ((guint64) 64 << 20)
/* More rows of activations than these take time in proportion. */
#define PLD_COMPUTE_PROFILE_ROWS 256
/* Characters. */
#define PLD_DRY_ID 32

typedef struct
{
  PldDtype dtype;
  guint n_rows, n_cols; /* of the matrix */
  guint n;              /* rows of activations */
  guint64 memory;       /* that measuring could take */
  guint64 ns;
} PldProduct;

/* The time of a pass other than its products. */
typedef struct
{
  char id[PLD_DRY_ID + 1]; /* of the model and all else that it depends on: lower-case hexadecimal digits */
  guint n;                 /* items of the pass */
  guint64 ns;
} PldDryPass;

typedef struct
{
  guint n_threads;
  gboolean in_panels; /* activations lie in panels, as pictures' do, else in rows */
  GArray *products;   /* PldProduct; no two of the same matrix and n */
  GArray *dry;        /* PldDryPass; no two of the same id and n */
} PldComputeProfile;

/* Has measured nothing. Returns: (transfer full) */
PldComputeProfile *pld_compute_profile_new (guint n_threads, gboolean in_panels);
/* Has what pld_compute_profile_save() kept for this CPU, its instruction set, and these arguments. Returns: (transfer
 * full) */
PldComputeProfile *pld_compute_profile_load (guint n_threads, gboolean in_panels);
void pld_compute_profile_save (const PldComputeProfile *profile);
/* NULL is allowed. */
void pld_compute_profile_free (PldComputeProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldComputeProfile, pld_compute_profile_free)

/**
 * pld_compute_profile_measure:
 * @items: [n_items]: of passes
 * @budget: charged what measuring takes: all that it leaves, PLD_COMPUTE_PROFILE_MEMORY at most
 * @duration: microseconds that it should take in all
 * @measured: (out): whether there was anything to measure
 *
 * Adds what it does not have: each kind of matrix on @tape with its share of each number of items. Errors: LIMIT,
 * MEMORY, CANCELLED.
 */
gboolean pld_compute_profile_measure (PldComputeProfile *profile, const PldTape *tape, const guint *items,
                                      guint n_items, PldBudget *budget, gint64 duration, gboolean *measured,
                                      GCancellable *cancellable, GError **error);

/* Keeps or replaces a dry pass, which models/core/dry-run.h measures. */
void pld_compute_profile_add_dry (PldComputeProfile *profile, const PldDryPass *pass);
/* Returns: (nullable): that of this id and n, until something is added */
const PldDryPass *pld_compute_profile_find_dry (const PldComputeProfile *profile, const char *id, guint n);

/* The time of @matrix in a pass of @items items, in ns: between numbers of rows that were measured on the straight
 * line, beyond them in proportion; 0 when this kind was never measured. */
double pld_compute_profile_ns (const PldComputeProfile *profile, const PldMatrix *matrix, guint items);
