/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matches each result with the tracks in rounds, and predicts boxes between results.
 */
#include "analytics/tracker.h"

#include "analytics/assign.h"
#include "analytics/motion.h"

#include <math.h>
#include <string.h>

/* Extra overlap required of low-confidence boxes, so that tracks do not jump to look-alikes.
 */
#define WEAK 0.3

/* A result is overdue after this many usual intervals; then the velocity fades. */
#define OVERDUE 2.0
#define LEAST_REACH 0.2
#define MOST_REACH 2.0
#define GAPS 5

typedef struct
{
  guint64 id; /* 0: a beginning */
  const char *label;
  guint label_id;
  double confidence;
  guint64 start, seen;
  guint hits;
  int sighting;     /* in the newest result; -1: none */
  gboolean missed;  /* in the result before */
  PldMotion motion; /* at the time of the newest result */
} Track;

struct _PldTracker
{
  GArray *tracks; /* Track, in the order of their beginning */
  double aspect;
  guint64 ids;
  guint64 time; /* of the newest result */
  guint64 results;
  double gaps[GAPS]; /* seconds between the last results */
};

/* One update: the boxes that count, the most confident first. */
typedef struct
{
  PldTracker *tracker;
  const PldTrackerSettings *settings;
  guint64 time;
  const PldSighting *sightings;
  guint *order; /* indices of sightings */
  guint n, n_high;
  gboolean *taken; /* [n] */
} Round;

void
pld_tracker_settings_init (PldTrackerSettings *settings)
{
  *settings = (PldTrackerSettings) { .high = 0.55, .low = 0.2, .iou = 0.25, .min_hits = 3, .max_age = 2, .hold = 0.5 };
}

PldTracker *
pld_tracker_new (void)
{
  PldTracker *tracker = g_new0 (PldTracker, 1);

  tracker->tracks = g_array_new (FALSE, TRUE, sizeof (Track));
  tracker->aspect = 1;
  return tracker;
}

void
pld_tracker_free (PldTracker *tracker)
{
  if (tracker == NULL)
    return;
  g_array_unref (tracker->tracks);
  g_free (tracker);
}

void
pld_tracker_clear (PldTracker *tracker, double aspect)
{
  g_array_set_size (tracker->tracks, 0);
  tracker->aspect = aspect;
  tracker->time = tracker->results = 0;
}

static Track *
track_at (const PldTracker *tracker, guint i)
{
  return &g_array_index (tracker->tracks, Track, i);
}

/* ---- motion -------------------------------------------------------------------------------- */

static double
seconds_between (guint64 from, guint64 to)
{
  return to > from ? (double) (to - from) / 1e9 : 0;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  const double *left = a, *right = b;

  return *left < *right ? -1 : *left > *right;
}

/* Seconds after the newest result for which boxes move on as if nothing had happened. */
static double
reach (const PldTracker *tracker)
{
  double gaps[GAPS];
  guint n = (guint) MIN (tracker->results, GAPS + 1);

  if (n < 2)
    return MOST_REACH;
  memcpy (gaps, tracker->gaps, sizeof gaps);
  qsort (gaps, n - 1, sizeof *gaps, compare_doubles);
  return CLAMP (OVERDUE * gaps[(n - 1) / 2], LEAST_REACH, MOST_REACH);
}

static PldBox
box_of (const PldTracker *tracker, const PldSighting *s)
{
  return (PldBox) { s->box.x_min * tracker->aspect, s->box.y_min, s->box.x_max * tracker->aspect, s->box.y_max };
}

/* ---- who is who ---------------------------------------------------------------------------- */

static void
fill_costs (Round *round, const GArray *who, const GArray *boxes, double *cost)
{
  for (guint i = 0; i < who->len; i++)
    {
      const Track *track = track_at (round->tracker, g_array_index (who, guint, i));

      for (guint j = 0; j < boxes->len; j++)
        {
          const guint index = round->order[g_array_index (boxes, guint, j)];
          const PldSighting *sighting = &round->sightings[index];
          const PldBox box = box_of (round->tracker, sighting);
          const gboolean alike = sighting->label == track->label;

          cost[i * boxes->len + j] = alike ? 1 - pld_motion_overlap (&track->motion, box) : 1;
        }
    }
}

