/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tracker on persons whose ways are known: ids stay, boxes stay where the persons are.
 */
#include "analytics/tracker.h"

#include <math.h>

#define ASPECT (16.0 / 9)
#define SECOND 1e9

/* Middle and sides in shares of the frame, velocity in shares a second. */
typedef struct
{
  double x, y, dx, dy, width, height;
} Walker;

typedef struct
{
  PldTracker *tracker;
  PldTrackerSettings settings;
  PldSighting sightings[64];
  guint n;
  GRand *rand;
} Rig;

static const char *person, *car;

static void
rig_open (Rig *rig, guint32 seed)
{
  rig->tracker = pld_tracker_new ();
  pld_tracker_clear (rig->tracker, ASPECT);
  pld_tracker_settings_init (&rig->settings);
  rig->n = 0;
  rig->rand = g_rand_new_with_seed (seed);
}

static void
rig_close (Rig *rig)
{
  pld_tracker_free (rig->tracker);
  g_rand_free (rig->rand);
}

static PldSighting
box (const char *label, double confidence, double x, double y, double width, double height)
{
  return (PldSighting) { .label = label,
                         .confidence = confidence,
                         .box = { x - width / 2, y - height / 2, x + width / 2, y + height / 2 } };
}

static void
see_box (Rig *rig, PldSighting sighting)
{
  g_assert_cmpuint (rig->n, <, G_N_ELEMENTS (rig->sightings));
  rig->sightings[rig->n++] = sighting;
}

static void
see (Rig *rig, const Walker *w, double t)
{
  see_box (rig, box (person, 0.8, w->x + w->dx * t, w->y + w->dy * t, w->width, w->height));
}

/* Ends a result. */
static void
update (Rig *rig, double t)
{
  pld_tracker_update (rig->tracker, &rig->settings, (guint64) (t * SECOND + 0.5), rig->sightings, rig->n);
  rig->n = 0;
}

static GArray *
show (Rig *rig, double t)
{
  return pld_tracker_show (rig->tracker, &rig->settings, (guint64) (t * SECOND + 0.5));
}

static const PldTracked *
find (GArray *tracks, guint64 id)
{
  for (guint i = 0; i < tracks->len; i++)
    if (g_array_index (tracks, PldTracked, i).id == id)
      return &g_array_index (tracks, PldTracked, i);
  return NULL;
}

/* How far the middles of both are apart, in heights of the person. */
static double
error_of (const PldTracked *track, const Walker *w, double t)
{
  double dx = (track->box.x_min + track->box.x_max) / 2 - (w->x + w->dx * t);
  double dy = (track->box.y_min + track->box.y_max) / 2 - (w->y + w->dy * t);

  return hypot (dx * ASPECT, dy) / w->height;
}

/* The track with this id is shown at @t, within @tolerance heights of the person. */
static void
assert_at (Rig *rig, guint64 id, const Walker *w, double t, double tolerance)
{
  g_autoptr (GArray) tracks = show (rig, t);
  const PldTracked *track = find (tracks, id);

  g_assert_nonnull (track);
  g_assert_cmpfloat (error_of (track, w, t), <, tolerance);
}

static void
assert_shown (Rig *rig, double t, guint n)
{
  g_autoptr (GArray) tracks = show (rig, t);

  g_assert_cmpuint (tracks->len, ==, n);
}

static void
assert_ids (Rig *rig, guint64 n)
{
  g_assert_cmpuint (pld_tracker_count (rig->tracker).ids, ==, n);
}

/* ---- ways ---------------------------------------------------------------------------------- */

/* The motion that the filter assumes, so its error vanishes. */
static void
test_straight (void)
{
  const Walker w = { 0.1, 0.5, 0.08, 0.01, 0.05, 0.15 };
  g_autoptr (GArray) tracks = NULL;
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 60; i++)
    {
      see (&rig, &w, i / 10.0);
      update (&rig, i / 10.0);
      assert_shown (&rig, i / 10.0, i < 2 ? 0 : 1);
      if (i >= 2)
        assert_at (&rig, 1, &w, i / 10.0, i < 20 ? 0.15 : 0.02);
    }
  tracks = show (&rig, 5.9);
  g_assert_cmpuint (find (tracks, 1)->start, ==, 0);
  g_assert_cmpint (find (tracks, 1)->sighting, ==, 0);
  g_assert_cmpfloat_with_epsilon (find (tracks, 1)->dx, w.dx, 0.004);
  g_assert_cmpfloat_with_epsilon (find (tracks, 1)->dy, w.dy, 0.004);
  g_assert_cmpfloat_with_epsilon (find (tracks, 1)->box.y_max - find (tracks, 1)->box.y_min, w.height, 1e-6);
  rig_close (&rig);
}

