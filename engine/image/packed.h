/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Splits @n pixels of three bytes each into three rows of 16-bit samples, in the bytes' order. */
void pld_packed_split (const guint8 *pixels, guint n, gint16 *const row[3]);
