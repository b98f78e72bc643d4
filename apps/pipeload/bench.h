/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the files of the bench verb.
 */
#pragma once

#include "apps/pipeload/verbs.h"

#include <json-glib/json-glib.h>

/* ---- one kind of model each; return the exit status ---------------------------------------- */

int pld_bench_vision (const PldVisionOptions *options, guint n_frames, guint n_warmup, gboolean json);

/* @prompt tokens are computed @rounds times, then @tokens more one by one. */
int pld_bench_llm (const PldLlmOptions *options, guint prompt, guint tokens, guint rounds, gboolean json);

/* ---- the machine, and figures (bench-machine.c) -------------------------------------------- */

/* Returns: (transfer full) */
char *pld_bench_cpu (void);
guint64 pld_bench_peak_rss (void);

typedef struct
{
  double median, min, max;
} PldBenchSpread;

/* Sorts @values, [n], n > 0. */
PldBenchSpread pld_bench_spread (double *values, guint n);

/* Lines of the table that both kinds have. */
void pld_bench_print_stats (const PldStats *stats);

/* Returns: (transfer full): an object with the members that both kinds have */
JsonObject *pld_bench_json (const PldStats *stats);
void pld_bench_json_uint (JsonObject *object, const char *name, guint64 value);
/* @object: (transfer full) */
void pld_bench_json_print (JsonObject *object);
