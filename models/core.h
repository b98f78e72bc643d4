/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The shared part of a vision model: one budget, plan, stream and set of activations for all its users, and the queue of pictures that
 * wait for a pass. All functions are thread-safe.
 */
#pragma once

#include "models/model.h"

typedef struct _PldCore PldCore;

/* A user's wishes and what it holds; owned by the user, linked into the core between join and leave. Written only through the core. */
typedef struct
{
  guint64 limit; /* 0 = none */
  guint loaders;         /* 0 = planned */
  guint threads, batch;  /* at least 1 */
  guint64 bytes; /* charged to the core's budget by the user itself */
} PldUser;

/* Pictures of one user that wait for a pass. */
typedef struct
{
  const PldPicture *pictures; /* [n] */
  guint n;
  float *logits;              /* (out) [n, n_classes] */
  GCancellable *cancellable;
  /* The core's: */
  guint taken, finished;
  GError *error;
} PldRequest;

/* Opens the model, or joins one that is open with the same input size, for @user, whose bytes are set here. Returns: (transfer full) */
PldCore *pld_core_join (const char *path, guint input_size, PldUser *user, PldProgressFunc progress, gpointer user_data,
                        GCancellable *cancellable, GError **error);
/* Everything that the user holds must have been given back. */
void pld_core_leave (PldCore **core, PldUser *user);

const PldModel *pld_core_model (PldCore *core);
PldBudget *pld_core_budget (PldCore *core);

/* Replaces the user's wishes; LIMIT when they cannot be met (then the old ones stay). In force from the next pass on. */
gboolean pld_core_set_user (PldCore *core, PldUser *user, const PldUser *wishes, GError **error);

/* Runs the request's pictures, together with others that wait. Blocks. */
gboolean pld_core_run (PldCore *core, PldRequest *request, GError **error);

void pld_core_get_stats (PldCore *core, PldStats *stats);

/* Bytes that a model holds beside its tiles when @n pictures share a pass and users hold @user_bytes. */
guint64 pld_core_fixed_bytes (const PldModel *model, guint n, guint n_threads, guint64 user_bytes);

/* What one user holds itself: pictures, results, a scaler; @with_pixels: float pictures too. */
guint64 pld_core_handle_bytes (const PldModel *model, guint batch, gboolean with_pixels);

/* Chooses how many pictures share a pass, at most @batch, and plans; *batch is set. */
PldPlan *pld_core_plan (const PldModel *model, const PldUser *wishes, guint *batch, GError **error);
