/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * pipeloadpublish: what gets into a file, and when; disks that fill up and directories that go away; its settings. With
 * a broker that is there: tests/pipeline/test-mqtt.sh.
 */
#include "tests/element/rig.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/resource.h>

#define WAIT_STEP 2000    /* µs */
#define WAIT_STEPS 150000 /* five minutes: a watchdog */

/* ---- the rig ------------------------------------------------------------------------------- */

typedef struct
{
  Rig rig;
  char *folder, *file;
} Publish;

static void
make (Rig *rig, const char *properties)
{
  g_autofree char *line = g_strdup_printf ("pipeloadpublish %s", properties);
  g_autoptr (GError) error = NULL;

  rig->harness = NULL;
  rig->element = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (rig->element);
  rig->bus = gst_bus_new ();
  gst_element_set_bus (rig->element, rig->bus);
}

static void
play (Rig *rig)
{
  rig_play (rig);
  gst_harness_set_src_caps_str (rig->harness, "application/x-test");
}

static void
set_up (Publish *publish)
{
  g_autoptr (GError) error = NULL;

  publish->folder = g_dir_make_tmp ("publish-XXXXXX", &error);
  g_assert_no_error (error);
  publish->file = g_build_filename (publish->folder, "events.jsonl", NULL);
}

static void
open_file (Publish *publish, const char *properties)
{
  g_autofree char *all = g_strdup_printf ("location=%s %s", publish->file, properties);

  make (&publish->rig, all);
  play (&publish->rig);
}

static void
clean_up (Publish *publish)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", publish->folder);

  g_assert_cmpint (system (command), ==, 0);
  g_free (publish->file);
  g_free (publish->folder);
}

static void
push_named (Rig *rig, const char *name, const char *json)
{
  GstStructure *structure = gst_structure_new (name, "event", G_TYPE_STRING, "enter", NULL);

  if (json != NULL)
    gst_structure_set (structure, "json", G_TYPE_STRING, json, NULL);
  g_assert_true (gst_harness_push_event (rig->harness, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, structure)));
}

static void
push (Rig *rig, const char *json)
{
  push_named (rig, "pipeload-event", json);
}

static void
push_numbers (Rig *rig, guint from, guint to)
{
  for (guint i = from; i < to; i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"id\":%u}", i);

      push (rig, json);
    }
}

static void
push_eos (Rig *rig)
{
  g_assert_true (gst_harness_push_event (rig->harness, gst_event_new_eos ()));
}

