/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * analytics/zones.c: what zones may look like, what is said about those that are wrong, and geometry, against values
 * worked out by hand and against another rule.
 */
#include "analytics/zones.h"

#include "pipeload/pipeload.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static PldZones *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  PldZones *zones = pld_zones_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  g_assert_nonnull (zones);
  return zones;
}

/* ---- reading ------------------------------------------------------------------------------- */

static void
test_read (void)
{
  static const char text[]
      = "{\"zones\": [{\"name\": \"drive\\u0077ay\", \"polygon\": [[0, 0.5], [1, 0.5], [1, 1.0], [0, 1]],\n"
        "  \"labels\": [\"person\", \"dog\"], \"dwell\": 2.5},\n"
        "  {\"name\": \"[{\\\"'#\", \"polygon\": [[0, 0], [1e-1, 0], [0, 1]]}],\n"
        " \"masks\": [{\"polygon\": [[0, 0], [0.5, 0], [0, 0.25]]}],\n"
        " \"lines\": [{\"name\": \"gate\", \"from\": [0.25, 1], \"to\": [0.25, 0], \"labels\": "
        "[\"car\"]}]}\n";
  g_autofree char *marked = g_strconcat ("\xef\xbb\xbf", text, NULL); /* as some editors save it */
  g_autoptr (PldZones) zones = parse (text), same = parse (marked);
  const PldZone *zone = &g_array_index (zones->zones, PldZone, 0);
  const PldZone *other = &g_array_index (zones->zones, PldZone, 1);
  const PldZone *mask = &g_array_index (zones->masks, PldZone, 0);
  const PldLine *line = &g_array_index (zones->lines, PldLine, 0);

  g_assert_cmpstr (zones->json, ==, text);
  g_assert_cmpstr (same->json, ==, text);
  g_assert_cmpuint (zones->zones->len, ==, 2);
  g_assert_cmpstr (zone->name, ==, "driveway");
  g_assert_cmpuint (zone->n_points, ==, 4);
  g_assert_cmpfloat (zone->points[2].x, ==, 1);
  g_assert_cmpfloat (zone->points[1].y, ==, 0.5);
  g_assert_cmpuint (zone->dwell, ==, 2500000000);
  g_assert_true (pld_labels_have (zone->labels, "dog"));
  g_assert_false (pld_labels_have (zone->labels, "car"));
  g_assert_cmpstr (other->name, ==, "[{\"'#");
  g_assert_cmpfloat (other->points[1].x, ==, 0.1);
  g_assert_cmpuint (other->dwell, ==, 0);
  g_assert_true (pld_labels_have (other->labels, "car"));
  g_assert_cmpuint (zones->masks->len, ==, 1);
  g_assert_cmpfloat (mask->points[2].y, ==, 0.25);
  g_assert_cmpuint (zones->lines->len, ==, 1);
  g_assert_cmpstr (line->name, ==, "gate");
  g_assert_cmpfloat (line->from.x, ==, 0.25);
  g_assert_cmpfloat (line->from.y, ==, 1);
  g_assert_cmpfloat (line->to.y, ==, 0);
  g_assert_true (pld_labels_have (line->labels, "car"));
  g_assert_false (pld_labels_have (line->labels, "person"));
}

/* Where no zone is, everything is one. */
static void
test_whole_picture (void)
{
  static const char *const texts[]
      = { "{}", "{\"zones\": []}", "{\"lines\": [{\"name\": \"a\", \"from\": [0, 0], \"to\": [1, 1]}]}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (PldZones) zones = parse (texts[i]);
      const PldZone *zone = &g_array_index (zones->zones, PldZone, 0);

      g_assert_cmpuint (zones->zones->len, ==, 1);
      g_assert_cmpstr (zone->name, ==, "");
      g_assert_true (pld_zone_contains (zone, (PldPoint) { 0.5, 1 }));
      g_assert_true (pld_zone_contains (zone, (PldPoint) { 0, 0 }));
      g_assert_true (pld_labels_have (zone->labels, "person"));
    }
}

#define SQUARE "[[0,0],[1,0],[1,1],[0,1]]"

