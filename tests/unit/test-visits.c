/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * analytics/visits.c: a second is five results, as from a camera of which five frames a second are processed.
 * Expectations are written like this: "enter yard 1 @0.4" is event, zone, id and the second of the frame that caused
 * it.
 */
#include "analytics/visits.h"

#include <math.h>
#include <string.h>

#define RATE 5
#define SECOND G_GUINT64_CONSTANT (1000000000)
#define TWO_YARDS                                                                                                      \
  "{\"zones\": [{\"name\": \"left\", \"polygon\": [[0,0],[0.5,0],[0.5,1],[0,1]]},"                                     \
  "{\"name\": \"low\", \"polygon\": [[0,0.5],[1,0.5],[1,1],[0,1]]}]}"

typedef struct
{
  PldZones *zones;
  PldVisits *visits;
  PldVisitsSettings settings;
  GArray *events;
  guint reported; /* of them */
  guint frame;
} Rig;

static void
rig_open (Rig *rig, const char *zones)
{
  g_autoptr (GError) error = NULL;

  *rig = (Rig) { .settings = { .threshold = 0.5, .median = 3, .inertia = 3, .leave_after = 2 * SECOND } };
  rig->zones = pld_zones_parse (zones, strlen (zones), &error);
  g_assert_no_error (error);
  rig->visits = pld_visits_new (rig->zones);
  rig->events = g_array_new (FALSE, FALSE, sizeof (PldVisitEvent));
}

static void
rig_close (Rig *rig)
{
  pld_visits_free (rig->visits);
  pld_zones_free (rig->zones);
  g_array_unref (rig->events);
}

/* A box of the usual size whose foot is at @x, @y. */
static PldVisitor
box (guint64 id, double confidence, double x, double y)
{
  return (
      PldVisitor) { .id = id, .label = "person", .confidence = confidence, .box = { x - 0.05, y - 0.25, x + 0.05, y } };
}

static guint64
rig_time (const Rig *rig)
{
  return rig->frame * SECOND / RATE;
}

static void
process (Rig *rig, const PldVisitor *boxes, guint n)
{
  pld_visits_process (rig->visits, &rig->settings, rig_time (rig), boxes, n, TRUE, rig->events);
  rig->frame++;
}

/* A frame that brings no new result. */
static void
ride (Rig *rig, const PldVisitor *boxes, guint n)
{
  pld_visits_process (rig->visits, &rig->settings, rig_time (rig), boxes, n, FALSE, rig->events);
  rig->frame++;
}

static void
process_same (Rig *rig, guint frames, PldVisitor seen)
{
  for (guint i = 0; i < frames; i++)
    process (rig, &seen, 1);
}

static void
process_empty (Rig *rig, guint frames)
{
  for (guint i = 0; i < frames; i++)
    process (rig, NULL, 0);
}

static const PldVisitEvent *
last_event (const Rig *rig)
{
  g_assert_cmpuint (rig->events->len, >, 0);
  return &g_array_index (rig->events, PldVisitEvent, rig->events->len - 1);
}

/* Returns: (transfer full): the reports since the last call */
static char *
reported (Rig *rig)
{
  static const char *const kinds[] = { "enter", "update", "leave", "cross" };
  GString *text = g_string_new (NULL);

  for (; rig->reported < rig->events->len; rig->reported++)
    {
      const PldVisitEvent *event = &g_array_index (rig->events, PldVisitEvent, rig->reported);

      g_string_append_printf (text, "%s%s%s %s %" G_GUINT64_FORMAT " @%.1f", text->len > 0 ? ", " : "",
                              kinds[event->kind],
                              event->direction > 0   ? " >"
                              : event->direction < 0 ? " <"
                                                     : "",
                              event->zone, event->visitor.id, (double) event->time / SECOND);
    }
  return g_string_free (text, FALSE);
}

#define assert_events(rig, expected)                                                                                   \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree char *text = reported (rig);                                                                            \
    g_assert_cmpstr (text, ==, expected);                                                                              \
  }                                                                                                                    \
  G_STMT_END

static void
finish (Rig *rig)
{
  pld_visits_finish (rig->visits, &rig->settings, rig->events);
}

/* ---- a visit ------------------------------------------------------------------------------- */

