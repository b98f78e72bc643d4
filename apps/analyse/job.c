/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs the pipeline of one recording and writes its results.
 */
#include "apps/analyse/job.h"
#include "analytics/container.h"

#include "gst/common/meta.h"
#include "apps/analyse/facts.h"
#include "apps/analyse/pipeline.h"
#include "apps/analyse/sheet.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

struct _AnalyseJob
{
  const AnalyseOptions *options;
  const AnalyseInput *input;
  char *folder, *place;

  AnalysePipeline elements;
  AnalyseState state;

  /* Streaming thread, until it is stopped. */
  FILE *lines, *visits;
  FILE *detections;      /* NULL: not requested */
  AnalyseSheets *sheets; /* NULL: not requested */
  AnalyseFacts facts;
  GstCaps *caps;
  GstPipeloadVideo video;
  GstPipeloadResultCursor cursor;
  gboolean broken; /* writing failed, and was reported */
};

/* ---- streaming thread ---------------------------------------------------------------------- */

/* Reports failed writing once, on the bus. @error: (transfer full) (nullable): errno's if NULL */
static void
report_broken (AnalyseJob *job, const char *name, GError *error)
{
  const int code = errno;

  if (error == NULL)
    error
        = g_error_new (G_FILE_ERROR, g_file_error_from_errno (code), "%s/%s: %s", job->folder, name, g_strerror (code));
  if (!job->broken)
    gst_element_post_message (job->elements.pipeline,
                              gst_message_new_error (GST_OBJECT (job->elements.pipeline), error, NULL));
  job->broken = TRUE;
  g_error_free (error);
}

static void
write_text (AnalyseJob *job, FILE *file, const char *name, const char *text)
{
  if (fputs (text, file) < 0)
    report_broken (job, name, NULL);
}

/* @json: a line without its end */
static void
write_line (AnalyseJob *job, FILE *file, const char *name, const char *json)
{
  write_text (job, file, name, json);
  write_text (job, file, name, "\n");
}

static void
on_leave (AnalyseJob *job, guint64 id, const char *label, const char *zone, GstClockTime start, GstClockTime end)
{
  GError *error = NULL;
  g_autofree char *sheet
      = job->sheets != NULL ? analyse_sheets_leave (job->sheets, id, label, zone, start, end, &error) : NULL;
  g_autofree char *path = sheet != NULL ? g_build_filename (job->place, sheet, NULL) : NULL;
  g_autofree char *row = analyse_visit_row (job->input->name, start, end, label, id, zone, path);

  if (error != NULL)
    report_broken (job, NULL, error);
  analyse_facts_leave (&job->facts, start, end);
  write_text (job, job->visits, "visits.csv", row);
}

static void
on_visit (AnalyseJob *job, const GstStructure *structure)
{
  const char *kind = gst_structure_get_string (structure, "event"),
             *label = gst_structure_get_string (structure, "label");
  const char *zone = gst_structure_get_string (structure, "zone"), *json = gst_structure_get_string (structure, "json");
  guint64 id = 0, start = 0, end = 0;

  gst_structure_get_uint64 (structure, "id", &id);
  gst_structure_get_uint64 (structure, "start", &start);
  write_line (job, job->lines, "events.jsonl", json);
  if (g_str_equal (kind, "enter"))
    {
      analyse_facts_enter (&job->facts, id);
      if (job->sheets != NULL)
        analyse_sheets_enter (job->sheets, id, label, zone);
    }
  else if (g_str_equal (kind, "leave") && gst_structure_get_uint64 (structure, "end", &end))
    on_leave (job, id, label, zone, start, end);
}

static void
on_frame (AnalyseJob *job, GstBuffer *buffer)
{
  const gboolean is_new = gst_pipeload_result_next (&job->cursor, buffer) == GST_PIPELOAD_RESULT_NEW;

  analyse_facts_frame (&job->facts, GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer), is_new);
  if (is_new && (job->sheets != NULL || job->detections != NULL))
    {
      g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_from_buffer (buffer, job->video.width, job->video.height);
      g_autofree char *line = NULL;

      if (job->sheets != NULL)
        analyse_sheets_look (job->sheets, buffer, job->caps, frame);
      if (job->detections != NULL)
        {
          line = gst_pipeload_frame_to_json (frame, job->input->name);
          write_line (job, job->detections, "detections.jsonl", line);
        }
    }
}

/* Behind pipeloadevents: its events arrive before the frame that they are about. */
static GstPadProbeReturn
on_results (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  AnalyseJob *job = user_data;
  GstEvent *event;
  GstCaps *caps;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    {
      on_frame (job, GST_PAD_PROBE_INFO_BUFFER (info));
      return GST_PAD_PROBE_OK;
    }
  event = GST_PAD_PROBE_INFO_EVENT (info);
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS)
    {
      gst_event_parse_caps (event, &caps);
      gst_caps_replace (&job->caps, caps);
      job->video = gst_pipeload_video_from_caps (caps);
    }
  else if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM
           && gst_event_has_name (event, GST_PIPELOAD_EVENT_MESSAGE))
    on_visit (job, gst_event_get_structure (event));
  return GST_PAD_PROBE_OK;
}

/* ---- before and after -------------------------------------------------------------------- */

static FILE *
open_lines (AnalyseJob *job, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (job->folder, name, NULL);
  FILE *file = g_fopen (path, "we");

  if (file == NULL)
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", path, g_strerror (errno));
  return file;
}

