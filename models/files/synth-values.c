/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random values as each type stores them. Blocks (layouts: engine/kernels) are made directly: random bits for quanta
 * and sub-block scales, then a scale that gives the values the requested standard deviation.
 */
#include "models/files/synth.h"

#include "engine/base/half.h"
#include "engine/base/random.h"

#include <math.h>
#include <string.h>

#define CHUNK (1u << 18) /* values in memory at a time: whole blocks of every type, whole words of random bits */

/* ---- random numbers ------------------------------------------------------------------------ */

/* The sum of four uniform 16-bit numbers: nearly normal, mean 0, truncated at 3.5 standard deviations of
 * 65536 / √3. */
static inline gint32
random_normal (PldRandom *random)
{
  guint64 r = pld_random_next (random);

  return (gint32) ((r & 0xffff) + (r >> 16 & 0xffff) + (r >> 32 & 0xffff) + (r >> 48)) - 2 * 65535;
}

/* @n is a multiple of 8. */
static void
random_fill (PldRandom *random, guint8 *out, gsize n)
{
  for (gsize i = 0; i < n; i += 8)
    {
      guint64 bits = GUINT64_TO_LE (pld_random_next (random));

      memcpy (out + i, &bits, sizeof bits);
    }
}

/* ---- plain types --------------------------------------------------------------------------- */

static void
put_half (guint8 *out, guint16 half)
{
  out[0] = (guint8) half;
  out[1] = (guint8) (half >> 8);
}

/* @scale is one standard deviation over random_normal()'s, or 0 for the constant 1. */
static void
fill_plain (PldRandom *random, PldDtype dtype, double scale, guint n, guint8 *out)
{
  for (guint i = 0; i < n; i++)
    {
      float value = scale == 0 ? 1.0f : (float) (random_normal (random) * scale);

      if (dtype == PLD_DTYPE_F32)
        {
          guint32 bits = GUINT32_TO_LE (pld_float_bits (value));

          memcpy (out + 4 * (gsize) i, &bits, 4);
        }
      else
        put_half (out + 2 * (gsize) i,
                  dtype == PLD_DTYPE_F16 ? pld_half_from_float (value) : pld_bfloat_from_float (value));
    }
}

/* ---- block types --------------------------------------------------------------------------- */

typedef struct
{
  PldDtype dtype;
  guint at_scale; /* offset of the half d in the block */
  guint at_min;   /* offset of the half that shifts the values; 0: none, then d's sign is random and the mean is 0 */
  double min;     /* that half, in d: takes the mean away */
  double rms;     /* of the values when d is 1 */
} Block;

/* rms: of uniform quanta, times that of uniform sub-block scales. Q4_1: √((16² − 1) / 12). Q4_0: the same around −½.
 * Q6_K: quanta −32 … 31, scales −128 … 127. Q4_K: scales 32 … 63, see level(). IQ4: of its table of 16. */
static const Block blocks[] = {
  { PLD_DTYPE_Q4_0, 0, 0, 0, 4.637 },
  { PLD_DTYPE_Q4_1, 0, 2, -7.5, 4.610 },
  { PLD_DTYPE_Q5_0, 0, 0, 0, 9.247 },
  { PLD_DTYPE_Q5_1, 0, 2, -15.5, 9.233 },
  { PLD_DTYPE_Q8_0, 0, 0, 0, 73.90 },
  { PLD_DTYPE_Q2_K, 80, 82, 1.5, 1.118 * 11.73 },
  { PLD_DTYPE_Q3_K, 108, 0, 0, 2.345 * 18.48 },
  { PLD_DTYPE_Q4_K, 0, 2, 7.5, 4.610 * 48.39 },
  { PLD_DTYPE_Q5_K, 0, 2, 15.5, 9.233 * 48.39 },
  { PLD_DTYPE_Q6_K, 208, 0, 0, 18.48 * 73.90 },
  { PLD_DTYPE_IQ4_NL, 0, 0, 0, 67.44 },
  { PLD_DTYPE_IQ4_XS, 0, 0, 0, 67.44 * 18.48 },
};

static const Block *
block_find (PldDtype dtype)
{
  for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
    if (blocks[i].dtype == dtype)
      return &blocks[i];
  return NULL;
}

