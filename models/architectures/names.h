/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names of tensors, as GGUF files and as Hugging Face's folders have them. Architectures know tensors by GGUF's.
 */
#pragma once

#include <glib.h>

#define PLD_NAME_SIZE 128 /* of a buffer for a name */

typedef struct
{
  const char *gguf, *hugging_face;
} PldName;

/* A block's tensors: @block, the block's number, a dot, one of @names. After a name may follow ".weight" or ".bias". */
typedef struct
{
  PldName block;
  const PldName *names;
  guint n_names;
} PldNames;

/* Translates @name, of a tensor that the architecture has. @names: (nullable): both kinds of files have the same */
void pld_names_to_gguf (const PldNames *names, char out[PLD_NAME_SIZE], const char *name);
void pld_names_to_hugging_face (const PldNames *names, char out[PLD_NAME_SIZE], const char *name);
