/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Remembers the recent path of each object.
 */
#include "gst/overlay/trails.h"

#include <math.h>

#define MAX_TRACKS 256
#define MAX_POINTS 512

/* The last point is where the track is, and moves with it until it is a step away from the one before. */
typedef struct
{
  GArray *points; /* GstPipeloadCanvasPoint */
  GArray *times;  /* GstClockTime of each: when the track came there */
} Trail;

struct _GstPipeloadTrails
{
  GHashTable *tracks; /* id → Trail */
};

static void
trail_free (gpointer pointer)
{
  Trail *trail = pointer;

  g_array_unref (trail->points);
  g_array_unref (trail->times);
  g_free (trail);
}

GstPipeloadTrails *
gst_pipeload_trails_new (void)
{
  GstPipeloadTrails *trails = g_new0 (GstPipeloadTrails, 1);

  trails->tracks = g_hash_table_new_full (NULL, NULL, NULL, trail_free);
  return trails;
}

void
gst_pipeload_trails_free (GstPipeloadTrails *trails)
{
  if (trails == NULL)
    return;
  g_hash_table_unref (trails->tracks);
  g_free (trails);
}

void
gst_pipeload_trails_clear (GstPipeloadTrails *trails)
{
  g_hash_table_remove_all (trails->tracks);
}

static void
forget (Trail *trail, guint n)
{
  g_array_remove_range (trail->points, 0, n);
  g_array_remove_range (trail->times, 0, n);
}

static gboolean
is_over (gpointer id, gpointer value, gpointer user_data)
{
  const GstClockTime *time = user_data;
  Trail *trail = value;
  guint old = 0;

  while (old < trail->times->len && g_array_index (trail->times, GstClockTime, old) < *time)
    old++;
  if (old > 0)
    forget (trail, old);
  return trail->times->len == 0;
}

void
gst_pipeload_trails_expire (GstPipeloadTrails *trails, GstClockTime time)
{
  g_hash_table_foreach_remove (trails->tracks, is_over, &time);
}

static Trail *
find_or_begin (GstPipeloadTrails *trails, int id)
{
  Trail *trail = g_hash_table_lookup (trails->tracks, GINT_TO_POINTER (id));

  if (trail != NULL || g_hash_table_size (trails->tracks) >= MAX_TRACKS)
    return trail;
  trail = g_new (Trail, 1);
  trail->points = g_array_new (FALSE, FALSE, sizeof (GstPipeloadCanvasPoint));
  trail->times = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  g_hash_table_insert (trails->tracks, GINT_TO_POINTER (id), trail);
  return trail;
}

void
gst_pipeload_trails_add (GstPipeloadTrails *trails, int id, GstClockTime time, GstPipeloadCanvasPoint point,
                         double step)
{
  Trail *trail = find_or_begin (trails, id);
  guint n;

  if (trail == NULL)
    return;
  n = trail->points->len;
  if (n >= 2)
    {
      const GstPipeloadCanvasPoint last = g_array_index (trail->points, GstPipeloadCanvasPoint, n - 1);
      const GstPipeloadCanvasPoint before = g_array_index (trail->points, GstPipeloadCanvasPoint, n - 2);

      if (hypot (last.x - before.x, last.y - before.y) < step)
        n--;
    }
  g_array_set_size (trail->points, n);
  g_array_set_size (trail->times, n);
  g_array_append_val (trail->points, point);
  g_array_append_val (trail->times, time);
  if (n == MAX_POINTS)
    forget (trail, 1);
}

const GArray *
gst_pipeload_trails_get (GstPipeloadTrails *trails, int id)
{
  Trail *trail = g_hash_table_lookup (trails->tracks, GINT_TO_POINTER (id));

  return trail != NULL ? trail->points : NULL;
}
