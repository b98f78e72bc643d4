/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each read and each allocation fails once, in turn, from a model's opening to its last result; the device is gone for a while, fails now and then, or
 * is slow; reads come short or are interrupted. Whatever happens is a clear error of the right code, or the right result, and what is run next on the
 * same handle is whole again.
 */
#pragma once

#include "engine/pipeload.h"
#include "tests/fault/faults.h"

typedef struct _Sweep Sweep;

/* A fixture of tests. */
struct _Sweep
{
  char *path;    /* of the model; owned */
  guint64 limit; /* under which some tiles stay and some stream */
  float *logits; /* of a run without a fault; owned */
  gsize size;    /* bytes of them */
  /* Opens the model unless *model is one, and runs it to its end. */
  gboolean (*run) (const Sweep *sweep, gpointer *model, float *logits, GError **error);
  void (*close) (gpointer *model);
  void (*get_stats) (gpointer model, PldStats *stats);
};

/* Runs it once, without a fault. The rest is set already, but for @logits, which gets @size bytes. */
void sweep_begin (Sweep *sweep);
void sweep_end (Sweep *sweep, gconstpointer data);

/* Tests. */
void sweep_reads (Sweep *sweep, gconstpointer data);
void sweep_allocations (Sweep *sweep, gconstpointer data);
void sweep_broken (Sweep *sweep, gconstpointer data);
void sweep_shaky (Sweep *sweep, gconstpointer data);
void sweep_slow (Sweep *sweep, gconstpointer data);
void sweep_short_reads (Sweep *sweep, gconstpointer data);

/* Runs @model without a fault, and wants the right logits. */
void sweep_assert_whole (const Sweep *sweep, gpointer *model);