static void
test_visit (void)
{
  const PldVisitEvent *event;
  Rig rig;

  rig_open (&rig, TWO_YARDS);
  process_empty (&rig, 5);
  process_same (&rig, 2, box (1, 0.6, 0.75, 0.25)); /* in neither */
  process_same (&rig, 2, box (1, 0.6, 0.25, 0.25));
  assert_events (&rig, "");
  process_same (&rig, 1, box (1, 0.7, 0.25, 0.25)); /* the third inside, at 1.8 */
  assert_events (&rig, "enter left 1 @1.8");
  event = last_event (&rig);
  g_assert_cmpuint (event->start, ==, 7 * SECOND / 5);
  g_assert_cmpuint (event->end, ==, 9 * SECOND / 5);
  g_assert_cmpfloat (event->confidence, ==, 0.6);
  g_assert_cmpfloat (event->best, ==, 0.7);
  g_assert_cmpfloat (event->visitor.box.y_max, ==, 0.25);
  process_same (&rig, 3, box (1, 0.9, 0.25, 0.75)); /* in both */
  assert_events (&rig, "enter low 1 @2.4");
  g_assert_cmpfloat (last_event (&rig)->confidence, ==, 0.9);
  process_same (&rig, 20, box (1, 0.8, 0.75, 0.75)); /* no longer left; leave_after later, it is reported */
  assert_events (&rig, "leave left 1 @4.4");
  event = last_event (&rig);
  g_assert_cmpuint (event->start, ==, 7 * SECOND / 5);
  g_assert_cmpuint (event->end, ==, 12 * SECOND / 5);
  g_assert_cmpfloat (event->best, ==, 0.9);
  g_assert_cmpfloat (event->visitor.confidence, ==, 0.9); /* where it was best */
  g_assert_cmpfloat (event->visitor.box.y_max, ==, 0.75);
  g_assert_cmpfloat_with_epsilon (event->visitor.box.x_min, 0.2, 1e-9);
  process_empty (&rig, 20); /* gone after 6.4 */
  assert_events (&rig, "leave low 1 @8.4");
  g_assert_cmpuint (last_event (&rig)->end, ==, 32 * SECOND / 5);
  finish (&rig);
  assert_events (&rig, "");
  rig_close (&rig);
}

/* Two objects, and one that comes back with the same id. */
static void
test_several (void)
{
  PldVisitor both[] = { box (7, 0.6, 0.5, 0.5), box (3, 0.6, 0.25, 0.75) };
  Rig rig;

  rig_open (&rig, "{}");
  process (&rig, both, 1);
  for (guint i = 0; i < 3; i++)
    process (&rig, both, 2);
  assert_events (&rig, "enter  7 @0.4, enter  3 @0.6");
  process_same (&rig, 11, both[1]);
  assert_events (&rig, "leave  7 @2.6");
  process (&rig, both, 2);
  process (&rig, both, 2);
  assert_events (&rig, "");
  process (&rig, both, 2);
  assert_events (&rig, "enter  7 @3.4");
  g_assert_cmpuint (last_event (&rig)->start, ==, 3 * SECOND);
  finish (&rig);
  assert_events (&rig, "leave  3 @3.4, leave  7 @3.4"); /* in the order of appearance */
  rig_close (&rig);
}

static void
test_labels (void)
{
  PldVisitor cat = box (1, 0.9, 0.5, 0.5), dog = box (2, 0.9, 0.5, 0.5);
  Rig rig;

  cat.label = "cat";
  dog.label = "dog";
  rig_open (&rig, "{\"zones\": [{\"name\": \"bed\", \"polygon\": [[0,0],[1,0],[1,1],[0,1]], \"labels\": [\"cat\"]}]}");
  for (guint i = 0; i < 5; i++)
    {
      PldVisitor boxes[] = { cat, dog };

      process (&rig, boxes, 2);
    }
  assert_events (&rig, "enter bed 1 @0.4");
  g_assert_cmpstr (last_event (&rig)->visitor.label, ==, "cat");
  g_assert_true (pld_visits_inside (rig.visits, &rig.settings, &cat, 0));
  g_assert_false (pld_visits_inside (rig.visits, &rig.settings, &dog, 0));
  rig_close (&rig);
}

/* ---- whether it counts --------------------------------------------------------------------- */