static void
assert_content (const char *file, const char *wanted)
{
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (file, &content, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (content, ==, wanted);
}

static void
assert_numbers (const char *file, guint from, guint to)
{
  g_autoptr (GString) wanted = g_string_new (NULL);

  for (guint i = from; i < to; i++)
    g_string_append_printf (wanted, "{\"id\":%u}\n", i);
  assert_content (file, wanted->str);
}

static void
wait_stat (Rig *rig, const char *name, guint64 value)
{
  for (guint i = 0; rig_stat (rig, name) != value && i < WAIT_STEPS; i++)
    g_usleep (WAIT_STEP);
  g_assert_cmpuint (rig_stat (rig, name), ==, value);
}

/* ---- files --------------------------------------------------------------------------------- */

static void
test_lines (void)
{
  Publish publish;
  GstBuffer *buffer, *out;

  set_up (&publish);
  open_file (&publish, "");
  push (&publish.rig, "{\"label\":\"tür \\\"x\\\"\"}");
  push (&publish.rig, "{\n\"id\":\r\n2}");
  push (&publish.rig, NULL);
  push (&publish.rig, "");
  push_named (&publish.rig, "somebody-elses", "{\"no\":1}");
  buffer = gst_buffer_new_allocate (NULL, 7, NULL); /* of any caps, without a time */
  gst_buffer_ref (buffer);
  g_assert_cmpint (gst_harness_push (publish.rig.harness, buffer), ==, GST_FLOW_OK);
  out = gst_harness_pull (publish.rig.harness);
  g_assert_true (out == buffer); /* not even copied where somebody else has it too */
  gst_buffer_unref (out);
  gst_buffer_unref (buffer);
  push_eos (&publish.rig); /* waits, so all is in the file */
  assert_content (publish.file, "{\"label\":\"tür \\\"x\\\"\"}\n{ \"id\":  2}\n");
  g_assert_cmpuint (rig_stat (&publish.rig, "lines"), ==, 2);
  g_assert_cmpuint (rig_stat (&publish.rig, "lines-queued"), ==, 0);
  rig_close (&publish.rig);
  clean_up (&publish);
}

/* Appended to, over restarts, and by another element after the first. */
static void
test_append (void)
{
  Publish publish;

  set_up (&publish);
  for (guint run = 0; run < 2; run++)
    {
      open_file (&publish, "fsync=true");
      for (guint i = 0; i < 5; i++)
        {
          guint n = run * 15 + i * 3;

          if (i > 0)
            {
              g_assert_cmpint (gst_element_set_state (publish.rig.element, GST_STATE_READY), ==,
                               GST_STATE_CHANGE_SUCCESS);
              g_assert_cmpint (gst_element_set_state (publish.rig.element, GST_STATE_PLAYING), ==,
                               GST_STATE_CHANGE_SUCCESS);
              gst_harness_play (publish.rig.harness);
              gst_harness_set_src_caps_str (publish.rig.harness, "application/x-test");
            }
          push_numbers (&publish.rig, n, n + 3);
        }
      rig_close (&publish.rig); /* which waits, too */
    }
  assert_numbers (publish.file, 0, 30);
  clean_up (&publish);
}

/* Half a line that something left is a line of its own. */
static void
test_torn (void)
{
  Publish publish;

  set_up (&publish);
  g_assert_true (g_file_set_contents (publish.file, "{\"id\":0}\n{\"id\":", -1, NULL));
  open_file (&publish, "");
  push_numbers (&publish.rig, 1, 3);
  rig_close (&publish.rig);
  assert_content (publish.file, "{\"id\":0}\n{\"id\":\n{\"id\":1}\n{\"id\":2}\n");
  clean_up (&publish);
}

static void
test_full (void)
{
  Rig rig;

  make (&rig, "location=/dev/full queue-size=10 drain=100");
  play (&rig);
  push_numbers (&rig, 0, 3);
  rig_assert_message (&rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT, "/dev/full");
  push_numbers (&rig, 3, 50);
  g_assert_cmpint (gst_harness_push (rig.harness, gst_buffer_new ()), ==, GST_FLOW_OK);
  wait_stat (&rig, "write-failures", 3);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_WARNING), ==, 0); /* of one stretch */
  g_assert_cmpuint (rig_stat (&rig, "lines"), ==, 0);
  g_assert_cmpuint (rig_stat (&rig, "lines-queued") + rig_stat (&rig, "lines-dropped"), ==, 50);
  g_assert_cmpuint (rig_stat (&rig, "lines-queued"), <=, 11);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR), ==, 0);
  gst_element_set_state (rig.element, GST_STATE_NULL);
  rig_assert_message (&rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE, "lost");
  g_assert_cmpuint (rig_stat (&rig, "lines-dropped"), ==, 50);
  rig_close (&rig);
}

static void
limit_files (rlim_t size)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

/* A line that is cut in two by what room there is, is taken back, and comes whole when there is more. */
static void
test_cut (void)
{
  Publish publish;

  set_up (&publish);
  open_file (&publish, "");
  push_numbers (&publish.rig, 0, 2);
  wait_stat (&publish.rig, "lines", 2);
  limit_files (2 * 9 + 4);
  push_numbers (&publish.rig, 2, 5);
  wait_stat (&publish.rig, "write-failures", 2);
  limit_files (RLIM_INFINITY);
  rig_assert_message (&publish.rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE, publish.file);
  wait_stat (&publish.rig, "lines", 5);
  assert_numbers (publish.file, 0, 5);
  rig_close (&publish.rig);
  clean_up (&publish);
}

static void
test_rotation (void)
{
  Publish publish;
  g_autofree char *old = NULL;

  set_up (&publish);
  old = g_strconcat (publish.file, ".1", NULL);
  open_file (&publish, "");
  push_numbers (&publish.rig, 0, 2);
  wait_stat (&publish.rig, "lines", 2);
  g_assert_cmpint (g_rename (publish.file, old), ==, 0);
  push_numbers (&publish.rig, 2, 4);
  wait_stat (&publish.rig, "lines", 4);
  assert_numbers (old, 0, 2);
  assert_numbers (publish.file, 2, 4);
  g_assert_cmpint (g_unlink (publish.file), ==, 0);
  push_numbers (&publish.rig, 4, 6);
  wait_stat (&publish.rig, "lines", 6);
  assert_numbers (publish.file, 4, 6);
  g_assert_cmpuint (rig_count (&publish.rig, GST_MESSAGE_WARNING), ==, 0);
  rig_close (&publish.rig);
  clean_up (&publish);
}

