/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/base/buffer.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

gboolean
pld_buffer_init (PldBuffer *buffer, PldBudget *budget, guint64 size, const char *what, GError **error)
{
  guint64 cost = pld_buffer_cost (size);
  void *data = NULL;

  g_return_val_if_fail (buffer->data == NULL, FALSE);
  if (size > G_MAXSSIZE - PLD_PAGE)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_MEMORY, "%s needs %" G_GUINT64_FORMAT " bytes, more than this machine can address",
                   what, size);
      return FALSE;
    }
  if (!pld_budget_charge (budget, cost, what, error))
    return FALSE;
  if (cost > 0)
    {
      data = mmap (NULL, cost, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (data == MAP_FAILED)
        {
          pld_budget_release (budget, cost);
          g_set_error (error, PLD_ERROR, PLD_ERROR_MEMORY, "%s needs %" G_GUINT64_FORMAT " bytes, which the system refuses: %s",
                       what, cost, g_strerror (errno));
          return FALSE;
        }
    }
  buffer->data = data;
  buffer->size = size;
  buffer->charged = cost;
  buffer->budget = budget;
  return TRUE;
}

void
pld_buffer_clear (PldBuffer *buffer)
{
  if (buffer->data != NULL)
    {
      munmap (buffer->data, buffer->charged);
      pld_budget_release (buffer->budget, buffer->charged);
    }
  memset (buffer, 0, sizeof *buffer);
}