static void
test_debounce (void)
{
  static const struct
  {
    guint median;
    double threshold;
    double confidences[8];
    int at; /* frame that causes the event; -1: none */
  } cases[] = {
    { 3, 0.5, { 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6 }, 2 },
    { 3, 0.5, { 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 }, 2 }, /* at least */
    { 3, 0.5, { 0.49, 0.49, 0.49, 0.49, 0.49, 0.49, 0.49, 0.49 }, -1 },
    { 3, 0.5, { 0.9, 0.4, 0.4, 0.9, 0.4, 0.4, 0.9, 0.4 }, -1 }, /* one of three */
    { 3, 0.5, { 0.4, 0.9, 0.4, 0.6, 0.4, 0.4, 0.4, 0.4 }, 3 },  /* two of three; once is enough */
    { 5, 0.5, { 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9 }, 4 },  /* not of fewer than five */
    { 5, 0.5, { 0.9, 0.9, 0.4, 0.4, 0.4, 0.4, 0.9, 0.9 }, -1 },
    { 5, 0.5, { 0.9, 0.9, 0.4, 0.4, 0.4, 0.9, 0.9, 0.9 }, 7 },
    { 4,
      0.5,
      { 0.4, 0.4, 0.7, 0.7, 0.1, 0.1, 0.1, 0.1 },
      3 }, /* of an even number, the mean of the two in the middle */
    { 4, 0.56, { 0.4, 0.4, 0.7, 0.7, 0.1, 0.1, 0.1, 0.1 }, -1 },
    { 1, 0.8, { 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.8, 0.1 }, 6 },
  };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      int at = -1;
      Rig rig;

      g_test_message ("case %u", c);
      rig_open (&rig, "{}");
      rig.settings.median = cases[c].median;
      rig.settings.threshold = cases[c].threshold;
      for (guint i = 0; i < 8; i++)
        {
          process_same (&rig, 1, box (1, cases[c].confidences[i], 0.5, 0.5));
          if (at < 0 && rig.events->len > 0)
            at = (int) i;
        }
      g_assert_cmpint (at, ==, cases[c].at);
      g_assert_cmpuint (rig.events->len, ==, cases[c].at >= 0);
      rig_close (&rig);
    }
}

static void
test_small (void)
{
  PldVisitor normal = box (1, 0.9, 0.5, 0.5); /* 0.1 × 0.25 */
  Rig rig;

  rig_open (&rig, "{}");
  rig.settings.min_height = 0.26;
  process_same (&rig, 10, normal);
  assert_events (&rig, "");
  g_assert_false (pld_visits_inside (rig.visits, &rig.settings, &normal, 0));
  rig.settings.min_height = 0.24;
  rig.settings.min_area = 0.026;
  process_same (&rig, 10, normal);
  assert_events (&rig, "");
  rig.settings.min_area = 0.024;
  process_same (&rig, 3, normal);
  assert_events (&rig, "enter  1 @4.4");
  g_assert_true (pld_visits_inside (rig.visits, &rig.settings, &normal, 0));
  rig_close (&rig);
}

/* Values of other elements may not be valid boxes. */
static void
test_damaged (void)
{
  PldVisitor boxes[6];
  Rig rig;

  for (guint i = 0; i < 6; i++)
    boxes[i] = box (i + 1, 0.9, 0.5, 0.5);
  boxes[0].box.x_min = NAN;
  boxes[1].box.y_max = NAN;
  boxes[2].confidence = NAN;
  boxes[3].box.x_max = 0;
  boxes[4].box.y_min = 1;
  boxes[5].label = NULL;
  rig_open (&rig, "{}");
  for (guint i = 0; i < 5; i++)
    process (&rig, boxes, 6);
  finish (&rig);
  assert_events (&rig, "enter  6 @0.4, leave  6 @0.8");
  rig_close (&rig);
}

static void
test_mask (void)
{
  static const char zones[] = "{\"masks\": [{\"polygon\": [[0.5,0],[1,0],[1,1],[0.5,1]]}]}";
  Rig rig;

  rig_open (&rig, zones);
  process_same (&rig, 10, box (1, 0.9, 0.75, 0.5));
  assert_events (&rig, "");
  process_same (&rig, 3, box (1, 0.9, 0.25, 0.5)); /* the first in the mask has not counted */
  assert_events (&rig, "enter  1 @2.4");
  process_same (&rig, 20, box (1, 0.99, 0.75, 0.5)); /* and is as good as gone when it goes behind it */
  assert_events (&rig, "leave  1 @4.4");
  g_assert_cmpfloat (last_event (&rig)->best, ==, 0.9);
  rig_close (&rig);
}

/* ---- time ---------------------------------------------------------------------------------- */

