/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PLD_LIMIT_AUTO: the limit follows what the machine and its memory cgroups can spare. It is looked at before a pass,
 * once a second at most; the next pass follows a warning that memory runs low (GMemoryMonitor; needs a running main
 * loop).
 */
#include "models/core/core-private.h"

#include "engine/base/memory.h"

#define LOOK_US (1 * G_TIME_SPAN_SECOND)
/* After a warning the limit does not grow for this long. */
#define CALM_US (30 * G_TIME_SPAN_SECOND)
/* Reserve for other processes: 1/RESERVE_PART of the spare memory, but at least RESERVE_LEAST. */
#define RESERVE_PART 8
#define RESERVE_LEAST ((guint64) 32 << 20)

struct _PldPressure
{
  GMemoryMonitor *monitor;
  gulong handler;
  gint *level; /* (atomic, shared with the handler): of the last warning, 0 if it was followed */
  gint64 warned_at;
};

static gint n_following; /* atomic: cores that follow the machine's memory */

guint64
pld_core_spare (guint64 held)
{
  const guint64 spare = pld_memory_spare ("");
  const guint64 left = spare - MIN (MAX (RESERVE_LEAST, spare / RESERVE_PART), spare);
  const gint others = g_atomic_int_get (&n_following);

  return held + left / (guint) MAX (1, others);
}

static void
on_warning (GMemoryMonitor *monitor, GMemoryMonitorWarningLevel level, gpointer data)
{
  g_atomic_int_set ((gint *) data, (gint) level);
}

static void
release_level (gpointer data, GClosure *closure)
{
  g_atomic_rc_box_release (data);
}

static gboolean
core_is_automatic (PldCore *core)
{
  for (guint i = 0; i < core->users->len; i++)
    if (((const PldDemand *) core->users->pdata[i])->limit == PLD_LIMIT_AUTO)
      return TRUE;
  return FALSE;
}

void
pld_core_follow_memory (PldCore *core)
{
  const gboolean follow = core_is_automatic (core);
  PldPressure *pressure = core->pressure;

  if (follow && pressure == NULL)
    {
      pressure = core->pressure = g_new0 (PldPressure, 1);
      pressure->monitor = g_memory_monitor_dup_default ();
      pressure->level = g_atomic_rc_box_new0 (gint);
      pressure->handler = g_signal_connect_data (pressure->monitor, "low-memory-warning", G_CALLBACK (on_warning),
                                                 g_atomic_rc_box_acquire (pressure->level), release_level, 0);
      g_atomic_int_inc (&n_following);
    }
  else if (!follow && pressure != NULL)
    {
      g_signal_handler_disconnect (pressure->monitor, pressure->handler);
      g_object_unref (pressure->monitor);
      g_atomic_rc_box_release (pressure->level);
      g_clear_pointer (&core->pressure, g_free);
      g_atomic_int_add (&n_following, -1);
      core->spare_limit = 0;
    }
}

void
pld_core_watch_memory (PldCore *core)
{
  PldPressure *pressure = core->pressure;
  const gint64 now = g_get_monotonic_time ();
  guint64 held, target;
  gint level;

  if (pressure == NULL)
    return;
  level = g_atomic_int_and ((guint *) pressure->level, 0);
  if (level == 0 && now - core->looked_at < LOOK_US)
    return;
  core->looked_at = now;
  held = pld_budget_get_used (core->budget);
  target = pld_core_spare (held);
  if (level > 0)
    {
      pressure->warned_at = now;
      /* Levels are 50, 100 and 255: a fifth, two fifths or all of the held memory is given up. */
      target = MIN (target, held - MIN (held, held / 256 * (guint64) level));
    }
  if (pressure->warned_at > 0 && now - pressure->warned_at < CALM_US)
    target = MIN (target, core->spare_limit);
  if (core->plan != NULL)
    target = MAX (target, core->plan->minimum);
  /* Small changes are not worth reading the weights again. */
  if (level > 0 || target < core->spare_limit - core->spare_limit / 20
      || target > core->spare_limit + core->spare_limit / 10)
    {
      core->spare_limit = target;
      core->outdated = TRUE;
    }
}
