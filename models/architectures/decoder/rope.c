/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frequencies of rotary positions, and the angles at a position.
 */
#include "models/architectures/decoder/rope.h"

#include <math.h>

/* YaRN's α and β: pairs that turn more often than BETA_FAST within the trained context stay, those that turn less often
 * than BETA_SLOW are interpolated. */
#define BETA_FAST 32.0
#define BETA_SLOW 1.0

static gboolean
parse_scaling (PldRope *rope, const PldConfig *config, const char *arch, GError **error)
{
  g_autofree char *type_key = g_strdup_printf ("%s.rope.scaling.type", arch);
  g_autofree char *factor_key = g_strdup_printf ("%s.rope.scaling.factor", arch);
  g_autofree char *old_key = g_strdup_printf ("%s.rope.scale_linear", arch);
  g_autofree char *context_key = g_strdup_printf ("%s.rope.scaling.original_context_length", arch);
  g_autofree char *magnitude_key = g_strdup_printf ("%s.rope.scaling.attn_factor", arch);
  guint64 context = rope->trained_context;
  const char *type;
  double old;

  if (!pld_config_string (config, type_key, "linear", &type, error)
      || !pld_config_double (config, old_key, 1, &old, error)
      || !pld_config_double (config, factor_key, old, &rope->factor, error)
      || !pld_config_double (config, magnitude_key, 1, &rope->magnitude, error)
      || (json_object_has_member (config->root, context_key)
          && !pld_config_uint (config, context_key, 1, G_MAXINT32, &context, error)))
    return FALSE;
  rope->trained_context = (guint) context;
  /* A factor of 0 means none. */
  if (rope->factor == 0)
    rope->factor = 1;
  if (g_str_equal (type, "none") || (g_str_equal (type, "linear") && rope->factor == 1))
    rope->scaling = PLD_ROPE_PLAIN;
  else if (g_str_equal (type, "linear"))
    rope->scaling = PLD_ROPE_LINEAR;
  else if (g_str_equal (type, "yarn"))
    rope->scaling = PLD_ROPE_YARN;
  else
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: %s \"%s\" is not supported; linear and yarn are",
                   config->path, type_key, type);
      return FALSE;
    }
  if (!(rope->factor > 0 && rope->factor <= 1e6))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "%s: %s is %g, but must be above 0; download the model again",
                   config->path, factor_key, rope->factor);
      return FALSE;
    }
  return TRUE;
}

gboolean
pld_rope_parse (PldRope *rope, const PldConfig *config, const char *arch, guint d_head, GError **error)
{
  g_autofree char *base_key = g_strdup_printf ("%s.rope.freq_base", arch);
  g_autofree char *count_key = g_strdup_printf ("%s.rope.dimension_count", arch);
  g_autofree char *context_key = g_strdup_printf ("%s.context_length", arch);
  guint64 count = d_head, context;

  if (!pld_config_double (config, base_key, 10000, &rope->base, error)
      || !pld_config_uint (config, context_key, 1, G_MAXINT32, &context, error)
      || (json_object_has_member (config->root, count_key)
          && !pld_config_uint (config, count_key, 2, d_head, &count, error)))
    return FALSE;
  if (!(rope->base > 1) || count % 2 != 0)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "%s: %s %g with %s %u makes no rotation; download the model again", config->path, base_key,
                   rope->base, count_key, (guint) count);
      return FALSE;
    }
  rope->n_pairs = (guint) count / 2;
  rope->trained_context = (guint) context;
  return parse_scaling (rope, config, arch, error);
}

guint64
pld_rope_bytes (const PldRope *rope)
{
  return (guint64) rope->n_pairs * sizeof (double);
}

/* The pair that turns @turns times within the trained context. */
static double
pair_of_turns (const PldRope *rope, double turns)
{
  return rope->n_pairs * log (rope->trained_context / (turns * 2 * G_PI)) / log (rope->base);
}

/* How much of pair @i is interpolated, 0..1. */
static double
yarn_ramp (const PldRope *rope, guint i)
{
  double low = MAX (0, floor (pair_of_turns (rope, BETA_FAST)));
  double high = MIN (2.0 * rope->n_pairs - 1, ceil (pair_of_turns (rope, BETA_SLOW)));

  return CLAMP ((i - low) / MAX (0.001, high - low), 0, 1);
}

gboolean
pld_rope_prepare (PldRope *rope, const float *factors, PldBudget *budget, GError **error)
{
  double *frequency;

  if (!pld_buffer_init (&rope->frequencies, budget, pld_rope_bytes (rope), "the rotary frequencies", error))
    return FALSE;
  frequency = (double *) (gpointer) rope->frequencies.data;
  for (guint i = 0; i < rope->n_pairs; i++)
    {
      double scale = 1;

      if (rope->scaling == PLD_ROPE_LINEAR)
        scale = 1 / rope->factor;
      else if (rope->scaling == PLD_ROPE_YARN)
        scale = 1 - yarn_ramp (rope, i) * (1 - 1 / rope->factor);
      frequency[i] = scale * pow (rope->base, -(double) i / rope->n_pairs);
      if (factors != NULL)
        frequency[i] /= (double) factors[i];
    }
  if (rope->scaling == PLD_ROPE_YARN)
    rope->magnitude *= 1 + 0.1 * log (rope->factor);
  return TRUE;
}

void
pld_rope_clear (PldRope *rope)
{
  pld_buffer_clear (&rope->frequencies);
}

void
pld_rope_angles (const PldRope *rope, guint position, float *cos_out, float *sin_out)
{
  const double *frequency = (const double *) (gconstpointer) rope->frequencies.data;

  for (guint i = 0; i < rope->n_pairs; i++)
    {
      double angle = position * frequency[i];

      cos_out[i] = (float) (cos (angle) * rope->magnitude);
      sin_out[i] = (float) (sin (angle) * rope->magnitude);
    }
}
