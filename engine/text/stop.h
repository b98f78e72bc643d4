/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds stop strings in text that comes in pieces, and holds back no more than what may still become one: the longest
 * end of the text that begins a stop string. One step a byte and stop string (Knuth, Morris, Pratt 1977), whatever the
 * text.
 *
 * Text and stop strings are UTF-8. If each piece is whole characters, so is all that is put out. Used by one thread at
 * a time.
 */
#pragma once

#include <glib.h>

typedef struct _PldStop PldStop;

/* @stop: (nullable): NULL-terminated, copied; empty strings are left out. Returns: (transfer full): free with
 * pld_stop_free() */
PldStop *pld_stop_new (const char *const *stop);
/* NULL is allowed. */
void pld_stop_free (PldStop *stop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldStop, pld_stop_free)

/**
 * pld_stop_push:
 * @text: [n]
 * @out: what can be put out now is appended
 *
 * Returns: TRUE once a stop string is complete: the one that ends first, of several the longest. @out then ends before
 * it. From there on nothing is put out and the answer stays TRUE.
 */
gboolean pld_stop_push (PldStop *stop, const char *text, gsize n, GString *out);

/* The text ends: appends to @out what was held back, unless a stop string came. The next text begins. */
void pld_stop_end (PldStop *stop, GString *out);
