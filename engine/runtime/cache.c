/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The KV cache: layout, conversion of rows to its type and back.
 */
#include "engine/runtime/cache.h"

#include <string.h>

#include "engine/base/size.h"

#define Q8_0_VALUES 32
#define Q8_0_BYTES 34

static gsize
row_bytes (PldCacheType type, guint d_head)
{
  switch (type)
    {
    case PLD_CACHE_Q8_0:
      return d_head / Q8_0_VALUES * Q8_0_BYTES;
    case PLD_CACHE_F32:
      return d_head * sizeof (float);
    default:
      return d_head * sizeof (guint16);
    }
}

gboolean
pld_cache_init (PldCache *cache, guint n_layers, guint n_kv_heads, guint d_head, guint n_positions, PldCacheType type,
                GError **error)
{
  if (type == PLD_CACHE_Q8_0 && d_head % Q8_0_VALUES != 0)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "its heads of %u values are not whole blocks of %u, so its KV cache cannot be Q8_0; choose F16",
                   d_head, Q8_0_VALUES);
      return FALSE;
    }
  *cache = (PldCache) {
    .n_layers = n_layers,
    .n_kv_heads = n_kv_heads,
    .d_head = d_head,
    .n_positions = n_positions,
    .type = type,
    .row_bytes = row_bytes (type, d_head),
  };
  return TRUE;
}

guint64
pld_cache_bytes (const PldCache *cache)
{
  guint64 bytes = (guint64) cache->n_layers * 2;

  if (!pld_size_mul (bytes, cache->n_kv_heads, &bytes) || !pld_size_mul (bytes, cache->n_positions, &bytes)
      || !pld_size_mul (bytes, cache->row_bytes, &bytes) || bytes > G_MAXINT64)
    return G_MAXUINT64;
  return pld_buffer_cost (bytes);
}

gboolean
pld_cache_allocate (PldCache *cache, PldBudget *budget, GError **error)
{
  return pld_buffer_init (&cache->memory, budget, pld_cache_bytes (cache), "the KV cache", error);
}

void
pld_cache_clear (PldCache *cache)
{
  pld_buffer_clear (&cache->memory);
}

static guint8 *
cache_row (const PldCache *cache, guint layer, PldCachePart part, guint head, guint position)
{
  gsize row = (((gsize) layer * 2 + part) * cache->n_kv_heads + head) * cache->n_positions + position;

  return cache->memory.data + row * cache->row_bytes;
}

void
pld_cache_store (PldCache *cache, const PldKernels *kernels, guint layer, PldCachePart part, guint head, guint position,
                 const float *x)
{
  guint8 *row = cache_row (cache, layer, part, head, position);

  if (cache->type == PLD_CACHE_Q8_0)
    kernels->store_q8_0 (row, x, cache->d_head);
  else if (cache->type == PLD_CACHE_F32)
    memcpy (row, x, cache->row_bytes);
  else
    kernels->narrow_f16 ((guint16 *) (gpointer) row, x, cache->d_head);
}

void
pld_cache_load (const PldCache *cache, const PldKernels *kernels, guint layer, PldCachePart part, guint head,
                guint position, guint n, float *y)
{
  const guint8 *row = cache_row (cache, layer, part, head, position);

  if (cache->type == PLD_CACHE_Q8_0)
    kernels->dequantize_q8_0 (y, row, (gsize) n * cache->d_head);
  else if (cache->type == PLD_CACHE_F32)
    memcpy (y, row, n * cache->row_bytes);
  else
    kernels->widen_f16 (y, (const guint16 *) (gconstpointer) row, (gsize) n * cache->d_head);
}