/* A detector that misses now and then makes one visit. */
static void
test_flicker (void)
{
  Rig rig;

  rig_open (&rig, "{}");
  for (guint i = 0; i < 40; i++)
    {
      process_same (&rig, 1, box (1, 0.6, 0.5, 0.5));
      process_empty (&rig, i % 10); /* 1.8 s at most */
    }
  finish (&rig);
  g_assert_cmpuint (rig.events->len, ==, 2);
  assert_events (&rig, "enter  1 @0.6, leave  1 @43.8"); /* looks: frames 0, 1, 3 … 210 */
  g_assert_cmpuint (last_event (&rig)->end, ==, 42 * SECOND);
  rig_close (&rig);
}

/* On the zone's edge, now in, now out. */
static void
test_edge (void)
{
  Rig rig;

  rig_open (&rig, TWO_YARDS);
  for (guint i = 0; i < 30; i++)
    process_same (&rig, 1, box (1, 0.6, i % 2 == 0 ? 0.49 : 0.51, 0.25));
  assert_events (&rig, ""); /* never three in a row */
  process_same (&rig, 3, box (1, 0.6, 0.49, 0.25));
  assert_events (&rig, "enter left 1 @6.4");
  for (guint i = 0; i < 30; i++)
    process_same (&rig, 1, box (1, 0.6, i % 5 == 0 ? 0.49 : 0.51, 0.25));
  assert_events (&rig, "");
  finish (&rig);
  assert_events (&rig, "leave left 1 @12.4");
  g_assert_cmpuint (last_event (&rig)->end, ==, 58 * SECOND / 5); /* frames 33 + 25 */
  rig_close (&rig);
}

static void
test_dwell (void)
{
  static const char zones[]
      = "{\"zones\": [{\"name\": \"left\", \"polygon\": [[0,0],[0.5,0],[0.5,1],[0,1]], \"dwell\": 4}]}";
  const PldVisitor seen = box (1, 0.6, 0.25, 0.5);
  Rig rig;

  rig_open (&rig, zones);
  process_same (&rig, 20, seen); /* 0 … 3.8 */
  process_empty (&rig, 10);
  finish (&rig);
  assert_events (&rig, ""); /* too short, and then gone */
  rig.frame = 0;
  process_same (&rig, 10, seen);
  process_same (&rig, 2, box (1, 0.6, 0.75, 0.5)); /* a step outside, and back: the time goes on */
  process_same (&rig, 8, seen);
  assert_events (&rig, "");
  process_empty (&rig, 2); /* at 4.0 it is not seen */
  assert_events (&rig, "");
  process_same (&rig, 1, seen);
  assert_events (&rig, "enter left 1 @4.4");
  g_assert_cmpuint (last_event (&rig)->start, ==, 0);
  rig_close (&rig);
}

/* A person who stands still while no frame is processed stays present. */
static void
test_dwell_still (void)
{
  static const char zones[]
      = "{\"zones\": [{\"name\": \"left\", \"polygon\": [[0,0],[0.5,0],[0.5,1],[0,1]], \"dwell\": 4}]}";
  PldVisitor seen = box (1, 0.6, 0.25, 0.5);
  Rig rig;

  rig_open (&rig, zones);
  process_same (&rig, 3, seen);
  seen.predicted = TRUE;
  for (guint i = 0; i < 30; i++)
    ride (&rig, &seen, 1);
  assert_events (&rig, "enter left 1 @4.0");
  finish (&rig);
  assert_events (&rig, "leave left 1 @6.4");
  g_assert_cmpuint (last_event (&rig)->end, ==, 2 * SECOND / 5); /* when it was seen */
  rig_close (&rig);
}

/* But not who was looked for and not seen, only predicted. */
static void
test_dwell_missed (void)
{
  static const char zones[]
      = "{\"zones\": [{\"name\": \"left\", \"polygon\": [[0,0],[0.5,0],[0.5,1],[0,1]], \"dwell\": 4}]}";
  PldVisitor seen = box (1, 0.6, 0.25, 0.5), predicted = seen;
  Rig rig;

  predicted.predicted = TRUE;
  rig_open (&rig, zones);
  process_same (&rig, 19, seen);
  process_same (&rig, 1, predicted); /* at 3.8 */
  for (guint i = 0; i < 10; i++)
    ride (&rig, &predicted, 1);
  assert_events (&rig, "");
  process_same (&rig, 1, seen);
  assert_events (&rig, "enter left 1 @6.0");
  rig_close (&rig);
}