static gpointer
eos_main (gpointer data)
{
  Rig *rig = data;

  g_assert_false (gst_harness_push_event (rig->harness, gst_event_new_eos ())); /* flushed */
  return NULL;
}

/* Nothing is lost while a directory is away; a flush ends the waiting at the end of the stream. */
static void
test_removed (void)
{
  Publish publish;
  GThread *thread;

  set_up (&publish);
  open_file (&publish, "drain=600000");
  push_numbers (&publish.rig, 0, 1);
  wait_stat (&publish.rig, "lines", 1);
  g_assert_cmpint (g_unlink (publish.file), ==, 0);
  g_assert_cmpint (g_rmdir (publish.folder), ==, 0);
  push_numbers (&publish.rig, 1, 4);
  rig_assert_message (&publish.rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                      publish.file);
  thread = g_thread_new ("eos", eos_main, &publish.rig);
  g_usleep (50 * WAIT_STEP); /* most likely it waits then */
  g_assert_true (gst_harness_push_event (publish.rig.harness, gst_event_new_flush_start ()));
  g_thread_join (thread);
  rig_flush_stop (&publish.rig);
  g_assert_cmpint (g_mkdir (publish.folder, 0777), ==, 0);
  push_numbers (&publish.rig, 4, 6);
  push_eos (&publish.rig);
  assert_numbers (publish.file, 1, 6);
  rig_close (&publish.rig);
  clean_up (&publish);
}

/* A reader that goes away does not end the process. */
static void
test_pipe (void)
{
  Publish publish;
  g_autoptr (GIOChannel) reader = NULL;
  g_autofree char *line = NULL;
  g_autoptr (GError) error = NULL;

  set_up (&publish);
  g_assert_cmpint (mkfifo (publish.file, 0600), ==, 0);
  reader = g_io_channel_new_file (publish.file, "r+", &error); /* does not wait for a writer */
  g_assert_no_error (error);
  open_file (&publish, "drain=0");
  push_numbers (&publish.rig, 7, 8);
  g_assert_cmpint (g_io_channel_read_line (reader, &line, NULL, NULL, &error), ==, G_IO_STATUS_NORMAL);
  g_assert_cmpstr (line, ==, "{\"id\":7}\n");
  wait_stat (&publish.rig, "lines", 1);
  g_io_channel_shutdown (reader, FALSE, NULL);
  push_numbers (&publish.rig, 8, 9);
  wait_stat (&publish.rig, "write-failures", 1);
  g_assert_cmpuint (rig_count (&publish.rig, GST_MESSAGE_WARNING), ==, 1);
  rig_close (&publish.rig);
  clean_up (&publish);
}

static gpointer
writer_main (gpointer data)
{
  Rig *rig = data;
  g_autofree char *padding = g_strnfill (5000, 'x'); /* more than a page */

  for (guint i = 0; i < 400; i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"name\":\"%s\",\"id\":%u,\"padding\":\"%s\"}",
                                               GST_OBJECT_NAME (rig->element), i, padding);

      push (rig, json);
    }
  return NULL;
}

/* Two elements, one file: whole lines, each writer's in order. */
static void
test_two (void)
{
  Publish publish, other;
  GThread *thread;
  g_autofree char *content = NULL;
  g_auto (GStrv) lines = NULL;
  gint64 next[2] = { 0, 0 };

  set_up (&publish);
  other = publish;
  open_file (&publish, "name=a drain=60000");
  open_file (&other, "name=b drain=60000");
  thread = g_thread_new ("writer", writer_main, &other.rig);
  writer_main (&publish.rig);
  g_thread_join (thread);
  rig_close (&publish.rig);
  rig_close (&other.rig);
  g_assert_true (g_file_get_contents (publish.file, &content, NULL, NULL));
  lines = g_strsplit (content, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 801); /* the last is empty */
  for (guint i = 0; i < 800; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = json_from_string (lines[i], &error);
      JsonObject *object;

      g_assert_no_error (error);
      object = json_node_get_object (node);
      g_assert_cmpint (json_object_get_int_member (object, "id"), ==,
                       next[json_object_get_string_member (object, "name")[0] - 'a']++);
    }
  g_assert_cmpint (next[0], ==, 400);
  clean_up (&publish);
}

