/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guesses tokens by the longest earlier match of the last ones.
 */
#include "engine/text/lookup.h"

/* Context lengths to match: one token matches everywhere, and beyond eight nothing is gained. */
#define MATCH_MIN 2
#define MATCH_MAX 8

/* How many tokens before @at equal those before @n, going backwards. */
static guint
match_length (const guint32 *tokens, guint at, guint n)
{
  guint length = 0;

  while (length < MATCH_MAX && length < at && tokens[at - 1 - length] == tokens[n - 1 - length])
    length++;
  return length;
}

guint
pld_lookup (const guint32 *tokens, guint n, guint32 *guess, guint most)
{
  guint best = MATCH_MIN - 1, place = 0;

  for (guint at = n; at-- > MATCH_MIN && best < MATCH_MAX;)
    {
      const guint length = match_length (tokens, at, n);

      if (length > best)
        {
          best = length;
          place = at;
        }
    }
  if (place == 0)
    return 0;
  for (guint i = 0; i < most; i++)
    guess[i] = tokens[place + i % (n - place)];
  return most;
}