gboolean
pld_synth_has_dtype (PldDtype dtype)
{
  return dtype == PLD_DTYPE_F32 || dtype == PLD_DTYPE_F16 || dtype == PLD_DTYPE_BF16 || block_find (dtype) != NULL;
}

/* Where each sub-block has a scale and a minimum of its own: makes them equal, so that one factor takes the mean of
 * all away, and large enough that none vanishes. */
static void
level (PldDtype dtype, guint8 *block)
{
  if (dtype == PLD_DTYPE_Q2_K) /* 16 pairs of 4 bits: 8 … 15 */
    for (guint i = 0; i < 16; i++)
      block[i] = (guint8) (((block[i] & 7) | 8) * 0x11);
  else /* 8 pairs of 6 bits: 32 … 63; those of the last four have their upper bits in the first eight bytes */
    for (guint i = 0; i < 4; i++)
      {
        block[4 + i] |= 0xa0;
        block[8 + i] = block[4 + i];
        block[12 + i] = (guint8) ((block[12 + i] & 15) * 0x11);
      }
}

static void
fill_blocks (PldRandom *random, const Block *block, double std, guint n, guint8 *out)
{
  const PldDtypeInfo *info = pld_dtype_info (block->dtype);
  guint16 d = pld_half_from_float ((float) (std / block->rms));
  guint16 min = pld_half_from_float ((float) ((double) pld_half_to_float (d) * block->min));
  guint count = n / info->block;
  gsize bytes = (gsize) count * info->bytes;

  random_fill (random, out, bytes + (8 - bytes % 8) % 8);
  for (guint i = 0; i < count; i++, out += info->bytes)
    if (block->at_min == 0)
      put_half (out + block->at_scale, d | (guint16) ((out[block->at_scale] & 1) << 15));
    else
      {
        put_half (out + block->at_scale, d);
        put_half (out + block->at_min, min);
        if (info->block == 256)
          level (block->dtype, out);
      }
}

/* ---- a tensor ------------------------------------------------------------------------------ */

void
pld_synth_advance (PldSynth *synth, guint64 n)
{
  guint percent;

  synth->done += n;
  percent = (guint) (100 * synth->done / synth->total);
  if (synth->progress != NULL && (percent != synth->percent || n == 0))
    synth->progress ("writing weights", percent, synth->user_data);
  synth->percent = percent;
}

static gboolean
write_random (PldSynth *synth, const PldTensor *tensor, double std, PldSynthPut put, gpointer writer, GError **error)
{
  const PldDtypeInfo *info = pld_dtype_info (tensor->dtype);
  const Block *block = block_find (tensor->dtype);
  g_autofree guint8 *chunk = g_malloc ((gsize) CHUNK * sizeof (float) + 8);
  PldRandom random;
  const double unit = 1.7320508075688772 / 65536; /* one over random_normal()'s standard deviation */

  pld_random_init (&random, synth->seed, tensor->name);
  for (guint64 left = tensor->n_values; left > 0;)
    {
      guint n = (guint) MIN (left, CHUNK);

      if (g_cancellable_is_cancelled (synth->cancellable))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled; nothing was written");
          return FALSE;
        }
      if (block != NULL)
        fill_blocks (&random, block, std, n, chunk);
      else
        fill_plain (&random, tensor->dtype, unit * std, n, chunk);
      if (!put (writer, chunk, n / info->block * info->bytes, error))
        return FALSE;
      left -= n;
      pld_synth_advance (synth, n);
    }
  return TRUE;
}

static gboolean
write_given (PldSynth *synth, const PldDraft *draft, PldSynthPut put, gpointer writer, GError **error)
{
  const gsize n = draft->tensor.n_values;
  g_autofree guint32 *bits = g_new (guint32, n);

  g_assert (draft->tensor.dtype == PLD_DTYPE_F32);
  for (gsize i = 0; i < n; i++)
    bits[i] = GUINT32_TO_LE (pld_float_bits (draft->values[i]));
  if (!put (writer, bits, n * sizeof *bits, error))
    return FALSE;
  pld_synth_advance (synth, n);
  return TRUE;
}

gboolean
pld_synth_draft (PldSynth *synth, const PldDraft *draft, PldSynthPut put, gpointer writer, GError **error)
{
  return draft->values != NULL ? write_given (synth, draft, put, writer, error)
                               : write_random (synth, &draft->tensor, draft->std, put, writer, error);
}
