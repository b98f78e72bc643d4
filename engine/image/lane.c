/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hot loops are plain C in the shapes that gcc and clang turn into SIMD: a dot product of 16-bit numbers
 * across, weighted sums of four rows at a time down.
 */
#include "engine/image/lane.h"

#include "engine/image/packed.h"

/* value: high × 2^11 + low in units of 2^-22, already with the half that rounds. Sums of whole pictures'
 * weights fit in 32 bits, but the high part alone need not: hence unsigned. */
static inline guint8
lane_sample (gint32 high, gint32 low)
{
  gint32 v = (gint32) (((guint32) high << PLD_AXIS_SPLIT) + (guint32) low) >> PLD_AXIS_BITS;

  return (guint8) CLAMP (v, 0, 255);
}

static void
lane_widen (gint16 *restrict row, const guint8 *restrict samples, guint n, guint pixel_stride)
{
  switch (pixel_stride)
    {
    case 1:
      for (guint i = 0; i < n; i++)
        row[i] = samples[i];
      break;
    case 2:
      for (guint i = 0; i < n; i++)
        row[i] = samples[(gsize) i * 2];
      break;
    case 4:
      for (guint i = 0; i < n; i++)
        row[i] = samples[(gsize) i * 4];
      break;
    default:
      for (guint i = 0; i < n; i++)
        row[i] = samples[(gsize) i * pixel_stride];
    }
}

static void
lane_across (const PldAxis *axis, const gint16 *restrict row, guint8 *restrict out)
{
  const guint taps = axis->taps & ~(PLD_LANE_ACROSS - 1u);
  const gint16 *high = axis->high;
  const gint16 *low = axis->low;

  for (guint x = 0; x < axis->extent.out; x++, high += taps, low += taps)
    {
      const gint16 *samples = row + axis->start[x];
      gint32 sum_high = 0;
      gint32 sum_low = 1 << (PLD_AXIS_BITS - 1);

      for (guint t = 0; t < taps; t++)
        {
          sum_high += samples[t] * high[t];
          sum_low += samples[t] * low[t];
        }
      out[x] = lane_sample (sum_high, sum_low);
    }
}

/* Adds four weighted rows to the sums. */
static void
lane_add_rows (gint32 *restrict sum_high, gint32 *restrict sum_low, const guint8 *const row[PLD_LANE_DOWN],
               const gint16 *high, const gint16 *low, guint n)
{
  const guint8 *r0 = row[0], *r1 = row[1], *r2 = row[2], *r3 = row[3];
  const gint16 h0 = high[0], h1 = high[1], h2 = high[2], h3 = high[3];
  const gint16 l0 = low[0], l1 = low[1], l2 = low[2], l3 = low[3];

  for (guint x = 0; x < n; x++)
    {
      sum_high[x] += (gint16) r0[x] * h0 + (gint16) r1[x] * h1 + (gint16) r2[x] * h2 + (gint16) r3[x] * h3;
      sum_low[x] += (gint16) r0[x] * l0 + (gint16) r1[x] * l1 + (gint16) r2[x] * l2 + (gint16) r3[x] * l3;
    }
}

static void
lane_down (PldLane *lane, const PldLaneScratch *scratch)
{
  const PldAxis *axis = lane->down;
  const guint width = lane->across->extent.out;
  const guint first = axis->start[lane->next_out];
  const guint count = axis->count[lane->next_out];
  const gint16 *high = axis->high + (gsize) lane->next_out * axis->taps;
  const gint16 *low = axis->low + (gsize) lane->next_out * axis->taps;
  guint8 *out = lane->out + lane->next_out * lane->out_stride;

  for (guint x = 0; x < width; x++)
    {
      scratch->high[x] = 0;
      scratch->low[x] = 1 << (PLD_AXIS_BITS - 1);
    }
  for (guint t = 0; t < count; t += PLD_LANE_DOWN)
    {
      const guint8 *row[PLD_LANE_DOWN];

      /* Past the last row the weights are 0: any row will do. */
      for (guint i = 0; i < PLD_LANE_DOWN; i++)
        row[i] = lane->ring + (gsize) ((first + MIN (t + i, count - 1)) % axis->reach) * width;
      lane_add_rows (scratch->high, scratch->low, row, high + t, low + t, width);
    }
  for (guint x = 0; x < width; x++)
    out[(gsize) x * 3] = lane_sample (scratch->high[x], scratch->low[x]);
}

/* Steps over a source row. Returns: whether any output needs it */
static gboolean
lane_wants_next (PldLane *lane)
{
  const guint y = lane->next_in++;

  return lane->next_out < lane->down->extent.out && y >= lane->down->start[lane->next_out];
}

/* Puts the row stepped over last into the ring and makes the output rows that were waiting for it. */
static void
lane_take (PldLane *lane, const PldLaneScratch *scratch, const gint16 *row)
{
  const PldAxis *down = lane->down;
  const PldAxis *across = lane->across;

  lane_across (across, row, lane->ring + (gsize) ((lane->next_in - 1) % down->reach) * across->extent.out);
  while (lane->next_out < down->extent.out
         && down->start[lane->next_out] + down->count[lane->next_out] <= lane->next_in)
    {
      lane_down (lane, scratch);
      lane->next_out++;
    }
}

void
pld_lane_push (PldLane *lane, const PldLaneScratch *scratch, const guint8 *row, guint pixel_stride)
{
  if (!lane_wants_next (lane))
    return;
  lane_widen (scratch->row[0], row, lane->across->extent.in, pixel_stride);
  lane_take (lane, scratch, scratch->row[0]);
}

void
pld_lane_push_packed (PldLane lane[3], const PldLaneScratch *scratch, const guint8 *row, const guint order[3])
{
  gboolean wanted = FALSE;

  for (guint i = 0; i < 3; i++)
    wanted = lane_wants_next (&lane[i]);
  if (!wanted)
    return;
  pld_packed_split (row, lane[0].across->extent.in, scratch->row);
  for (guint i = 0; i < 3; i++)
    lane_take (&lane[i], scratch, scratch->row[order[i]]);
}
