/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which objects are in which zone: takes the boxes of each frame and returns enter, update, leave and cross. GLib only;
 * not thread-safe.
 *
 * An object is where the middle of its box's lower edge is. It counts, from then on, once the median of its last
 * confidences reaches the threshold. It is in a zone after some results in a row have shown it there, and out when none
 * has for leave_after. Objects without an id are distinguished by their labels alone: all of one label in a zone are
 * one visit. The words and their meaning are those of Frigate (docs.frigate.video).
 *
 * Times are ns, and the caller's: nothing here reads a clock, so the same boxes make the same events.
 */
#pragma once

#include "analytics/box.h"
#include "analytics/zones.h"

G_BEGIN_DECLS

#define PLD_VISITS_MAX_MEDIAN 15

/* Objects that are followed at once; boxes of more are left out. */
#define PLD_VISITS_MAX_OBJECTS 4096

typedef struct
{
  double threshold;            /* least median confidence, 0..1 */
  guint median;                /* number of results, 1..PLD_VISITS_MAX_MEDIAN */
  guint inertia;               /* results in a row inside a zone, or beyond a line, until it is believed */
  double min_area, min_height; /* shares of the picture; smaller boxes are ignored */
  guint64 update_interval;     /* 0 = no updates */
  guint64 leave_after;
} PldVisitsSettings;

typedef struct
{
  guint64 id;        /* the track's; 0 = not tracked */
  const char *label; /* interned */
  guint label_id;
  double confidence; /* 0..1 */
  PldBox box;
  gboolean predicted; /* the newest result has not shown it */
} PldVisitor;

typedef enum
{
  PLD_VISIT_ENTER,
  PLD_VISIT_UPDATE, /* some time has passed inside, or the best box has become better */
  PLD_VISIT_LEAVE,
  PLD_VISIT_CROSS, /* a line */
} PldVisitKind;

typedef struct
{
  PldVisitKind kind;
  const char *zone;   /* name of zone or line; lives as long as the zones */
  int direction;      /* of a line: as of pld_line_crossed() */
  guint64 time;       /* of the frame that caused the event */
  guint64 start, end; /* when it was first and last seen inside; of a line: when it crossed */
  double confidence;  /* median of its last results */
  double best;        /* the highest inside; of a line: that of @visitor */
  PldVisitor visitor; /* where it is; once it has left: where it was seen best; of a line: where it crossed */
} PldVisitEvent;

typedef struct _PldVisits PldVisits;

/* @zones must live longer. */
PldVisits *pld_visits_new (const PldZones *zones);
void pld_visits_free (PldVisits *visits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldVisits, pld_visits_free)

/* A frame. @visitors: [n]; @is_new: they are those of a result that no frame carried before, else they only keep alive
 * what is. Appends to @events (PldVisitEvent), in the order of the objects' appearance. A @time before the last one's
 * counts as that, unless it is more than leave_after before: then all visits end, and it begins anew. */
void pld_visits_process (PldVisits *visits, const PldVisitsSettings *settings, guint64 time, const PldVisitor *visitors,
                         guint n, gboolean is_new, GArray *events);

/* Ends every visit, and forgets all objects and the time. */
void pld_visits_finish (PldVisits *visits, const PldVisitsSettings *settings, GArray *events);

/* Whether @visitor is in zone number @zone: it is large enough, of a label that counts there, inside, and not masked.
 */
gboolean pld_visits_inside (const PldVisits *visits, const PldVisitsSettings *settings, const PldVisitor *visitor,
                            guint zone);

G_END_DECLS
