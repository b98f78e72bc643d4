/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The stream: loaders fill slots ahead of the computation; leases wait for tiles and release returns slots.
 */
#include "engine/stream/stream.h"

/* The interval at which a waiting lease checks for cancellation. */
#define CANCEL_POLL_US (10 * G_TIME_SPAN_MILLISECOND)

#define NO_SLOT G_MAXUINT
#define NOT_BEGUN G_MAXUINT64

typedef enum
{
  TILE_ABSENT,
  TILE_LOADING,
  TILE_READY,
  TILE_LEASED,
} TileState;

typedef struct
{
  TileState state;
  guint slot;         /* of the ring; NO_SLOT for pinned tiles */
  const guint8 *view; /* READY, LEASED */
  PldBuffer pinned;   /* memory of a pinned tile */
} Tile;

G_STATIC_ASSERT (sizeof (Tile) <= PLD_STREAM_TILE_STATE);

struct _PldStream
{
  PldFile **files;
  PldBudget *budget;
  const PldPlan *plan; /* NULL: none */
  guint n_tiles;       /* in the table */
  PldBuffer table;     /* Tile [n_tiles] */
  Tile *tiles;
  PldBuffer ring;

  GMutex lock;        /* of what follows */
  GCond change;       /* a tile became ready or a loader stopped */
  guint64 free_slots; /* bit set */
  guint64 next;       /* the tile that is to be loaded next, counted over all passes */
  guint64 position;   /* the tile that is to be leased next, likewise */
  guint64 begun;      /* position when the last pass began; NOT_BEGUN: none has since loading started */
  guint n_active;     /* loaders that run or wait in the pool */
  guint n_reading;
  gboolean stopping;
  GError *error; /* why loading stopped */
  gint64 reading_since;
  PldStreamStats stats;

  PldCancelFunc cancelled;
  gpointer cancel_data;
};

/* One pool for all streams of the process. It has a thread for each loader of each stream, so none waits for another.
 */
static GMutex pool_lock;
static GThreadPool *pool;
static guint pool_threads;

static void stream_load (gpointer data, gpointer user_data);

static gboolean
pool_join (guint n, GError **error)
{
  gboolean ok = TRUE;

  g_mutex_lock (&pool_lock);
  if (pool == NULL)
    pool = g_thread_pool_new (stream_load, NULL, 1, FALSE, error);
  ok = pool != NULL;
  if (ok)
    {
      pool_threads += n;
      g_thread_pool_set_max_threads (pool, MAX (1, (gint) pool_threads), NULL);
    }
  g_mutex_unlock (&pool_lock);
  return ok;
}

static void
pool_leave (guint n)
{
  g_mutex_lock (&pool_lock);
  pool_threads -= n;
  if (pool_threads == 0)
    {
      g_thread_pool_free (g_steal_pointer (&pool), FALSE, TRUE);
      g_thread_pool_stop_unused_threads ();
    }
  else
    g_thread_pool_set_max_threads (pool, (gint) pool_threads, NULL);
  g_mutex_unlock (&pool_lock);
}

static const PldTile *
plan_tile (PldStream *stream, guint index)
{
  return &g_array_index (stream->plan->tiles, PldTile, index);
}

/* The tile to load next and its index, or NULL when there is nothing to do for now. Under the lock. */
static Tile *
stream_next_job (PldStream *stream, guint *index)
{
  Tile *tile;

  if (stream->stopping || stream->error != NULL)
    return NULL;
  /* Never a whole tape ahead of the computation; this also ends the search when all is pinned. */
  for (; stream->next < stream->position + stream->n_tiles; stream->next++)
    {
      *index = stream->next % stream->n_tiles;
      tile = &stream->tiles[*index];
      if (plan_tile (stream, *index)->pinned)
        {
          if (tile->state == TILE_ABSENT)
            return tile;
          continue;
        }
      return tile->state == TILE_ABSENT && stream->free_slots != 0 ? tile : NULL;
    }
  return NULL;
}

/* Starts loaders if there is work for them. Under the lock. */
static void
stream_kick (PldStream *stream)
{
  guint index;

  while (stream->n_active < MAX (1, stream->plan->loaders) && stream_next_job (stream, &index) != NULL)
    {
      /* Those that are on their way already take as many jobs as there are slots. */
      if (!plan_tile (stream, index)->pinned
          && stream->n_active - stream->n_reading >= (guint) __builtin_popcountll (stream->free_slots))
        break;
      stream->n_active++;
      g_thread_pool_push (pool, stream, NULL);
    }
}

/* Accounts the time during which any read runs. Under the lock. */
static void
stream_count_reading (PldStream *stream, gint change)
{
  gint64 now = g_get_monotonic_time ();

  if (stream->n_reading > 0)
    stream->stats.read_ns += (guint64) (now - stream->reading_since) * 1000;
  stream->reading_since = now;
  stream->n_reading += change;
}

