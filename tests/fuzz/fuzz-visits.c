/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A log of frames as the report verb reads it.
 */
#include "analytics/log-visits.h"
#include "tests/fuzz/fuzz.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* One of the names that a language model may meet. */
static void
check_name (JsonObject *visit, const char *key)
{
  const char *name = json_object_get_string_member (visit, key);

  if (*name == '\0' || strlen (name) > 16)
    g_error ("a name of no length, or too long");
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && *c != ' ' && *c != '_' && *c != '-')
      g_error ("a name with odd characters");
}

static void
check_visit (const char *line)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *visit;

  if (strchr (line, '\n') != NULL || !json_parser_load_from_data (parser, line, -1, NULL))
    g_error ("a visit that is not a line of JSON");
  visit = json_node_get_object (json_parser_get_root (parser));
  if (json_object_get_size (visit) != 4 || json_object_get_int_member (visit, "seconds") < 1
      || strlen (json_object_get_string_member (visit, "time")) < strlen ("hh:mm:ss"))
    g_error ("a visit without its facts");
  check_name (visit, "camera");
  check_name (visit, "label");
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static char *ignore[] = { "no_person", NULL };
  const PldLogOptions options = { .gap = 2, .min_seconds = 1, .threshold = 0.5, .ignore = ignore };
  FILE *file = fmemopen ((gpointer) data, size, "r");
  g_autoptr (PldLogVisits) visits = file != NULL ? pld_log_visits_read (&options, file) : NULL;
  g_autoptr (GPtrArray) lines = NULL;
  guint64 frames, damaged, n = 1;

  if (visits == NULL || ftell (file) != (long) size)
    g_error ("memory that cannot be read");
  fclose (file);
  for (gsize i = 0; i < size; i++)
    n += data[i] == '\n';
  pld_log_visits_count (visits, &frames, &damaged);
  lines = pld_log_visits_lines (visits);
  if (frames + damaged > n || (lines->len > 0 && frames == 0))
    g_error ("more than there was");
  for (guint i = 0; i < lines->len; i++)
    check_visit (lines->pdata[i]);
  return 0;
}
