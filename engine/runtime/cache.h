/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The KV cache of one sequence: keys and values of every layer and position, so that a token is computed once. Stored
 * as IEEE halves, GGUF's Q8_0 blocks or floats, [layer][key, value][kv head][position][d_head].
 */
#pragma once

#include "engine/base/buffer.h"
#include "engine/kernels/kernels.h"
#include "pipeload/llm.h"

typedef struct
{
  guint n_layers, n_kv_heads, d_head;
  guint n_positions; /* room */
  PldCacheType type;
  gsize row_bytes; /* of d_head values */
  PldBuffer memory;
} PldCache;

typedef enum
{
  PLD_CACHE_KEY,
  PLD_CACHE_VALUE,
} PldCachePart;

/* One token of a sequence: a row of a pass. The rows of one sequence are in the order of their positions, and continue
 * its cache. */
typedef struct
{
  PldCache *cache; /* of its sequence */
  guint32 id;
  guint position;
} PldToken;

/* Sets the shape; takes nothing. UNSUPPORTED when @type cannot hold rows of @d_head values. */
gboolean pld_cache_init (PldCache *cache, guint n_layers, guint n_kv_heads, guint d_head, guint n_positions,
                         PldCacheType type, GError **error);
/* Bytes that pld_cache_allocate() charges; G_MAXUINT64 when they cannot be counted. */
guint64 pld_cache_bytes (const PldCache *cache);
gboolean pld_cache_allocate (PldCache *cache, PldBudget *budget, GError **error);
/* Fine on a zeroed cache. */
void pld_cache_clear (PldCache *cache);

/* Writes d_head values. Thread-safe for different rows. */
void pld_cache_store (PldCache *cache, const PldKernels *kernels, guint layer, PldCachePart part, guint head,
                      guint position, const float *x);
/* Reads @n positions from @position on: y [n, d_head]. */
void pld_cache_load (const PldCache *cache, const PldKernels *kernels, guint layer, PldCachePart part, guint head,
                     guint position, guint n, float *y);
