/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Home Assistant's sensors: every camera and label has topics and an identity of its own.
 */
#include "gst/publish/home.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* In place of the real one: topic → payload */
static GHashTable *messages;

void
gst_pipeload_outbox_retain (GstPipeloadOutbox *outbox, const char *topic, const char *payload)
{
  g_hash_table_replace (messages, g_strdup (topic), g_strdup (payload));
}

static void
announce (const char *topic, const char *camera, const char *const *labels)
{
  g_autoptr (GstPipeloadHome) home = gst_pipeload_home_new (NULL, topic, camera);

  for (; *labels != NULL; labels++)
    gst_pipeload_home_event (home, "enter", 1, *labels, "");
}

static void
add_member (GHashTable *set, JsonObject *object, const char *name)
{
  g_assert_true (g_hash_table_add (set, g_strdup (json_object_get_string_member (object, name))));
}

/* Asserts that the discovery messages are @n, each with an id, a state and a topic of its own that Home Assistant
 * takes.
 */
static void
assert_apart (guint n)
{
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) states = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer topic, payload;
  guint found = 0;

  g_hash_table_iter_init (&iter, messages);
  while (g_hash_table_iter_next (&iter, &topic, &payload))
    {
      g_autoptr (JsonNode) node = NULL;
      g_auto (GStrv) parts = g_strsplit (topic, "/", -1);

      if (!g_str_has_prefix (topic, "homeassistant/"))
        continue;
      g_assert_cmpuint (g_strv_length (parts), ==, 5);
      for (guint i = 2; i < 4; i++)
        g_assert_cmpuint (strspn (parts[i], G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_"), ==, strlen (parts[i]));
      node = json_from_string (payload, NULL);
      add_member (ids, json_node_get_object (node), "unique_id");
      add_member (states, json_node_get_object (node), "state_topic");
      found++;
    }
  g_assert_cmpuint (found, ==, n);
}

static void
test_apart (void)
{
  static const char *const labels[] = { "person", "人", "车", "鸟", "a.b", "a_b", "a b", "a/b", "_x61", "ax", NULL };
  static const char *const cameras[]
      = { "前门", "后门", "Front Door", "Front_Door", "front-door", "a_b",    "a", "a_",       "_a",  "_x",
          "_x20", "x20",  "drive",      "_x5fx20",    "_xe5_x89",   "Ворота", "é", "x_c_x_tr", "_x_", "x" };
  static const char *const topics[] = { "pipeload", "house1", "house2", "pipeload/a", "a_b", "a", "a_", "_x" };

  g_hash_table_remove_all (messages);
  for (guint t = 0; t < G_N_ELEMENTS (topics); t++)
    for (guint c = 0; c < G_N_ELEMENTS (cameras); c++)
      announce (topics[t], cameras[c], labels);
  assert_apart (G_N_ELEMENTS (topics) * G_N_ELEMENTS (cameras) * (G_N_ELEMENTS (labels) - 1));
}

/* Plain names of the default topic keep the ids that they had before. */
static void
test_plain (void)
{
  static const char *const none[] = { NULL };
  g_autoptr (JsonNode) node = NULL;
  const char *config;

  g_hash_table_remove_all (messages);
  announce ("pipeload", "front_door", none);
  config = g_hash_table_lookup (messages, "homeassistant/binary_sensor/pipeload_front_door/person/config");
  g_assert_nonnull (config);
  node = json_from_string (config, NULL);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (node), "unique_id"), ==,
                   "pipeload_front_door_person");
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (node), "state_topic"), ==,
                   "pipeload/front_door/person/state");
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  messages = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_test_add_func ("/home/apart", test_apart);
  g_test_add_func ("/home/plain", test_plain);
  status = g_test_run ();
  g_hash_table_unref (messages);
  return status;
}
