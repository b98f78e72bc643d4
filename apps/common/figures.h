/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The engine's memory: what limit to run with, and what was used.
 */
#pragma once

#include <gst/gst.h>

/* Returns: (transfer full) (nullable): @limit for a pipeloadvit; instead of "small", one that is smaller than the
 * model's weights, half-way from them to the smallest that works, or that one where none is smaller. @threads (out): to
 * run with; 0 = all.
 * @model: (nullable); @users: elements that share it */
char *watch_limit_choose (const char *model, const char *limit, guint users, guint *threads, GError **error);

/* Of a pipeloadvit's stats; 0 where there is no such field. */
guint64 watch_figure (const GstStructure *stats, const char *name);
double watch_figure_ms (const GstStructure *stats, const char *name);

/* Prints what a pipeloadvit's stats say of memory and streaming, and what the process holds. */
void watch_memory_print (const GstStructure *stats);
