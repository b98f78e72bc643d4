/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/pipeloadtracker.h"

#include "gst/pipeloadassign.h"
#include "gst/pipeloadkalman.h"

#include <math.h>
#include <string.h>

/* Lengths are heights of the object, times seconds. */
#define NOISE 0.05       /* deviation of a measured middle, width, height */
#define FIRST_SPEED 1.0  /* deviation of an unknown velocity: a walking person's */
#define JOLT 0.5         /* how much the velocity wanders in a second */
#define SIZE_SPEED 0.1   /* the same of width and height */
#define SIZE_JOLT 0.1
#define SIZE_FADE 1.0    /* growing ends */
#define GROW 1.0         /* boxes are grown by so many deviations before they are compared */

/* A result is overdue after this many usual intervals; then the velocity fades. */
#define OVERDUE 2.0
#define LEAST_REACH 0.2
#define MOST_REACH 2.0
#define FADE 0.3
#define GAPS 5

typedef struct
{
  guint64 id; /* 0: a beginning */
  const char *label;
  guint label_id;
  double confidence;
  guint64 start, seen;
  guint hits;
  int sighting;    /* in the newest result; -1: none */
  gboolean missed; /* in the result before */
  GstPipeloadKalman x, y, width, height; /* of the middle and the sides, in heights of the frame */
} Track;

struct _GstPipeloadTracker
{
  GArray *tracks; /* Track, in the order of their beginning */
  double aspect;
  guint64 ids;
  guint64 time; /* of the newest result */
  guint64 results;
  double gaps[GAPS]; /* seconds between the last results */
};

/* Sides in heights of the frame. */
typedef struct
{
  double left, top, right, bottom;
} Box;

/* One update: the boxes that count, the most confident first. */
typedef struct
{
  GstPipeloadTracker *tracker;
  const GstPipeloadTrackerSettings *settings;
  guint64 time;
  const GstPipeloadSighting *sightings;
  guint *order; /* indices of sightings */
  guint n, n_high;
  gboolean *taken; /* [n] */
} Round;

void
gst_pipeload_tracker_settings_init (GstPipeloadTrackerSettings *settings)
{
  *settings = (GstPipeloadTrackerSettings){
    .high = 0.5, .low = 0.2, .iou = 0.2, .min_hits = 3, .max_age = 2, .hold = 0.5
  };
}

GstPipeloadTracker *
gst_pipeload_tracker_new (void)
{
  GstPipeloadTracker *tracker = g_new0 (GstPipeloadTracker, 1);

  tracker->tracks = g_array_new (FALSE, TRUE, sizeof (Track));
  tracker->aspect = 1;
  return tracker;
}

void
gst_pipeload_tracker_free (GstPipeloadTracker *tracker)
{
  g_array_unref (tracker->tracks);
  g_free (tracker);
}

void
gst_pipeload_tracker_clear (GstPipeloadTracker *tracker, double aspect)
{
  g_array_set_size (tracker->tracks, 0);
  tracker->aspect = aspect;
  tracker->time = tracker->results = 0;
}

static Track *
track_at (const GstPipeloadTracker *tracker, guint i)
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
reach (const GstPipeloadTracker *tracker)
{
  double gaps[GAPS];
  guint n = (guint) MIN (tracker->results, GAPS + 1);

  if (n < 2)
    return MOST_REACH;
  memcpy (gaps, tracker->gaps, sizeof gaps);
  qsort (gaps, n - 1, sizeof *gaps, compare_doubles);
  return CLAMP (OVERDUE * gaps[(n - 1) / 2], LEAST_REACH, MOST_REACH);
}

/* After @seconds. After @from of them the velocity begins to fade, and with it what may happen. */
static GstPipeloadKalman
move_on (GstPipeloadKalman now, double seconds, double from, double fade, double jolt)
{
  double over = MAX (seconds - from, 0), kept = exp (-over / fade);

  return gst_pipeload_kalman_predict (now, seconds - over + fade * (1 - kept), kept, jolt);
}

/* Returns: @track as it will be @seconds after the newest result. */
static Track
moved (const GstPipeloadTracker *tracker, const Track *track, double seconds)
{
  const double size = track->height.place, from = reach (tracker);
  Track later = *track;

  later.x = move_on (track->x, seconds, from, FADE, JOLT * size);
  later.y = move_on (track->y, seconds, from, FADE, JOLT * size);
  later.width = move_on (track->width, seconds, 0, SIZE_FADE, SIZE_JOLT * size);
  later.height = move_on (track->height, seconds, 0, SIZE_FADE, SIZE_JOLT * size);
  later.width.place = MAX (later.width.place, 1e-4);
  later.height.place = MAX (later.height.place, 1e-4);
  return later;
}

