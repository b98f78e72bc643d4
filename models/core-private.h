/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the core share: core.c (opening and sharing), core-plan.c (wishes → plan → memory), core-pass.c (the queue and passes).
 */
#pragma once

#include "models/core.h"

/* What goes through the weights together. */
typedef struct
{
  PldRequest *requests[PLD_BATCH_MAX]; /* one an item */
  PldItem items[PLD_BATCH_MAX];
  guint n, n_wanted;
} PldPass;

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
  GPtrArray *users;   /* PldUser * */
  GQueue queue;       /* PldRequest *: those with items that no pass has taken */
  gboolean busy;      /* a pass or an update runs; its thread alone touches the next group, without the lock */
  gboolean outdated;  /* the plan does not fit the users' wishes */

  PldPlan *plan;
  PldStream *stream;
  PldSession session;
  PldUser shape;      /* the wishes that memory was taken for */
  PldBuffer activations, scratch, results, window;
  PldPass pass;

  guint64 passes, frames, pass_ns, last_pass_ns;
  guint64 compute_ns;  /* of the pass that computed the least: the time it did not wait */
  double bandwidth;    /* bytes/s, of the pass during which reading was fastest */
  PldStreamStats past; /* of streams that are gone */
};

/* What all users together wish, with @wishes in the place of @user. Under the lock. */
PldUser pld_core_wishes (PldCore *core, const PldUser *user, const PldUser *wishes);

/* Brings plan, stream and activations in line with @wishes. The caller has set busy; without the lock. */
gboolean pld_core_update (PldCore *core, const PldUser *wishes, GError **error);

/* These keep what statistics read consistent: they take the lock. */
void pld_core_drop_stream (PldCore *core);
void pld_core_drop_activations (PldCore *core);

/* Gives the core back to who waits for it; under the lock. */
void pld_core_release (PldCore *core);
