/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A log of frames (JSON lines, docs/elements.md) condensed into visits: who was in front of which camera, when, and for
 * how long. Only the lines are read here; analytics/visits.h decides what a visit is, with the whole picture as its
 * zone, no debouncing, and a clock of each camera's own. Each object with an id makes visits of its own, all others of
 * one label make them together.
 *
 * Lines are untrusted: one that cannot be read is skipped and counted, and its length and depth are bounded. Not
 * thread-safe.
 */
#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

typedef struct
{
  double gap;         /* seconds of absence that end a visit */
  double min_seconds; /* shorter visits are left out */
  double threshold;   /* less confident objects are left out */
  char **ignore;      /* (nullable): labels that are left out, such as "no_person" */
} PldLogOptions;

typedef struct _PldLogVisits PldLogVisits;

/* Returns: (transfer full): of all lines of @file; NULL with errno set if reading fails. @options must outlive it. */
PldLogVisits *pld_log_visits_read (const PldLogOptions *options, FILE *file);
void pld_log_visits_free (PldLogVisits *visits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldLogVisits, pld_log_visits_free)

/* How many lines were frames, and how many were not. */
void pld_log_visits_count (const PldLogVisits *visits, guint64 *frames, guint64 *damaged);

/**
 * pld_log_visits_lines:
 *
 * The visits in the order of their beginnings, as {"time":"22:14:05","camera":"yard","label":"person","seconds":12}.
 * The time is the local time of day if the frames came at the pace of the clock, else the time since the stream's
 * beginning. Names have letters, digits, spaces, "_" and "-" only, 16 at most.
 *
 * Returns: (transfer full): char *
 */
GPtrArray *pld_log_visits_lines (const PldLogVisits *visits);

G_END_DECLS
