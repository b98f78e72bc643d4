/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where things are watched: zones, masks and lines, as users write them in JSON, and their geometry.
 * docs/events.md has the form. GLib and json-glib only. Nothing here changes once it is read.
 *
 * All coordinates are shares of the picture, 0..1, y downwards.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Of their text. */
#define PLD_ZONES_MAX_BYTES (1u << 20)

typedef struct
{
  double x, y;
} PldPoint;

typedef struct
{
  char *name;       /* "" = the whole picture; NULL in masks */
  PldPoint *points; /* the polygon's corners; closed, its edges may cross */
  guint n_points;   /* 3 or more; 0 = the whole picture */
  char **labels;    /* only objects of these; NULL = all */
  guint64 dwell;    /* ns inside before an object has entered */
} PldZone;

typedef struct
{
  char *name;
  PldPoint from, to;
  char **labels; /* NULL = all */
} PldLine;

typedef struct
{
  char *json;    /* as it was given */
  GArray *zones; /* PldZone, one at least: the whole picture if none is configured */
  GArray *masks; /* PldZone */
  GArray *lines; /* PldLine */
} PldZones;

/* Returns: (transfer full): what the property "zones" names: JSON if it begins with "{", else a file; NULL configures
 * nothing. PLD_ERROR_NOT_FOUND, IO: the file. FORMAT: the text says in which file, zone and line what is wrong. */
PldZones *pld_zones_load (const char *setting, GError **error);

/* Returns: (transfer full): @text: [@length], need not end with a zero; NULL if empty. FORMAT. */
PldZones *pld_zones_parse (const char *text, gsize length, GError **error);

void pld_zones_free (PldZones *zones);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldZones, pld_zones_free)

/* Whether @point is inside by the even-odd rule. A point on an edge or a corner is inside: a person at the picture's
 * lower edge is in the zone that ends there. */
gboolean pld_zone_contains (const PldZone *zone, PldPoint point);

/* Whether a list of labels is for @label. NULL is for all. */
gboolean pld_labels_have (char **labels, const char *label);

/* 1: who goes straight from @a to @b crosses the line from its left to its right, as seen from line->from towards
 * line->to; -1: from its right to its left; 0: does not cross. The line's ends belong to it. A point on the line counts
 * as right of it, so a path that rests there crosses once. */
int pld_line_crossed (const PldLine *line, PldPoint a, PldPoint b);

G_END_DECLS
