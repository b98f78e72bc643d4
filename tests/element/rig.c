/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models, harnesses and bus checks for the element tests.
 */
#include "tests/element/rig.h"

#include <string.h>

#define WAIT (300 * GST_SECOND)

#if defined(__SANITIZE_ADDRESS__)
/* GLib gives up its table of quarks when the 2,048th comes, on purpose. The table was made when GLib was
 * loaded, which only the slow unwinder sees. fontconfig keeps some of its configuration, read once. */
const char *__asan_default_options (void);
const char *__lsan_default_suppressions (void);

const char *
__asan_default_options (void)
{
  return "fast_unwind_on_malloc=0";
}

const char *
__lsan_default_suppressions (void)
{
  return "leak:_dl_init\nleak:FcInitLoadConfigAndFonts\n";
}
#endif

void
rig_init (int *argc, char ***argv)
{
  static const char *const plugins[] = { "libgstpipeload.so", "libgstpipeloadoverlay.so", "libgstpipeloadpublish.so" };

  g_test_init (argc, argv, NULL);
  gst_init (NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (plugins); i++)
    {
      g_autofree char *file = g_build_filename (g_getenv ("PIPELOAD_BUILD"), "gst", plugins[i], NULL);
      g_autoptr (GError) error = NULL;
      GstPlugin *plugin = gst_plugin_load_file (file, &error);

      g_assert_no_error (error);
      gst_object_unref (plugin);
    }
}

char *
rig_model (void)
{
  return g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "tests", "golden", "data", "vit-random", NULL);
}

void
rig_make_element (Rig *rig, const char *element, const char *model, const char *properties)
{
  g_autofree char *line = g_strdup_printf ("%s model=\"%s\" %s", element, model, properties);
  g_autoptr (GError) error = NULL;

  rig->harness = NULL;
  rig->element = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (rig->element);
  rig->bus = gst_bus_new ();
  gst_element_set_bus (rig->element, rig->bus);
}

void
rig_make (Rig *rig, const char *properties)
{
  g_autofree char *model = rig_model ();

  rig_make_element (rig, "pipeloadvit", model, properties);
}

void
rig_play (Rig *rig)
{
  GstState state;

  rig->harness = gst_harness_new_with_element (rig->element, "sink", "src");
  gst_harness_play (rig->harness);
  g_assert_cmpint (gst_element_get_state (rig->element, &state, NULL, WAIT), ==, GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (state, ==, GST_STATE_PLAYING);
}

void
rig_open (Rig *rig, const char *properties)
{
  rig_make (rig, properties);
  rig_play (rig);
}

void
rig_open_rgb (Rig *rig, const char *properties)
{
  rig_open (rig, properties);
  rig_set_caps (rig, "RGB", 48, 48);
}

void
rig_close (Rig *rig)
{
  if (rig->harness != NULL)
    gst_harness_teardown (rig->harness);
  gst_element_set_state (rig->element, GST_STATE_NULL);
  gst_element_set_bus (rig->element, NULL);
  gst_object_unref (rig->bus);
  gst_object_unref (rig->element);
}

void
rig_set_caps (Rig *rig, const char *format, int width, int height)
{
  g_autofree char *caps
      = g_strdup_printf ("video/x-raw,format=%s,width=%d,height=%d,framerate=30/1", format, width, height);

  gst_harness_set_src_caps_str (rig->harness, caps);
}

static void
paint (guint8 *pixel, Picture picture, int x, int y, int width, int height)
{
  x = x * 48 / width;
  y = y * 48 / height;
  pixel[0] = pixel[1] = pixel[2] = 0;
  switch (picture)
    {
    case PICTURE_GRADIENT:
      pixel[0] = 5 * x;
      pixel[1] = 5 * y;
      pixel[2] = 255 - 5 * ((x + y) / 2);
      break;
    case PICTURE_RED:
    case PICTURE_GREEN:
    case PICTURE_BLUE:
      pixel[picture - PICTURE_RED] = 255;
      break;
    case PICTURE_WHITE:
      memset (pixel, 255, 3);
      break;
    case PICTURE_BLACK:
      break;
    }
}

static GstBuffer *
convert (GstBuffer *rgb, GstVideoInfo *from, GstVideoInfo *to)
{
  GstVideoConverter *converter = gst_video_converter_new (from, to, NULL);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (to), NULL);
  GstVideoFrame in, out;

  g_assert_true (gst_video_frame_map (&in, from, rgb, GST_MAP_READ));
  g_assert_true (gst_video_frame_map (&out, to, buffer, GST_MAP_WRITE));
  gst_video_converter_frame (converter, &in, &out);
  gst_video_frame_unmap (&in);
  gst_video_frame_unmap (&out);
  gst_video_converter_free (converter);
  gst_buffer_unref (rgb);
  return buffer;
}

