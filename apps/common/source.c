/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads videos, cameras and pictures for a pipeline.
 */
#include "apps/common/source.h"
#include "apps/common/video.h"

#include <gio/gio.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <string.h>

/* Decoding one picture takes longer only if something hangs. */
#define DECODE_TIME (20 * GST_SECOND)

struct _PldSource
{
  gboolean live;
  GPtrArray *files; /* pictures: char *, sorted; NULL for video */
  guint next;       /* file; in the source's thread */
  GPtrArray *names; /* char *; of the pictures that were pushed */
  GMutex lock;      /* of @names */
};

/* ---- video --------------------------------------------------------------------------------- */

/* Formats that the sink accepts stay undecoded: pipeloadvit reads MJPEG without a full decode. Audio is not decoded. */
static gboolean
decode_further (GstElement *decoder, GstPad *pad, GstCaps *caps, gpointer user_data)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (user_data, "sink");
  g_autoptr (GstCaps) taken = gst_pad_query_caps (sink, NULL);

  return !gst_caps_can_intersect (caps, taken)
         && !g_str_has_prefix (gst_structure_get_name (gst_caps_get_structure (caps, 0)), "audio/");
}

static void
link_stream (GstElement *decoder, GstPad *pad, gpointer user_data)
{
  pld_video_link (pad, user_data);
}

static void
add_uri (GstBin *pipeline, GstElement *sink, const char *uri)
{
  GstElement *decoder = gst_element_factory_make ("uridecodebin", NULL);

  g_object_set (decoder, "uri", uri, NULL);
  g_signal_connect (decoder, "autoplug-continue", G_CALLBACK (decode_further), sink);
  g_signal_connect (decoder, "pad-added", G_CALLBACK (link_stream), sink);
  gst_bin_add (pipeline, decoder);
}

static gboolean
add_device (GstBin *pipeline, GstElement *sink, const char *device, GError **error)
{
  GstElement *camera = gst_element_factory_make ("v4l2src", NULL);

  if (camera == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   "%s: the element v4l2src is missing; install gstreamer1.0-plugins-good", device);
      return FALSE;
    }
  g_object_set (camera, "device", device, NULL);
  gst_bin_add (pipeline, camera);
  return gst_element_link (camera, sink);
}

/* ---- pictures ------------------------------------------------------------------------------ */

