/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which box of one result is the same object as which box of the next: tracks with ids, after ByteTrack (Y. Zhang et
 * al., arXiv 2110.06864). Knows no GStreamer; times are nanoseconds of stream time, so results may come at any pace.
 *
 * A track's box moves by a Kalman filter of constant velocity; its noises are in proportion to the box's height and
 * grow with time. Each result is compared with the tracks in turn: confident boxes with all tracks that have an id, the
 * other boxes with those that were there in the last result, confident boxes that are left with beginnings of tracks;
 * what is left then begins new ones. Boxes are compared by the share of their union that they have in common after both
 * were grown by the track's uncertainty, so that a person who walks further than the own width between two results is
 * found.
 *
 * Deterministic. Not thread-safe.
 */
#pragma once

#include "analytics/box.h"

G_BEGIN_DECLS

/* Boxes of one result that count, the most confident first, and tracks that are kept, at most. */
#define PLD_TRACKER_MOST 256

typedef struct
{
  double high;    /* boxes with at least this confidence begin tracks, and are matched first */
  double low;     /* boxes below it are ignored */
  double iou;     /* least share in common (of the grown boxes) for a match */
  guint min_hits; /* results that have shown a track before it gets its id */
  double max_age; /* seconds for which an unseen track is kept, to be found again */
  double hold;    /* seconds for which an unseen track is shown */
} PldTrackerSettings;

void pld_tracker_settings_init (PldTrackerSettings *settings);

/* A box of a result. */
typedef struct
{
  const char *label; /* interned; only equal labels match */
  guint label_id;    /* comes back as it is */
  double confidence; /* 0..1 */
  PldBox box;
} PldSighting;

/* A track as it is at some time. */
typedef struct
{
  guint64 id; /* >= 1 */
  const char *label;
  guint label_id;
  double confidence; /* of the box it was last seen in */
  guint64 start;     /* when it was first seen */
  int sighting;      /* index of its box among those of the newest result; -1: it is not among them */
  PldBox box;
  double dx, dy; /* velocity, shares of the frame a second */
} PldTracked;

typedef struct _PldTracker PldTracker;

PldTracker *pld_tracker_new (void);
void pld_tracker_free (PldTracker *tracker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldTracker, pld_tracker_free)

/* Forgets all tracks; ids go on counting. @aspect: width / height of the frames to come, in pixels. */
void pld_tracker_clear (PldTracker *tracker, double aspect);

/* A result of the frame at @time, not older than the last one's. Sightings without a valid box are ignored. */
void pld_tracker_update (PldTracker *tracker, const PldTrackerSettings *settings, guint64 time,
                         const PldSighting *sightings, guint n);

/* Returns: (transfer full): GArray of PldTracked: those to show at @time, oldest first. Boxes move on at their
 * velocity; when a result is overdue, since the picture stands still or the model does, they come to rest. Changes
 * nothing: asking more often gives no other answer. */
GArray *pld_tracker_show (const PldTracker *tracker, const PldTrackerSettings *settings, guint64 time);

typedef struct
{
  guint64 ids;        /* given since the tracker was made */
  guint tracks, lost; /* with an id: in the newest result, and not in it */
  guint beginnings;   /* without one yet */
} PldTrackerCounts;

PldTrackerCounts pld_tracker_count (const PldTracker *tracker);

G_END_DECLS
