/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties, progress and errors of an element's model, through a handle of any kind.
 */
#include "gst/common/model.h"

#include "gst/common/util.h"

#define DEFAULT_MEMORY_LIMIT "0"

/* Progress is posted in steps of this many percent. */
#define PROGRESS_STEP 10

#define PROP(field) GST_PIPELOAD_PROP (GstPipeloadModelSettings, field)

void
gst_pipeload_model_settings_init (GstPipeloadModelSettings *settings)
{
  *settings = (GstPipeloadModelSettings) { .memory_limit = g_strdup (DEFAULT_MEMORY_LIMIT) };
}

void
gst_pipeload_model_settings_clear (GstPipeloadModelSettings *settings)
{
  g_clear_pointer (&settings->path, g_free);
  g_clear_pointer (&settings->memory_limit, g_free);
}

void
gst_pipeload_model_settings_own (GstPipeloadModelSettings *copy)
{
  copy->path = g_strdup (copy->path);
  copy->memory_limit = g_strdup (copy->memory_limit);
}

void
gst_pipeload_model_init (GstPipeloadModel *model, GstElement *element, gpointer settings)
{
  *model = (GstPipeloadModel) { .element = element, .settings = settings };
  g_mutex_init (&model->lock);
}

void
gst_pipeload_model_clear (GstPipeloadModel *model)
{
  g_mutex_clear (&model->lock);
  g_free (model->limit);
  g_free (model->step);
}

/* ---- the open model, with the lock held ---------------------------------------------------- */

/* Returns: (nullable): NULL if none is open */
static const char *
get_path (GstPipeloadModel *model)
{
  return model->handle != NULL ? pld_handle_get_path (model->handle) : NULL;
}

static gboolean
set_limit (GstPipeloadModel *model, const char *text, GError **error)
{
  guint64 bytes;

  return gst_pipeload_parse_limit (text, &bytes, error) && pld_handle_set_memory_limit (model->handle, bytes, error);
}

static void
update_stats (GstPipeloadModel *model)
{
  if (model->handle != NULL)
    pld_handle_get_stats (model->handle, &model->last_stats);
}

/* ---- properties ---------------------------------------------------------------------------- */

