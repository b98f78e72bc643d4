/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The memory budget: one lock over two counters.
 */
#include "engine/base/budget.h"

struct _PldBudget
{
  GMutex lock;
  guint64 limit; /* 0 = none */
  guint64 used;
  guint64 peak;
};

PldBudget *
pld_budget_new (guint64 limit)
{
  PldBudget *budget = g_new0 (PldBudget, 1);

  g_mutex_init (&budget->lock);
  budget->limit = limit;
  return budget;
}

void
pld_budget_free (PldBudget *budget)
{
  if (budget == NULL)
    return;
  g_warn_if_fail (budget->used == 0);
  g_mutex_clear (&budget->lock);
  g_free (budget);
}

gboolean
pld_budget_charge (PldBudget *budget, guint64 bytes, const char *what, GError **error)
{
  guint64 limit, used;
  gboolean fits;

  g_mutex_lock (&budget->lock);
  limit = budget->limit;
  used = budget->used;
  fits = bytes <= G_MAXUINT64 - used && (limit == 0 || used + bytes <= limit);
  if (fits)
    {
      budget->used = used + bytes;
      budget->peak = MAX (budget->peak, budget->used);
    }
  g_mutex_unlock (&budget->lock);
  if (!fits)
    g_set_error (error, PLD_ERROR, PLD_ERROR_LIMIT,
                 "%s needs %" G_GUINT64_FORMAT " bytes, but %" G_GUINT64_FORMAT
                 " of the memory limit of %" G_GUINT64_FORMAT " bytes are in use",
                 what, bytes, used, limit);
  return fits;
}

void
pld_budget_release (PldBudget *budget, guint64 bytes)
{
  g_mutex_lock (&budget->lock);
  g_warn_if_fail (bytes <= budget->used);
  budget->used -= MIN (bytes, budget->used);
  g_mutex_unlock (&budget->lock);
}

void
pld_budget_set_limit (PldBudget *budget, guint64 limit)
{
  g_mutex_lock (&budget->lock);
  budget->limit = limit;
  g_mutex_unlock (&budget->lock);
}

static guint64
budget_read (PldBudget *budget, const guint64 *field)
{
  guint64 value;

  g_mutex_lock (&budget->lock);
  value = *field;
  g_mutex_unlock (&budget->lock);
  return value;
}

guint64
pld_budget_get_limit (PldBudget *budget)
{
  return budget_read (budget, &budget->limit);
}

guint64
pld_budget_get_used (PldBudget *budget)
{
  return budget_read (budget, &budget->used);
}

guint64
pld_budget_get_peak (PldBudget *budget)
{
  return budget_read (budget, &budget->peak);
}
