/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A recording in figures, and the rows of the tables.
 */
#pragma once

#include <gst/gst.h>

/* Times are the stream's, ns. */
typedef struct
{
  GstClockTime end; /* of the last frame */
  guint64 frames;
  guint64 looked;                     /* at frames */
  GstClockTime first_look, last_look; /* the frames' times */
  guint visits;                       /* begun */
  GHashTable *ids;                    /* of tracks that visited: guint64 * */
  GArray *presence;                   /* Span: of visits that have ended */
} AnalyseFacts;

void analyse_facts_init (AnalyseFacts *facts);
void analyse_facts_clear (AnalyseFacts *facts);

void analyse_facts_frame (AnalyseFacts *facts, GstClockTime time, GstClockTime duration, gboolean looked);
/* @id: 0 = not tracked */
void analyse_facts_enter (AnalyseFacts *facts, guint64 id);
void analyse_facts_leave (AnalyseFacts *facts, GstClockTime start, GstClockTime end);

/* The first lines of the tables, and rows of them, all with their newlines. Texts are quoted as in RFC 4180; times are
 * seconds, with three digits behind the point in every locale. */
#define ANALYSE_SUMMARY "file,duration,frames,looked_at,spacing,visits,ids,seconds,first,last,error\n"
#define ANALYSE_VISITS "file,start,end,label,id,zone,sheet\n"

/* Returns: (transfer full). @error: (nullable) */
char *analyse_facts_row (AnalyseFacts *facts, const char *name, const char *error);

/* Returns: (transfer full). @sheet: (nullable) */
char *analyse_visit_row (const char *name, GstClockTime start, GstClockTime end, const char *label, guint64 id,
                         const char *zone, const char *sheet);
