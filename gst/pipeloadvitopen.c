/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/gstpipeloadvit-private.h"
#include "gst/pipeloadutil.h"

#define GST_CAT_DEFAULT gst_pipeload_vit_debug

static GstPipeloadVitRunner *
open_runner (GstPipeloadVit *self, const GstPipeloadVitSettings *settings, GError **error)
{
  g_autoptr (GCancellable) cancellable = NULL;
  GstPipeloadOpening progress = { GST_ELEMENT (self), NULL, 0 };
  GstPipeloadVitRunner *runner;

  g_mutex_lock (&self->lock);
  cancellable = g_object_ref (self->cancellable);
  g_mutex_unlock (&self->lock);
  runner = gst_pipeload_vit_runner_open (settings, gst_pipeload_opening_progress, &progress, cancellable, error);
  g_free (progress.step);
  return runner;
}

gboolean
gst_pipeload_vit_open (GstPipeloadVit *self)
{
  GstElement *element = GST_ELEMENT (self);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  GstPipeloadVitSettings settings;
  GstPipeloadVitRunner *runner;

  GST_OBJECT_LOCK (self);
  gst_pipeload_vit_settings_copy (&settings, &self->settings);
  GST_OBJECT_UNLOCK (self);
  g_mutex_lock (&self->lock);
  self->async = settings.mode == GST_PIPELOAD_VIT_MODE_ASYNC;
  g_mutex_unlock (&self->lock);
  self->in_regions = settings.region == GST_PIPELOAD_VIT_REGION_ROI_LIST;
  text = g_strdup_printf ("Opening %s", settings.model != NULL ? settings.model : "the bundled model");
  gst_pipeload_post_progress (element, GST_PROGRESS_TYPE_START, text);
  runner = open_runner (self, &settings, &error);
  if (runner != NULL && settings.mode == GST_PIPELOAD_VIT_MODE_ASYNC)
    {
      self->worker = gst_pipeload_worker_new ("pipeloadvit", gst_pipeload_vit_work, self, &error);
      if (self->worker == NULL)
        gst_pipeload_vit_runner_close (&runner);
    }
  if (runner != NULL)
    {
      const PldVisionInfo *info = gst_pipeload_vit_runner_get_info (runner);
      g_autofree char *done
          = g_strdup_printf ("Opened %s: %s, %ux%u pixels, %u classes", info->path, info->architecture,
                             info->input_width, info->input_height, info->n_classes);

      g_mutex_lock (&self->model_lock);
      self->runner = runner;
      g_free (self->limit);
      self->limit = g_strdup (settings.memory_limit);
      g_mutex_unlock (&self->model_lock);
      GST_INFO_OBJECT (self, "%s", done);
      gst_pipeload_post_progress (element, GST_PROGRESS_TYPE_COMPLETE, done);
    }
  else
    {
      gst_pipeload_post_progress (element, GST_PROGRESS_TYPE_ERROR, error->message);
      if (!g_error_matches (error, PLD_ERROR, PLD_ERROR_CANCELLED))
        gst_pipeload_post_error (element, error, settings.model, TRUE);
    }
  gst_pipeload_vit_settings_clear (&settings);
  return runner != NULL;
}

void
gst_pipeload_vit_close (GstPipeloadVit *self)
{
  g_mutex_lock (&self->model_lock);
  if (self->runner != NULL)
    gst_pipeload_vit_runner_get_stats (self->runner, &self->last_stats);
  gst_pipeload_vit_runner_close (&self->runner);
  g_mutex_unlock (&self->model_lock);
}

void
gst_pipeload_vit_apply_limit (GstPipeloadVit *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *limit = NULL;
  g_autofree char *file = NULL;

  GST_OBJECT_LOCK (self);
  limit = g_strdup (self->settings.memory_limit);
  GST_OBJECT_UNLOCK (self);
  g_mutex_lock (&self->model_lock);
  if (self->runner == NULL)
    ; /* start() takes it */
  else if (gst_pipeload_vit_runner_set_limit (self->runner, limit, &error))
    {
      g_free (self->limit);
      self->limit = g_steal_pointer (&limit);
    }
  else
    {
      /* The stream goes on under the old limit, and the property says so. */
      g_free (limit);
      limit = g_strdup (self->limit);
      file = g_strdup (gst_pipeload_vit_runner_get_info (self->runner)->path);
    }
  g_mutex_unlock (&self->model_lock);
  if (error == NULL)
    return;
  GST_OBJECT_LOCK (self);
  g_free (self->settings.memory_limit);
  self->settings.memory_limit = g_steal_pointer (&limit);
  GST_OBJECT_UNLOCK (self);
  gst_pipeload_post_warning (GST_ELEMENT (self), error, file);
}

GstStructure *
gst_pipeload_vit_get_stats (GstPipeloadVit *self)
{
  GstPipeloadVitStats stats;
  PldStats engine;

  g_mutex_lock (&self->model_lock);
  if (self->runner != NULL)
    gst_pipeload_vit_runner_get_stats (self->runner, &self->last_stats);
  engine = self->last_stats;
  g_mutex_unlock (&self->model_lock);
  g_mutex_lock (&self->lock);
  stats = self->stats;
  g_mutex_unlock (&self->lock);
  return gst_pipeload_vit_stats_to_structure (&stats, &engine);
}