/* ---- frames -------------------------------------------------------------------------------- */

static void
push_frame (Rig *rig, guint64 number, guint64 age, const char *label)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_new (number);
  GstPipeloadObject object = { .id = 3, .label_id = 1, .label = label, .confidence = 0.5, .box = { 0, 0, 1, 0.5 } };
  GstBuffer *buffer = gst_buffer_new ();

  GST_BUFFER_PTS (buffer) = (number + age) * GST_SECOND;
  frame->kind = GST_PIPELOAD_FRAME_DETECTIONS;
  frame->width = 40;
  frame->height = 30;
  if (label != NULL)
    g_array_append_val (frame->objects, object);
  gst_pipeload_frame_attach (frame, buffer, age);
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
}

static void
assert_frame (const char *line, gint64 second, guint n, gint64 height)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = json_from_string (line, &error);
  JsonObject *frame;
  JsonArray *objects;

  g_assert_no_error (error);
  frame = json_node_get_object (node);
  g_assert_cmpint (json_object_get_int_member (frame, "timestamp"), ==, second * GST_SECOND);
  g_assert_cmpstr (json_object_get_string_member (frame, "camera"), ==, "yard");
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (frame, "resolution"), "height"), ==,
                   height);
  objects = json_object_get_array_member (frame, "objects");
  g_assert_cmpuint (json_array_get_length (objects), ==, n);
  if (n > 0)
    g_assert_cmpstr (json_object_get_string_member (json_array_get_object_element (objects, 0), "label"), ==, "cat");
}

static void
test_frames (void)
{
  Publish publish;
  g_autofree char *content = NULL;
  g_auto (GStrv) lines = NULL;

  set_up (&publish);
  open_file (&publish, "what=frames camera=yard");
  gst_harness_set_src_caps_str (publish.rig.harness, "image/jpeg,width=40,height=30,framerate=0/1");
  push (&publish.rig, "{\"an\":\"event\"}");
  g_assert_cmpint (gst_harness_push (publish.rig.harness, gst_buffer_new ()), ==, GST_FLOW_OK); /* no result */
  push_frame (&publish.rig, 0, 0, "cat");
  push_frame (&publish.rig, 0, 1, "cat");
  push_frame (&publish.rig, 2, 0, NULL); /* nothing is news, too */
  push_frame (&publish.rig, 2, 1, NULL);
  gst_harness_set_src_caps_str (publish.rig.harness, "video/x-raw,format=RGB,width=40,height=60,framerate=5/1");
  push_frame (&publish.rig, 4, 1, "cat");
  push_eos (&publish.rig);
  g_assert_true (g_file_get_contents (publish.file, &content, NULL, NULL));
  lines = g_strsplit (content, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  assert_frame (lines[0], 0, 1, 30);
  assert_frame (lines[1], 2, 0, 30);
  assert_frame (lines[2], 5, 1, 60);
  rig_close (&publish.rig);
  clean_up (&publish);
}

/* ---- settings ------------------------------------------------------------------------------ */

static void
assert_refused (const char *properties, int code, const char *word)
{
  Rig rig;

  make (&rig, properties);
  rig_assert_refused (&rig, GST_RESOURCE_ERROR, code, word);
  rig_close (&rig);
}

static void
test_refused (void)
{
  assert_refused ("", GST_RESOURCE_ERROR_SETTINGS, "location");
  assert_refused ("location=/nonexistent/events.jsonl", GST_RESOURCE_ERROR_NOT_FOUND, "/nonexistent/events.jsonl");
  assert_refused ("location=/dev", GST_RESOURCE_ERROR_OPEN_WRITE, "/dev");
  if (g_access ("/proc/version", W_OK) != 0)
    assert_refused ("location=/proc/version", GST_RESOURCE_ERROR_NOT_AUTHORIZED, "/proc/version");
}

static void
test_unwritable (void)
{
  Publish publish;
  g_autofree char *properties = NULL;

  if (geteuid () == 0)
    {
      g_test_skip ("root may write everywhere");
      return;
    }
  set_up (&publish);
  g_assert_cmpint (g_chmod (publish.folder, 0500), ==, 0);
  properties = g_strdup_printf ("location=%s", publish.file);
  assert_refused (properties, GST_RESOURCE_ERROR_NOT_AUTHORIZED, publish.file);
  clean_up (&publish);
}

#ifdef HAVE_MQTT

/* The error of a broker's address repeats nothing of it. */
static void
test_address (void)
{
  const char *wrong[]
      = { "broker.local",          "http://u:s3cr@broker.local", "mqtt://",       "mqtt://u:s3c/r@broker.local",
          "mqtt://u:s3cr@b:70000", "mqtt://u:s3cr@b/topic",      "mqtt://:s3cr@", "mqtt://u:s3cr@b:0",
          "mqtt://u:s3cr%@b",      "mqtts://u:s3cr@b?tls=no",    "mqtt:b" };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *properties = g_strdup_printf ("broker=\"%s\"", wrong[i]);
      g_autoptr (GError) error = NULL;
      g_autofree char *debug = NULL;
      GstMessage *message;
      Rig rig;

      make (&rig, properties);
      g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
      message = rig_wait (&rig, GST_MESSAGE_ERROR);
      gst_message_parse_error (message, &error, &debug);
      g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
      g_assert_nonnull (strstr (error->message, "broker"));
      g_assert_null (strstr (error->message, "s3c"));
      g_assert_null (strstr (debug, "s3c"));
      gst_message_unref (message);
      rig_close (&rig);
    }
}