static Box
box_of_track (const Track *track)
{
  double across = track->width.place / 2, down = track->height.place / 2;

  return (Box){ track->x.place - across, track->y.place - down, track->x.place + across,
                track->y.place + down };
}

static Box
box_of_sighting (const GstPipeloadTracker *tracker, const GstPipeloadSighting *s)
{
  return (Box){ s->x_min * tracker->aspect, s->y_min, s->x_max * tracker->aspect, s->y_max };
}

static Track
begin (const GstPipeloadSighting *sighting, Box box, guint64 time)
{
  const double width = box.right - box.left, height = box.bottom - box.top;
  const double noise = NOISE * height;

  return (Track){
    .label = sighting->label,
    .label_id = sighting->label_id,
    .confidence = sighting->confidence,
    .start = time,
    .seen = time,
    .hits = 1,
    .x = gst_pipeload_kalman_start ((box.left + box.right) / 2, noise, FIRST_SPEED * height),
    .y = gst_pipeload_kalman_start ((box.top + box.bottom) / 2, noise, FIRST_SPEED * height),
    .width = gst_pipeload_kalman_start (width, noise, SIZE_SPEED * height),
    .height = gst_pipeload_kalman_start (height, noise, SIZE_SPEED * height),
  };
}

static void
measure (Track *track, const GstPipeloadSighting *sighting, Box box, guint64 time)
{
  const double noise = NOISE * (box.bottom - box.top);

  track->x = gst_pipeload_kalman_measure (track->x, (box.left + box.right) / 2, noise);
  track->y = gst_pipeload_kalman_measure (track->y, (box.top + box.bottom) / 2, noise);
  track->width = gst_pipeload_kalman_measure (track->width, box.right - box.left, noise);
  track->height = gst_pipeload_kalman_measure (track->height, box.bottom - box.top, noise);
  track->label_id = sighting->label_id;
  track->confidence = sighting->confidence;
  track->seen = time;
  track->hits++;
}

/* ---- who is who ---------------------------------------------------------------------------- */

/* The share of their union that both boxes have in common, each grown by @dx and @dy on every side. */
static double
overlap (Box a, Box b, double dx, double dy)
{
  double across = MIN (a.right, b.right) - MAX (a.left, b.left) + 2 * dx;
  double down = MIN (a.bottom, b.bottom) - MAX (a.top, b.top) + 2 * dy;
  double common = MAX (across, 0) * MAX (down, 0);
  double whole = (a.right - a.left + 2 * dx) * (a.bottom - a.top + 2 * dy)
                 + (b.right - b.left + 2 * dx) * (b.bottom - b.top + 2 * dy) - common;

  return common / whole;
}

static void
fill_costs (Round *round, const GArray *who, const GArray *boxes, double *cost)
{
  for (guint i = 0; i < who->len; i++)
    {
      const Track *track = track_at (round->tracker, g_array_index (who, guint, i));

      for (guint j = 0; j < boxes->len; j++)
        {
          const GstPipeloadSighting *sighting
              = &round->sightings[round->order[g_array_index (boxes, guint, j)]];

          cost[i * boxes->len + j]
              = sighting->label != track->label
                    ? 1
                    : 1
                          - overlap (box_of_track (track), box_of_sighting (round->tracker, sighting),
                                     GROW * sqrt (track->x.pp), GROW * sqrt (track->y.pp));
        }
    }
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
associate (Round *round, Choice choice, guint first, guint end)
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
  gst_pipeload_assign (cost, who->len, boxes->len, 1 - round->settings->iou, match);
  for (guint i = 0; i < who->len; i++)
    if (match[i] >= 0)
      {
        Track *track = track_at (round->tracker, g_array_index (who, guint, i));
        guint box = g_array_index (boxes, guint, match[i]), index = round->order[box];

        measure (track, &round->sightings[index], box_of_sighting (round->tracker, &round->sightings[index]),
                 round->time);
        track->sighting = (int) index;
        round->taken[box] = TRUE;
      }
}