/* Two pass each other; while they overlap, the detector has a box for the nearer one alone. */
static void
test_crossing (void)
{
  const Walker near = { 0.2, 0.5, 0.1, 0, 0.05, 0.15 }, far = { 0.7, 0.47, -0.1, 0, 0.045, 0.14 };
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 50; i++)
    {
      double t = i / 10.0, apart = fabs (near.x - far.x + (near.dx - far.dx) * t);

      see (&rig, &near, t);
      if (apart > 0.03)
        see (&rig, &far, t);
      update (&rig, t);
      if (i == 10)
        assert_at (&rig, 1, &near, t, 0.1);
      if (i == 10)
        assert_at (&rig, 2, &far, t, 0.1);
    }
  assert_at (&rig, 1, &near, 4.9, 0.1);
  assert_at (&rig, 2, &far, 4.9, 0.1);
  assert_ids (&rig, 2);
  rig_close (&rig);
}

/* Behind something for a second: shown for as long as hold says, and found again. Longer than max-age: somebody new. */
static void
test_occlusion (void)
{
  const Walker w = { 0.1, 0.5, 0.06, 0, 0.05, 0.15 };
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 100; i++)
    {
      double t = i / 10.0;
      gboolean hidden = (i > 20 && i <= 30) || (i > 50 && i <= 75);

      if (!hidden)
        see (&rig, &w, t);
      update (&rig, t);
      if (i >= 20 && i <= 25)
        assert_at (&rig, 1, &w, t, 0.1);
      if ((i > 25 && i <= 30) || (i > 55 && i <= 77))
        assert_shown (&rig, t, 0);
      if (i > 30 && i <= 50)
        assert_at (&rig, 1, &w, t, 0.1);
      if (i > 77)
        assert_at (&rig, 2, &w, t, 0.15);
    }
  assert_ids (&rig, 2);
  rig_close (&rig);
}

/* Small and fast: from one result to the next they walk further than they are wide. Between, boxes move on. */
static void
test_interval (void)
{
  static const struct
  {
    double rate, speed; /* frames a second, heights a second */
  } cases[] = { { 30, 3 }, { 10, 1 } };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      const double speed = cases[c].speed * 0.05 / ASPECT, gap = 6 / cases[c].rate;
      const Walker w[] = { { 0.02, 0.2, speed, 0, 0.012, 0.05 },
                           { 0.02, 0.4, speed, 0, 0.012, 0.05 },
                           { 0.9, 0.6, -speed, 0, 0.012, 0.05 },
                           { 0.5, 0.9, 0, -cases[c].speed * 0.05, 0.012, 0.05 } };
      Rig rig;

      g_assert_cmpfloat (speed * gap, >, w[0].width);
      rig_open (&rig, 0);
      for (guint i = 0; i < 72; i++)
        {
          double t = i / cases[c].rate;

          if (i % 6 == 0)
            {
              for (guint k = 0; k < G_N_ELEMENTS (w); k++)
                see (&rig, &w[k], t);
              update (&rig, t);
            }
          for (guint k = 0; k < G_N_ELEMENTS (w) && i >= 18; k++)
            assert_at (&rig, k + 1, &w[k], t, 0.2);
        }
      assert_ids (&rig, G_N_ELEMENTS (w));
      rig_close (&rig);
    }
}

/* A result that comes half a second late is one of half a second ago; a person has walked on since. */
static void
test_late (void)
{
  const Walker w = { 0.1, 0.5, 0.08, 0, 0.05, 0.15 };
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 50; i++)
    {
      see (&rig, &w, i / 10.0);
      update (&rig, i / 10.0);
      if (i > 20)
        assert_at (&rig, 1, &w, i / 10.0 + 0.2, 0.05);
    }
  rig_close (&rig);

  rig_open (&rig, 0);
  for (guint i = 0; i < 10; i++)
    {
      see (&rig, &w, i / 2.0);
      update (&rig, i / 2.0);
    }
  assert_at (&rig, 1, &w, 4.5 + 0.9, 0.15);
  rig_close (&rig);
}