static void
test_malformed (void)
{
  static const struct
  {
    const char *text;
    const char *words[3]; /* that the error must hold */
  } cases[] = {
    { "", { "line 1", "not JSON" } },
    { "[]", { "not a JSON object" } },
    { "{\"zones\": 1}", { "\"zones\" is not a list" } },
    { "{\"zones\": [1]}", { "zone 1", "not an object" } },
    { "{\"zone\": []}", { "unknown key \"zone\"", "zones, masks, lines" } },
    { "{\n\"zones\":\n [ {\"name\": \"a\" \"polygon\"} ]\n}", { "line 3", "not JSON" } },
    { "{\"zones\": [\n", { "line ", "not JSON" } },
    { "{\"zones\": []\n\n} x", { "line 3", "more text after its end" } },
    { "{ // here\n}", { "line 1", "not JSON", "in double quotes" } },
    { "{\n# here\n}", { "line 2", "not JSON", "in double quotes" } },
    { "{'zones': []}", { "line 1", "double quotes" } },
    { "{\"zones\": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", { "line 1", "deep" } },
    { "{\"zones\": [{\"polygon\": " SQUARE "}]}", { "zone 1", "\"name\" is missing" } },
    { "{\"zones\": [{\"name\": \"\", \"polygon\": " SQUARE "}]}", { "zone 1", "\"name\" is not a text" } },
    { "{\"zones\": [{\"name\": 5, \"polygon\": " SQUARE "}]}", { "zone 1", "\"name\" is not a text" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygn\": " SQUARE "}]}", { "zone \"yard\"", "\"polygn\"", "polygon" } },
    { "{\"zones\": [{\"name\": \"yard\"}]}", { "zone \"yard\"", "\"polygon\" is missing" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygon\": {}}]}", { "zone \"yard\"", "not a list of points" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygon\": []}]}", { "zone \"yard\"", "0 points", "3" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygon\": [[0, 0], [1, 1]]}]}", { "zone \"yard\"", "2 points", "3" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygon\": [[0,0],[0,1],[640,1]]}]}",
      { "zone \"yard\"", "point 3", "640" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygon\": [[0,0],[0,-0.01],[1,1]]}]}",
      { "zone \"yard\"", "point 2", "outside" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygon\": [[0,0],[0,1e999],[1,1]]}]}", { "line 1", "out of range" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygon\": [[0,0],[0,1,1],[1,1]]}]}", { "point 2", "two numbers" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygon\": [[0,0],[0,\"1\"],[1,1]]}]}", { "point 2", "two numbers" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygon\": [[0,0],[0,true],[1,1]]}]}", { "point 2", "two numbers" } },
    { "{\"zones\": [{\"name\": \"yard\", \"polygon\": [0,0,1,1]}]}", { "point 1", "two numbers" } },
    { "{\"zones\": [{\"name\": \"a\", \"polygon\": " SQUARE "}, {\"name\": \"a\", \"polygon\": " SQUARE "}]}",
      { "zone \"a\"", "already" } },
    { "{\"zones\": [{\"name\": \"a\", \"polygon\": " SQUARE ", \"labels\": \"person\"}]}", { "zone \"a\"", "labels" } },
    { "{\"zones\": [{\"name\": \"a\", \"polygon\": " SQUARE ", \"labels\": []}]}", { "zone \"a\"", "labels" } },
    { "{\"zones\": [{\"name\": \"a\", \"polygon\": " SQUARE ", \"labels\": [\"x\", 1]}]}", { "label 2" } },
    { "{\"zones\": [{\"name\": \"a\", \"polygon\": " SQUARE ", \"dwell\": -1}]}", { "zone \"a\"", "dwell" } },
    { "{\"zones\": [{\"name\": \"a\", \"polygon\": " SQUARE ", \"dwell\": \"5s\"}]}", { "dwell", "seconds" } },
    { "{\"zones\": [{\"name\": \"a\", \"polygon\": " SQUARE ", \"dwell\": 1e300}]}", { "dwell" } },
    { "{\"masks\": [{\"polygon\": [[0,0],[1,1]]}]}", { "mask 1", "2 points" } },
    { "{\"masks\": [{\"polygon\": " SQUARE ", \"labels\": [\"a\"]}]}", { "mask 1", "unknown key \"labels\"" } },
    { "{\"lines\": [{\"name\": \"gate\", \"from\": [0, 0]}]}", { "line \"gate\"", "\"to\" is missing" } },
    { "{\"lines\": [{\"name\": \"gate\", \"from\": [0, 0], \"to\": [0, 0]}]}", { "line \"gate\"", "same point" } },
    { "{\"lines\": [{\"name\": \"gate\", \"from\": [0, 0], \"to\": [0, 2]}]}", { "\"to\"", "outside" } },
    { "{\"zones\": [{\"name\": \"a\", \"polygon\": " SQUARE "}],"
      " \"lines\": [{\"name\": \"a\", \"from\": [0, 0], \"to\": [0, 1]}]}",
      { "line \"a\"", "already" } },
    { "{\"\xff\": 1}", { "UTF-8" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      PldZones *zones = pld_zones_parse (cases[i].text, strlen (cases[i].text), &error);

      g_assert_null (zones);
      g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
      g_test_message ("%s", error->message);
      for (guint w = 0; w < G_N_ELEMENTS (cases[i].words) && cases[i].words[w] != NULL; w++)
        g_assert_nonnull (strstr (error->message, cases[i].words[w]));
    }
}

static void
test_large (void)
{
  g_autofree char *spaces = g_strnfill (PLD_ZONES_MAX_BYTES - 1, ' ');
  g_autofree char *most = g_strconcat (spaces, "{}", NULL);
  g_autoptr (PldZones) zones = NULL;
  g_autoptr (GError) error = NULL;

  zones = pld_zones_parse (most + 1, PLD_ZONES_MAX_BYTES, &error);
  g_assert_no_error (error);
  g_assert_null (pld_zones_parse (most, PLD_ZONES_MAX_BYTES + 1, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
}

static void
test_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("pipeload-zones-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "zones.json", NULL);
  g_autoptr (PldZones) zones = NULL;
  g_autoptr (PldZones) written = NULL;
  g_autoptr (PldZones) none = NULL;
  g_autoptr (GError) missing = NULL, damaged = NULL, no_file = NULL, in_line = NULL;

  g_assert_null (pld_zones_load (path, &missing));
  g_assert_error (missing, PLD_ERROR, PLD_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (missing->message, path));
  g_assert_null (pld_zones_load (folder, &no_file));
  g_assert_error (no_file, PLD_ERROR, PLD_ERROR_IO);
  g_assert_true (g_file_set_contents (path, "{\"zones\": []", -1, NULL));
  g_assert_null (pld_zones_load (path, &damaged));
  g_assert_error (damaged, PLD_ERROR, PLD_ERROR_FORMAT);
  g_assert_true (g_str_has_prefix (damaged->message, path));
  g_assert_true (g_file_set_contents (path, "{\"masks\": [{\"polygon\": " SQUARE "}]}", -1, NULL));
  zones = pld_zones_load (path, NULL);
  g_assert_cmpuint (zones->masks->len, ==, 1);
  g_unlink (path);
  g_rmdir (folder);

  written = pld_zones_load (" \n{\"masks\": [{\"polygon\": " SQUARE "}]}", NULL);
  g_assert_cmpuint (written->masks->len, ==, 1);
  g_assert_null (pld_zones_load ("{\"masks\": 1}", &in_line));
  g_assert_true (g_str_has_prefix (in_line->message, "property zones: "));
  none = pld_zones_load (NULL, NULL);
  g_assert_cmpuint (none->zones->len, ==, 1);
}

/* ---- inside -------------------------------------------------------------------------------- */

static PldZone
polygon (PldPoint *points, guint n)
{
  return (PldZone) { .points = points, .n_points = n };
}

/* Worked out by hand. */
static void
test_inside (void)
{
  PldPoint square[] = { { 0.25, 0.25 }, { 0.75, 0.25 }, { 0.75, 0.75 }, { 0.25, 0.75 } };
  PldPoint bottom[] = { { 0, 0.5 }, { 1, 0.5 }, { 1, 1 }, { 0, 1 } };
  /* A U: open above. */
  PldPoint u[] = { { 0, 0 }, { 0.25, 0 }, { 0.25, 0.75 }, { 0.75, 0.75 }, { 0.75, 0 }, { 1, 0 }, { 1, 1 }, { 0, 1 } };
  /* Two triangles that meet in the middle. */
  PldPoint bow[] = { { 0, 0 }, { 1, 1 }, { 1, 0 }, { 0, 1 } };
  /* Round the same square twice: by the even-odd rule it is outside again. */
  PldPoint twice[] = { { 0.25, 0.25 }, { 0.75, 0.25 }, { 0.75, 0.75 }, { 0.25, 0.75 },
                       { 0.25, 0.25 }, { 0.75, 0.25 }, { 0.75, 0.75 }, { 0.25, 0.75 } };
  PldPoint triangle[] = { { 0, 0 }, { 1, 0 }, { 0, 1 } };
  PldPoint flat[] = { { 0.25, 0.5 }, { 0.75, 0.5 }, { 0.5, 0.5 } };
  const struct
  {
    PldZone zone;
    PldPoint point;
    gboolean inside;
  } cases[] = {
    { polygon (square, 4), { 0.5, 0.5 }, TRUE },
    { polygon (square, 4), { 0.2, 0.5 }, FALSE },
    { polygon (square, 4), { 0.8, 0.5 }, FALSE },
    { polygon (square, 4), { 0.5, 0.2 }, FALSE },
    { polygon (square, 4), { 0.5, 0.8 }, FALSE },
    { polygon (square, 4), { 0.1, 0.25 }, FALSE }, /* the ray runs along an edge */
    { polygon (square, 4), { 0.1, 0.75 }, FALSE },
    { polygon (square, 4), { 0.25, 0.5 }, TRUE }, /* on each edge, on each corner */
    { polygon (square, 4), { 0.75, 0.5 }, TRUE },
    { polygon (square, 4), { 0.5, 0.25 }, TRUE },
    { polygon (square, 4), { 0.5, 0.75 }, TRUE },
    { polygon (square, 4), { 0.25, 0.25 }, TRUE },
    { polygon (square, 4), { 0.75, 0.25 }, TRUE },
    { polygon (square, 4), { 0.75, 0.75 }, TRUE },
    { polygon (square, 4), { 0.25, 0.75 }, TRUE },
    { polygon (bottom, 4), { 0.5, 1 }, TRUE }, /* feet at the picture's edge */
    { polygon (bottom, 4), { 1, 1 }, TRUE },
    { polygon (bottom, 4), { 0, 0.5 }, TRUE },
    { polygon (bottom, 4), { 0.5, 0.4999 }, FALSE },
    { polygon (u, 8), { 0.5, 0.5 }, FALSE },
    { polygon (u, 8), { 0.1, 0.5 }, TRUE },
    { polygon (u, 8), { 0.9, 0.5 }, TRUE },
    { polygon (u, 8), { 0.5, 0.9 }, TRUE },
    { polygon (u, 8), { 0.5, 0 }, FALSE },
    { polygon (bow, 4), { 0.25, 0.5 }, TRUE },
    { polygon (bow, 4), { 0.75, 0.5 }, TRUE },
    { polygon (bow, 4), { 0.5, 0.25 }, FALSE },
    { polygon (bow, 4), { 0.5, 0.75 }, FALSE },
    { polygon (bow, 4), { 0.5, 0.5 }, TRUE },
    { polygon (twice, 8), { 0.5, 0.5 }, FALSE },
    { polygon (triangle, 3), { 0.5, 0.5 }, TRUE }, /* on the slope */
    { polygon (triangle, 3), { 0.49, 0.5 }, TRUE },
    { polygon (triangle, 3), { 0.51, 0.5 }, FALSE },
    { polygon (triangle, 3), { 1, 0 }, TRUE },
    { polygon (flat, 3), { 0.5, 0.5 }, TRUE },
    { polygon (flat, 3), { 0.8, 0.5 }, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("case %u", i);
      g_assert_cmpint (pld_zone_contains (&cases[i].zone, cases[i].point), ==, cases[i].inside);
    }
}

/* A number with few binary digits, so that all sums below are exact. */
static double
any_share (void)
{
  return g_test_rand_int_range (0, 257) / 256.0;
}

/* Points round a circle, as corners in their order: the polygon is convex. */
static guint
convex (PldPoint *points)
{
  guint n = 0;

  for (guint turn = 0; turn < 24 && n < 12; turn++)
    if (g_test_rand_bit () || turn >= 21)
      points[n++] = (PldPoint) { 0.5 + 0.4 * cos (turn * G_PI / 12), 0.5 + 0.4 * sin (turn * G_PI / 12) };
  return n;
}

/* Inside a convex polygon is who has every edge on the same hand. */
static gboolean
on_one_hand (const PldPoint *points, guint n, PldPoint p, gboolean *near)
{
  guint left = 0, right = 0;

  *near = FALSE;
  for (guint i = 0; i < n; i++)
    {
      PldPoint a = points[i], b = points[(i + 1) % n];
      double turn = (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);

      *near |= fabs (turn) < 1e-9;
      left += turn < 0;
      right += turn > 0;
    }
  return left == 0 || right == 0;
}

static void
test_convex (void)
{
  guint inside = 0, outside = 0;

  for (guint round = 0; round < 20000; round++)
    {
      PldPoint points[12];
      const guint n = convex (points);
      const PldZone zone = polygon (points, n);
      const PldPoint p = { g_test_rand_double (), g_test_rand_double () };
      gboolean near, expected = on_one_hand (points, n, p, &near);

      if (near || n < 3)
        continue;
      g_assert_cmpint (pld_zone_contains (&zone, p), ==, expected);
      inside += expected;
      outside += !expected;
    }
  g_assert_cmpuint (inside, >, 1000);
  g_assert_cmpuint (outside, >, 1000);
}

/* The same polygon elsewhere, begun at another corner, the other way round, or mirrored: the same answer, on edges too.
 */
static void
test_moved (void)
{
  guint inside = 0, on_grid = 0;

  for (guint round = 0; round < 20000; round++)
    {
      PldPoint points[7], moved[7], turned[7], mirrored[7];
      const guint n = (guint) g_test_rand_int_range (3, 8), first = (guint) g_test_rand_int_range (0, n);
      const PldPoint p = { any_share (), any_share () }, by = { any_share (), any_share () };
      const PldZone zone = polygon (points, n), elsewhere = polygon (moved, n), other = polygon (turned, n),
                    mirror = polygon (mirrored, n);
      gboolean expected;

      for (guint i = 0; i < n; i++)
        points[i] = (PldPoint) { g_test_rand_int_range (0, 9) / 8.0, g_test_rand_int_range (0, 9) / 8.0 };
      for (guint i = 0; i < n; i++)
        {
          moved[i] = (PldPoint) { points[i].x + by.x, points[i].y + by.y };
          turned[i] = points[(first + n - i) % n];
          mirrored[i] = (PldPoint) { points[i].y, 1 - points[i].x };
        }
      expected = pld_zone_contains (&zone, p);
      g_assert_cmpint (pld_zone_contains (&elsewhere, (PldPoint) { p.x + by.x, p.y + by.y }), ==, expected);
      g_assert_cmpint (pld_zone_contains (&other, p), ==, expected);
      g_assert_cmpint (pld_zone_contains (&mirror, (PldPoint) { p.y, 1 - p.x }), ==, expected);
      inside += expected;
      for (guint i = 0; i < n; i++)
        on_grid += pld_zone_contains (&zone, points[i]);
    }
  g_assert_cmpuint (inside, >, 1000);
  g_assert_cmpuint (on_grid, >=, 60000); /* corners are inside, always */
}

/* ---- lines --------------------------------------------------------------------------------- */

/* Worked out by hand; y grows downwards. */
static void
test_crossed (void)
{
  PldLine up = { .from = { 0.5, 0.75 }, .to = { 0.5, 0.25 } };
  PldLine across = { .from = { 0.25, 0.5 }, .to = { 0.75, 0.5 } };
  PldLine slope = { .from = { 0, 0 }, .to = { 1, 1 } };
  const struct
  {
    const PldLine *line;
    PldPoint a, b;
    int direction;
  } cases[] = {
    { &up, { 0.4, 0.5 }, { 0.6, 0.5 }, 1 },
    { &up, { 0.6, 0.5 }, { 0.4, 0.5 }, -1 },
    { &up, { 0.4, 0.5 }, { 0.45, 0.5 }, 0 },
    { &up, { 0.4, 0.2 }, { 0.6, 0.2 }, 0 }, /* next to its end */
    { &up, { 0.4, 0.8 }, { 0.6, 0.8 }, 0 },
    { &up, { 0.25, 0 }, { 0.75, 0.5 }, 1 }, /* through its end */
    { &up, { 0.75, 0.5 }, { 0.25, 0 }, -1 },
    { &up, { 0.25, 0 }, { 0.75, 0.49 }, 0 },
    { &up, { 0.4, 0.5 }, { 0.4, 0.5 }, 0 },
    { &up, { 0.4, 0.5 }, { 0.5, 0.5 }, 1 }, /* onto it, and no second time from there */
    { &up, { 0.5, 0.5 }, { 0.6, 0.5 }, 0 },
    { &up, { 0.5, 0.5 }, { 0.4, 0.5 }, -1 },
    { &up, { 0.5, 0.7 }, { 0.5, 0.3 }, 0 },     /* along it */
    { &across, { 0.5, 0.4 }, { 0.5, 0.6 }, 1 }, /* looking right, down is on the right hand */
    { &across, { 0.5, 0.6 }, { 0.5, 0.4 }, -1 },
    { &across, { 0.1, 0.4 }, { 0.1, 0.6 }, 0 },
    { &across, { 0, 0.4 }, { 1, 0.6 }, 1 },
    { &slope, { 0.5, 0.25 }, { 0.25, 0.5 }, 1 }, /* looking down to the right, the lower left is on the right hand */
    { &slope, { 0.25, 0.5 }, { 0.5, 0.25 }, -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      PldLine back = { .from = cases[i].line->to, .to = cases[i].line->from };
      gboolean touches = cases[i].a.x == 0.5 || cases[i].b.x == 0.5;

      g_test_message ("case %u", i);
      g_assert_cmpint (pld_line_crossed (cases[i].line, cases[i].a, cases[i].b), ==, cases[i].direction);
      if (cases[i].line != &up || !touches) /* the line turned round */
        g_assert_cmpint (pld_line_crossed (&back, cases[i].a, cases[i].b), ==, -cases[i].direction);
    }
}

/* Whatever way is walked, it crosses one way as often as back, give or take one; and so it does in half steps. */
static void
test_walk (void)
{
  const PldLine line = { .from = { 0.5, 1 }, .to = { 0.5, 0 } };
  guint crossed = 0;

  for (guint round = 0; round < 200; round++)
    {
      PldPoint at = { any_share (), 0.5 };
      const gboolean began_right = at.x >= 0.5;
      int sum = 0, halves = 0;

      for (guint step = 0; step < 100; step++)
        {
          /* Strictly between the line's ends: whether the ends count is another test. */
          const PldPoint to = { any_share (), (1 + g_test_rand_int_range (0, 255)) / 256.0 };
          const PldPoint half = { (at.x + to.x) / 2, (at.y + to.y) / 2 };
          const int direction = pld_line_crossed (&line, at, to);

          sum += direction;
          crossed += direction != 0;
          halves += pld_line_crossed (&line, at, half) + pld_line_crossed (&line, half, to);
          at = to;
          g_assert_cmpint (sum, ==, (at.x >= 0.5) - began_right);
          g_assert_cmpint (halves, ==, sum);
        }
    }
  g_assert_cmpuint (crossed, >, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/zones/read", test_read);
  g_test_add_func ("/zones/whole-picture", test_whole_picture);
  g_test_add_func ("/zones/malformed", test_malformed);
  g_test_add_func ("/zones/large", test_large);
  g_test_add_func ("/zones/file", test_file);
  g_test_add_func ("/zones/inside", test_inside);
  g_test_add_func ("/zones/convex", test_convex);
  g_test_add_func ("/zones/moved", test_moved);
  g_test_add_func ("/zones/crossed", test_crossed);
  g_test_add_func ("/zones/walk", test_walk);
  return g_test_run ();
}