static gboolean
is_picture (const char *name)
{
  g_autofree char *type = g_content_type_guess (name, NULL, 0, NULL);

  return g_content_type_is_mime_type (type, "image/*") || g_str_has_prefix (type, "image/");
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static GPtrArray *
list_pictures (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  const char *name;

  if (dir == NULL)
    return NULL;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (is_picture (name))
      g_ptr_array_add (files, g_build_filename (folder, name, NULL));
  if (files->len == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: no pictures in this folder", folder);
      return NULL;
    }
  g_ptr_array_sort (files, compare_names);
  return g_steal_pointer (&files);
}

static gboolean
is_jpeg (const char *data, gsize size)
{
  return size >= 2 && (guint8) data[0] == 0xff && (guint8) data[1] == 0xd8;
}

/* Any other picture that GStreamer knows, decoded. */
static GstSample *
decode (const char *file)
{
  GstElement *pipeline = gst_parse_launch ("uridecodebin name=in ! videoconvert ! appsink name=out sync=false", NULL);
  g_autofree char *uri = gst_filename_to_uri (file, NULL);
  GstElement *in, *out;
  GstMessage *message;
  GstSample *sample = NULL;
  GstBus *bus;

  if (pipeline == NULL)
    return NULL;
  bus = gst_element_get_bus (pipeline);
  in = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  g_object_set (in, "uri", uri, NULL);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  message = gst_bus_timed_pop_filtered (bus, DECODE_TIME, GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_ERROR);
  if (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ASYNC_DONE)
    sample = gst_app_sink_try_pull_preroll (GST_APP_SINK (out), 0);
  gst_clear_message (&message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (in);
  gst_object_unref (out);
  gst_object_unref (pipeline);
  return sample;
}

/* Returns: (transfer full) (nullable): NULL, and a message, if the file cannot be read */
static GstSample *
load_picture (const char *file)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps = NULL;
  GstSample *sample = NULL;
  GstBuffer *buffer;
  char *data;
  gsize size;

  if (!g_file_get_contents (file, &data, &size, &error))
    {
      g_printerr ("%s\n", error->message);
      return NULL;
    }
  if (!is_jpeg (data, size))
    {
      g_free (data);
      sample = decode (file);
      if (sample == NULL)
        g_printerr ("%s: not a picture that can be decoded\n", file);
      return sample;
    }
  buffer = gst_buffer_new_wrapped (data, size);
  caps = gst_caps_new_empty_simple ("image/jpeg");
  sample = gst_sample_new (buffer, caps, NULL, NULL);
  gst_buffer_unref (buffer);
  return sample;
}

/* In the source's thread: the next picture, one a second. */
static void
feed (GstAppSrc *appsrc, guint length, gpointer user_data)
{
  PldSource *source = user_data;

  while (source->next < source->files->len)
    {
      const char *file = source->files->pdata[source->next++];
      g_autoptr (GstSample) loaded = load_picture (file);
      g_autoptr (GstSample) sample = NULL;
      GstBuffer *buffer;

      if (loaded == NULL)
        continue;
      buffer = gst_buffer_copy (gst_sample_get_buffer (loaded));
      g_mutex_lock (&source->lock);
      GST_BUFFER_PTS (buffer) = source->names->len * GST_SECOND;
      GST_BUFFER_DURATION (buffer) = GST_SECOND;
      g_ptr_array_add (source->names, g_path_get_basename (file));
      g_mutex_unlock (&source->lock);
      sample = gst_sample_new (buffer, gst_sample_get_caps (loaded), NULL, NULL);
      gst_buffer_unref (buffer);
      gst_app_src_push_sample (appsrc, sample);
      return;
    }
  gst_app_src_end_of_stream (appsrc);
}

static void
add_pictures (PldSource *source, GstBin *pipeline, GstElement *sink)
{
  GstElement *appsrc = gst_element_factory_make ("appsrc", NULL);

  g_object_set (appsrc, "format", GST_FORMAT_TIME, "max-buffers", (guint64) 2, "max-bytes", (guint64) 0, NULL);
  g_signal_connect (appsrc, "need-data", G_CALLBACK (feed), source);
  gst_bin_add (pipeline, appsrc);
  gst_element_link (appsrc, sink);
}

/* ---- all ----------------------------------------------------------------------------------- */

static gboolean
add_file (PldSource *source, GstBin *pipeline, GstElement *sink, const char *path, GError **error)
{
  g_autofree char *uri = NULL;

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    source->files = list_pictures (path, error);
  else if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "%s: no such file; give a video, a picture, a folder of pictures, rtsp://..., or /dev/videoN", path);
      return FALSE;
    }
  else if (is_picture (path))
    {
      source->files = g_ptr_array_new_with_free_func (g_free);
      g_ptr_array_add (source->files, g_strdup (path));
    }
  else
    {
      uri = gst_filename_to_uri (path, error);
      if (uri == NULL)
        return FALSE;
      pld_video_start_at_zero (sink);
      add_uri (pipeline, sink, uri);
      return TRUE;
    }
  if (source->files == NULL)
    return FALSE;
  add_pictures (source, pipeline, sink);
  return TRUE;
}

PldSource *
pld_source_new (GstBin *pipeline, GstElement *sink, const char *input, GError **error)
{
  PldSource *source = g_new0 (PldSource, 1);
  gboolean ok = TRUE;

  g_mutex_init (&source->lock);
  source->names = g_ptr_array_new_with_free_func (g_free);
  if (gst_uri_is_valid (input))
    {
      source->live = !gst_uri_has_protocol (input, "file");
      if (!source->live)
        pld_video_start_at_zero (sink);
      add_uri (pipeline, sink, input);
    }
  else if (g_str_has_prefix (input, "/dev/"))
    {
      source->live = TRUE;
      ok = add_device (pipeline, sink, input, error);
    }
  else
    ok = add_file (source, pipeline, sink, input, error);
  if (ok)
    return source;
  pld_source_free (source);
  return NULL;
}

void
pld_source_free (PldSource *source)
{
  if (source == NULL)
    return;
  g_clear_pointer (&source->files, g_ptr_array_unref);
  g_ptr_array_unref (source->names);
  g_mutex_clear (&source->lock);
  g_free (source);
}

gboolean
pld_source_is_live (const PldSource *source)
{
  return source->live;
}

const char *
pld_source_name (const PldSource *source, guint64 number)
{
  GMutex *lock = &((PldSource *) source)->lock;
  const char *name = NULL;

  g_mutex_lock (lock);
  if (number < source->names->len)
    name = source->names->pdata[number];
  g_mutex_unlock (lock);
  return name;
}
