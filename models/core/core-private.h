/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the files of the core: core.c (opening and sharing), update.c (demand → plan → memory), memory.c (limits
 * that follow the machine), pass.c (the queue and passes).
 */
#pragma once

#include "models/core/core.h"

/* Items that go through the weights together. */
typedef struct
{
  PldRequest *requests[PLD_BATCH_MAX]; /* one an item; NULL: cancelled */
  PldItem items[PLD_BATCH_MAX];
  guint n, n_wanted;
  const PldRequest *alone; /* all items are this request's, whose thread leads the pass; NULL: others' are among them */
  gboolean has_cancelled;  /* a request of this pass was cancelled */
  gint all_cancelled;      /* atomic: all were */
} PldPass;

/* Memory of a user, to be freed when the running pass has ended. */
typedef struct
{
  GDestroyNotify destroy;
  gpointer data;
} PldDeferredFree;

/* A plan, and the demand that it is for. */
typedef struct
{
  PldDemand total;
  PldGrant grant;
  PldPlan *plan; /* NULL: not made yet */
} PldProposal;

typedef struct _PldPressure PldPressure;

struct _PldCore
{
  char *key;
  guint n_refs; /* under the registry's lock */
  PldModel *model;
  PldFile **files; /* [weights->n_files] */
  PldBudget *budget;
  PldTeam *team;

  GMutex lock; /* of the fields below */
  GCond change;
  GPtrArray *users;       /* PldDemand * */
  GQueue queue;           /* PldRequest *: those with items that no pass has taken */
  GArray *deferred_frees; /* (nullable) (element-type PldDeferredFree): of users that left before the pass ended */
  gboolean busy;     /* a pass or an update runs; only its thread may access plan … thread, and needs no lock for it */
  gboolean outdated; /* the plan is for another demand than the users' */
  PldProposal proposal; /* made when a demand was checked; the next update takes it, unless the demand has changed */

  PldPressure *pressure; /* (nullable): while the limit follows the machine */
  guint64 spare_limit;   /* what the machine can spare for this core; 0: not looked at */
  gint64 looked_at;      /* when it was */

  PldPlan *plan; /* NULL: none is in force */
  PldStream *stream;
  PldSession session;
  PldGrant grant; /* what memory was taken for */
  PldBuffer activations, scratch, results, window;
  PldPass pass;
  GThread *thread; /* (nullable): that ran the last pass that several shared; joined before the next one */

  guint64 passes, frames, mended, pass_ns, last_pass_ns;
  guint64 compute_ns; /* of the pass that computed the least: the time it did not wait */
  double bandwidth;   /* bytes/s, of the pass during which reading was fastest */
};

/* The demand of all users, and its plan if one was made when it was checked. Under the lock. Returns: with a plan
 * (transfer full), which pld_core_update() takes */
PldProposal pld_core_take_proposal (PldCore *core);

/* Brings plan, stream and activations in line with @proposal, which is planned if it has no plan. The caller has set
 * busy; without the lock. */
gboolean pld_core_update (PldCore *core, PldProposal *proposal, GError **error);

/* Gives back stream and activations; the plan is not in force any more. The caller has set busy; without the lock. */
void pld_core_drop (PldCore *core);

/* The present value of PLD_LIMIT_AUTO, in bytes, for a core that holds @held already. Thread-safe. */
guint64 pld_core_spare (guint64 held);
/* Before a pass: looks at the machine's memory now and then, and outdates the plan when the limit should follow it.
 * Under the lock. */
void pld_core_watch_memory (PldCore *core);
/* Starts or ends following the machine's memory, as the users demand. Under the lock. */
void pld_core_follow_memory (PldCore *core);

/* Releases the core and wakes the waiting threads; under the lock. */
void pld_core_release (PldCore *core);
