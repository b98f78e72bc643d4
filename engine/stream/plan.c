/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The planner: cuts the tape into tiles, sizes the ring, and chooses the pinned tiles.
 */
#include "engine/stream/plan.h"

#include "engine/base/size.h"
#include "engine/stream/file.h"
#include "engine/stream/stream.h"

#define TILE_MAX ((guint64) 8 << 20)
#define TILE_MIN ((guint64) 64 << 10)
/* One tile is read while another's slot changes hands; two reads of one MiB in flight suffice for most storage. */
#define LOADERS_DEFAULT 2
#define LOADERS_MAX 32
/* In addition to the tiles in flight: one that the compute team works on, and one ready for it. */
#define SLOTS_BESIDE_LOADERS 2
/* The smallest ring: one tile is computed while the next one loads. */
#define SLOTS_MIN 2
#define SLOTS_MAX 64 /* PldPlan.n_slots */

guint64
pld_plan_table_bytes (guint n_tiles)
{
  return pld_buffer_cost ((guint64) n_tiles * PLD_STREAM_TILE_STATE);
}

static guint64
tile_cost (const PldTile *tile)
{
  return pld_file_span (tile->offset, tile->n_bytes);
}

static guint64
tiles_cost (GArray *tiles)
{
  guint64 sum = pld_plan_table_bytes (tiles->len);

  for (guint i = 0; i < tiles->len; i++)
    sum += tile_cost (&g_array_index (tiles, PldTile, i));
  return sum;
}

/* The computing of a tile, in an arbitrary unit. */
static double
tile_work (const PldTape *tape, const PldTile *tile)
{
  const PldMatrix *matrix = tape->matrices->pdata[tile->matrix];

  return (double) tile->n_rows * matrix->n_cols * matrix->work;
}

/* Pins tiles of at most @room bytes. The running sum of streamed bytes follows the running sum of computing, so that at
 * each place of the tape the loaders and the compute team have had the same share of their work. */
static void
plan_pin (PldPlan *plan, const PldTape *tape, guint64 room)
{
  guint64 total = 0, streamed = 0;
  double work = 0, seen = 0, stream;

  for (guint i = 0; i < plan->tiles->len; i++)
    {
      const PldTile *tile = &g_array_index (plan->tiles, PldTile, i);

      total += tile_cost (tile);
      work += tile_work (tape, tile);
    }
  stream = (double) (total - MIN (room, total));
  for (guint i = 0; i < plan->tiles->len; i++)
    {
      PldTile *tile = &g_array_index (plan->tiles, PldTile, i);
      guint64 cost = tile_cost (tile);

      seen += tile_work (tape, tile);
      tile->pinned = plan->pinned_bytes + cost <= room && (double) (streamed + cost) > stream * seen / work;
      if (tile->pinned)
        {
          plan->pinned_bytes += cost;
          plan->n_pinned++;
        }
      else
        {
          streamed += cost;
          plan->streamed_bytes += tile->n_bytes;
        }
    }
}

/* The largest tiles whose ring takes no more than a quarter of @room: the remaining memory is worth more as pinned
 * tiles. */
static guint64
choose_cap (const PldTape *tape, guint64 room, guint n_slots)
{
  guint64 cap = TILE_MAX;

  while (cap > TILE_MIN && n_slots * pld_tape_slot_bytes (tape, cap) > room / 4)
    cap /= 2;
  return cap;
}

static guint64
ring_minimum (const PldTape *tape)
{
  return pld_plan_table_bytes (pld_tape_n_tiles (tape, TILE_MIN)) + SLOTS_MIN * pld_tape_slot_bytes (tape, TILE_MIN);
}

guint64
pld_plan_minimum (const PldTape *tape, guint64 fixed)
{
  g_autoptr (GArray) tiles = pld_tape_cut (tape, TILE_MAX);

  return fixed + MIN (ring_minimum (tape), tiles_cost (tiles));
}

/* How many loaders and slots there should be when tiles of @request bytes are read; for comparison also few. */
static void
plan_ring (PldPlan *plan, const PldPlanOptions *options, guint64 request)
{
  const guint planned = options->storage != NULL
                            ? MAX (LOADERS_DEFAULT, pld_profile_loaders (options->storage, request))
                            : LOADERS_DEFAULT;

  switch (options->pipelining)
    {
    case PLD_PIPELINING_FULL:
      plan->loaders = options->loaders > 0 ? MIN (options->loaders, LOADERS_MAX) : planned;
      plan->n_slots = plan->loaders + SLOTS_BESIDE_LOADERS;
      break;
    case PLD_PIPELINING_PREFETCH:
      plan->loaders = 1;
      plan->n_slots = 2;
      break;
    case PLD_PIPELINING_NONE:
      plan->loaders = plan->n_slots = 1;
      break;
    }
}

