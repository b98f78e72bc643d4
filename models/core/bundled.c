/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds the models that are installed with the library.
 */
#include "pipeload/model.h"

char *
pld_bundled_model (const char *name, GError **error)
{
  const char *const folders[] = { g_getenv ("PIPELOAD_MODELS"), PLD_MODELS_INSTALLED };

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = folders[i] != NULL ? g_build_filename (folders[i], name, NULL) : NULL;

      if (path != NULL && g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
  g_set_error (error, PLD_ERROR, PLD_ERROR_NOT_FOUND,
               "the bundled model \"%s\" is in neither $PIPELOAD_MODELS nor %s; install pipeload, or name a model",
               name, PLD_MODELS_INSTALLED);
  return NULL;
}