static void
apply_sighting (Round *round, Track *track, guint index)
{
  const PldSighting *sighting = &round->sightings[index];

  track->motion = pld_motion_measure (&track->motion, box_of (round->tracker, sighting));
  track->label_id = sighting->label_id;
  track->confidence = sighting->confidence;
  track->seen = round->time;
  track->hits++;
  track->sighting = (int) index;
}

typedef gboolean (*Choice) (const Track *track);

static gboolean
has_id (const Track *track)
{
  return track->id != 0;
}

static gboolean
was_there (const Track *track)
{
  return track->id != 0 && !track->missed;
}

static gboolean
is_beginning (const Track *track)
{
  return track->id == 0;
}

/* Matches the tracks of @choice with the boxes from @first to before @end, as far as neither has found anyone yet. */
static void
associate (Round *round, Choice choice, guint first, guint end, double iou)
{
  g_autoptr (GArray) who = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GArray) boxes = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autofree double *cost = NULL;
  g_autofree int *match = NULL;

  for (guint i = 0; i < round->tracker->tracks->len; i++)
    if (track_at (round->tracker, i)->sighting < 0 && choice (track_at (round->tracker, i)))
      g_array_append_val (who, i);
  for (guint j = first; j < end; j++)
    if (!round->taken[j])
      g_array_append_val (boxes, j);
  cost = g_new (double, (gsize) who->len * boxes->len);
  match = g_new (int, who->len);
  fill_costs (round, who, boxes, cost);
  pld_assign (cost, who->len, boxes->len, 1 - iou, match);
  for (guint i = 0; i < who->len; i++)
    if (match[i] >= 0)
      {
        Track *track = track_at (round->tracker, g_array_index (who, guint, i));
        guint box = g_array_index (boxes, guint, match[i]);

        apply_sighting (round, track, round->order[box]);
        round->taken[box] = TRUE;
      }
}

/* ---- one result ---------------------------------------------------------------------------- */

static gboolean
is_box (const PldSighting *s)
{
  const PldBox *box = &s->box;

  return s->label != NULL && isfinite (s->confidence) /* comparisons reject NaN */
         && box->x_min > -1 && box->y_min > -1 && box->x_max < 2 && box->y_max < 2
         && box->x_max - box->x_min > PLD_LEAST_SIDE && box->y_max - box->y_min > PLD_LEAST_SIDE;
}

/* The most confident first, the first first. */
static int
compare_sightings (gconstpointer a, gconstpointer b, gpointer sightings)
{
  const guint left = *(const guint *) a, right = *(const guint *) b;
  const PldSighting *s = sightings;

  if (s[left].confidence != s[right].confidence)
    return s[left].confidence > s[right].confidence ? -1 : 1;
  return left < right ? -1 : left > right;
}

static void
sort_sightings (Round *round, guint n)
{
  round->order = g_new (guint, n);
  for (guint i = 0; i < n; i++)
    if (is_box (&round->sightings[i]) && round->sightings[i].confidence >= round->settings->low)
      round->order[round->n++] = i;
  g_qsort_with_data (round->order, (int) round->n, sizeof *round->order, compare_sightings,
                     (gpointer) round->sightings);
  round->n = MIN (round->n, PLD_TRACKER_MOST);
  while (round->n_high < round->n && round->sightings[round->order[round->n_high]].confidence >= round->settings->high)
    round->n_high++;
  round->taken = g_new0 (gboolean, round->n);
}

static void
advance (PldTracker *tracker, guint64 time)
{
  const double gap = seconds_between (tracker->time, time), steady = reach (tracker);

  for (guint i = 0; i < tracker->tracks->len; i++)
    {
      Track *track = track_at (tracker, i);

      track->motion = pld_motion_predict (&track->motion, gap, steady);
      track->missed = track->sighting < 0;
      track->sighting = -1;
    }
  if (tracker->results++ > 0)
    tracker->gaps[(tracker->results - 2) % GAPS] = gap;
  tracker->time = time;
}

static gboolean
is_outside (const PldTracker *tracker, const Track *track)
{
  const double x = track->motion.x.place, y = track->motion.y.place;

  return x < 0 || y < 0 || x > tracker->aspect || y > 1;
}

