/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/stream/plan.h"

#include "engine/stream/file.h"
#include "engine/stream/stream.h"

#define TILE_MAX ((guint64) 8 << 20)
#define TILE_MIN ((guint64) 64 << 10)
/* Two reads of a MiB in flight reach the bandwidth of the storage measured so far. */
#define LOADERS_DEFAULT 2
#define LOADERS_MAX 32
/* Beside the tiles in flight: one under the compute team's hands, one ready for it. */
#define SLOTS_BESIDE_LOADERS 2
/* The smallest ring: one tile is computed while the next one loads. */
#define SLOTS_MIN 2

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

/* Pins tiles worth at most @room bytes, evenly along the tape: the running sum of what is pinned follows its share of the
 * running sum of everything (Bresenham's line). */
static void
plan_pin (PldPlan *plan, guint64 room)
{
  guint64 total = 0, seen = 0;

  for (guint i = 0; i < plan->tiles->len; i++)
    total += tile_cost (&g_array_index (plan->tiles, PldTile, i));
  for (guint i = 0; i < plan->tiles->len; i++)
    {
      PldTile *tile = &g_array_index (plan->tiles, PldTile, i);
      guint64 cost = tile_cost (tile);

      seen += cost;
      tile->pinned = plan->pinned_bytes + cost <= room
                     && (double) (plan->pinned_bytes + cost) <= (double) room * (double) seen / (double) total;
      if (tile->pinned)
        {
          plan->pinned_bytes += cost;
          plan->n_pinned++;
        }
      else
        plan->streamed_bytes += tile->n_bytes;
    }
}

/* The largest tiles whose ring takes no more than a quarter of @room: the rest is worth more pinned. */
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
  g_autoptr (GArray) tiles = pld_tape_cut (tape, TILE_MIN);

  return pld_plan_table_bytes (tiles->len) + SLOTS_MIN * pld_tape_slot_bytes (tape, TILE_MIN);
}

static void
plan_stream (PldPlan *plan, const PldTape *tape, guint64 room, guint loaders)
{
  guint64 cap;

  plan->loaders = loaders > 0 ? MIN (loaders, LOADERS_MAX) : LOADERS_DEFAULT;
  plan->n_slots = plan->loaders + SLOTS_BESIDE_LOADERS;
  cap = choose_cap (tape, room, plan->n_slots);
  /* A slot holds the largest granule; tiles of matrices with shorter rows fill it too. */
  plan->slot_bytes = pld_tape_slot_bytes (tape, cap);
  cap = MAX (cap, plan->slot_bytes);
  g_array_unref (plan->tiles);
  plan->tiles = pld_tape_cut (tape, cap);
  room -= MIN (room, pld_plan_table_bytes (plan->tiles->len));
  plan->n_slots = (guint) CLAMP (room / plan->slot_bytes, SLOTS_MIN, plan->n_slots);
  plan->loaders = MIN (plan->loaders, plan->n_slots);
  plan->ring_bytes = plan->n_slots * plan->slot_bytes;
  plan_pin (plan, room - MIN (room, plan->ring_bytes));
}

PldPlan *
pld_plan_make (const PldTape *tape, guint64 limit, guint64 fixed, guint loaders, GError **error)
{
  PldPlan *plan = g_new0 (PldPlan, 1);

  plan->limit = limit;
  plan->tiles = pld_tape_cut (tape, TILE_MAX);
  plan->resident = fixed + tiles_cost (plan->tiles);
  plan->minimum = MIN (fixed + ring_minimum (tape), plan->resident);
  if (limit == 0 || limit >= plan->resident)
    plan_pin (plan, G_MAXUINT64 / 2);
  else if (limit >= plan->minimum)
    plan_stream (plan, tape, limit - fixed, loaders);
  else
    {
      g_autofree char *asked = pld_size_format (limit);
      /* Rounded up, so that the size named works when it is typed back. */
      g_autofree char *least = g_strdup_printf ("%.1fMB", (plan->minimum + 99999) / 100000 / 10.0);

      g_set_error (error, PLD_ERROR, PLD_ERROR_LIMIT, "the memory limit of %s is too small; the smallest that works is %s",
                   asked, least);
      pld_plan_free (&plan);
    }
  return plan;
}

void
pld_plan_free (PldPlan **plan)
{
  if (*plan == NULL)
    return;
  g_array_unref ((*plan)->tiles);
  g_clear_pointer (plan, g_free);
}