/* ---- one result ---------------------------------------------------------------------------- */

static gboolean
is_box (const GstPipeloadSighting *s)
{
  return s->label != NULL && isfinite (s->confidence) && isfinite (s->x_min) && isfinite (s->y_min)
         && isfinite (s->x_max) && isfinite (s->y_max) && s->x_max > s->x_min && s->y_max > s->y_min;
}

/* The most confident first, the first first. */
static int
compare_sightings (gconstpointer a, gconstpointer b, gpointer sightings)
{
  const guint left = *(const guint *) a, right = *(const guint *) b;
  const GstPipeloadSighting *s = sightings;

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
  round->n = MIN (round->n, GST_PIPELOAD_TRACKER_MOST);
  while (round->n_high < round->n
         && round->sightings[round->order[round->n_high]].confidence >= round->settings->high)
    round->n_high++;
  round->taken = g_new0 (gboolean, round->n);
}

static void
advance (GstPipeloadTracker *tracker, guint64 time)
{
  const double gap = seconds_between (tracker->time, time);

  for (guint i = 0; i < tracker->tracks->len; i++)
    {
      Track *track = track_at (tracker, i);

      *track = moved (tracker, track, gap);
      track->missed = track->sighting < 0;
      track->sighting = -1;
    }
  if (tracker->results++ > 0)
    tracker->gaps[(tracker->results - 2) % GAPS] = gap;
  tracker->time = time;
}

static gboolean
is_outside (const GstPipeloadTracker *tracker, const Track *track)
{
  return track->x.place < 0 || track->y.place < 0 || track->x.place > tracker->aspect || track->y.place > 1;
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
make_room (GstPipeloadTracker *tracker)
{
  int oldest = -1;

  if (tracker->tracks->len < GST_PIPELOAD_TRACKER_MOST)
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
        const GstPipeloadSighting *sighting = &round->sightings[round->order[j]];
        Track track = begin (sighting, box_of_sighting (round->tracker, sighting), round->time);

        track.sighting = (int) round->order[j];
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
gst_pipeload_tracker_update (GstPipeloadTracker *tracker, const GstPipeloadTrackerSettings *settings,
                             guint64 time, const GstPipeloadSighting *sightings, guint n)
{
  Round round = {
    .tracker = tracker, .settings = settings, .time = MAX (time, tracker->time), .sightings = sightings
  };

  sort_sightings (&round, n);
  advance (tracker, round.time);
  associate (&round, has_id, 0, round.n_high);
  associate (&round, was_there, round.n_high, round.n);
  associate (&round, is_beginning, 0, round.n_high);
  drop_tracks (&round);
  begin_tracks (&round);
  give_ids (&round);
  g_free (round.order);
  g_free (round.taken);
}

/* ---- what to show -------------------------------------------------------------------------- */

GArray *
gst_pipeload_tracker_show (const GstPipeloadTracker *tracker, const GstPipeloadTrackerSettings *settings,
                           guint64 time)
{
  GArray *shown = g_array_new (FALSE, TRUE, sizeof (GstPipeloadTracked));

  for (guint i = 0; i < tracker->tracks->len; i++)
    {
      Track track = moved (tracker, track_at (tracker, i), seconds_between (tracker->time, time));
      Box box = box_of_track (&track);
      GstPipeloadTracked out = {
        .id = track.id,
        .label = track.label,
        .label_id = track.label_id,
        .confidence = track.confidence,
        .start = track.start,
        .sighting = track.sighting,
        .x_min = box.left / tracker->aspect,
        .y_min = box.top,
        .x_max = box.right / tracker->aspect,
        .y_max = box.bottom,
        .dx = track.x.velocity / tracker->aspect,
        .dy = track.y.velocity,
      };

      if (track.id != 0 && (track.sighting >= 0 || seconds_between (track.seen, time) <= settings->hold))
        g_array_append_val (shown, out);
    }
  return shown;
}

GstPipeloadTrackerCounts
gst_pipeload_tracker_count (const GstPipeloadTracker *tracker)
{
  GstPipeloadTrackerCounts counts = { .ids = tracker->ids };

  for (guint i = 0; i < tracker->tracks->len; i++)
    if (track_at (tracker, i)->id == 0)
      counts.beginnings++;
    else if (track_at (tracker, i)->sighting < 0)
      counts.lost++;
    else
      counts.tracks++;
  return counts;
}
