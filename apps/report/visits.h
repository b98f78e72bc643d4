/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frames' JSON lines (docs/elements.md) condensed into visits: who was before which camera, when, for how long. Each
 * object with an id makes visits of its own, all others of a label make them together. Lines are untrusted: one that
 * cannot be read is skipped and counted; its length and depth are bounded.
 */
#pragma once

#include <glib.h>
#include <stdio.h>

typedef struct
{
  double gap;         /* seconds of absence that end a visit */
  double min_seconds; /* shorter visits are left out */
  double threshold;   /* less confident objects are left out */
  char **ignore;      /* (nullable): labels that stand for nothing */
} ReportOptions;

typedef struct _ReportVisits ReportVisits;

/* @options must outlive it. Returns: (transfer full): free with report_visits_free() */
ReportVisits *report_visits_new (const ReportOptions *options);
void report_visits_free (ReportVisits *visits);

/* All lines of @file. Returns: FALSE with errno set when reading fails */
gboolean report_visits_read (ReportVisits *visits, FILE *file);

/* Lines that were frames, and lines that were not. */
void report_visits_count (const ReportVisits *visits, guint64 *frames, guint64 *damaged);

/**
 * report_visits_lines:
 *
 * The visits in the order of their beginnings, as {"time":"22:14:05","camera":"yard","label":"person","seconds":12}.
 * The time is the local time of day where the frames came at the pace of the clock, else the time since the stream's
 * beginning. Names have letters, digits, spaces, "_" and "-" only, 16 at most.
 *
 * Returns: (transfer full): char *
 */
GPtrArray *report_visits_lines (const ReportVisits *visits);