/* No new result, since nothing moves: neither does the box, and it is nobody new who moves at last. */
static void
test_held (void)
{
  const Walker w = { 0.5, 0.5, 0, 0, 0.05, 0.15 };
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 20; i++)
    {
      see (&rig, &w, 0);
      update (&rig, i / 10.0);
    }
  for (guint i = 2; i < 600; i++)
    assert_at (&rig, 1, &w, i, 0.01);
  see (&rig, &w, 0);
  update (&rig, 600);
  assert_at (&rig, 1, &w, 600, 0.01);
  rig_close (&rig);
}

/* The results stop in mid-walk: the box comes to rest nearby. */
static void
test_rest (void)
{
  const Walker w = { 0.1, 0.5, 0.08, 0, 0.05, 0.15 };
  g_autoptr (GArray) soon = NULL, late = NULL, later = NULL;
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i <= 20; i++)
    {
      see (&rig, &w, i / 10.0);
      update (&rig, i / 10.0);
    }
  soon = show (&rig, 2);
  late = show (&rig, 10);
  later = show (&rig, 1000);
  g_assert_cmpfloat (find (late, 1)->box.x_min - find (soon, 1)->box.x_min, >, 0);
  g_assert_cmpfloat ((find (late, 1)->box.x_min - find (soon, 1)->box.x_min) * ASPECT, <, w.height);
  g_assert_cmpfloat_with_epsilon (find (later, 1)->box.x_min, find (late, 1)->box.x_min, 1e-6);
  g_assert_cmpfloat_with_epsilon (find (late, 1)->dx, 0, 1e-6);
  rig_close (&rig);
}

/* A person who leaves does not return as the next one who enters there. */
static void
test_leaving (void)
{
  const Walker out = { 0.1, 0.5, -0.03, 0, 0.05, 0.15 }, in = { -0.12, 0.5, 0.03, 0, 0.05, 0.15 };
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 60; i++)
    {
      double t = i / 10.0;

      if (out.x + out.dx * t > 0)
        see (&rig, &out, t);
      if (in.x + in.dx * t > 0)
        see (&rig, &in, t);
      update (&rig, t);
    }
  assert_ids (&rig, 2);
  assert_at (&rig, 2, &in, 5.9, 0.1);
  rig_close (&rig);
}

/* ---- a bad detector ------------------------------------------------------------------------ */

/* A sum of uniform deviates: nearly normal. */
static double
normal (GRand *rand)
{
  double sum = 0;

  for (guint i = 0; i < 12; i++)
    sum += g_rand_double (rand) - 0.5;
  return sum;
}

/* Every tenth box is missing, all are off by a twentieth of the height, and in each result something is a person that
 * is none. @log: what was shown. */
static void
walk_badly (Rig *rig, guint32 seed, GString *log)
{
  const Walker w[]
      = { { 0.1, 0.3, 0.04, 0, 0.05, 0.15 }, { 0.9, 0.7, -0.04, 0, 0.06, 0.18 }, { 0.5, 0.5, 0, 0.01, 0.04, 0.12 } };
  double raw = 0, filtered = 0;

  rig_open (rig, seed);
  for (guint i = 0; i < 200; i++)
    {
      const double t = i / 10.0;
      g_autoptr (GArray) tracks = NULL;

      for (guint k = 0; k < G_N_ELEMENTS (w); k++)
        {
          double off[2] = { 0.05 * normal (rig->rand), 0.05 * normal (rig->rand) };
          Walker seen = w[k];

          seen.x += off[0] * w[k].height / ASPECT;
          seen.y += off[1] * w[k].height;
          if (g_rand_int_range (rig->rand, 0, 10) > 0 || i < 3)
            see (rig, &seen, t);
          raw += off[0] * off[0] + off[1] * off[1];
        }
      see_box (rig, box (person, g_rand_double_range (rig->rand, 0.2, 0.9), g_rand_double (rig->rand),
                         g_rand_double (rig->rand), 0.05, 0.15));
      update (rig, t);
      tracks = show (rig, t);
      g_assert_cmpuint (tracks->len, ==, i < 2 ? 0 : 3);
      for (guint k = 0; k < tracks->len; k++)
        {
          const PldTracked *track = &g_array_index (tracks, PldTracked, k);

          g_assert_cmpuint (track->id, ==, k + 1);
          filtered += pow (error_of (track, &w[k], t), 2);
          g_assert_cmpfloat (error_of (track, &w[k], t), <, 0.3);
          g_string_append_printf (log, "%a %a %a %a %a %a\n", track->box.x_min, track->box.y_min, track->box.x_max,
                                  track->box.y_max, track->dx, track->dy);
        }
    }
  assert_ids (rig, 3);
  /* That is what a filter is for. */
  g_assert_cmpfloat (filtered, <, 0.6 * raw);
  rig_close (rig);
}

