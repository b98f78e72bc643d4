/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The items of a file's lists, one after the other, through a window of fixed size. Of engine/text only, used from one
 * thread.
 */
#pragma once

#include "engine/base/buffer.h"
#include "engine/format/source.h"
#include "engine/format/weights.h"

#define PLD_ITEM_MAX ((gsize) 64 << 10)     /* bytes of a text */
#define PLD_ITEMS_WINDOW (2 * PLD_ITEM_MAX) /* charged from open to close */

typedef struct
{
  PldSource source;
  PldBuffer window;
  const PldArray *array;
  guint64 next; /* the first byte that is not in the window yet */
  gsize at, filled;
} PldItems;

/* clang-format off */
#define PLD_ITEMS_INIT { PLD_SOURCE_INIT, { NULL }, NULL, 0, 0, 0 }
/* clang-format on */

/* Errors: NOT_FOUND, IO, LIMIT, MEMORY. */
gboolean pld_items_open (PldItems *items, const char *path, PldBudget *budget, GError **error);
/* Fine on one that was not opened. */
void pld_items_close (PldItems *items);

/* Goes to the first item of @array, which the file holds. */
void pld_items_start (PldItems *items, const PldArray *array);
/* The next item; the caller counts them. FORMAT, IO. @text: valid until the next call */
gboolean pld_items_u32 (PldItems *items, guint32 *value, GError **error);
gboolean pld_items_string (PldItems *items, const char **text, gsize *length, GError **error);
/* "damaged: the list's key, @fact", FORMAT; returns FALSE. */
gboolean pld_items_fail (const PldItems *items, const char *fact, GError **error);
