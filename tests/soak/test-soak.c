/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Starts, stops, and running on: the process must not grow, and the engine must stay inside its limit. Short by
 * default; with PIPELOAD_SOAK=1 a thousand starts and ten minutes of eight cameras, as a release is checked.
 */
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

#include "pipeload/pipeload.h"
#include "tests/support/resident.h"
#include "tests/support/options.h"

#define CAMERAS 8
/* malloc's own rounding and GStreamer's caches settle within this. */
#define GROWTH_MAX ((guint64) 3 << 20)

static gboolean
full (void)
{
  return g_strcmp0 (g_getenv ("PIPELOAD_SOAK"), "1") == 0;
}

static char *
model_path (void)
{
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", "vit-random", NULL);
}

static guint
open_files (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* Sanitizers keep what was freed. */
static gboolean
memory_is_measurable (void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return FALSE;
#else
  return g_getenv ("PIPELOAD_VALGRIND") == NULL;
#endif
}

static void
limits (guint64 *least, guint64 *most)
{
  g_autofree char *path = model_path ();
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path);
  g_autoptr (PldPlanInfo) plan = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true ((plan = pld_model_plan (&options.engine, &error)) != NULL);
  *least = plan->minimum_limit;
  *most = plan->resident_limit;
}

static GstElement *
make_pipeline (const char *description)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);

  g_assert_no_error (error);
  return pipeline;
}

/* Runs until EOS; an error on the bus ends the test. */
static void
run_to_eos (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    {
      g_autoptr (GError) error = NULL;

      gst_message_parse_error (message, &error, NULL);
      g_error ("%s", error->message);
    }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static guint64
stat_bytes (GstElement *element, const char *field)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, field, &value));
  return value;
}

/* Of the run that has ended: the most the engine held was within what it was allowed. */
static void
assert_within_limit (GstElement *pipeline, guint64 limit)
{
  g_autoptr (GstElement) vit = gst_bin_get_by_name (GST_BIN (pipeline), "vit");
  guint64 peak = stat_bytes (vit, "engine-peak");

  g_assert_cmpuint (peak, >, 0);
  if (limit > 0)
    g_assert_cmpuint (peak, <=, limit);
}

/* New pipelines and restarted ones, streaming and resident. */
static void
test_cycles (void)
{
  const guint n = full () ? 1000 : 120;
  g_autofree char *path = model_path ();
  GstElement *pipeline = NULL;
  guint64 least, most, limit = 0, settled = 0;
  guint files = 0;

  limits (&least, &most);
  for (guint i = 0; i < n; i++)
    {
      if (i % 2 == 0)
        {
          g_autofree char *description = NULL;

          limit = i % 4 == 0 ? (least + most) / 2 + 100000 : 0;
          description = g_strdup_printf (
              "videotestsrc num-buffers=2 ! video/x-raw,width=320,height=240 ! pipeloadvit name=vit model=%s "
              "memory-limit=%" G_GUINT64_FORMAT " mode=%s ! fakesink",
              path, limit, i % 8 < 4 ? "sync" : "async");

          g_clear_pointer (&pipeline, gst_object_unref);
          pipeline = make_pipeline (description);
        }
      run_to_eos (pipeline);
      assert_within_limit (pipeline, limit);
      if (i == n / 3)
        {
          settled = resident_bytes ();
          files = open_files ();
        }
    }
  gst_object_unref (pipeline);
  g_test_message ("%u cycles: %.1f MB, then %.1f MB", n, settled / 1e6, resident_bytes () / 1e6);
  g_assert_cmpuint (open_files (), <=, files);
  if (memory_is_measurable ())
    g_assert_cmpuint (resident_bytes (), <=, settled + GROWTH_MAX);
}

/* Eight cameras share a model while its limit wanders between the smallest and more than enough. */
static void
test_cameras (void)
{
  const gint64 seconds = full () ? 600 : 12;
  g_autofree char *path = model_path ();
  g_autoptr (GString) description = g_string_new (NULL);
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstElement) first = NULL;
  g_autoptr (GstBus) bus = NULL;
  gint64 begun = g_get_monotonic_time (), now;
  guint64 least, most, settled = 0, peak = 0;

  limits (&least, &most);
  for (guint i = 0; i < CAMERAS; i++)
    g_string_append_printf (
        description,
        "videotestsrc pattern=ball is-live=true ! video/x-raw,width=320,height=240,framerate=20/1 ! "
        "pipeloadvit name=v%u model=%s memory-limit=0 ! fakesink  ",
        i, path);
  pipeline = make_pipeline (description->str);
  first = gst_bin_get_by_name (GST_BIN (pipeline), "v0");
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((now = g_get_monotonic_time ()) < begun + seconds * G_USEC_PER_SEC)
    {
      g_autoptr (GstMessage) message
          = gst_bus_timed_pop_filtered (bus, 100 * GST_MSECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
      /* Eight users' pictures come on top of the plan for one. */
      guint64 limit = (guint64) g_test_rand_double_range (2.0 * (double) least, 3.0 * (double) most);
      g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, limit);

      g_assert_null (message);
      g_object_set (first, "memory-limit", text, NULL);
      peak = MAX (peak, resident_bytes ());
      if (settled == 0 && now > begun + seconds * G_USEC_PER_SEC / 3)
        settled = peak;
    }
  g_assert_cmpuint (stat_bytes (first, "frames"), >, 0);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_test_message ("%d cameras, %d s: at most %.1f MB, later %.1f MB", CAMERAS, (gint) seconds, settled / 1e6,
                  peak / 1e6);
  if (memory_is_measurable ())
    g_assert_cmpuint (peak, <=, settled + GROWTH_MAX);
}

/* The plugin of this build, in this process: GStreamer's scanner is not built with the sanitizer. */
static void
load_plugin (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("PIPELOAD_BUILD"), "gst", "libgstpipeload.so", NULL);
  g_autoptr (GError) error = NULL;
  GstPlugin *plugin = gst_plugin_load_file (path, &error);

  g_assert_no_error (error);
  gst_registry_add_plugin (gst_registry_get (), plugin);
  gst_object_unref (plugin);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  load_plugin ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/soak/cycles", test_cycles);
  g_test_add_func ("/soak/cameras", test_cameras);
  return g_test_run ();
}
