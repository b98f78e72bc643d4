/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Translates names of tensors by an architecture's table.
 */
#include "models/architectures/names.h"

#include <string.h>

/* The rest of @name after @start; NULL if it does not begin like that. */
static const char *
after (const char *name, const char *start)
{
  return g_str_has_prefix (name, start) ? name + strlen (start) : NULL;
}

static const char *
pick (const PldName *name, gboolean gguf)
{
  return gguf ? name->gguf : name->hugging_face;
}

static void
translate (const PldNames *names, char out[PLD_NAME_SIZE], const char *name, gboolean to_gguf)
{
  const char *rest, *part;

  if (names == NULL)
    {
      g_strlcpy (out, name, PLD_NAME_SIZE);
      return;
    }
  rest = after (name, pick (&names->block, !to_gguf));
  part = rest != NULL ? strchr (rest, '.') + 1 : name;
  out[0] = '\0';
  if (rest != NULL)
    g_snprintf (out, PLD_NAME_SIZE, "%s%.*s", pick (&names->block, to_gguf), (int) (part - rest), rest);
  for (guint i = 0; i < names->n_names; i++)
    {
      const char *tail = after (part, pick (&names->names[i], !to_gguf));

      if (tail == NULL || (*tail != '\0' && strcmp (tail, ".weight") != 0 && strcmp (tail, ".bias") != 0))
        continue;
      g_strlcat (out, pick (&names->names[i], to_gguf), PLD_NAME_SIZE);
      g_strlcat (out, tail, PLD_NAME_SIZE);
      return;
    }
  g_assert_not_reached ();
}

void
pld_names_to_gguf (const PldNames *names, char out[PLD_NAME_SIZE], const char *name)
{
  translate (names, out, name, TRUE);
}

void
pld_names_to_hugging_face (const PldNames *names, char out[PLD_NAME_SIZE], const char *name)
{
  translate (names, out, name, FALSE);
}