/* An open visit stays open under any new settings. */
static void
test_settings (void)
{
  Rig rig;

  rig_open (&rig, TWO_YARDS);
  process_same (&rig, 3, box (1, 0.6, 0.25, 0.25));
  rig.settings.inertia = 10;
  rig.settings.threshold = 0.9;
  rig.settings.median = 15;
  process_same (&rig, 1, box (1, 0.6, 0.75, 0.25));
  process_same (&rig, 1, box (2, 0.6, 0.25, 0.25));
  finish (&rig);
  assert_events (&rig, "enter left 1 @0.4, leave left 1 @0.8");
  rig_close (&rig);
}

/* Predicted boxes keep a visit alive, but begin none. */
static void
test_predicted (void)
{
  PldVisitor seen = box (1, 0.6, 0.5, 0.5), predicted = seen;
  Rig rig;

  predicted.predicted = TRUE;
  rig_open (&rig, "{}");
  process_same (&rig, 10, predicted);
  for (guint i = 0; i < 10; i++)
    ride (&rig, &seen, 1);
  process_same (&rig, 2, seen);
  process_same (&rig, 10, predicted);
  assert_events (&rig, "");
  process_same (&rig, 1, seen);
  assert_events (&rig, "enter  1 @6.4");
  process_same (&rig, 30, predicted); /* six seconds */
  assert_events (&rig, "");
  process_empty (&rig, 10);
  assert_events (&rig, "leave  1 @14.4");
  g_assert_cmpuint (last_event (&rig)->end, ==, 32 * SECOND / 5); /* last seen, not last predicted */
  rig_close (&rig);
}

static void
test_update (void)
{
  PldVisitor better = box (1, 0.651, 0.5, 0.5);
  Rig rig;

  rig_open (&rig, "{}");
  rig.settings.update_interval = 2 * SECOND;
  process_same (&rig, 20, box (1, 0.6, 0.5, 0.5));
  assert_events (&rig, "enter  1 @0.4, update  1 @2.4");
  process_same (&rig, 1, better); /* by 0.05 and more: at once */
  assert_events (&rig, "update  1 @4.0");
  g_assert_cmpfloat (last_event (&rig)->visitor.confidence, ==, 0.651);
  g_assert_cmpfloat (last_event (&rig)->confidence, ==, 0.6);
  process_same (&rig, 5, box (1, 0.69, 0.5, 0.5)); /* less than that */
  assert_events (&rig, "");
  process_empty (&rig, 8); /* 5.2 … 6.6 */
  assert_events (&rig, "");
  process_same (&rig, 1, better);
  assert_events (&rig, "update  1 @6.8");
  rig.settings.update_interval = 0;
  process_same (&rig, 50, box (1, 1, 0.5, 0.5));
  assert_events (&rig, "");
  rig_close (&rig);
}

static void
test_leave_at_once (void)
{
  Rig rig;

  rig_open (&rig, "{}");
  rig.settings.leave_after = 0;
  rig.settings.inertia = 1;
  rig.settings.median = 1;
  process_same (&rig, 2, box (1, 0.6, 0.5, 0.5));
  process_empty (&rig, 1);
  process_same (&rig, 1, box (1, 0.6, 0.5, 0.5));
  assert_events (&rig, "enter  1 @0.0, leave  1 @0.4, enter  1 @0.6");
  rig_close (&rig);
}

/* If time goes back a little, it is held; if it goes back further, everything restarts. Nothing is reported twice. */
static void
test_back (void)
{
  const PldVisitor seen = box (1, 0.6, 0.5, 0.5);
  Rig rig;

  rig_open (&rig, "{}");
  rig.frame = 100;
  process_same (&rig, 5, seen);
  rig.frame = 100;
  process_same (&rig, 8, seen);
  assert_events (&rig, "enter  1 @20.4");
  rig.frame = 50;
  process_same (&rig, 3, seen);
  assert_events (&rig, "leave  1 @21.4, enter  1 @10.4");
  rig.frame = 5000; /* and a leap ahead */
  process_same (&rig, 3, seen);
  finish (&rig);
  assert_events (&rig, "leave  1 @1000.4");
  rig_close (&rig);
}

/* ---- without ids --------------------------------------------------------------------------- */

