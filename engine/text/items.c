/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads GGUF lists item by item, through a bounded window.
 */
#include "engine/text/items.h"

#include <string.h>

gboolean
pld_items_open (PldItems *items, const char *path, PldBudget *budget, GError **error)
{
  return pld_source_open (&items->source, path, error)
         && pld_buffer_init (&items->window, budget, PLD_ITEMS_WINDOW, "reading the vocabulary", error);
}

void
pld_items_close (PldItems *items)
{
  pld_buffer_clear (&items->window);
  pld_source_close (&items->source);
}

gboolean
pld_items_fail (const PldItems *items, const char *fact, GError **error)
{
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "damaged: %s %s; download it again", items->array->key, fact);
  return FALSE;
}

void
pld_items_start (PldItems *items, const PldArray *array)
{
  items->array = array;
  items->next = array->offset;
  items->at = items->filled = 0;
}

/* @n is no more than half of the window. */
static gboolean
items_bytes (PldItems *items, gsize n, const char **bytes, GError **error)
{
  guint64 end = items->array->offset + items->array->n_bytes;

  if (items->filled - items->at < n)
    {
      gsize kept = items->filled - items->at, more = MIN (PLD_ITEMS_WINDOW - kept, end - items->next);

      memmove (items->window.data, items->window.data + items->at, kept);
      items->at = 0;
      items->filled = kept;
      if (!pld_source_read (&items->source, items->next, more, items->window.data + kept, error))
        return FALSE;
      items->next += more;
      items->filled += more;
      if (items->filled < n)
        return pld_items_fail (items, "ends too early", error);
    }
  *bytes = (const char *) items->window.data + items->at;
  items->at += n;
  return TRUE;
}

gboolean
pld_items_u32 (PldItems *items, guint32 *value, GError **error)
{
  const char *bytes;

  if (!items_bytes (items, 4, &bytes, error))
    return FALSE;
  memcpy (value, bytes, 4);
  *value = GUINT32_FROM_LE (*value);
  return TRUE;
}

gboolean
pld_items_string (PldItems *items, const char **text, gsize *length, GError **error)
{
  const char *bytes;
  guint64 n;

  if (!items_bytes (items, 8, &bytes, error))
    return FALSE;
  memcpy (&n, bytes, 8);
  n = GUINT64_FROM_LE (n);
  if (n > PLD_ITEM_MAX)
    return pld_items_fail (items, "has an item of more than 64 KiB", error);
  *length = (gsize) n;
  return items_bytes (items, *length, text, error);
}
