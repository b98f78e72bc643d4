/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How GGUF stores weights in blocks (ggml's types, as its headers and docs/gguf.md define them), and how activations
 * are, that meet them.
 *
 * Fields follow one another without padding, little-endian; d, m and dmin are IEEE halves; q is the stored number of a
 * value, s and t a scale and an offset of some values. "at" is the byte. Of 32 values in 16 bytes, "nibbles" means:
 * value l in the low half of byte l, 16 + l in the high.
 *
 *   Blocks of 32 values
 *     Q4_0     18  d at 0, nibbles at 2                                            d (q - 8)
 *     Q4_1     20  d at 0, m at 2, nibbles at 4                                    d q + m
 *     Q5_0     22  d at 0, fifth bits at 2 (bit l of 32: value l), nibbles at 6    d (q - 16)
 *     Q5_1     24  d at 0, m at 2, fifth bits at 4, nibbles at 8                   d q + m
 *     Q8_0     34  d at 0, 32 signed bytes at 2                                    d q
 *     IQ4_NL   18  as Q4_0                                                         d LEVELS[q]
 *
 *   Blocks of 256 values, here v = 128 h + 32 i + l with h < 2, i < 4, l < 32; j = v / 32, or v / 16 where there are 16
 * scales Q2_K     84  16 bytes at 0: s low, t high nibble of byte j; two bits at 16: byte 32 h + l, bits 2 i; d at 80,
 * dmin at 82 d s q - dmin t Q3_K    110  third bits at 0: byte l, bit 4 h + i; two low bits at 32 as Q2_K's; s, 6 bits,
 * at 96: low four bits in nibble j / 8 of byte j % 8, high two in bits 2 (j / 4) of byte 8 + j % 4; d at 108       d (s
 * - 32) (q - 4) Q4_K    144  d at 0, dmin at 2, s and t, 6 bits, at 4: of j < 4 the low bits of bytes j and 4 + j; of 4
 * + j the low four bits in byte 8 + j, s low, t high, the high two on top of bytes j and 4 + j; at 16 byte 32 (j / 2) +
 * l, nibble j % 2 d s q - dmin t Q5_K    176  as Q4_K up to 16; fifth bits at 16: byte l, bit j; nibbles as Q4_K's at
 * 48                  d s q - dmin t Q6_K    210  low four bits at 0: byte 64 h + 32 (i % 2) + l, nibble i / 2; high
 * two at 128: byte 32 h + l, bits 2 i; 16 signed bytes s at 192; d at 208                              d s (q - 32)
 *     IQ4_XS  136  d at 0; s, 6 bits: high two in bits 2 j of the 16 at 2, low four in nibble j % 2 of byte 4 + j / 2;
 *                  nibbles of each 32 at 8 + 16 j                                  d (s - 32) LEVELS[q]
 */
#pragma once

#include <glib.h>

/* X (lower, UPPER, values a block, bytes a block) */
#define PLD_FLOAT_TYPES(X)                                                                                             \
  X (f32, F32, 1, 4)                                                                                                   \
  X (f16, F16, 1, 2)                                                                                                   \
  X (bf16, BF16, 1, 2)
#define PLD_BLOCK_TYPES(X)                                                                                             \
  X (q8_0, Q8_0, 32, 34)                                                                                               \
  X (q4_k, Q4_K, 256, 144)                                                                                             \
  X (q6_k, Q6_K, 256, 210)                                                                                             \
  X (q4_0, Q4_0, 32, 18)                                                                                               \
  X (q4_1, Q4_1, 32, 20)                                                                                               \
  X (q5_0, Q5_0, 32, 22)                                                                                               \
  X (q5_1, Q5_1, 32, 24)                                                                                               \
  X (q2_k, Q2_K, 256, 84)                                                                                              \
  X (q3_k, Q3_K, 256, 110)                                                                                             \
  X (q5_k, Q5_K, 256, 176)                                                                                             \
  X (iq4_nl, IQ4_NL, 32, 18)                                                                                           \
  X (iq4_xs, IQ4_XS, 256, 136)

/* X (lower, values of a unit, which has a scale of its own, whether it has an offset too) */
#define PLD_BLOCK_UNITS(X)                                                                                             \
  X (q8_0, 32, FALSE)                                                                                                  \
  X (q4_k, 32, TRUE)                                                                                                   \
  X (q6_k, 16, FALSE)                                                                                                  \
  X (q4_0, 32, FALSE)                                                                                                  \
  X (q4_1, 32, TRUE)                                                                                                   \
  X (q5_0, 32, FALSE)                                                                                                  \
  X (q5_1, 32, TRUE)                                                                                                   \
  X (q2_k, 16, TRUE)                                                                                                   \
  X (q3_k, 16, FALSE)                                                                                                  \
  X (q5_k, 32, TRUE)                                                                                                   \
  X (iq4_nl, 32, FALSE)                                                                                                \
  X (iq4_xs, 32, FALSE)
#define PLD_BLOCK_UNIT(type, unit, offset) PLD_UNIT_##type = unit, PLD_OFFSET_##type = offset,
enum
{
  PLD_BLOCK_UNITS (PLD_BLOCK_UNIT)
};
#undef PLD_BLOCK_UNIT

/* LEVELS of IQ4_NL and IQ4_XS */
#define PLD_IQ4_LEVELS { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 }

#define PLD_Q8_VALUES 32

/* Activations for matrices in blocks: the values are scale * q. An aligned array of these is a row. */
typedef struct
{
  float scale;            /* the largest magnitude / 127 */
  gint16 sums[2];         /* of each 16 of q */
  gint8 q[PLD_Q8_VALUES]; /* -127 … 127 */
} PldQ8;

/* Rows that stand side by side in a panel: value c of row r of a panel of floats is at [c][r]. */
#define PLD_PANEL_ROWS 16

/* The same of a panel's rows: value 4 g + i of row r at q[g][r][i]. */
typedef struct
{
  float scale[PLD_PANEL_ROWS];
  gint32 sums[2][PLD_PANEL_ROWS];
  gint8 q[PLD_Q8_VALUES / 4][PLD_PANEL_ROWS][4];
} PldQ8Panel;