static void
test_presence (void)
{
  const PldVisitor left = box (0, 0.6, 0.25, 0.25), low = box (0, 0.9, 0.75, 0.75);
  PldVisitor dog = box (0, 0.7, 0.25, 0.25);
  Rig rig;

  dog.label = "dog";
  rig_open (&rig, TWO_YARDS);
  for (guint i = 0; i < 3; i++)
    {
      PldVisitor boxes[] = { left, low, dog, box (0, 0.8, 0.3, 0.25) };

      process (&rig, boxes, 4);
    }
  assert_events (&rig, "enter left 0 @0.4, enter low 0 @0.4, enter left 0 @0.4");
  g_assert_cmpstr (last_event (&rig)->visitor.label, ==, "dog");
  g_assert_cmpfloat (g_array_index (rig.events, PldVisitEvent, 0).confidence, ==, 0.8); /* the best inside */
  process_same (&rig, 20, left);
  assert_events (&rig, "leave low 0 @2.4, leave left 0 @2.4");
  process_empty (&rig, 20);
  assert_events (&rig, "leave left 0 @6.4");
  rig_close (&rig);
}

/* ---- lines --------------------------------------------------------------------------------- */

#define GATE                                                                                                           \
  "{\"lines\": [{\"name\": \"gate\", \"from\": [0.5, 1], \"to\": [0.5, 0]}],"                                          \
  "\"zones\": [{\"name\": \"never\", \"polygon\": [[0,0],[0.01,0],[0,0.01]]}]}"

static void
test_cross (void)
{
  Rig rig;

  rig_open (&rig, GATE);
  process_same (&rig, 3, box (1, 0.6, 0.3, 0.5));
  process_same (&rig, 1, box (1, 0.7, 0.6, 0.5)); /* at 0.6 */
  process_same (&rig, 1, box (1, 0.6, 0.7, 0.5));
  assert_events (&rig, "");
  process_same (&rig, 1, box (1, 0.6, 0.8, 0.5));
  assert_events (&rig, "cross > gate 1 @1.0");
  g_assert_cmpuint (last_event (&rig)->start, ==, 3 * SECOND / 5);
  g_assert_cmpuint (last_event (&rig)->end, ==, 3 * SECOND / 5);
  g_assert_cmpfloat (last_event (&rig)->best, ==, 0.7);
  g_assert_cmpfloat_with_epsilon (last_event (&rig)->visitor.box.x_min, 0.55, 1e-9);
  process_same (&rig, 10, box (1, 0.6, 0.8, 0.5));
  process_same (&rig, 3, box (1, 0.6, 0.2, 0.5));
  assert_events (&rig, "cross < gate 1 @3.6");
  /* Hesitation is not a crossing. */
  for (guint i = 0; i < 30; i++)
    process_same (&rig, 1, box (1, 0.6, i % 2 == 0 ? 0.51 : 0.49, 0.5));
  process_same (&rig, 10, box (1, 0.6, 0.4, 0.5));
  finish (&rig);
  assert_events (&rig, "");
  rig_close (&rig);
}

/* A person who is not seen for a moment has crossed all the same; so has one who is never seen again after the first
 * step. */
static void
test_cross_unseen (void)
{
  PldVisitor predicted = box (1, 0.6, 0.9, 0.5);
  Rig rig;

  predicted.predicted = TRUE;
  rig_open (&rig, GATE);
  process_same (&rig, 3, box (1, 0.6, 0.3, 0.5));
  process_empty (&rig, 5);
  process_same (&rig, 3, box (1, 0.6, 0.7, 0.5));
  assert_events (&rig, "cross > gate 1 @2.0");
  process_same (&rig, 1, box (1, 0.6, 0.3, 0.5));
  process_empty (&rig, 20);
  assert_events (&rig, "cross < gate 1 @4.2");
  process_same (&rig, 3, box (2, 0.6, 0.3, 0.5));
  process_same (&rig, 1, predicted);              /* where it was not seen, it was not */
  process_same (&rig, 3, box (3, 0.4, 0.3, 0.5)); /* does not count */
  process_same (&rig, 5, box (3, 0.4, 0.7, 0.5));
  finish (&rig);
  assert_events (&rig, "");
  rig_close (&rig);
}

