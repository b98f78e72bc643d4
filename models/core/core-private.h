/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the core share: core.c (opening and sharing), plan.c (wishes → plan → memory), memory.c (limits
 * that follow the machine), pass.c (the queue and passes).
 */
#pragma once

#include "models/core/core.h"

/* What goes through the weights together. */
typedef struct
{
  PldRequest *requests[PLD_BATCH_MAX]; /* one an item; NULL: given up */
  PldItem items[PLD_BATCH_MAX];
  guint n, n_wanted;
  const PldRequest *alone; /* all items are this one's, which leads the pass; NULL: others' are among them */
  gboolean abandoned;      /* an item was given up */
  gint forsaken;           /* atomic: all were */
} PldPass;

typedef struct
{
  GDestroyNotify destroy;
  gpointer data;
} PldLeaver;

typedef struct _PldPressure PldPressure;

struct _PldCore
{
  char *key;
  guint n_refs; /* under the registry's lock */
  PldModel *model;
  PldFile **files; /* [weights->n_files] */
  PldBudget *budget;
  PldTeam *team;

  GMutex lock; /* of what follows */
  GCond change;
  GPtrArray *users;  /* PldUser * */
  GQueue queue;      /* PldRequest *: those with items that no pass has taken */
  GArray *leavers;   /* (nullable) (element-type PldLeaver): users that left before the pass ended */
  gboolean busy;     /* a pass or an update runs; its thread alone touches the next group, without the lock */
  gboolean outdated; /* the plan does not fit the users' wishes */

  PldPressure *pressure; /* (nullable): while the limit follows the machine */
  guint64 spare_limit;   /* what the machine can spare for this core; 0: not looked at */
  gint64 looked_at;      /* when it was */

  PldPlan *plan; /* NULL: none is in force */
  PldStream *stream;
  PldSession session;
  PldUser shape; /* the wishes that memory was taken for */
  PldBuffer activations, scratch, results, window;
  PldPass pass;
  GThread *thread; /* (nullable): that ran the last pass that several shared; joined before the next one */

  guint64 passes, frames, pass_ns, last_pass_ns;
  guint64 compute_ns; /* of the pass that computed the least: the time it did not wait */
  double bandwidth;   /* bytes/s, of the pass during which reading was fastest */
};

/* What all users together wish, with @wishes in the place of @user; the limit in bytes. Under the lock. */
PldUser pld_core_wishes (PldCore *core, const PldUser *user, const PldUser *wishes);

/* Brings plan, stream and activations in line with @wishes. The caller has set busy; without the lock. */
gboolean pld_core_update (PldCore *core, const PldUser *wishes, GError **error);

/* Gives back stream and activations; the plan is not in force any more. The caller has set busy; without the lock. */
void pld_core_drop (PldCore *core);

/* What PLD_LIMIT_AUTO means now, in bytes, for one that holds @held already. Thread-safe. */
guint64 pld_core_spare (guint64 held);
/* Before a pass: looks at the machine's memory now and then, and outdates the plan when the limit should follow it.
 * Under the lock. */
void pld_core_watch_memory (PldCore *core);
/* Starts or ends following the machine's memory, as the users wish. Under the lock. */
void pld_core_follow_memory (PldCore *core);

/* Gives the core back to who waits for it; under the lock. */
void pld_core_release (PldCore *core);
