/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The linear assignment problem: who belongs to whom at the least cost in all. Shortest augmenting paths with
 * potentials (R. Jonker, A. Volgenant, Computing 38, 1987; D. Crouse, IEEE TAES 52, 2016), O(rows² columns).
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @cost: [rows][columns], finite. A pair that costs @limit or more is never made: each row that stays alone costs
 * @limit instead. @match [rows] gets the column of each row, or -1. Of equally good answers always the same one is
 * given. Pure. */
void pld_assign (const double *cost, guint rows, guint columns, double limit, int *match);

G_END_DECLS