GstBuffer *
rig_picture (Picture picture, GstVideoFormat format, int width, int height)
{
  GstVideoInfo rgb, wanted;
  GstBuffer *buffer;
  GstVideoFrame frame;

  g_assert_true (gst_video_info_set_format (&rgb, GST_VIDEO_FORMAT_RGB, width, height));
  g_assert_true (gst_video_info_set_format (&wanted, format, width, height));
  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&rgb), NULL);
  g_assert_true (gst_video_frame_map (&frame, &rgb, buffer, GST_MAP_WRITE));
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      paint ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0) + y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0) + 3 * x,
             picture, x, y, width, height);
  gst_video_frame_unmap (&frame);
  if (format != GST_VIDEO_FORMAT_RGB)
    buffer = convert (buffer, &rgb, &wanted);
  GST_BUFFER_PTS (buffer) = 0;
  return buffer;
}

GstBuffer *
rig_frame (Picture picture, guint number)
{
  GstBuffer *buffer = rig_picture (picture, GST_VIDEO_FORMAT_RGB, 48, 48);

  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (number, GST_SECOND, 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

GstBuffer *
rig_jpeg (Picture picture, int width, int height)
{
  g_autofree char *caps = g_strdup_printf (
      "video/x-raw,format=I420,width=%d,height=%d,framerate=30/1,colorimetry=1:4:0:0", width, height);
  GstHarness *encoder = gst_harness_new_parse ("jpegenc quality=95");
  GstVideoInfo rgb, yuv;
  GstBuffer *jpeg;

  gst_video_info_set_format (&rgb, GST_VIDEO_FORMAT_RGB, width, height);
  gst_video_info_set_format (&yuv, GST_VIDEO_FORMAT_I420, width, height);
  gst_video_colorimetry_from_string (&yuv.colorimetry, "1:4:0:0"); /* JFIF: full range BT.601 */
  gst_harness_set_src_caps_str (encoder, caps);
  jpeg = gst_harness_push_and_pull (encoder,
                                    convert (rig_picture (picture, GST_VIDEO_FORMAT_RGB, width, height), &rgb, &yuv));
  g_assert_nonnull (jpeg);
  gst_harness_teardown (encoder);
  return jpeg;
}

GstMessage *
rig_wait (Rig *rig, GstMessageType type)
{
  return gst_bus_timed_pop_filtered (rig->bus, WAIT, type);
}

guint
rig_count (Rig *rig, GstMessageType type)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (rig->bus, type)) != NULL)
    {
      g_autoptr (GError) error = NULL;

      if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
        gst_message_parse_error (message, &error, NULL);
      else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
        gst_message_parse_warning (message, &error, NULL);
      g_test_message ("%s: %s", GST_MESSAGE_TYPE_NAME (message), error != NULL ? error->message : "");
      n++;
      gst_message_unref (message);
    }
  return n;
}

void
rig_assert_message (Rig *rig, GstMessageType type, GQuark domain, int code, const char *word)
{
  g_autoptr (GError) error = NULL;
  GstMessage *message = rig_wait (rig, type);

  g_assert_nonnull (message);
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, word));
  gst_message_unref (message);
  g_assert_cmpuint (rig_count (rig, type), ==, 0);
}

void
rig_assert_refused (Rig *rig, GQuark domain, int code, const char *word)
{
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (gst_element_set_state (rig->element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
      rig_assert_message (rig, GST_MESSAGE_ERROR, domain, code, word);
    }
}

void
rig_assert_progress (Rig *rig)
{
  GstProgressType type, last = GST_PROGRESS_TYPE_ERROR;
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_PROGRESS)) != NULL)
    {
      gst_message_parse_progress (message, &type, NULL, NULL);
      if (n++ == 0)
        g_assert_cmpint (type, ==, GST_PROGRESS_TYPE_START);
      else
        g_assert_cmpint (last, !=, GST_PROGRESS_TYPE_COMPLETE);
      last = type;
      gst_message_unref (message);
    }
  g_assert_cmpint (last, ==, GST_PROGRESS_TYPE_COMPLETE);
  g_assert_cmpuint (n, >, 2);
}

void
rig_push_segment (Rig *rig)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (rig->harness, gst_event_new_segment (&segment)));
}

void
rig_flush_stop (Rig *rig)
{
  g_assert_true (gst_harness_push_event (rig->harness, gst_event_new_flush_stop (TRUE)));
  rig_push_segment (rig);
}

GstPipeloadFrame *
rig_see (Rig *rig, GstBuffer *buffer, int width, int height)
{
  GstBuffer *out;
  GstPipeloadFrame *frame;
  gsize size = gst_buffer_get_size (buffer);

  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
  out = gst_harness_pull (rig->harness);
  g_assert_nonnull (out);
  g_assert_cmpuint (gst_buffer_get_size (out), ==, size);
  frame = gst_pipeload_frame_from_buffer (out, width, height);
  gst_buffer_unref (out);
  return frame;
}

guint64
rig_stat (Rig *rig, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get (rig->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

void
rig_assert_best (const GstPipeloadFrame *frame, const char *label, double confidence, double tolerance)
{
  const GstPipeloadObject *best = gst_pipeload_frame_object (frame, 0);

  g_assert_cmpuint (frame->objects->len, >, 0);
  g_assert_cmpstr (best->label, ==, label);
  g_assert_cmpfloat_with_epsilon (best->confidence, confidence, tolerance);
}
