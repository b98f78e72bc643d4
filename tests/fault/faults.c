/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * pread() and mmap() as the tests have them fail.
 */
#include "tests/fault/faults.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static gint fault, at, n_reads, n_maps; /* atomic */

ssize_t __real_pread64 (int fd, void *data, size_t n, off_t offset);
void *__real_mmap64 (void *address, size_t n, int protection, int flags, int fd, off_t offset);
ssize_t __wrap_pread64 (int fd, void *data, size_t n, off_t offset);
void *__wrap_mmap64 (void *address, size_t n, int protection, int flags, int fd, off_t offset);

static void
wait_for_end (Fault kind)
{
  while (g_atomic_int_get (&fault) == (gint) kind)
    g_usleep (1000);
}

ssize_t
__wrap_pread64 (int fd, void *data, size_t n, off_t offset)
{
  const gint index = g_atomic_int_add (&n_reads, 1), where = g_atomic_int_get (&at);
  const Fault kind = g_atomic_int_get (&fault);

  if ((kind == FAULT_EIO && index == where) || (kind == FAULT_BROKEN && index >= where)
      || (kind == FAULT_SHAKY && index % 3 == 0))
    {
      errno = EIO;
      return -1;
    }
  switch (kind)
    {
    case FAULT_SLOW:
      g_usleep (3000);
      break;
    case FAULT_HELD:
      wait_for_end (FAULT_HELD);
      break;
    case FAULT_LATE:
      wait_for_end (FAULT_LATE);
      /* Time for the test to go on. If it is too short, the test misses a defect, but does not fail without one. */
      g_usleep (20000);
      errno = ENODEV; /* which is not tried again */
      return -1;
    case FAULT_SHORT:
      /* A direct read ends early at a boundary, a buffered one anywhere. */
      if (n > 4096)
        n = n / 2 / 4096 * 4096 > 0 ? n / 2 / 4096 * 4096 : 4096;
      break;
    case FAULT_EINTR:
      if (index % 2 == 0)
        {
          errno = EINTR;
          return -1;
        }
      break;
    default:
      break;
    }
  return __real_pread64 (fd, data, n, offset);
}

void *
__wrap_mmap64 (void *address, size_t n, int protection, int flags, int fd, off_t offset)
{
  gint index = g_atomic_int_add (&n_maps, 1);

  if (g_atomic_int_get (&fault) == FAULT_ENOMEM && index == g_atomic_int_get (&at))
    {
      errno = ENOMEM;
      return MAP_FAILED;
    }
  return __real_mmap64 (address, n, protection, flags, fd, offset);
}

void
set_fault (Fault kind, gint index)
{
  g_atomic_int_set (&fault, kind);
  g_atomic_int_set (&at, index);
  g_atomic_int_set (&n_reads, 0);
  g_atomic_int_set (&n_maps, 0);
}

gint
count_reads (void)
{
  return g_atomic_int_get (&n_reads);
}

gint
count_maps (void)
{
  return g_atomic_int_get (&n_maps);
}
