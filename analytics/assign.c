/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shortest augmenting paths for the linear assignment problem, one row at a time.
 */
#include "analytics/assign.h"

#include <math.h>

#define NOBODY G_MAXUINT

/* A place is a column, or behind them one more, "alone", where there is room for everyone. */
typedef struct
{
  const double *cost;
  guint columns;
  double limit;
  double *of_row, *of_place; /* potentials: cost - of_row - of_place >= 0, and 0 for those who are matched */
  guint *owner;              /* [places]: the row that has it; nobody has "alone" */
  double *distance;          /* [places]: of the shortest path from the row that looks for a place */
  guint *before;             /* [places]: the row from which that path comes */
  gboolean *reached;         /* [places] */
} Problem;

static double
reduced_cost (const Problem *p, guint row, guint place)
{
  double cost = place < p->columns ? p->cost[(gsize) row * p->columns + place] : p->limit;

  return MIN (cost, p->limit) - p->of_row[row] - p->of_place[place];
}

/* Goes on from @row, which is @travelled away. Returns: the nearest place not reached yet. */
static guint
relax_row (Problem *p, guint row, double travelled)
{
  guint nearest = NOBODY;

  for (guint j = 0; j <= p->columns; j++)
    {
      double distance;

      if (p->reached[j])
        continue;
      distance = travelled + reduced_cost (p, row, j);
      if (distance < p->distance[j])
        {
          p->distance[j] = distance;
          p->before[j] = row;
        }
      if (nearest == NOBODY || p->distance[j] < p->distance[nearest])
        nearest = j;
    }
  return nearest;
}

/* Keeps the potentials true: along the shortest paths nothing costs anything any more. */
static void
lower_potentials (Problem *p, guint first, double travelled)
{
  p->of_row[first] += travelled;
  for (guint j = 0; j <= p->columns; j++)
    if (p->reached[j] && p->owner[j] != NOBODY)
      {
        p->of_row[p->owner[j]] += travelled - p->distance[j];
        p->of_place[j] -= travelled - p->distance[j];
      }
}

/* Finds a place for @first, for which others may have to move on. */
static void
place_row (Problem *p, guint first, guint *match)
{
  guint row = first, place;

  for (guint j = 0; j <= p->columns; j++)
    {
      p->distance[j] = INFINITY;
      p->reached[j] = FALSE;
    }
  for (place = relax_row (p, row, 0); p->owner[place] != NOBODY;)
    {
      p->reached[place] = TRUE;
      row = p->owner[place];
      place = relax_row (p, row, p->distance[place]);
    }
  lower_potentials (p, first, p->distance[place]);
  do
    {
      guint next = p->before[place], left = match[next];

      if (place < p->columns)
        p->owner[place] = next;
      match[next] = place;
      row = next;
      place = left;
    }
  while (row != first);
}

void
pld_assign (const double *cost, guint rows, guint columns, double limit, int *match)
{
  const guint places = columns + 1;
  g_autofree double *of_row = g_new0 (double, rows), *of_place = g_new0 (double, places);
  g_autofree double *distance = g_new (double, places);
  g_autofree guint *owner = g_new (guint, places), *before = g_new (guint, places), *mine = g_new (guint, rows);
  g_autofree gboolean *reached = g_new (gboolean, places);
  Problem p = {
    .cost = cost,
    .columns = columns,
    .limit = limit,
    .of_row = of_row,
    .of_place = of_place,
    .owner = owner,
    .distance = distance,
    .before = before,
    .reached = reached,
  };

  for (guint j = 0; j < places; j++)
    owner[j] = NOBODY;
  for (guint i = 0; i < rows; i++)
    mine[i] = NOBODY;
  for (guint i = 0; i < rows; i++)
    place_row (&p, i, mine);
  for (guint i = 0; i < rows; i++)
    match[i] = mine[i] < columns && cost[(gsize) i * columns + mine[i]] < limit ? (int) mine[i] : -1;
}