static gboolean
stream_read_tile (PldStream *stream, Tile *tile, const PldTile *where, const guint8 **view, GError **error)
{
  guint8 *memory;

  if (where->pinned)
    {
      if (tile->pinned.data == NULL
          && !pld_buffer_init (&tile->pinned, stream->budget, pld_file_span (where->offset, where->n_bytes),
                               "a pinned tile", error))
        return FALSE;
      memory = tile->pinned.data;
    }
  else
    memory = stream->ring.data + tile->slot * stream->plan->slot_bytes;
  return pld_file_read (stream->files[where->file], where->offset, where->n_bytes, memory, view, error);
}

/* A loader: takes jobs until there are none. */
static void
stream_load (gpointer data, gpointer user_data)
{
  PldStream *stream = data;
  Tile *tile;
  guint index;

  g_mutex_lock (&stream->lock);
  while ((tile = stream_next_job (stream, &index)) != NULL)
    {
      const PldTile *where = plan_tile (stream, index);
      GError *error = NULL;
      const guint8 *view = NULL;

      stream->next++;
      tile->state = TILE_LOADING;
      tile->slot = NO_SLOT;
      if (!where->pinned)
        {
          tile->slot = (guint) __builtin_ctzll (stream->free_slots);
          stream->free_slots &= ~((guint64) 1 << tile->slot);
        }
      stream_count_reading (stream, 1);
      g_mutex_unlock (&stream->lock);

      stream_read_tile (stream, tile, where, &view, &error);

      g_mutex_lock (&stream->lock);
      stream_count_reading (stream, -1);
      if (error == NULL)
        {
          tile->view = view;
          tile->state = TILE_READY;
          stream->stats.bytes_read += where->n_bytes;
        }
      else if (stream->error == NULL)
        stream->error = g_steal_pointer (&error);
      g_clear_error (&error);
      g_cond_broadcast (&stream->change);
    }
  stream->n_active--;
  g_cond_broadcast (&stream->change);
  g_mutex_unlock (&stream->lock);
}

/* At the tape's begin, with an empty ring. Under the lock. */
static void
stream_start (PldStream *stream)
{
  stream->free_slots = stream->plan->n_slots == 64 ? G_MAXUINT64 : ((guint64) 1 << stream->plan->n_slots) - 1;
  stream->next = stream->position = 0;
  stream->begun = NOT_BEGUN;
  stream->stopping = FALSE;
  g_clear_error (&stream->error);
}

PldStream *
pld_stream_new (PldFile **files, PldBudget *budget)
{
  PldStream *stream = g_new0 (PldStream, 1);

  stream->files = files;
  stream->budget = budget;
  g_mutex_init (&stream->lock);
  g_cond_init (&stream->change);
  return stream;
}

/* Ends all loading. Under the lock. */
static void
stream_stop (PldStream *stream)
{
  stream->stopping = TRUE;
  while (stream->n_active > 0)
    g_cond_wait (&stream->change, &stream->lock);
}

/* Gives back all tiles but those that @plan (nullable), which cuts the tape in the same way, pins too. */
static void
stream_clear_tiles (PldStream *stream, const PldPlan *plan)
{
  for (guint i = 0; i < stream->n_tiles; i++)
    {
      Tile *tile = &stream->tiles[i];

      if (plan != NULL && tile->state == TILE_READY && tile->pinned.data != NULL
          && g_array_index (plan->tiles, PldTile, i).pinned)
        continue;
      pld_buffer_clear (&tile->pinned);
      tile->state = TILE_ABSENT;
    }
  if (plan == NULL)
    {
      pld_buffer_clear (&stream->table);
      stream->tiles = NULL;
      stream->n_tiles = 0;
    }
}

void
pld_stream_shrink (PldStream *stream, const PldPlan *plan)
{
  /* Afterwards nobody else looks at tiles. */
  g_mutex_lock (&stream->lock);
  stream_stop (stream);
  g_mutex_unlock (&stream->lock);
  if (stream->plan != NULL)
    pool_leave (MAX (1, stream->plan->loaders));
  if (plan == NULL || (stream->plan != NULL && !pld_plan_cut_equal (stream->plan, plan)))
    stream_clear_tiles (stream, NULL);
  else if (stream->plan != NULL)
    stream_clear_tiles (stream, plan);
  pld_buffer_clear (&stream->ring);
  g_clear_error (&stream->error);
  stream->plan = NULL;
}

