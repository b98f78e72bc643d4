/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Seeded random numbers: xoshiro256** (Blackman, Vigna: arXiv 1805.01407), its state spread from the seed by
 * SplitMix64. Integer arithmetic alone, so that every machine gets the same numbers. Not for secrets.
 */
#pragma once

#include <glib.h>

typedef struct
{
  guint64 s[4];
} PldRandom;

static inline guint64
pld_random_mix (guint64 *state)
{
  guint64 z = *state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* @name: (nullable): numbers of one seed and different names have nothing to do with each other */
static inline void
pld_random_init (PldRandom *random, guint64 seed, const char *name)
{
  guint64 state = seed;

  for (const char *c = name; c != NULL && *c != '\0'; c++)
    {
      state ^= (guchar) *c;
      state = pld_random_mix (&state);
    }
  for (guint i = 0; i < 4; i++)
    random->s[i] = pld_random_mix (&state);
}

static inline guint64
pld_random_rotate (guint64 x, guint k)
{
  return (x << k) | (x >> (64 - k));
}

/* 64 bits, each as random as the next. */
static inline guint64
pld_random_next (PldRandom *random)
{
  guint64 *s = random->s, result = pld_random_rotate (s[1] * 5, 7) * 9, t = s[1] << 17;

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = pld_random_rotate (s[3], 45);
  return result;
}

/* 0 … 1, without 1: one of 2^53 evenly spaced values. */
static inline double
pld_random_double (PldRandom *random)
{
  return (double) (pld_random_next (random) >> 11) * 0x1p-53;
}
