/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One color component on its way through a resize: source rows come in from the top, each is resized
 * horizontally into a ring, and each output row is made as soon as the ring holds the rows it needs.
 */
#pragma once

#include "engine/image/axis.h"

#define PLD_LANE_ACROSS 8 /* taps are padded to these, for the loops that sum them */
#define PLD_LANE_DOWN 4

/* Scratch that the lanes of one scaler share. */
typedef struct
{
  gint16 *row[3]; /* [source width + PLD_LANE_ACROSS] source rows, widened */
  gint32 *high;   /* [output width] vertical sums of the weights' high halves */
  gint32 *low;    /* [output width] and of their low halves */
} PldLaneScratch;

typedef struct
{
  const PldAxis *across, *down;
  guint8 *ring;   /* [down->reach, across->extent.out] */
  guint next_in;  /* rows that have come */
  guint next_out; /* rows that have been made */
  guint8 *out;    /* output sample (x, y) goes to out[y * out_stride + x * 3] */
  gsize out_stride;
} PldLane;

static inline void
pld_lane_restart (PldLane *lane, guint8 *out, gsize out_stride)
{
  lane->next_in = lane->next_out = 0;
  lane->out = out;
  lane->out_stride = out_stride;
}

/* Takes the next source row: sample x is row[x * pixel_stride]. */
void pld_lane_push (PldLane *lane, const PldLaneScratch *scratch, const guint8 *row, guint pixel_stride);

/* The same for three lanes of one size whose samples share one row, three bytes a pixel: lane i has byte
 * order[i]. */
void pld_lane_push_packed (PldLane lane[3], const PldLaneScratch *scratch, const guint8 *row, const guint order[3]);
