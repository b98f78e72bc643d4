/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rotary positions (RoFormer, arXiv 2104.09864) as GGUF's keys describe them: base, factors for each pair (Llama 3's
 * rope_freqs), linear scaling (arXiv 2306.15595) and YaRN (arXiv 2309.00071). All of these make a pair's angle a fixed
 * frequency times the position.
 */
#pragma once

#include "engine/base/buffer.h"
#include "engine/format/config.h"

typedef enum
{
  PLD_ROPE_PLAIN,
  PLD_ROPE_LINEAR,
  PLD_ROPE_YARN,
} PldRopeScaling;

typedef struct
{
  guint n_pairs; /* of each head, rotated */
  PldRopeScaling scaling;
  double base, factor; /* factor: how much longer than trained */
  double magnitude;    /* of sines and cosines */
  guint trained_context;
  PldBuffer frequencies; /* double [n_pairs] */
} PldRope;

/* Reads "@arch.rope.…"; n_pairs is half of its dimension_count, or of @d_head. */
gboolean pld_rope_parse (PldRope *rope, const PldConfig *config, const char *arch, guint d_head, GError **error);
/* Charged by pld_rope_prepare(). */
guint64 pld_rope_bytes (const PldRope *rope);
/* @factors: (nullable): [n_pairs]: each frequency is divided by its own */
gboolean pld_rope_prepare (PldRope *rope, const float *factors, PldBudget *budget, GError **error);
void pld_rope_clear (PldRope *rope);

/* cos, sin: (out): [n_pairs], of the angles at @position */
void pld_rope_angles (const PldRope *rope, guint position, float *cos, float *sin);
