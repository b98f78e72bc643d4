/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opens and closes the model, and reports statistics.
 */
#include "gst/vit/gstpipeloadvit-private.h"

#define GST_CAT_DEFAULT gst_pipeload_vit_debug

static gboolean
open_runner (GstPipeloadVit *self, const GstPipeloadVitSettings *settings, GError **error)
{
  g_autoptr (GCancellable) cancellable = NULL;

  g_mutex_lock (&self->lock);
  cancellable = g_object_ref (self->cancellable);
  g_mutex_unlock (&self->lock);
  self->runner = gst_pipeload_vit_runner_open (settings, gst_pipeload_model_progress, &self->model, cancellable, error);
  if (self->runner == NULL || settings->mode == GST_PIPELOAD_VIT_MODE_SYNC)
    return self->runner != NULL;
  self->worker = gst_pipeload_worker_new ("pipeloadvit", gst_pipeload_vit_work, self, error);
  if (self->worker == NULL)
    g_clear_pointer (&self->runner, gst_pipeload_vit_runner_close);
  return self->worker != NULL;
}

static void
on_open (GstPipeloadVit *self, const GstPipeloadVitSettings *settings)
{
  PldVision *vision = gst_pipeload_vit_runner_get_vision (self->runner);
  const PldVisionInfo *info = pld_vision_get_info (vision);
  g_autofree char *text = g_strdup_printf ("Opened %s: %s, %ux%u pixels, %u classes", info->path, info->architecture,
                                           info->input_width, info->input_height, info->n_classes);

  GST_INFO_OBJECT (self, "%s", text);
  gst_pipeload_model_opened (&self->model, PLD_HANDLE (vision), &settings->model, text);
}

gboolean
gst_pipeload_vit_open (GstPipeloadVit *self)
{
  g_autoptr (GError) error = NULL;
  GstPipeloadVitSettings settings;
  gboolean ok;

  GST_OBJECT_LOCK (self);
  gst_pipeload_vit_settings_copy (&settings, &self->settings);
  GST_OBJECT_UNLOCK (self);
  g_mutex_lock (&self->lock);
  self->async = settings.mode == GST_PIPELOAD_VIT_MODE_ASYNC;
  g_mutex_unlock (&self->lock);
  self->in_regions = settings.region == GST_PIPELOAD_VIT_REGION_ROI_LIST;
  gst_pipeload_model_opening (&self->model, &settings.model);
  ok = open_runner (self, &settings, &error);
  if (ok)
    on_open (self, &settings);
  else
    gst_pipeload_model_failed (&self->model, &settings.model, error);
  gst_pipeload_vit_settings_clear (&settings);
  return ok;
}

void
gst_pipeload_vit_close (GstPipeloadVit *self)
{
  gst_pipeload_model_closing (&self->model);
  g_clear_pointer (&self->runner, gst_pipeload_vit_runner_close);
}

GstStructure *
gst_pipeload_vit_get_stats (GstPipeloadVit *self)
{
  GstPipeloadVitStats stats;
  PldStats engine;

  gst_pipeload_model_get_stats (&self->model, &engine);
  g_mutex_lock (&self->lock);
  stats = self->stats;
  g_mutex_unlock (&self->lock);
  return gst_pipeload_vit_stats_to_structure (&stats, &engine);
}
