/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One direction of a separable resize: which input samples make an output sample, and with what weights.
 * Filters, their support and the rounding of the weights are PIL's, so that results equal PIL's bit for bit.
 */
#pragma once

#include "engine/image/image.h"

#define PLD_AXIS_BITS 22  /* fraction bits of a weight, PIL's for 8-bit samples */
#define PLD_AXIS_SPLIT 11 /* fraction bits of a weight that "low" holds */

/* One direction's input as the caller describes it. */
typedef struct
{
  guint in;    /* samples there are */
  guint out;   /* samples to make */
  double span; /* input samples that the output covers: in, or less in a subsampled plane of an odd picture */
} PldExtent;

/* A weight is high × 2^11 + low, in units of 2^-22: two 16-bit halves, because every CPU multiplies
 * and sums pairs of 16-bit numbers faster than it multiplies 32-bit ones. |low| ≤ |weight| keeps sums in 32
 * bits. */
typedef struct
{
  PldExtent extent;
  guint reach;    /* no output needs more input samples than this */
  guint taps;     /* reach, padded with weights of 0 */
  guint32 *start; /* [out] first input sample; start + reach ≤ in */
  guint32 *count; /* [out] input samples needed, ≤ reach */
  gint16 *high;   /* [out, taps] */
  gint16 *low;    /* [out, taps] */
} PldAxis;

/* @align: taps are padded to a multiple of it. Sets everything but the tables; in and out are at least 1. */
void pld_axis_plan (PldAxis *axis, const PldExtent *extent, PldFilter filter, guint align);

/* Bytes of the tables of a planned axis: a multiple of 64. */
guint64 pld_axis_bytes (const PldAxis *axis);

/* Makes the tables in @memory, zeroed and aligned to 64. */
void pld_axis_fill (PldAxis *axis, PldFilter filter, guint8 *memory);
