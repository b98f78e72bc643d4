/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The streaming runtime (PIPELOAD, arXiv 2409.04249): loaders on one thread pool read tiles ahead of the computation,
 * in tape order, into the slots of a ring or to where they stay; the computation leases them one after the other and
 * releases them.
 *
 * The loaders run ahead across the end of the tape, so the ring stays full between passes. A pinned tile is read by the
 * first pass that needs it, through the same path. When everything is pinned no loader runs after the first pass.
 *
 * One pass runs at a time; lease and release come from its thread. Statistics may be asked for from any thread.
 */
#pragma once

#include "engine/stream/file.h"
#include "engine/stream/plan.h"

typedef struct _PldStream PldStream;

/* Charged memory a tile, for the stream's own records. */
#define PLD_STREAM_TILE_STATE 64

/* Called before a lease and while it waits: TRUE ends the pass. */
typedef gboolean (*PldCancelFunc) (gpointer data);

typedef struct
{
  guint64 bytes_read;
  guint64 read_ns; /* time during which at least one read was running */
  guint64 stalls;  /* leases that had to wait */
  guint64 stall_ns;
} PldStreamStats;

/**
 * pld_stream_new:
 * @files: (transfer none): the files that the tiles' indices refer to; they must outlive the stream
 *
 * Has no plan and holds nothing. Returns: (transfer full)
 */
PldStream *pld_stream_new (PldFile **files, PldBudget *budget);
/* Waits for reads in flight. NULL is allowed. No lease may be out. */
void pld_stream_free (PldStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldStream, pld_stream_free)

/**
 * pld_stream_shrink:
 * @plan: (nullable): the one that comes
 *
 * Ends loading, gives back all memory but that of pinned tiles that @plan pins too, and forgets its plan. Between
 * passes.
 */
void pld_stream_shrink (PldStream *stream, const PldPlan *plan);

/**
 * pld_stream_set_plan:
 * @plan: (transfer none): must live until the stream is shrunk or freed; if the stream was shrunk, it was for this one
 *
 * Takes the memory that @plan needs and starts loading at once. Between passes. LIMIT, MEMORY, and then the stream
 * holds nothing.
 */
gboolean pld_stream_set_plan (PldStream *stream, const PldPlan *plan, GError **error);

/* Begins a pass at the tape's first tile; there is a plan; @cancelled (nullable) is asked during the pass. After a pass
 * that failed or did not reach the end, tiles that were loaded too far ahead are dropped and read again. */
void pld_stream_begin (PldStream *stream, PldCancelFunc cancelled, gpointer data);

/**
 * pld_stream_lease:
 * @tile: the next one on the tape
 * @data: (out): its bytes, valid until pld_stream_release(); aligned to 4 bytes
 *
 * Blocks until the tile is there. Errors: those of reading; CANCELLED.
 */
gboolean pld_stream_lease (PldStream *stream, guint tile, const guint8 **data, GError **error);
/* The same without waiting: FALSE when the tile is not there yet. Several leases may be out; each is released. */
gboolean pld_stream_try_lease (PldStream *stream, guint tile, const guint8 **data);
void pld_stream_release (PldStream *stream, guint tile);

void pld_stream_get_stats (PldStream *stream, PldStreamStats *stats);
