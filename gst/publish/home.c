/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Discovery messages and states for Home Assistant.
 */
#include "gst/publish/home.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define FIRST_LABEL "person"
#define MAX_LABELS 100 /* which come from outside */

struct _GstPipeloadHome
{
  GstPipeloadOutbox *outbox;
  char *topic, *camera;
  GHashTable *present; /* label → set of "id zone" */
};

/* ---- identities ---------------------------------------------------------------------------- */

/* The letters that Home Assistant takes in topics. A byte that is none is "_x" and two hexadecimal digits; so is the
 * "_" of a "_x" in @name. No two names become one. */
static char *
encode (const char *name)
{
  GString *out = g_string_new (NULL);

  for (; *name != '\0'; name++)
    if (g_ascii_isalnum (*name) || *name == '-' || (*name == '_' && name[1] != 'x'))
      g_string_append_c (out, *name);
    else
      g_string_append_printf (out, "_x%02x", (guint8) *name);
  return g_string_free (out, FALSE);
}

/* Names of @topic, @camera and, unless it is NULL, @label as one, which differs wherever one of them does: the first
 * and the last are separated by the first and the last "_", or by "_x_", which no encoded name contains, where they
 * have "_" too. */
static char *
join (const char *topic, const char *camera, const char *label)
{
  g_autofree char *first = encode (topic), *second = encode (camera), *third = label != NULL ? encode (label) : NULL;
  const gboolean plain = strchr (first, '_') == NULL && (third == NULL || strchr (third, '_') == NULL);

  return g_strjoin (plain ? "_" : "_x_", first, second, third, NULL);
}

/* ---- messages ------------------------------------------------------------------------------ */

static void
emit_state (GstPipeloadHome *home, const char *label, gboolean on)
{
  g_autofree char *name = encode (label);
  g_autofree char *topic = g_strdup_printf ("%s/%s/%s/state", home->topic, home->camera, name);

  gst_pipeload_outbox_retain (home->outbox, topic, on ? "ON" : "OFF");
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static char *
config_to_json (const GstPipeloadHome *home, const char *label, const char *device, const char *id)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *name = encode (label);
  g_autofree char *state = g_strdup_printf ("%s/%s/%s/state", home->topic, home->camera, name);
  g_autofree char *available = g_strdup_printf ("%s/%s/available", home->topic, home->camera);

  json_builder_begin_object (builder);
  add_string (builder, "name", label);
  add_string (builder, "unique_id", id);
  add_string (builder, "device_class", "occupancy");
  add_string (builder, "state_topic", state);
  add_string (builder, "availability_topic", available);
  json_builder_set_member_name (builder, "device");
  json_builder_begin_object (builder);
  add_string (builder, "name", home->camera);
  add_string (builder, "identifiers", device);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

/* Returns: (nullable): the ids of the present objects of @label, which is announced if it is new; NULL if there are too
 * many labels */
static GHashTable *
get_ids (GstPipeloadHome *home, const char *label)
{
  GHashTable *set = g_hash_table_lookup (home->present, label);
  g_autofree char *name = NULL, *device = NULL, *id = NULL, *topic = NULL, *config = NULL;

  if (set != NULL || g_hash_table_size (home->present) >= MAX_LABELS)
    return set;
  name = encode (label);
  device = join (home->topic, home->camera, NULL);
  id = join (home->topic, home->camera, label);
  topic = g_strdup_printf ("homeassistant/binary_sensor/%s/%s/config", device, name);
  config = config_to_json (home, label, device, id);
  gst_pipeload_outbox_retain (home->outbox, topic, config);
  set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_insert (home->present, g_strdup (label), set);
  emit_state (home, label, FALSE);
  return set;
}

GstPipeloadHome *
gst_pipeload_home_new (GstPipeloadOutbox *outbox, const char *topic, const char *camera)
{
  GstPipeloadHome *home = g_new0 (GstPipeloadHome, 1);

  home->outbox = outbox;
  home->topic = g_strdup (topic);
  home->camera = g_strdup (camera);
  home->present = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_hash_table_unref);
  get_ids (home, FIRST_LABEL);
  return home;
}

void
gst_pipeload_home_free (GstPipeloadHome *home)
{
  if (home == NULL)
    return;
  g_hash_table_unref (home->present);
  g_free (home->topic);
  g_free (home->camera);
  g_free (home);
}

void
gst_pipeload_home_event (GstPipeloadHome *home, const char *event, guint64 id, const char *label, const char *zone)
{
  gboolean enters = g_str_equal (event, "enter");
  GHashTable *set;
  char *who;

  if (!enters && !g_str_equal (event, "leave"))
    return;
  set = get_ids (home, label);
  if (set == NULL)
    return;
  who = g_strdup_printf ("%" G_GUINT64_FORMAT " %s", id, zone);
  if (enters)
    g_hash_table_add (set, who);
  else
    {
      g_hash_table_remove (set, who);
      g_free (who);
    }
  emit_state (home, label, g_hash_table_size (set) > 0);
}

void
gst_pipeload_home_clear (GstPipeloadHome *home)
{
  GHashTableIter iter;
  gpointer label, set;

  g_hash_table_iter_init (&iter, home->present);
  while (g_hash_table_iter_next (&iter, &label, &set))
    {
      g_hash_table_remove_all (set);
      emit_state (home, label, FALSE);
    }
}