static gboolean
open_files (AnalyseJob *job, GError **error)
{
  job->lines = open_lines (job, "events.jsonl", error);
  if (job->lines == NULL)
    return FALSE;
  job->visits = open_lines (job, "visits.csv", error);
  if (job->visits == NULL || !job->options->detections)
    return job->visits != NULL;
  job->detections = open_lines (job, "detections.jsonl", error);
  return job->detections != NULL;
}

static void
watch_results (AnalyseJob *job)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (job->elements.events, "src");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_results, job, NULL);
}

AnalyseJob *
analyse_job_new (const AnalyseOptions *options, const AnalyseInput *input, char *folder, const char *place,
                 GError **error)
{
  AnalyseJob *job = g_new0 (AnalyseJob, 1);

  job->options = options;
  job->input = input;
  job->folder = folder;
  job->place = g_strdup (place);
  analyse_facts_init (&job->facts);
  if (options->sheets)
    job->sheets = analyse_sheets_new (folder, input->name);
  if (open_files (job, error) && analyse_pipeline_make (&job->elements, options, input, folder, error))
    {
      watch_results (job);
      return job;
    }
  analyse_job_free (job);
  return NULL;
}

/* Returns: whether all was written */
static gboolean
close_lines (FILE **file)
{
  FILE *closing = g_steal_pointer (file);

  return closing == NULL || fclose (closing) == 0;
}

void
analyse_job_free (AnalyseJob *job)
{
  if (job == NULL)
    return;
  analyse_pipeline_clear (&job->elements);
  close_lines (&job->lines);
  close_lines (&job->visits);
  close_lines (&job->detections);
  analyse_sheets_free (job->sheets);
  analyse_facts_clear (&job->facts);
  gst_clear_caps (&job->caps);
  g_free (job->folder);
  g_free (job->place);
  g_free (job);
}

/* ---- main thread --------------------------------------------------------------------------- */

void
analyse_job_start (AnalyseJob *job)
{
  gst_element_set_state (job->elements.pipeline, GST_STATE_PLAYING);
}

GstBus *
analyse_job_get_bus (AnalyseJob *job)
{
  return gst_element_get_bus (job->elements.pipeline);
}

/* Errors of these elements are not about the recording. */
static gboolean
is_ours (const AnalyseJob *job, GstObject *source)
{
  static const char *const ours[] = { "pipeload", "filesink" };
  GstElementFactory *factory = GST_IS_ELEMENT (source) ? gst_element_get_factory (GST_ELEMENT (source)) : NULL;
  const char *name = factory != NULL ? GST_OBJECT_NAME (factory) : "";

  if (source == GST_OBJECT (job->elements.pipeline))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (ours); i++)
    if (g_str_has_prefix (name, ours[i]))
      return TRUE;
  return FALSE;
}

/* Visits end where the recording does. */
static void
end_early (AnalyseJob *job, GError **error)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (job->elements.head, "sink");

  if (gst_pad_is_linked (pad))
    gst_pad_send_event (pad, gst_event_new_eos ());
  else
    g_prefix_error (error, "no video that can be decoded: ");
}

/* GStreamer ends a recording that was cut off, and one that it gets no frame of, like any other. */
static gboolean
is_whole (const AnalyseJob *job, GError **error)
{
  guint64 size, wanted;

  if (analyse_job_frames (job) == 0)
    g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "no frame of it can be decoded; convert it, or record it again");
  else if ((wanted = pld_container_file_size (job->input->path, &size)) > size)
    g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                 "it was cut off, or is still being written: %" G_GUINT64_FORMAT " of its %" G_GUINT64_FORMAT
                 " bytes are there; analyse it again once it is whole",
                 size, wanted);
  else
    return TRUE;
  return FALSE;
}

AnalyseState
analyse_job_handle (AnalyseJob *job, GstMessage *message, GError **error)
{
  if (job->state != ANALYSE_RUNS)
    return job->state;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    job->state = is_whole (job, error) ? ANALYSE_DONE : ANALYSE_DAMAGED;
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    {
      gst_message_parse_error (message, error, NULL);
      job->state = is_ours (job, GST_MESSAGE_SRC (message)) ? ANALYSE_FAILED : ANALYSE_DAMAGED;
    }
  if (job->state == ANALYSE_DAMAGED && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    end_early (job, error);
  return job->state;
}

double
analyse_job_progress (AnalyseJob *job)
{
  gint64 position, duration;

  if (!gst_element_query_position (job->elements.pipeline, GST_FORMAT_TIME, &position)
      || !gst_element_query_duration (job->elements.pipeline, GST_FORMAT_TIME, &duration) || duration <= 0)
    return 0;
  return CLAMP ((double) position / (double) duration, 0, 1);
}

gboolean
analyse_job_finish (AnalyseJob *job, const GError *damage, char **row, GstStructure **stats, GError **error)
{
  gboolean ok = TRUE;

  g_object_get (job->elements.vit, "stats", stats, NULL);
  gst_element_set_state (job->elements.pipeline, GST_STATE_NULL);
  ok = close_lines (&job->lines);
  ok = close_lines (&job->visits) && ok;
  ok = close_lines (&job->detections) && ok;
  if (!ok)
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", job->folder, g_strerror (errno));
  else
    *row = analyse_facts_row (&job->facts, job->input->name, damage != NULL ? damage->message : NULL);
  return ok;
}

const AnalyseInput *
analyse_job_input (const AnalyseJob *job)
{
  return job->input;
}

const char *
analyse_job_folder (const AnalyseJob *job)
{
  return job->folder;
}

guint
analyse_job_visits (const AnalyseJob *job)
{
  return job->facts.visits;
}

guint64
analyse_job_frames (const AnalyseJob *job)
{
  return job->facts.frames;
}
