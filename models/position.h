/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/**
 * pld_position_interpolate:
 * @to: (out): [to_h * to_w, d]
 * @from: [from_h * from_w, d]
 *
 * Bicubic interpolation of a grid of vectors (Keys' kernel with a = −0.75, pixel centres at ½, edges repeated, no antialiasing): what
 * PyTorch's interpolate (mode="bicubic", align_corners=False) computes, and Hugging Face uses for position embeddings.
 */
void pld_position_interpolate (float *to, guint to_w, guint to_h, const float *from, guint from_w, guint from_h, guint d);
