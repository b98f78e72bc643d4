/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tracks each object's state for each zone and line, and emits enter, update, leave and cross.
 */
#include "analytics/visits.h"

#include <string.h>

/* A visit is reported again when its best confidence has risen by this. */
#define RISE 0.05

#define ALL_ZONES -1
#define NEVER G_MAXUINT64

/* An object in a zone. It is over, and may begin anew, while @streak is 0. */
typedef struct
{
  guint streak;              /* results in a row that have shown it inside */
  gboolean open;             /* enter was reported */
  gboolean missed;           /* the newest result has not shown it inside */
  guint64 start, last, kept; /* first and last seen inside; last time its box was, predicted or not */
  guint64 reported;          /* time of the last enter or update */
  double reported_best;
  PldVisitor best; /* the most confident inside */
} Visit;

/* An object on its way over a line, and how long it has been beyond. */
typedef struct
{
  int direction; /* 0: it has not crossed, or has come back */
  guint beyond;  /* results */
  guint64 time;
  PldVisitor visitor;
} Crossing;

typedef struct
{
  guint64 id;
  const char *label;
  int zone;                                  /* of objects without an id, which have one visit; else ALL_ZONES */
  double confidences[PLD_VISITS_MAX_MEDIAN]; /* the last ones, in a ring */
  guint n_results;
  gboolean counts;
  gboolean seen;         /* foot is set */
  PldPoint foot;         /* in the last result that has shown it */
  guint64 kept;          /* last time it had a box */
  const PldVisitor *now; /* its box in this frame, or NULL */
  Visit *visits;         /* one a zone */
  Crossing *crossings;   /* one a line */
} Object;

struct _PldVisits
{
  const PldZones *zones;
  GPtrArray *objects; /* Object, in the order of their appearance */
  guint64 time;       /* of the last frame; NEVER before the first */
};

/* Data of one frame. */
typedef struct
{
  const PldZones *zones;
  const PldVisitsSettings *settings;
  guint64 time;
  gboolean is_new;
  GArray *events;
} Frame;

static void
object_free (gpointer data)
{
  Object *object = data;

  g_free (object->visits);
  g_free (object->crossings);
  g_free (object);
}

PldVisits *
pld_visits_new (const PldZones *zones)
{
  PldVisits *visits = g_new0 (PldVisits, 1);

  visits->zones = zones;
  visits->objects = g_ptr_array_new_with_free_func (object_free);
  visits->time = NEVER;
  return visits;
}

void
pld_visits_free (PldVisits *visits)
{
  if (visits == NULL)
    return;
  g_ptr_array_unref (visits->objects);
  g_free (visits);
}

static const PldZone *
get_zone (const GArray *zones, guint i)
{
  return &g_array_index (zones, PldZone, i);
}

/* ---- where a box is ------------------------------------------------------------------------ */

static PldPoint
visitor_foot (const PldVisitor *visitor)
{
  return (PldPoint) { (visitor->box.x_min + visitor->box.x_max) / 2, visitor->box.y_max };
}

/* Whether a box is considered. Input is untrusted; the comparisons reject NaN. */
static gboolean
visitor_counts (const PldZones *zones, const PldVisitsSettings *settings, const PldVisitor *visitor)
{
  const double width = visitor->box.x_max - visitor->box.x_min, height = visitor->box.y_max - visitor->box.y_min;

  if (!(width >= 0 && height >= settings->min_height && width * height >= settings->min_area
        && visitor->confidence >= 0))
    return FALSE;
  for (guint i = 0; i < zones->masks->len; i++)
    if (pld_zone_contains (get_zone (zones->masks, i), visitor_foot (visitor)))
      return FALSE;
  return TRUE;
}

static gboolean
visitor_inside (const PldZones *zones, const PldVisitor *visitor, guint zone)
{
  const PldZone *z = get_zone (zones->zones, zone);

  return pld_labels_have (z->labels, visitor->label) && pld_zone_contains (z, visitor_foot (visitor));
}

gboolean
pld_visits_inside (const PldVisits *visits, const PldVisitsSettings *settings, const PldVisitor *visitor, guint zone)
{
  return visitor_counts (visits->zones, settings, visitor) && visitor_inside (visits->zones, visitor, zone);
}

/* ---- confidence ---------------------------------------------------------------------------- */

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  const double *x = a, *y = b;

  return *x < *y ? -1 : *x > *y;
}

