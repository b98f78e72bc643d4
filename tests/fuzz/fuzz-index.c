/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: model.safetensors.index.json.
 */
#include "engine/format/shards.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  GError *error = NULL;
  g_autoptr (PldShards) shards = pld_shards_parse ((const char *) data, size, "model.safetensors.index.json", &error);

  fuzz_check_error (shards != NULL, &error);
  if (shards == NULL)
    return 0;
  for (guint i = 0; i < shards->names->len; i++)
    if (strchr (shards->names->pdata[i], '/') != NULL || *(const char *) shards->names->pdata[i] == '.')
      g_error ("a shard outside its folder");
  fuzz_check_error (pld_shards_check (shards, NULL, 0, &error), &error);
  return 0;
}
