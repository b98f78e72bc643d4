/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The memory budget: every byte that a model holds is charged here before it is allocated. There is one budget per
 * shared model. All functions are thread-safe.
 */
#pragma once

#include "pipeload/base.h"

typedef struct _PldBudget PldBudget;

/* @limit: bytes; 0 = none. Returns: (transfer full): free with pld_budget_free() */
PldBudget *pld_budget_new (guint64 limit);
/* NULL is allowed. Everything must have been released. */
void pld_budget_free (PldBudget *budget);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldBudget, pld_budget_free)

/* Charges @bytes for @what, or fails with PLD_ERROR_LIMIT and charges nothing. */
gboolean pld_budget_charge (PldBudget *budget, guint64 bytes, const char *what, GError **error);
void pld_budget_release (PldBudget *budget, guint64 bytes);

/* A limit below the bytes held now is accepted: the holder must then release memory before it takes more. */
void pld_budget_set_limit (PldBudget *budget, guint64 limit);
guint64 pld_budget_get_limit (PldBudget *budget);
guint64 pld_budget_get_used (PldBudget *budget);
guint64 pld_budget_get_peak (PldBudget *budget);