/* Rounds the ring up to whole huge pages, if much of it would be outside of them otherwise, if that costs at most half
 * as much again, and if half of @room is left to pinned tiles. A device executes a request for contiguous memory as a
 * whole, but splits one for scattered pages into many. The additional bytes become slots. */
static void
plan_round_ring (PldPlan *plan, guint64 room)
{
  const guint64 ring = plan->n_slots * plan->slot_bytes, whole = pld_size_round_up (ring, PLD_HUGE_PAGE);

  if (ring % PLD_HUGE_PAGE > ring / 8 && whole <= ring + ring / 2 && whole <= room / 2)
    {
      plan->ring_bytes = whole;
      plan->n_slots = (guint) MIN (whole / plan->slot_bytes, SLOTS_MAX);
    }
}

static void
plan_stream (PldPlan *plan, const PldTape *tape, guint64 room, const PldPlanOptions *options)
{
  guint64 cap;

  plan_ring (plan, options, TILE_MAX);
  cap = choose_cap (tape, room, plan->n_slots);
  /* Smaller tiles may want more loaders. */
  plan_ring (plan, options, pld_tape_slot_bytes (tape, cap));
  cap = choose_cap (tape, room, plan->n_slots);
  /* A slot holds the largest granule; tiles of matrices with shorter rows fill it too. */
  plan->slot_bytes = pld_tape_slot_bytes (tape, cap);
  cap = MAX (cap, plan->slot_bytes);
  g_array_unref (plan->tiles);
  plan->tiles = pld_tape_cut (tape, cap);
  room -= MIN (room, pld_plan_table_bytes (plan->tiles->len));
  plan->n_slots = (guint) CLAMP (room / plan->slot_bytes, MIN (SLOTS_MIN, plan->n_slots), plan->n_slots);
  plan->loaders = MIN (plan->loaders, plan->n_slots);
  plan->ring_bytes = plan->n_slots * plan->slot_bytes;
  if (options->pipelining == PLD_PIPELINING_FULL)
    plan_round_ring (plan, room);
  plan_pin (plan, tape, options->pipelining == PLD_PIPELINING_FULL ? room - MIN (room, plan->ring_bytes) : 0);
}

PldPlan *
pld_plan_make (const PldTape *tape, const PldPlanOptions *options, GError **error)
{
  const guint64 limit = options->limit > 0 ? options->limit : G_MAXUINT64 / 2;
  PldPlan *plan = g_new0 (PldPlan, 1);

  plan->limit = options->limit;
  plan->tiles = pld_tape_cut (tape, TILE_MAX);
  plan->resident = options->fixed + tiles_cost (plan->tiles);
  plan->minimum = MIN (options->fixed + ring_minimum (tape), plan->resident);
  if (limit < plan->minimum)
    {
      g_autofree char *asked = pld_size_format (limit);
      /* Rounded up, so that the printed size works when it is typed in. */
      g_autofree char *least = g_strdup_printf ("%.1fMB", (plan->minimum + 99999) / 100000 / 10.0);

      g_set_error (error, PLD_ERROR, PLD_ERROR_LIMIT,
                   "the memory limit of %s is too small; the smallest that works is %s", asked, least);
      g_clear_pointer (&plan, pld_plan_free);
    }
  else if (limit >= plan->resident && options->pipelining == PLD_PIPELINING_FULL)
    plan_pin (plan, tape, limit);
  else
    plan_stream (plan, tape, limit - options->fixed, options);
  return plan;
}

gboolean
pld_plan_cut_equal (const PldPlan *a, const PldPlan *b)
{
  gboolean equal = a->tiles->len == b->tiles->len;

  for (guint i = 0; equal && i < a->tiles->len; i++)
    {
      const PldTile *x = &g_array_index (a->tiles, PldTile, i), *y = &g_array_index (b->tiles, PldTile, i);

      equal = x->matrix == y->matrix && x->row0 == y->row0 && x->n_rows == y->n_rows;
    }
  return equal;
}

void
pld_plan_free (PldPlan *plan)
{
  if (plan == NULL)
    return;
  g_array_unref (plan->tiles);
  g_free (plan);
}