void
gst_pipeload_model_install (GObjectClass *klass, const char *model_text, const char *stats_text)
{
  gst_pipeload_settings_install (klass, PROP (path),
                                 g_param_spec_string ("model", "Model", model_text, NULL, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, PROP (memory_limit),
      g_param_spec_string ("memory-limit", "Memory limit",
                           "The most bytes the engine may hold for this model, such as 64MB, 2.1GB or 512MiB (0: no "
                           "limit; auto: what the machine can spare); "
                           "elements with the same model share it, and the smallest limit holds",
                           DEFAULT_MEMORY_LIMIT, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (loaders),
      g_param_spec_uint ("loaders", "Loaders", "Reads from storage under way at once (0: planned from measurements)", 0,
                         64, 0, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, PROP (threads),
      g_param_spec_uint ("threads", "Threads",
                         "Threads that compute (0: one for each CPU that affinity and cgroup quotas allow)", 0, 1024, 0,
                         GST_PIPELOAD_READY));
  gst_pipeload_settings_install (klass, GST_PIPELOAD_PROP_STATS,
                                 g_param_spec_boxed ("stats", "Statistics", stats_text, GST_TYPE_STRUCTURE,
                                                     G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
apply_limit (GstPipeloadModel *model)
{
  GstPipeloadModelSettings *settings = model->settings;
  g_autoptr (GError) error = NULL;
  g_autofree char *limit = NULL;
  g_autofree char *file = NULL;

  GST_OBJECT_LOCK (model->element);
  limit = g_strdup (settings->memory_limit);
  GST_OBJECT_UNLOCK (model->element);
  g_mutex_lock (&model->lock);
  file = g_strdup (get_path (model));
  if (file == NULL)
    ; /* in force once the model opens */
  else if (set_limit (model, limit, &error))
    {
      g_free (model->limit);
      model->limit = g_steal_pointer (&limit);
    }
  else
    {
      /* The stream continues under the old limit, which the property returns to. */
      g_free (limit);
      limit = g_strdup (model->limit);
    }
  g_mutex_unlock (&model->lock);
  if (error == NULL)
    return;
  GST_OBJECT_LOCK (model->element);
  g_free (settings->memory_limit);
  settings->memory_limit = g_steal_pointer (&limit);
  GST_OBJECT_UNLOCK (model->element);
  gst_pipeload_post_warning (model->element, error, file);
}

void
gst_pipeload_model_set (GstPipeloadModel *model, guint id, const GValue *value)
{
  GST_OBJECT_LOCK (model->element);
  gst_pipeload_settings_set (model->settings, id, value);
  GST_OBJECT_UNLOCK (model->element);
  if (id == PROP (memory_limit))
    apply_limit (model);
}

void
gst_pipeload_model_get (GstPipeloadModel *model, guint id, GValue *value)
{
  GST_OBJECT_LOCK (model->element);
  gst_pipeload_settings_get (model->settings, id, value);
  GST_OBJECT_UNLOCK (model->element);
}

void
gst_pipeload_model_get_stats (GstPipeloadModel *model, PldStats *stats)
{
  g_mutex_lock (&model->lock);
  update_stats (model);
  *stats = model->last_stats;
  g_mutex_unlock (&model->lock);
}

static double
milliseconds (guint64 nanoseconds)
{
  return (double) nanoseconds / GST_MSECOND;
}

void
gst_pipeload_model_add_stats (GstStructure *structure, GstClockTime last, GstClockTime total, guint64 n,
                              const PldStats *engine)
{
  gst_structure_set (structure, "last-latency", G_TYPE_DOUBLE, milliseconds (last), "mean-latency", G_TYPE_DOUBLE,
                     n > 0 ? milliseconds (total / n) : 0.0, "floor", G_TYPE_DOUBLE, milliseconds (engine->floor_ns),
                     "bytes-streamed", G_TYPE_UINT64, engine->bytes_streamed, "streamed-per-pass", G_TYPE_UINT64,
                     engine->streamed_per_pass, "stalls", G_TYPE_UINT64, engine->stalls, "stall-time", G_TYPE_DOUBLE,
                     milliseconds (engine->stall_ns), "retries", G_TYPE_UINT64, engine->retries, "engine-bytes",
                     G_TYPE_UINT64, engine->engine_bytes, "engine-peak", G_TYPE_UINT64, engine->engine_peak,
                     "memory-limit", G_TYPE_UINT64, engine->memory_limit, "loaders", G_TYPE_UINT, engine->loaders,
                     "threads", G_TYPE_UINT, engine->threads, "users", G_TYPE_UINT, engine->users, NULL);
}

/* ---- opening and closing ------------------------------------------------------------------- */

static void
post_progress (GstPipeloadModel *model, GstProgressType type, const char *text)
{
  gst_element_post_message (model->element,
                            gst_message_new_progress (GST_OBJECT (model->element), type, "model", text));
}

gboolean
gst_pipeload_model_options (const GstPipeloadModelSettings *settings, PldEngineOptions *options, GError **error)
{
  options->model = settings->path;
  options->loaders = settings->loaders;
  options->threads = settings->threads;
  return gst_pipeload_parse_limit (settings->memory_limit, &options->memory_limit, error);
}

void
gst_pipeload_model_opening (GstPipeloadModel *model, const GstPipeloadModelSettings *settings)
{
  g_autofree char *text = g_strdup_printf ("Opening %s", settings->path != NULL ? settings->path : "the bundled model");

  g_clear_pointer (&model->step, g_free);
  post_progress (model, GST_PROGRESS_TYPE_START, text);
}

void
gst_pipeload_model_progress (const char *step, guint percent, gpointer user_data)
{
  GstPipeloadModel *model = user_data;
  g_autofree char *text = NULL;

  if (g_strcmp0 (step, model->step) == 0 && percent < model->percent + PROGRESS_STEP && percent < 100)
    return;
  g_free (model->step);
  model->step = g_strdup (step);
  model->percent = percent;
  text = g_strdup_printf ("%s (%u %%)", step, percent);
  post_progress (model, GST_PROGRESS_TYPE_CONTINUE, text);
}

void
gst_pipeload_model_opened (GstPipeloadModel *model, PldHandle *handle, const GstPipeloadModelSettings *settings,
                           const char *text)
{
  g_mutex_lock (&model->lock);
  model->handle = handle;
  g_free (model->limit);
  model->limit = g_strdup (settings->memory_limit);
  g_mutex_unlock (&model->lock);
  for (const char *const *warning = pld_handle_get_warnings (handle); *warning != NULL; warning++)
    gst_element_message_full (model->element, GST_MESSAGE_WARNING, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                              g_strdup (*warning), NULL, __FILE__, G_STRFUNC, __LINE__);
  post_progress (model, GST_PROGRESS_TYPE_COMPLETE, text);
}

void
gst_pipeload_model_failed (GstPipeloadModel *model, const GstPipeloadModelSettings *settings, const GError *error)
{
  post_progress (model, GST_PROGRESS_TYPE_ERROR, error->message);
  if (!g_error_matches (error, PLD_ERROR, PLD_ERROR_CANCELLED))
    gst_pipeload_post_error (model->element, error, settings->path, TRUE);
}

void
gst_pipeload_model_closing (GstPipeloadModel *model)
{
  g_mutex_lock (&model->lock);
  update_stats (model);
  model->handle = NULL;
  g_mutex_unlock (&model->lock);
}

/* ---- errors in mid-stream ------------------------------------------------------------------ */

gboolean
gst_pipeload_model_first_error (GstPipeloadModel *model)
{
  return g_atomic_int_compare_and_exchange (&model->failed, FALSE, TRUE);
}

void
gst_pipeload_model_post_error (GstPipeloadModel *model, const GError *error)
{
  g_autofree char *file = NULL;

  if (!gst_pipeload_model_first_error (model))
    return;
  g_mutex_lock (&model->lock);
  file = g_strdup (get_path (model));
  g_mutex_unlock (&model->lock);
  gst_pipeload_post_error (model->element, error, file, FALSE);
}