static void
test_bad_detector (void)
{
  for (guint seed = 1; seed <= 5; seed++)
    {
      g_autoptr (GString) once = g_string_new (NULL), again = g_string_new (NULL);
      Rig rig;

      walk_badly (&rig, seed, once);
      walk_badly (&rig, seed, again);
      g_assert_cmpstr (once->str, ==, again->str);
    }
}

/* Seen once or twice is not seen. */
static void
test_flash (void)
{
  const Walker w = { 0.5, 0.5, 0, 0, 0.05, 0.15 };
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 40; i++)
    {
      if (i % 4 < 2)
        see (&rig, &w, 0);
      update (&rig, i / 10.0);
      assert_shown (&rig, i / 10.0, 0);
    }
  assert_ids (&rig, 0);
  rig.settings.min_hits = 2;
  see (&rig, &w, 0);
  update (&rig, 4);
  see (&rig, &w, 0);
  update (&rig, 4.1);
  assert_at (&rig, 1, &w, 4.1, 0.01);
  rig_close (&rig);
}

/* Weak boxes keep a track alive and never begin one; very weak ones are not there. */
static void
test_thresholds (void)
{
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 100; i++)
    {
      const double confidence = i < 20 ? 0.54 : i < 30 ? 0.56 : i < 80 ? 0.21 : 0.19;
      g_autoptr (GArray) tracks = NULL;

      see_box (&rig, box (person, confidence, i < 30 ? 0.5 : 0.503, 0.5, 0.05, 0.15));
      update (&rig, i / 10.0);
      tracks = show (&rig, i / 10.0);
      g_assert_cmpuint (tracks->len, ==, i < 22 || i > 84 ? 0 : 1);
      if (tracks->len == 1)
        {
          const PldTracked *track = &g_array_index (tracks, PldTracked, 0);

          g_assert_cmpfloat (track->confidence, ==, i < 80 ? confidence : 0.21);
          g_assert_cmpint (track->sighting, ==, i < 80 ? 0 : -1);
          g_assert_cmpuint (track->start, ==, 2 * (guint64) SECOND);
        }
    }
  assert_ids (&rig, 1);
  rig_close (&rig);
}

/* A weak box that is a little aside may be something else, and a lost track is not found again in one. */
static void
test_weak (void)
{
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 40; i++)
    {
      const gboolean strong = i < 10 || (i >= 20 && i < 30);
      const double aside = i < 10 || i >= 30 ? 0 : 0.025;
      g_autoptr (GArray) tracks = NULL;

      if (i != 30)
        see_box (&rig, box (person, strong ? 0.9 : 0.4, 0.5 + aside, 0.5, 0.05, 0.15));
      update (&rig, i / 10.0);
      tracks = show (&rig, i / 10.0);
      if (find (tracks, 1) != NULL)
        g_assert_cmpint (find (tracks, 1)->sighting, ==, strong ? 0 : -1);
      g_assert_true (find (tracks, 1) != NULL || i < 2 || !strong);
    }
  assert_ids (&rig, 1);
  rig_close (&rig);
}

/* A person in front of a car is not a car. */
static void
test_labels (void)
{
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 30; i++)
    {
      see_box (&rig, box (i % 2 == 0 ? person : car, 0.9, 0.5, 0.5, 0.05, 0.15));
      rig.sightings[0].label_id = i % 2 == 0 ? 5 : 6;
      update (&rig, i / 10.0);
      assert_shown (&rig, i / 10.0, 0);
    }
  for (guint i = 30; i < 40; i++)
    {
      see_box (&rig, box (person, 0.9, 0.5, 0.5, 0.05, 0.15));
      see_box (&rig, box (car, 0.8, 0.5, 0.5, 0.05, 0.15));
      rig.sightings[0].label_id = 5;
      rig.sightings[1].label_id = 6;
      update (&rig, i / 10.0);
    }
  {
    g_autoptr (GArray) tracks = show (&rig, 3.9);

    g_assert_cmpuint (tracks->len, ==, 2);
    for (guint i = 0; i < 2; i++)
      {
        const PldTracked *track = &g_array_index (tracks, PldTracked, i);

        g_assert_true (track->label == (track->sighting == 0 ? person : car));
        g_assert_cmpuint (track->label_id, ==, track->sighting == 0 ? 5 : 6);
      }
  }
  rig_close (&rig);
}

