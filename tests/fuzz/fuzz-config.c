/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: config.json through every getter.
 */
#include "engine/format/config.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

static void
get_all (const PldConfig *config, const char *key)
{
  static const double fallback[3] = { 1, 2, 3 };
  const char *string;
  double values[3];
  guint64 number = 0;
  guint width = 1, height = 1;
  gboolean yes, ok;
  GError *error = NULL;

  ok = pld_config_uint (config, key, 1, 4096, &number, &error);
  fuzz_check_error (ok, &error);
  if (ok && (number < 1 || number > 4096))
    g_error ("a number out of its range");
  fuzz_check_error (pld_config_double (config, key, 1, values, &error), &error);
  fuzz_check_error (pld_config_bool (config, key, TRUE, &yes, &error), &error);
  fuzz_check_error (pld_config_string (config, key, NULL, &string, &error), &error);
  ok = pld_config_doubles (config, key, 3, fallback, values, &error);
  fuzz_check_error (ok, &error);
  if (ok && !(isfinite (values[0]) && isfinite (values[1]) && isfinite (values[2])))
    g_error ("a number that is none");
  ok = pld_config_size (config, key, &width, &height, &error);
  fuzz_check_error (ok, &error);
  if (ok && (width < 1 || width > 65536 || height < 1 || height > 65536))
    g_error ("a size out of its range");
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_auto (GStrv) labels = NULL;
  g_autoptr (PldConfig) config = NULL;
  g_autoptr (GList) keys = NULL;
  GError *error = NULL;
  guint n = 0;

  config = pld_config_parse ((const char *) data, (gssize) size, "config.json", &error);
  fuzz_check_error (config != NULL, &error);
  if (config == NULL)
    return 0;
  keys = json_object_get_members (config->root);
  for (const GList *key = keys; key != NULL; key = key->next)
    get_all (config, key->data);
  get_all (config, "absent");
  fuzz_check_error (pld_config_labels (config, &labels, &n, &error), &error);
  if (labels != NULL && g_strv_length (labels) != n)
    g_error ("a label is missing");
  return 0;
}
