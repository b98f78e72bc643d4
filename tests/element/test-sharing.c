/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Elements with the same model share one copy of it and one limit, which may change while they run.
 */
#include "tests/element/rig.h"

#include "pipeload/pipeload.h"
#include "tests/support/options.h"

#include <string.h>

static void
test_limit (void)
{
  g_autofree char *model = rig_model ();
  PldVisionOptions options = VISION_OPTIONS (.engine.model = model, .batch = 1);
  g_autoptr (GstPipeloadFrame) before = NULL;
  g_autoptr (GstPipeloadFrame) after = NULL;
  g_autofree char *limit = NULL;
  g_autofree char *now = NULL;
  g_autoptr (PldPlanInfo) plan = NULL;
  guint64 streamed;
  Rig rig;

  g_assert_true ((plan = pld_model_plan (&options.engine, NULL)) != NULL);
  rig_open_rgb (&rig, "threshold=0 memory-limit=0");
  before = rig_see (&rig, rig_frame (PICTURE_GRADIENT, 0), 48, 48);
  g_assert_cmpuint (rig_stat (&rig, "memory-limit"), ==, 0);
  limit = g_strdup_printf ("%" G_GUINT64_FORMAT, plan->minimum_limit);
  g_object_set (rig.element, "memory-limit", limit, NULL);
  streamed = rig_stat (&rig, "bytes-streamed");
  after = rig_see (&rig, rig_frame (PICTURE_GRADIENT, 1), 48, 48);
  /* Streamed equals resident, byte for byte. */
  g_assert_true (gst_pipeload_frame_object (before, 0)->confidence == gst_pipeload_frame_object (after, 0)->confidence);
  g_assert_cmpuint (rig_stat (&rig, "memory-limit"), ==, plan->minimum_limit);
  g_assert_cmpuint (rig_stat (&rig, "engine-bytes"), <=, plan->minimum_limit);
  gst_pipeload_frame_unref (rig_see (&rig, rig_frame (PICTURE_GRADIENT, 2), 48, 48));
  g_assert_cmpuint (rig_stat (&rig, "bytes-streamed"), >, streamed);

  /* Too little, and nonsense: a warning, and the old limit holds. */
  g_object_set (rig.element, "memory-limit", "10kB", NULL);
  rig_assert_message (&rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "vit-random");
  g_object_set (rig.element, "memory-limit", "much", NULL);
  rig_assert_message (&rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "much");
  g_object_get (rig.element, "memory-limit", &now, NULL);
  g_assert_cmpstr (now, ==, limit);
  g_assert_cmpuint (rig_stat (&rig, "memory-limit"), ==, plan->minimum_limit);
  gst_pipeload_frame_unref (rig_see (&rig, rig_frame (PICTURE_GRADIENT, 3), 48, 48));

  /* The machine can spare more memory than this model needs. */
  g_object_set (rig.element, "memory-limit", "auto", NULL);
  gst_pipeload_frame_unref (rig_see (&rig, rig_frame (PICTURE_GRADIENT, 4), 48, 48));
  g_assert_cmpuint (rig_stat (&rig, "memory-limit"), >, plan->resident_limit);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_WARNING), ==, 0);
  rig_close (&rig);
}

/* Eight elements with one model: one copy of its 660 kB of weights. */
static void
test_sharing (void)
{
  guint64 alone = 0, together;
  Rig rigs[8];

  for (guint i = 0; i < G_N_ELEMENTS (rigs); i++)
    {
      rig_open_rgb (&rigs[i], "threshold=0");
      gst_pipeload_frame_unref (rig_see (&rigs[i], rig_frame (PICTURE_RED, 0), 48, 48));
      alone = i == 0 ? rig_stat (&rigs[0], "engine-bytes") : alone;
    }
  together = rig_stat (&rigs[0], "engine-bytes");
  for (guint i = 0; i < G_N_ELEMENTS (rigs); i++)
    {
      g_autoptr (GstStructure) stats = NULL;
      guint users;

      g_object_get (rigs[i].element, "stats", &stats, NULL);
      g_assert_true (gst_structure_get_uint (stats, "users", &users));
      g_assert_cmpuint (users, ==, G_N_ELEMENTS (rigs));
      g_assert_cmpuint (rig_stat (&rigs[i], "engine-bytes"), ==, together);
    }
  g_test_message ("alone %" G_GUINT64_FORMAT ", together %" G_GUINT64_FORMAT, alone, together);
  g_assert_cmpuint (alone, >=, 650000);
  g_assert_cmpuint (together - alone, <, 7 * 650000);
  for (guint i = 0; i < G_N_ELEMENTS (rigs); i++)
    rig_close (&rigs[i]);
}

static gpointer
many_main (gpointer data)
{
  Rig *rig = data;

  for (guint i = 0; i < 40; i++)
    {
      g_autoptr (GstPipeloadFrame) frame
          = rig_see (rig, rig_frame (i % 2 == 0 ? PICTURE_RED : PICTURE_GREEN, i), 48, 48);

      rig_assert_best (frame, i % 2 == 0 ? "class_2" : "class_3", i % 2 == 0 ? 0.42030 : 0.63815, 1e-4);
    }
  return NULL;
}

/* Returns: (transfer full): about the smallest limit that @rig's model takes; it is none again afterwards. */
static char *
find_limit (Rig *rig)
{
  for (guint kilobytes = 1000; kilobytes < 100000; kilobytes += 200)
    {
      char *limit = g_strdup_printf ("%ukB", kilobytes);
      g_autofree char *now = NULL;

      g_object_set (rig->element, "memory-limit", limit, NULL);
      g_object_get (rig->element, "memory-limit", &now, NULL);
      if (g_str_equal (now, limit))
        {
          g_object_set (rig->element, "memory-limit", "0", NULL);
          rig_count (rig, GST_MESSAGE_WARNING);
          return limit;
        }
      g_free (limit);
    }
  g_assert_not_reached ();
}

/* All at once, each with its own answers, while the limit moves under them. */
static void
test_sharing_threads (void)
{
  g_autofree char *limit = NULL;
  GThread *threads[8];
  Rig rigs[8];

  for (guint i = 0; i < G_N_ELEMENTS (rigs); i++)
    rig_open_rgb (&rigs[i], "threshold=0");
  limit = find_limit (&rigs[0]);
  for (guint i = 0; i < G_N_ELEMENTS (rigs); i++)
    threads[i] = g_thread_new ("many", many_main, &rigs[i]);
  for (guint i = 0; i < 20; i++)
    {
      g_object_set (rigs[0].element, "memory-limit", i % 2 == 0 ? limit : "0", NULL);
      g_usleep (2000);
    }
  for (guint i = 0; i < G_N_ELEMENTS (rigs); i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < G_N_ELEMENTS (rigs); i++)
    {
      g_assert_cmpuint (rig_count (&rigs[i], GST_MESSAGE_ERROR | GST_MESSAGE_WARNING), ==, 0);
      g_assert_cmpuint (rig_stat (&rigs[i], "inferred"), ==, 40);
    }
  g_assert_cmpuint (rig_stat (&rigs[0], "bytes-streamed"), >, 0);
  for (guint i = 0; i < G_N_ELEMENTS (rigs); i++)
    rig_close (&rigs[i]);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/sharing/limit", test_limit);
  g_test_add_func ("/sharing/users", test_sharing);
  g_test_add_func ("/sharing/threads", test_sharing_threads);
  return g_test_run ();
}
