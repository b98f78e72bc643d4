/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The shared part of an opened model: one budget, plan, stream and set of activations for all its users, and the queue
 * of items (pictures, tokens) that wait for a pass. All functions are thread-safe.
 */
#pragma once

#include "models/core/model.h"
#include "pipeload/pipeload.h"

typedef struct _PldCore PldCore;

/* The request of a user, or of all users of a core together. A user's own is linked into the core between join and
 * leave and written through the core alone. */
typedef struct
{
  guint64 limit; /* 0 = none; PLD_LIMIT_AUTO: of one user only */
  guint loaders; /* 0 = planned */
  PldPipelining pipelining;
  guint threads;      /* at least 1 */
  guint batch;        /* items submitted at once, at least 1 */
  guint results;      /* of these, wanted at once, at least 1 */
  guint guesses;      /* of these, results of guesses (models/api/guess.h), which a plan may leave out */
  guint context;      /* positions of the longest cache */
  guint64 bytes;      /* charged to the core's budget by the users themselves */
  guint64 q8_0_saves; /* of these, the bytes that caches of Q8_0 would not need */
  PldCacheType cache_type;
} PldDemand;

/* The quantities that memory is allocated for, as a plan grants them. */
typedef struct
{
  guint batch;   /* items of a pass */
  guint results; /* wanted ones of a pass */
  guint threads;
  guint context; /* positions of the longest cache */
} PldGrant;

/* Items of one user that wait for a pass. */
typedef struct
{
  const PldItem *items; /* [n] */
  guint n;
  float *results; /* (out) [those wanted, n_outputs] */
  GCancellable *cancellable;
  /* The core's: */
  guint share; /* of the next pass */
  guint taken, finished, delivered;
  GError *error;
} PldRequest;

/* Sets what depends on the model: bytes, and batch, results, context where the user left the choice. */
typedef gboolean (*PldDemandFunc) (const PldModel *model, PldDemand *demand, gpointer data, GError **error);

/**
 * pld_core_join:
 * @user: (inout): the demand; the core's until pld_core_leave()
 * @measure: completes the demand, once the model is known; called once, with @data, without a lock
 *
 * Opens the model, or joins one that is open with the same input size; waits while another thread opens or closes that.
 * CANCELLED also while it waits, and between the steps of opening. Returns: (transfer full)
 */
PldCore *pld_core_join (PldModelKind kind, const char *path, PldInputSize input, PldDemand *user, PldDemandFunc measure,
                        gpointer data, PldProgressFunc progress, gpointer user_data, GCancellable *cancellable,
                        GError **error);
/* @destroy: gives back what the user holds; if a pass still works on it, at the end of that pass. Accepts a NULL core.
 */
void pld_core_leave (PldCore **core, PldDemand *user, GDestroyNotify destroy, gpointer data);

const PldModel *pld_core_model (PldCore *core);
PldBudget *pld_core_budget (PldCore *core);

/* Replaces the user's demand; LIMIT when it cannot be met (then the old one stays). In force from the next pass on. */
gboolean pld_core_set_user (PldCore *core, PldDemand *user, const PldDemand *demand, GError **error);

/* Runs the request's items, together with others that wait, in as many passes as it takes. Blocks. A request that is
 * cancelled leaves a pass that goes on for others; what its items point to is in use until pld_core_settle() or the
 * next run returns. */
gboolean pld_core_run (PldCore *core, PldRequest *request, GError **error);

/* Results of one user that a pass has room for, as it is planned now; at least 1. */
guint pld_core_room (PldCore *core);

/* Waits until no pass works on cancelled requests. */
void pld_core_settle (PldCore *core);

void pld_core_get_stats (PldCore *core, PldStats *stats);
/* Counts a picture for stats->mended. */
void pld_core_count_mended (PldCore *core);

/* Bytes that a model holds for passes, other than tiles and tables. */
guint64 pld_core_pass_bytes (const PldModel *model, const PldGrant *grant);

/**
 * pld_core_plan:
 * @demand: its limit is in bytes
 * @grant: (out): no more than @demand, and no more items than should share a pass
 *
 * Returns: (transfer full): NULL: LIMIT
 */
PldPlan *pld_core_plan (const PldModel *model, const PldDemand *demand, PldGrant *grant, GError **error);

/* The answer of pld_model_plan(); with @predict of pld_model_predict(). @info: (out): its changes: (transfer full) */
gboolean pld_core_plan_info (PldModelKind kind, const char *path, PldInputSize input, PldDemand *user,
                             PldDemandFunc measure, gpointer data, gboolean predict, PldPlanInfo *info,
                             GCancellable *cancellable, GError **error);
