/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads and allocations that fail on request. The linker puts these functions in the place of the system's.
 */
#pragma once

#include <glib.h>

typedef enum
{
  FAULT_NONE,
  FAULT_EIO,
  FAULT_BROKEN, /* this read and all after it fail: the device is gone */
  FAULT_SHAKY,  /* every third read fails */
  FAULT_SLOW,   /* every read takes 3 ms more */
  FAULT_HELD,   /* every read waits until there is another fault, or none */
  FAULT_LATE,   /* the same, and a little longer; then it fails */
  FAULT_SHORT,  /* every read gives a part of what it could */
  FAULT_EINTR,  /* every other read is interrupted */
  FAULT_ENOMEM,
} Fault;

/* From now on; @index: which read or allocation, from 0, where the kind names one. Counts start again. */
void set_fault (Fault kind, gint index);
/* Since then. */
gint count_reads (void);
gint count_maps (void);