static void
drop_tracks (Round *round)
{
  GArray *tracks = round->tracker->tracks;
  guint kept = 0;

  for (guint i = 0; i < tracks->len; i++)
    {
      const Track *track = track_at (round->tracker, i);

      if (track->sighting < 0
          && (track->id == 0 || is_outside (round->tracker, track)
              || seconds_between (track->seen, round->time) > round->settings->max_age))
        continue;
      *track_at (round->tracker, kept++) = *track;
    }
  g_array_set_size (tracks, kept);
}

/* Where there is no place, the track that was not seen for the longest time makes it. */
static gboolean
make_room (PldTracker *tracker)
{
  int oldest = -1;

  if (tracker->tracks->len < PLD_TRACKER_MOST)
    return TRUE;
  for (guint i = 0; i < tracker->tracks->len; i++)
    if (track_at (tracker, i)->sighting < 0
        && (oldest < 0 || track_at (tracker, i)->seen < track_at (tracker, (guint) oldest)->seen))
      oldest = (int) i;
  if (oldest >= 0)
    g_array_remove_index (tracker->tracks, (guint) oldest);
  return oldest >= 0;
}

static void
begin_tracks (Round *round)
{
  for (guint j = 0; j < round->n_high; j++)
    if (!round->taken[j] && make_room (round->tracker))
      {
        const PldSighting *sighting = &round->sightings[round->order[j]];
        const Track track = {
          .label = sighting->label,
          .label_id = sighting->label_id,
          .confidence = sighting->confidence,
          .start = round->time,
          .seen = round->time,
          .hits = 1,
          .sighting = (int) round->order[j],
          .motion = pld_motion_start (box_of (round->tracker, sighting)),
        };

        g_array_append_val (round->tracker->tracks, track);
      }
}

static void
give_ids (Round *round)
{
  for (guint i = 0; i < round->tracker->tracks->len; i++)
    {
      Track *track = track_at (round->tracker, i);

      if (track->id == 0 && track->hits >= round->settings->min_hits)
        track->id = ++round->tracker->ids;
    }
}

void
pld_tracker_update (PldTracker *tracker, const PldTrackerSettings *settings, guint64 time, const PldSighting *sightings,
                    guint n)
{
  Round round = { .tracker = tracker, .settings = settings, .time = MAX (time, tracker->time), .sightings = sightings };

  sort_sightings (&round, n);
  advance (tracker, round.time);
  associate (&round, has_id, 0, round.n_high, settings->iou);
  associate (&round, was_there, round.n_high, round.n, settings->iou + WEAK);
  associate (&round, is_beginning, 0, round.n_high, settings->iou);
  drop_tracks (&round);
  begin_tracks (&round);
  give_ids (&round);
  g_free (round.order);
  g_free (round.taken);
}

/* ---- what to show -------------------------------------------------------------------------- */

static PldTracked
tracked_at (const PldTracker *tracker, const Track *track, guint64 time)
{
  const PldMotion motion = pld_motion_predict (&track->motion, seconds_between (tracker->time, time), reach (tracker));
  const PldBox box = pld_motion_box (&motion);

  return (PldTracked) {
    .id = track->id,
    .label = track->label,
    .label_id = track->label_id,
    .confidence = track->confidence,
    .start = track->start,
    .sighting = track->sighting,
    .box = { box.x_min / tracker->aspect, box.y_min, box.x_max / tracker->aspect, box.y_max },
    .dx = motion.x.velocity / tracker->aspect,
    .dy = motion.y.velocity,
  };
}

GArray *
pld_tracker_show (const PldTracker *tracker, const PldTrackerSettings *settings, guint64 time)
{
  GArray *shown = g_array_new (FALSE, TRUE, sizeof (PldTracked));

  for (guint i = 0; i < tracker->tracks->len; i++)
    {
      const Track *track = track_at (tracker, i);
      const PldTracked now = tracked_at (tracker, track, time);

      if (track->id != 0 && (track->sighting >= 0 || seconds_between (track->seen, time) <= settings->hold))
        g_array_append_val (shown, now);
    }
  return shown;
}

PldTrackerCounts
pld_tracker_count (const PldTracker *tracker)
{
  PldTrackerCounts counts = { .ids = tracker->ids };

  for (guint i = 0; i < tracker->tracks->len; i++)
    if (track_at (tracker, i)->id == 0)
      counts.beginnings++;
    else if (track_at (tracker, i)->sighting < 0)
      counts.lost++;
    else
      counts.tracks++;
  return counts;
}
