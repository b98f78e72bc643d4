/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each read and each allocation fails once, in turn, from a model's opening to its last result; the device is gone for
 * a while, fails now and then, or is slow; reads give less than asked for or are interrupted. The outcome is a clear
 * error of the right code, or the right result, and the next run of the same handle gives the right result.
 */
#pragma once

#include "pipeload/pipeload.h"
#include "tests/fault/faults.h"

typedef struct _Sweep Sweep;

/* A fixture of tests. */
struct _Sweep
{
  char *path;    /* of the model; owned */
  guint64 limit; /* under which some tiles stay and some stream */
  float *logits; /* of a run without a fault; owned */
  gsize size;    /* of @logits, in bytes */
  /* Opens the model unless *model is one, and runs it to its end. */
  gboolean (*run) (const Sweep *sweep, gpointer *model, float *logits, GError **error);
  void (*close) (gpointer *model);
  void (*get_stats) (gpointer model, PldStats *stats);
};

/* Runs the model once, without a fault, to fill @logits with @size bytes. The other fields are set already. */
void sweep_begin (Sweep *sweep);
void sweep_end (Sweep *sweep, gconstpointer data);

/* Tests. */
void sweep_reads (Sweep *sweep, gconstpointer data);
void sweep_allocations (Sweep *sweep, gconstpointer data);
void sweep_broken (Sweep *sweep, gconstpointer data);
void sweep_shaky (Sweep *sweep, gconstpointer data);
void sweep_slow (Sweep *sweep, gconstpointer data);
void sweep_short_reads (Sweep *sweep, gconstpointer data);

/* Runs @model without a fault, and asserts the right logits. */
void sweep_assert_whole (const Sweep *sweep, gpointer *model);
