/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The program that hour.py controls: an element at work under limits read from standard input, one a line, in bytes. A
 * limit is answered, once it is in force, by a line of JSON: what the engine and the process hold. The same input must
 * always give the same result, and the engine never hold more than the limit in force; else the program says so and
 * fails. The input's end ends it.
 *
 *   soak-hour video|text MODEL LIMIT LOOKUP       LOOKUP: of text, as pipeloadllm's property
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeload/pipeload.h"
#include "tests/element/rig.h"
#include "tests/support/resident.h"

#define INPUTS 4
#define WIDTH 320
#define HEIGHT 240
/* A limit is in force when the next pass begins: after the result of the pass that runs, and before the next one's. */
#define IN_FORCE_RESULTS 2
/* Under the smallest limit a prompt is computed token by token, each by reading all weights. */
#define ANSWER_MINUTES 10

typedef struct
{
  Rig rig;
  gboolean text;
  GstBuffer *inputs[INPUTS];
  char *first[INPUTS]; /* results */
  gint ended;          /* atomic */
  gint n_results;      /* atomic */
} Soak;

static _Noreturn void fail (const char *format, ...) G_GNUC_PRINTF (1, 2);

static void
fail (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  vfprintf (stderr, format, arguments);
  va_end (arguments);
  fputc ('\n', stderr);
  exit (1);
}

/* ---- inputs and results ---------------------------------------------------------------------- */

/* Noise under coarse squares: unlike each other, and full of detail. */
static GstBuffer *
make_picture (guint number)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 3 * WIDTH * HEIGHT, NULL);
  GRand *random = g_rand_new_with_seed (number);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) ((g_rand_int (random) & 63) + (i / 3 % WIDTH / 40 + i / 3 / WIDTH / 40 * number) % 4 * 48);
  gst_buffer_unmap (buffer, &map);
  g_rand_free (random);
  return buffer;
}

/* Some begin alike, so part of a context is used again. */
static GstBuffer *
make_prompt (guint number)
{
  g_autofree char *text
      = g_strdup_printf ("{\"camera\":\"%s\",\"label\":\"person\",\"from\":\"0%u:15\",\"to\":\"0%u:40\"}\n",
                         number < 2 ? "yard" : "hall", number, number + 1);

  return gst_buffer_new_memdup (text, strlen (text));
}

/* Returns: (transfer full): labels and confidences, or the answer */
static char *
result_of (Soak *soak, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  GString *text = g_string_new (NULL);
  g_autoptr (GstPipeloadFrame) frame = NULL;

  if (soak->text)
    g_string_append (text, gst_structure_get_string (structure, "text"));
  else
    {
      frame = gst_pipeload_frame_from_structure (structure);
      for (guint i = 0; i < frame->objects->len; i++)
        {
          const GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);

          g_string_append_printf (text, "%s %.17g\n", object->label, object->confidence);
        }
    }
  return g_string_free (text, FALSE);
}

/* ---- the element ------------------------------------------------------------------------------ */

static void
open_element (Soak *soak, const char *model, const char *limit, const char *lookup)
{
  g_autofree char *line
      = soak->text ? g_strdup_printf ("pipeloadllm model=\"%s\" memory-limit=%s template=none temperature=0 "
                                      "max-tokens=12 context-size=256 lookup=%s output=full",
                                      model, limit, lookup)
                   : g_strdup_printf ("pipeloadvit model=\"%s\" memory-limit=%s threshold=0 top-k=8 messages=all",
                                      model, limit);
  g_autoptr (GError) error = NULL;

  soak->rig.element = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (soak->rig.element);
  soak->rig.bus = gst_bus_new ();
  gst_element_set_bus (soak->rig.element, soak->rig.bus);
  soak->rig.harness = gst_harness_new_with_element (soak->rig.element, "sink", "src");
  /* Nobody asks for what leaves it. */
  gst_harness_set_drop_buffers (soak->rig.harness, TRUE);
  gst_harness_play (soak->rig.harness);
  if (soak->text)
    gst_harness_set_src_caps_str (soak->rig.harness, "text/x-raw,format=utf8");
  else
    rig_set_caps (&soak->rig, "RGB", WIDTH, HEIGHT);
  for (guint i = 0; i < INPUTS; i++)
    soak->inputs[i] = soak->text ? make_prompt (i) : make_picture (i);
}