static void
test_broker_settings (void)
{
  assert_refused ("broker=mqtt://b topic=a/#", GST_RESOURCE_ERROR_SETTINGS, "topic");
  assert_refused ("broker=mqtt://b topic=\"\"", GST_RESOURCE_ERROR_SETTINGS, "topic");
  assert_refused ("broker=mqtt://b camera=a/b", GST_RESOURCE_ERROR_SETTINGS, "camera");
  assert_refused ("broker=mqtt://b camera=a+", GST_RESOURCE_ERROR_SETTINGS, "camera");
  assert_refused ("broker=mqtt://b ca-file=/etc/hostname", GST_RESOURCE_ERROR_SETTINGS, "mqtts");
  assert_refused ("broker=mqtts://b ca-file=/nonexistent", GST_RESOURCE_ERROR_NOT_FOUND, "/nonexistent");
  assert_refused ("location=/dev/null broker=b", GST_RESOURCE_ERROR_SETTINGS, "broker");
}

/* A broker that is not there is a warning, and holds nothing up. */
static void
test_no_broker (void)
{
  Rig rig;

  make (&rig, "broker=mqtt://user:s3cret@127.0.0.1:1 location=/dev/null queue-size=10 drain=100");
  play (&rig);
  rig_assert_message (&rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE, "127.0.0.1:1");
  for (guint i = 0; i < 50; i++)
    {
      push_numbers (&rig, i, i + 1);
      wait_stat (&rig, "lines", i + 1); /* of the file, which has nothing to do with it */
    }
  push_eos (&rig);
  g_assert_cmpuint (rig_stat (&rig, "published"), ==, 50);
  g_assert_cmpuint (rig_stat (&rig, "dropped"), ==, 40);
  g_assert_cmpuint (rig_stat (&rig, "queued"), ==, 10);
  gst_element_set_state (rig.element, GST_STATE_NULL);
  rig_assert_message (&rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE, "10 messages are lost");
  rig_close (&rig);
}

#else

static void
test_without_mqtt (void)
{
  assert_refused ("broker=mqtt://127.0.0.1", GST_RESOURCE_ERROR_SETTINGS, "libmosquitto");
}

#endif

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/publish/lines", test_lines);
  g_test_add_func ("/publish/append", test_append);
  g_test_add_func ("/publish/torn", test_torn);
  g_test_add_func ("/publish/full", test_full);
  g_test_add_func ("/publish/cut", test_cut);
  g_test_add_func ("/publish/rotation", test_rotation);
  g_test_add_func ("/publish/removed", test_removed);
  g_test_add_func ("/publish/pipe", test_pipe);
  g_test_add_func ("/publish/two", test_two);
  g_test_add_func ("/publish/frames", test_frames);
  g_test_add_func ("/publish/refused", test_refused);
  g_test_add_func ("/publish/unwritable", test_unwritable);
#ifdef HAVE_MQTT
  g_test_add_func ("/publish/address", test_address);
  g_test_add_func ("/publish/broker-settings", test_broker_settings);
  g_test_add_func ("/publish/no-broker", test_no_broker);
#else
  g_test_add_func ("/publish/without-mqtt", test_without_mqtt);
#endif
  return g_test_run ();
}
