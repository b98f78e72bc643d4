/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Bytes of this process that are in memory now. */
guint64 resident_bytes (void);
