/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Position embeddings of a grid of another size than the stored one's: bicubic interpolation (Keys' kernel with a =
 * −0.75, pixel centers at ½, edges repeated, no antialiasing), what PyTorch's interpolate (mode="bicubic",
 * align_corners=False) computes and Hugging Face uses for them.
 */
#pragma once

#include <glib.h>

/* The weights of a sample's neighbors in a line: up to four of them, each once, by rising index. */
typedef struct
{
  guint n;
  guint index[4];
  float weight[4];
} PldCubic;

/* @cubic: (out): [n], of each of @n samples from a line of @from. From a line of as many it is the same sample, with
 * weight 1. */
void pld_cubic_line (PldCubic *cubic, guint n, guint from);