/* A person without an id may be somebody else on the other side. */
static void
test_cross_untracked (void)
{
  Rig rig;

  rig_open (&rig, "{\"lines\": [{\"name\": \"gate\", \"from\": [0.5, 1], \"to\": [0.5, 0]}]}");
  process_same (&rig, 3, box (0, 0.9, 0.3, 0.5));
  process_same (&rig, 5, box (0, 0.9, 0.7, 0.5));
  finish (&rig);
  assert_events (&rig, "enter  0 @0.4, leave  0 @1.4");
  rig_close (&rig);
}

/* ---- any order ----------------------------------------------------------------------------- */

/* For any input: each leave ends one enter of the same zone, id and label, times are in order, and the same again
 * gives the same again. */
static void
walk (Rig *rig, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GHashTable) open = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint64 last = 0;

  rig_open (rig, TWO_YARDS);
  rig->settings.update_interval = SECOND;
  rig->settings.leave_after = (guint64) g_rand_int_range (rand, 0, 3) * SECOND;
  for (guint i = 0; i < 500; i++)
    {
      PldVisitor boxes[4];
      const guint n = (guint) g_rand_int_range (rand, 0, 5);

      for (guint k = 0; k < n; k++)
        {
          boxes[k] = box ((guint64) g_rand_int_range (rand, 0, 4), g_rand_double (rand), g_rand_double (rand),
                          g_rand_double (rand));
          boxes[k].predicted = g_rand_int_range (rand, 0, 4) == 0;
        }
      rig->frame += (guint) g_rand_int_range (rand, 0, 3);
      if (g_rand_int_range (rand, 0, 3) > 0)
        process (rig, boxes, n);
      else
        ride (rig, boxes, n);
    }
  finish (rig);
  for (guint i = 0; i < rig->events->len; i++)
    {
      const PldVisitEvent *event = &g_array_index (rig->events, PldVisitEvent, i);
      g_autofree char *key = g_strdup_printf ("%s %" G_GUINT64_FORMAT, event->zone, event->visitor.id);

      g_assert_cmpuint (event->time, >=, last);
      g_assert_cmpuint (event->start, <=, event->end);
      g_assert_cmpuint (event->end, <=, event->time);
      g_assert_cmpfloat (event->best, >=, event->visitor.confidence * (event->kind == PLD_VISIT_LEAVE));
      last = event->time;
      if (event->kind == PLD_VISIT_ENTER)
        g_assert_true (g_hash_table_add (open, g_steal_pointer (&key)));
      else if (event->kind == PLD_VISIT_LEAVE)
        g_assert_true (g_hash_table_remove (open, key));
      else
        g_assert_true (g_hash_table_contains (open, key));
    }
  g_assert_cmpuint (g_hash_table_size (open), ==, 0);
}

static void
test_any (void)
{
  guint events = 0;

  for (guint round = 0; round < 200; round++)
    {
      const guint32 seed = (guint32) g_test_rand_int ();
      g_autofree char *first = NULL, *second = NULL;
      Rig rig;

      walk (&rig, seed);
      first = reported (&rig);
      events += rig.events->len;
      rig_close (&rig);
      walk (&rig, seed);
      second = reported (&rig);
      rig_close (&rig);
      g_assert_cmpstr (first, ==, second);
    }
  g_assert_cmpuint (events, >, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/visits/visit", test_visit);
  g_test_add_func ("/visits/several", test_several);
  g_test_add_func ("/visits/labels", test_labels);
  g_test_add_func ("/visits/debounce", test_debounce);
  g_test_add_func ("/visits/small", test_small);
  g_test_add_func ("/visits/damaged", test_damaged);
  g_test_add_func ("/visits/mask", test_mask);
  g_test_add_func ("/visits/flicker", test_flicker);
  g_test_add_func ("/visits/edge", test_edge);
  g_test_add_func ("/visits/dwell", test_dwell);
  g_test_add_func ("/visits/dwell-still", test_dwell_still);
  g_test_add_func ("/visits/dwell-missed", test_dwell_missed);
  g_test_add_func ("/visits/settings", test_settings);
  g_test_add_func ("/visits/predicted", test_predicted);
  g_test_add_func ("/visits/update", test_update);
  g_test_add_func ("/visits/leave-at-once", test_leave_at_once);
  g_test_add_func ("/visits/back", test_back);
  g_test_add_func ("/visits/presence", test_presence);
  g_test_add_func ("/visits/cross", test_cross);
  g_test_add_func ("/visits/cross-unseen", test_cross_unseen);
  g_test_add_func ("/visits/cross-untracked", test_cross_untracked);
  g_test_add_func ("/visits/any", test_any);
  return g_test_run ();
}