gboolean
pld_stream_set_plan (PldStream *stream, const PldPlan *plan, GError **error)
{
  gboolean ok;

  if (stream->plan != NULL)
    pld_stream_shrink (stream, plan);
  ok = (stream->table.data != NULL
        || pld_buffer_init (&stream->table, stream->budget, (guint64) plan->tiles->len * PLD_STREAM_TILE_STATE,
                            "the table of tiles", error))
       && pld_buffer_init (&stream->ring, stream->budget, plan->ring_bytes, "the ring", error)
       && pool_join (MAX (1, plan->loaders), error);
  if (!ok)
    {
      pld_stream_shrink (stream, NULL);
      return FALSE;
    }
  g_assert (plan->n_slots <= 64);
  g_mutex_lock (&stream->lock);
  stream->plan = plan;
  stream->n_tiles = plan->tiles->len;
  stream->tiles = (Tile *) (gpointer) stream->table.data;
  stream_start (stream);
  stream_kick (stream);
  g_mutex_unlock (&stream->lock);
  return TRUE;
}

void
pld_stream_free (PldStream *stream)
{
  if (stream == NULL)
    return;
  pld_stream_shrink (stream, NULL);
  g_cond_clear (&stream->change);
  g_mutex_clear (&stream->lock);
  g_free (stream);
}

/* Back to the tape's begin: keeps pinned tiles, forgets the others. Under the lock. */
static void
stream_rewind (PldStream *stream)
{
  stream_stop (stream);
  for (guint i = 0; i < stream->n_tiles; i++)
    {
      Tile *tile = &stream->tiles[i];

      if (plan_tile (stream, i)->pinned && tile->state != TILE_LOADING)
        continue;
      tile->state = TILE_ABSENT;
    }
  stream_start (stream);
}

void
pld_stream_begin (PldStream *stream, PldCancelFunc cancelled, gpointer data)
{
  g_mutex_lock (&stream->lock);
  /* A pass may also have failed before its first tile. A read that is still running began under the same conditions,
   * and its error would fail this pass. */
  if (stream->error != NULL || stream->position % stream->n_tiles != 0 || stream->position == stream->begun)
    stream_rewind (stream);
  stream->begun = stream->position;
  stream->cancelled = cancelled;
  stream->cancel_data = data;
  stream_kick (stream);
  g_mutex_unlock (&stream->lock);
}

static gboolean
stream_cancelled (PldStream *stream, GError **error)
{
  if (stream->cancelled == NULL || !stream->cancelled (stream->cancel_data))
    return FALSE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled");
  return TRUE;
}

/* Waits for a tile. Under the lock. */
static gboolean
stream_wait (PldStream *stream, Tile *tile, GError **error)
{
  gint64 begun = g_get_monotonic_time ();
  gboolean ok = TRUE;

  stream->stats.stalls++;
  while (ok && tile->state != TILE_READY)
    {
      if (stream->error != NULL)
        {
          if (error != NULL)
            *error = g_error_copy (stream->error);
          ok = FALSE;
        }
      else
        {
          ok = !stream_cancelled (stream, error);
          if (ok)
            g_cond_wait_until (&stream->change, &stream->lock, g_get_monotonic_time () + CANCEL_POLL_US);
        }
    }
  stream->stats.stall_ns += (guint64) (g_get_monotonic_time () - begun) * 1000;
  return ok;
}

/* Under the lock. */
static void
stream_take (PldStream *stream, Tile *tile, const guint8 **data)
{
  stream->position++;
  tile->state = TILE_LEASED;
  *data = tile->view;
}

gboolean
pld_stream_lease (PldStream *stream, guint index, const guint8 **data, GError **error)
{
  Tile *tile = &stream->tiles[index];
  gboolean ok;

  g_mutex_lock (&stream->lock);
  g_assert (index == stream->position % stream->n_tiles);
  ok = !stream_cancelled (stream, error) && (tile->state == TILE_READY || stream_wait (stream, tile, error));
  if (ok)
    stream_take (stream, tile, data);
  g_mutex_unlock (&stream->lock);
  return ok;
}

gboolean
pld_stream_try_lease (PldStream *stream, guint index, const guint8 **data)
{
  Tile *tile = &stream->tiles[index];
  gboolean ready;

  g_mutex_lock (&stream->lock);
  g_assert (index == stream->position % stream->n_tiles);
  ready = tile->state == TILE_READY;
  if (ready)
    stream_take (stream, tile, data);
  g_mutex_unlock (&stream->lock);
  return ready;
}

void
pld_stream_release (PldStream *stream, guint index)
{
  Tile *tile = &stream->tiles[index];

  g_mutex_lock (&stream->lock);
  if (plan_tile (stream, index)->pinned)
    tile->state = TILE_READY;
  else
    {
      tile->state = TILE_ABSENT;
      stream->free_slots |= (guint64) 1 << tile->slot;
      stream_kick (stream);
    }
  g_mutex_unlock (&stream->lock);
}

void
pld_stream_get_stats (PldStream *stream, PldStreamStats *stats)
{
  g_mutex_lock (&stream->lock);
  stream_count_reading (stream, 0);
  *stats = stream->stats;
  g_mutex_unlock (&stream->lock);
}