/* ---- limits -------------------------------------------------------------------------------- */

static void
test_clear (void)
{
  const Walker w = { 0.5, 0.5, 0, 0, 0.05, 0.15 };
  Rig rig;

  rig_open (&rig, 0);
  for (guint round = 1; round <= 3; round++)
    {
      for (guint i = 0; i < 3; i++)
        {
          assert_shown (&rig, i / 10.0, 0);
          see (&rig, &w, 0);
          update (&rig, i / 10.0);
        }
      assert_at (&rig, round, &w, 0.2, 0.01);
      assert_shown (&rig, 0.2, 1);
      pld_tracker_clear (rig.tracker, ASPECT);
    }
  rig_close (&rig);
}

static void
test_no_boxes (void)
{
  const double bad[] = { NAN, INFINITY, -INFINITY, 1e300, -1e300, 0 };
  Rig rig;

  rig_open (&rig, 0);
  for (guint i = 0; i < 20; i++)
    {
      for (guint k = 0; k < G_N_ELEMENTS (bad); k++)
        {
          see_box (&rig, box (person, 0.9, bad[k], 0.5, 0.1, k == 5 ? 0 : 0.1));
          see_box (&rig, box (person, 0.9, 0.5, 0.5, 0.1, k == 5 ? -0.1 : bad[k]));
          see_box (&rig, box (person, k < 3 ? bad[0] : 0.1, 0.5, 0.5, 0.1, 0.1));
        }
      see_box (&rig, (PldSighting) { person, 0, 0.9, { 0.1, 0.1, 1e300, 0.5 } });
      see_box (&rig, (PldSighting) { person, 0, 0.9, { 0.1, 0.1, 0.5, 1e300 } });
      see_box (&rig, box (NULL, 0.9, 0.5, 0.5, 0.1, 0.1));
      update (&rig, i / 10.0);
      assert_shown (&rig, i / 10.0, 0);
    }
  assert_ids (&rig, 0);
  update (&rig, 1e9);
  rig_close (&rig);
}

/* More boxes than are looked at, in other places each time: what is kept stays bounded, and the best are kept. */
static void
test_many (void)
{
  const guint n = 1000;
  g_autofree PldSighting *sightings = g_new (PldSighting, n);
  Rig rig;

  rig_open (&rig, 1);
  rig.settings.min_hits = 1;
  rig.settings.max_age = 3600;
  for (guint i = 0; i < 20; i++)
    {
      PldTrackerCounts counts;
      g_autoptr (GArray) tracks = NULL;

      for (guint k = 0; k < n; k++)
        sightings[k]
            = box (person, 0.6 + 0.3 * k / n, g_rand_double (rig.rand), g_rand_double (rig.rand), 0.001, 0.001);
      pld_tracker_update (rig.tracker, &rig.settings, (guint64) (i * SECOND), sightings, n);
      counts = pld_tracker_count (rig.tracker);
      g_assert_cmpuint (counts.tracks + counts.lost, ==, PLD_TRACKER_MOST);
      g_assert_cmpuint (counts.beginnings, ==, 0);
      tracks = show (&rig, i);
      for (guint k = 0; k < tracks->len; k++)
        g_assert_cmpint (g_array_index (tracks, PldTracked, k).sighting, >=, (int) (n - PLD_TRACKER_MOST));
    }
  rig_close (&rig);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  person = g_intern_static_string ("person");
  car = g_intern_static_string ("car");
  g_test_add_func ("/tracker/straight", test_straight);
  g_test_add_func ("/tracker/crossing", test_crossing);
  g_test_add_func ("/tracker/occlusion", test_occlusion);
  g_test_add_func ("/tracker/interval", test_interval);
  g_test_add_func ("/tracker/late", test_late);
  g_test_add_func ("/tracker/held", test_held);
  g_test_add_func ("/tracker/rest", test_rest);
  g_test_add_func ("/tracker/leaving", test_leaving);
  g_test_add_func ("/tracker/bad-detector", test_bad_detector);
  g_test_add_func ("/tracker/flash", test_flash);
  g_test_add_func ("/tracker/thresholds", test_thresholds);
  g_test_add_func ("/tracker/weak", test_weak);
  g_test_add_func ("/tracker/labels", test_labels);
  g_test_add_func ("/tracker/clear", test_clear);
  g_test_add_func ("/tracker/no-boxes", test_no_boxes);
  g_test_add_func ("/tracker/many", test_many);
  return g_test_run ();
}
