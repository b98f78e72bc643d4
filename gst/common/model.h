/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An element's model of any kind: the properties "model", "memory-limit", "loaders", "threads" and "stats", and
 * messages on the bus about it.
 */
#pragma once

#include "pipeload/pipeload.h"
#include "gst/common/settings.h"

G_BEGIN_DECLS

/* An element's settings begin with these. */
typedef struct
{
  char *path, *memory_limit; /* NULL = not set */
  guint loaders, threads;
} GstPipeloadModelSettings;

void gst_pipeload_model_settings_init (GstPipeloadModelSettings *settings);
void gst_pipeload_model_settings_clear (GstPipeloadModelSettings *settings);
/* @copy is a bitwise copy of other settings; gets strings of its own. */
void gst_pipeload_model_settings_own (GstPipeloadModelSettings *copy);

typedef struct
{
  GstElement *element;
  gpointer settings; /* the element's, OBJECT_LOCK */
  int failed;        /* atomic: whether the stream's one error is posted; the element resets it */

  GMutex lock;         /* of what follows; nothing is posted under it */
  PldHandle *handle;   /* while the model is open; not owned */
  PldStats last_stats; /* of the model that was closed last */
  char *limit;         /* memory-limit in force */

  /* Progress that was posted last; the opening thread's. */
  char *step;
  guint percent;
} GstPipeloadModel;

/* @settings: the element's, begin with a GstPipeloadModelSettings */
void gst_pipeload_model_init (GstPipeloadModel *model, GstElement *element, gpointer settings);
void gst_pipeload_model_clear (GstPipeloadModel *model);

/* ---- properties ---- */

/* The id of "stats". */
#define GST_PIPELOAD_PROP_STATS G_MAXUINT

/* Installs the five properties; @model_text and @stats_text: static descriptions of "model" and "stats". */
void gst_pipeload_model_install (GObjectClass *klass, const char *model_text, const char *stats_text);

/* Set and get any property of the element's settings. A memory limit is in force at once if the model is open; a
 * refused one is reported as a warning, and the property returns to the limit in force. */
void gst_pipeload_model_set (GstPipeloadModel *model, guint id, const GValue *value);
void gst_pipeload_model_get (GstPipeloadModel *model, guint id, GValue *value);

/* Statistics of the open model, or of the one that was closed last; zeros if there was none. */
void gst_pipeload_model_get_stats (GstPipeloadModel *model, PldStats *stats);

/* Adds the fields of "stats" that all elements have: the @last latency, the mean of @n latencies that are @total
 * together, and the engine's statistics. */
void gst_pipeload_model_add_stats (GstStructure *structure, GstClockTime last, GstClockTime total, guint64 n,
                                   const PldStats *engine);

/* ---- opening and closing ---- */

/* Sets those of @options that the element has properties for. Fails on a memory limit that is not a size. */
gboolean gst_pipeload_model_options (const GstPipeloadModelSettings *settings, PldEngineOptions *options,
                                     GError **error);

/* Post the beginning of opening with @settings, and its failure: progress, and the one error unless opening was
 * cancelled. */
void gst_pipeload_model_opening (GstPipeloadModel *model, const GstPipeloadModelSettings *settings);
void gst_pipeload_model_failed (GstPipeloadModel *model, const GstPipeloadModelSettings *settings, const GError *error);
/* Posts that the model is open. @handle: outlives the call of gst_pipeload_model_closing (). @text: a description of it
 */
void gst_pipeload_model_opened (GstPipeloadModel *model, PldHandle *handle, const GstPipeloadModelSettings *settings,
                                const char *text);

/* A PldProgressFunc that posts steps; @model: a GstPipeloadModel */
void gst_pipeload_model_progress (const char *step, guint percent, gpointer model);

/* Must be called before the model is closed, while no thread uses it. Does nothing if none is open. */
void gst_pipeload_model_closing (GstPipeloadModel *model);

/* ---- errors in mid-stream ---- */

/* Returns: TRUE if no error was posted before; the caller posts this one */
gboolean gst_pipeload_model_first_error (GstPipeloadModel *model);

/* Posts @error with the open model's path, if it is the first. */
void gst_pipeload_model_post_error (GstPipeloadModel *model, const GError *error);

G_END_DECLS