/* Of the last @n results, or of those that there are; at least one. */
static double
object_median (const Object *object, guint n)
{
  double sorted[PLD_VISITS_MAX_MEDIAN];

  n = MIN (n, object->n_results);
  for (guint i = 0; i < n; i++)
    sorted[i] = object->confidences[(object->n_results - 1 - i) % PLD_VISITS_MAX_MEDIAN];
  qsort (sorted, n, sizeof *sorted, compare_doubles);
  return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

static void
object_note (Object *object, const PldVisitsSettings *settings)
{
  object->confidences[object->n_results++ % PLD_VISITS_MAX_MEDIAN] = object->now->confidence;
  object->counts
      |= object->n_results >= settings->median && object_median (object, settings->median) >= settings->threshold;
}

/* ---- events -------------------------------------------------------------------------------- */

static void
emit_visit (const Frame *frame, const Object *object, guint zone, PldVisitKind kind)
{
  Visit *visit = &object->visits[zone];
  const PldVisitEvent event = {
    .kind = kind,
    .zone = get_zone (frame->zones->zones, zone)->name,
    .time = frame->time,
    .start = visit->start,
    .end = visit->last,
    .confidence = object_median (object, frame->settings->median),
    .best = visit->best.confidence,
    .visitor = kind == PLD_VISIT_LEAVE ? visit->best : *object->now,
  };

  g_array_append_val (frame->events, event);
  visit->reported = frame->time;
  visit->reported_best = visit->best.confidence;
}

static void
emit_crossing (const Frame *frame, const Object *object, guint line)
{
  Crossing *crossing = &object->crossings[line];
  const PldVisitEvent event = {
    .kind = PLD_VISIT_CROSS,
    .zone = g_array_index (frame->zones->lines, PldLine, line).name,
    .direction = crossing->direction,
    .time = frame->time,
    .start = crossing->time,
    .end = crossing->time,
    .confidence = object_median (object, frame->settings->median),
    .best = crossing->visitor.confidence,
    .visitor = crossing->visitor,
  };

  g_array_append_val (frame->events, event);
  *crossing = (Crossing) { 0 };
}

static void
end_visit (const Frame *frame, const Object *object, guint zone)
{
  if (object->visits[zone].open)
    emit_visit (frame, object, zone, PLD_VISIT_LEAVE);
  object->visits[zone] = (Visit) { 0 };
}

/* ---- zones --------------------------------------------------------------------------------- */

/* The newest result shows the object, inside the zone or outside of it. */
static void
see_visit (const Frame *frame, const Object *object, Visit *visit, gboolean inside)
{
  visit->missed = !inside;
  if (inside)
    {
      if (visit->streak++ == 0)
        visit->start = frame->time;
      visit->last = frame->time;
      if (object->now->confidence > visit->best.confidence || visit->streak == 1)
        visit->best = *object->now;
    }
  else if (visit->streak < frame->settings->inertia && !visit->open)
    *visit = (Visit) { 0 };
}

static gboolean
is_due (const Frame *frame, const Visit *visit)
{
  return frame->settings->update_interval > 0
         && (frame->time - visit->reported >= frame->settings->update_interval
             || visit->best.confidence >= visit->reported_best + RISE);
}

static void
advance_visit (const Frame *frame, const Object *object, guint zone)
{
  Visit *visit = &object->visits[zone];
  const PldZone *z = get_zone (frame->zones->zones, zone);
  const gboolean inside = object->now != NULL && visitor_inside (frame->zones, object->now, zone);

  if (frame->is_new && object->now != NULL && !object->now->predicted)
    see_visit (frame, object, visit, inside);
  else if (frame->is_new)
    visit->missed = TRUE;
  if (visit->streak == 0)
    return;
  if (inside)
    visit->kept = frame->time;
  else if (frame->time - visit->kept >= frame->settings->leave_after)
    end_visit (frame, object, zone);
  if (!inside || visit->missed)
    return;
  if (!visit->open && object->counts && visit->streak >= frame->settings->inertia
      && frame->time - visit->start >= z->dwell)
    {
      visit->open = TRUE;
      emit_visit (frame, object, zone, PLD_VISIT_ENTER);
    }
  else if (visit->open && is_due (frame, visit))
    emit_visit (frame, object, zone, PLD_VISIT_UPDATE);
}

/* ---- lines --------------------------------------------------------------------------------- */

/* The newest result shows the object, at @foot. An object that steps back before the crossing is confirmed has not
 * crossed. */
static void
see_line (const Frame *frame, const Object *object, guint i, PldPoint foot)
{
  const PldLine *line = &g_array_index (frame->zones->lines, PldLine, i);
  Crossing *crossing = &object->crossings[i];
  const int direction
      = object->seen && pld_labels_have (line->labels, object->label) ? pld_line_crossed (line, object->foot, foot) : 0;

  if (direction != 0 && crossing->direction == -direction)
    *crossing = (Crossing) { 0 };
  else if (direction != 0)
    *crossing = (Crossing) { direction, 1, frame->time, *object->now };
  else if (crossing->direction != 0)
    crossing->beyond++;
  if (crossing->direction != 0 && crossing->beyond >= frame->settings->inertia && object->counts)
    emit_crossing (frame, object, i);
}

/* ---- objects ------------------------------------------------------------------------------- */

static Object *
object_new (const PldZones *zones, const PldVisitor *visitor, int zone)
{
  Object *object = g_new0 (Object, 1);

  object->id = visitor->id;
  object->label = visitor->label;
  object->zone = zone;
  object->visits = g_new0 (Visit, zones->zones->len);
  object->crossings = g_new0 (Crossing, zones->lines->len);
  return object;
}

/* Gives @visitor to its object. Of several visitors the object keeps one that was measured, the most confident. */
static void
match_visitor (PldVisits *visits, const PldVisitor *visitor, int zone)
{
  Object *object = NULL;

  for (guint i = 0; i < visits->objects->len && object == NULL; i++)
    {
      Object *o = visits->objects->pdata[i];

      if (o->id == visitor->id && o->zone == zone && g_strcmp0 (o->label, visitor->label) == 0)
        object = o;
    }
  if (object == NULL)
    {
      if (visits->objects->len >= PLD_VISITS_MAX_OBJECTS)
        return;
      object = object_new (visits->zones, visitor, zone);
      g_ptr_array_add (visits->objects, object);
    }
  if (object->now == NULL || (object->now->predicted && !visitor->predicted)
      || (object->now->predicted == visitor->predicted && visitor->confidence > object->now->confidence))
    object->now = visitor;
}

static void
match_visitors (PldVisits *visits, const PldVisitsSettings *settings, const PldVisitor *visitors, guint n)
{
  for (guint i = 0; i < visits->objects->len; i++)
    ((Object *) visits->objects->pdata[i])->now = NULL;
  for (guint i = 0; i < n; i++)
    {
      if (!visitor_counts (visits->zones, settings, &visitors[i]))
        continue;
      if (visitors[i].id != 0)
        match_visitor (visits, &visitors[i], ALL_ZONES);
      for (guint z = 0; visitors[i].id == 0 && z < visits->zones->zones->len; z++)
        if (visitor_inside (visits->zones, &visitors[i], z))
          match_visitor (visits, &visitors[i], (int) z);
    }
}

static void
advance_object (const Frame *frame, Object *object)
{
  const gboolean seen = frame->is_new && object->now != NULL && !object->now->predicted;

  if (seen)
    object_note (object, frame->settings);
  if (object->now != NULL)
    object->kept = frame->time;
  for (guint z = 0; z < frame->zones->zones->len; z++)
    if (object->zone == ALL_ZONES || object->zone == (int) z)
      advance_visit (frame, object, z);
  if (!seen)
    return;
  for (guint i = 0; i < frame->zones->lines->len && object->zone == ALL_ZONES; i++)
    see_line (frame, object, i, visitor_foot (object->now));
  object->foot = visitor_foot (object->now);
  object->seen = TRUE;
}

/* It will not be seen again, so where it was last is where it stays. */
static void
end_object (const Frame *frame, const Object *object)
{
  for (guint z = 0; z < frame->zones->zones->len; z++)
    end_visit (frame, object, z);
  for (guint i = 0; i < frame->zones->lines->len; i++)
    if (object->crossings[i].direction != 0 && object->counts)
      emit_crossing (frame, object, i);
}

void
pld_visits_finish (PldVisits *visits, const PldVisitsSettings *settings, GArray *events)
{
  const Frame frame = { visits->zones, settings, visits->time, FALSE, events };

  for (guint i = 0; i < visits->objects->len; i++)
    end_object (&frame, visits->objects->pdata[i]);
  g_ptr_array_set_size (visits->objects, 0);
  visits->time = NEVER;
}

void
pld_visits_process (PldVisits *visits, const PldVisitsSettings *settings, guint64 time, const PldVisitor *visitors,
                    guint n, gboolean is_new, GArray *events)
{
  Frame frame = { visits->zones, settings, time, is_new, events };
  guint i = 0;

  if (visits->time != NEVER && time < visits->time && visits->time - time > settings->leave_after)
    pld_visits_finish (visits, settings, events);
  else if (visits->time != NEVER)
    frame.time = MAX (time, visits->time);
  visits->time = frame.time;
  match_visitors (visits, settings, visitors, n);
  while (i < visits->objects->len)
    {
      Object *object = visits->objects->pdata[i];

      advance_object (&frame, object);
      if (object->now != NULL || frame.time - object->kept < settings->leave_after)
        i++;
      else
        {
          end_object (&frame, object);
          g_ptr_array_remove_index (visits->objects, i);
        }
    }
}
