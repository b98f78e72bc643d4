/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Page-aligned memory that can fail and is charged to a budget. Comes from the system and goes back to it
 * at once, so that a lowered limit shows in the process.
 */
#pragma once

#include "engine/base/budget.h"

typedef struct
{
  guint8 *data;      /* aligned to a page; zero at first */
  gsize size;        /* usable bytes, as asked for */
  gsize charged;     /* whole pages, as charged */
  PldBudget *budget; /* not owned; outlives the buffer */
} PldBuffer;

#define PLD_PAGE ((gsize) 4096)
/* The size of a huge page on x86-64, and on arm64 with pages of 4 KiB. A buffer of at least this size begins with as
 * many huge pages as fit, where the system has them. */
#define PLD_HUGE_PAGE ((gsize) 2 << 20)

/* Bytes that a buffer of @size is charged: whole pages. */
static inline guint64
pld_buffer_cost (guint64 size)
{
  return (size + PLD_PAGE - 1) & ~(guint64) (PLD_PAGE - 1);
}

/**
 * pld_buffer_init:
 * @buffer: zeroed, or cleared before
 * @what: for the error message, e.g. "the ring"
 *
 * PLD_ERROR_LIMIT when the budget refuses, PLD_ERROR_MEMORY when the system does. @size 0 is fine: data is NULL.
 */
gboolean pld_buffer_init (PldBuffer *buffer, PldBudget *budget, guint64 size, const char *what, GError **error);

/* Gives everything back; fine on a zeroed or cleared buffer. */
void pld_buffer_clear (PldBuffer *buffer);