/* A limit that changes between two looks proves nothing. */
static void
check_limit (Soak *soak)
{
  for (;;)
    {
      guint64 before = rig_stat (&soak->rig, "memory-limit"), held = rig_stat (&soak->rig, "engine-bytes");

      if (before == 0 || held <= before)
        return;
      if (rig_stat (&soak->rig, "memory-limit") == before)
        fail ("the engine holds %" G_GUINT64_FORMAT " bytes under a limit of %" G_GUINT64_FORMAT, held, before);
    }
}

/* Until the end: input after input. */
static gpointer
work (gpointer data)
{
  Soak *soak = data;

  for (guint n = 0; !g_atomic_int_get (&soak->ended); n = (n + 1) % INPUTS)
    {
      g_autoptr (GstMessage) message = NULL;
      g_autofree char *result = NULL;

      gst_harness_push (soak->rig.harness, gst_buffer_copy (soak->inputs[n]));
      for (guint minute = 0; minute < ANSWER_MINUTES && message == NULL; minute++)
        message = rig_wait (&soak->rig, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
      if (message == NULL)
        fail ("no result within %d minutes", ANSWER_MINUTES);
      if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ELEMENT)
        {
          g_autofree char *text = gst_structure_to_string (gst_message_get_structure (message));

          fail ("%s", text);
        }
      result = result_of (soak, message);
      if (soak->first[n] == NULL)
        soak->first[n] = g_steal_pointer (&result);
      else if (strcmp (soak->first[n], result) != 0)
        fail ("input %u, result %d: first\n%s\nnow\n%s", n, g_atomic_int_get (&soak->n_results), soak->first[n],
              result);
      check_limit (soak);
      g_atomic_int_inc (&soak->n_results);
    }
  return NULL;
}

/* ---- limits ----------------------------------------------------------------------------------- */

static void
set_limit (Soak *soak, char *line)
{
  guint64 limit = g_ascii_strtoull (g_strstrip (line), NULL, 10);
  gint before, results;

  g_object_set (soak->rig.element, "memory-limit", line, NULL);
  before = g_atomic_int_get (&soak->n_results);
  for (results = before; rig_stat (&soak->rig, "memory-limit") != limit; results = g_atomic_int_get (&soak->n_results))
    {
      /* Counted before the limit was looked at. Time says nothing: the machine may be busy. */
      if (results - before > IN_FORCE_RESULTS)
        fail ("a limit of %s is not in force after %d results", line, results - before);
      g_usleep (1000);
    }
  printf ("{\"limit\": %" G_GUINT64_FORMAT ", \"engine\": %" G_GUINT64_FORMAT ", \"engine_peak\": %" G_GUINT64_FORMAT
          ", \"rss\": %" G_GUINT64_FORMAT ", \"streamed\": %" G_GUINT64_FORMAT ", \"results\": %d}\n",
          limit, rig_stat (&soak->rig, "engine-bytes"), rig_stat (&soak->rig, "engine-peak"), resident_bytes (),
          rig_stat (&soak->rig, "bytes-streamed"), g_atomic_int_get (&soak->n_results));
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  Soak soak = { 0 };
  GThread *worker;
  char line[64];

  if (argc != 5)
    fail ("%s video|text MODEL LIMIT LOOKUP", argv[0]);
  rig_init (&argc, &argv);
  soak.text = strcmp (argv[1], "text") == 0;
  open_element (&soak, argv[2], argv[3], argv[4]);
  worker = g_thread_new ("work", work, &soak);
  while (fgets (line, sizeof line, stdin) != NULL)
    set_limit (&soak, line);
  g_atomic_int_set (&soak.ended, 1);
  g_thread_join (worker);
  rig_close (&soak.rig);
  for (guint i = 0; i < INPUTS; i++)
    {
      gst_buffer_unref (soak.inputs[i]);
      g_free (soak.first[i]);
    }
  return 0;
}
