/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The model that an element has, whatever its kind: the properties "model", "memory-limit", "loaders", "threads" and
 * "stats", and what the bus is told about it.
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
/* @copy is @settings, to the letter; it gets strings of its own. */
void gst_pipeload_model_settings_own (GstPipeloadModelSettings *copy);

typedef struct
{
  GstElement *element;
  gpointer settings; /* the element's, OBJECT_LOCK */
  gint failed;       /* atomic: the stream's one error is posted; the element sets it back to FALSE */

  GMutex lock;         /* of what follows; nothing is posted under it */
  PldHandle *handle;   /* while the model is open; not owned */
  PldStats last_stats; /* of the model closed last */
  char *limit;         /* memory-limit in force */

  /* Told last, while it opens; the opening thread's. */
  char *step;
  guint percent;
} GstPipeloadModel;

/* @settings: the element's, begin with a GstPipeloadModelSettings */
void gst_pipeload_model_init (GstPipeloadModel *model, GstElement *element, gpointer settings);
void gst_pipeload_model_clear (GstPipeloadModel *model);

/* ---- properties ---- */

/* The id of "stats". */
#define GST_PIPELOAD_PROP_STATS G_MAXUINT

/* Installs the five properties; texts of "model" and "stats", static. */
void gst_pipeload_model_install (GObjectClass *klass, const char *model_text, const char *stats_text);

/* Any property of the element's settings. A memory limit holds at once if the model is open; one that is refused is
 * warned of, and the property goes back to what holds. */
void gst_pipeload_model_set (GstPipeloadModel *model, guint id, const GValue *value);
void gst_pipeload_model_get (GstPipeloadModel *model, guint id, GValue *value);

/* Of the open model, or of the one closed last; zeros if there was none. */
void gst_pipeload_model_get_stats (GstPipeloadModel *model, PldStats *stats);

/* Adds what "stats" tells of every element: its @last latency, the mean of @n that last @total together, and what the
 * engine says. */
void gst_pipeload_model_add_stats (GstStructure *structure, GstClockTime last, GstClockTime total, guint64 n,
                                   const PldStats *engine);

/* ---- opening and closing ---- */

/* Sets those of @options that the element has properties for. Fails on a memory limit that is not a size. */
gboolean gst_pipeload_model_options (const GstPipeloadModelSettings *settings, PldEngineOptions *options,
                                     GError **error);

/* What is opened, and how it ends: posts progress, and the one error unless opening was cancelled. @settings: those it
 * is opened with. */
void gst_pipeload_model_begin (GstPipeloadModel *model, const GstPipeloadModelSettings *settings);
void gst_pipeload_model_fail (GstPipeloadModel *model, const GstPipeloadModelSettings *settings, const GError *error);
/* @handle: the open model; outlives the call of gst_pipeload_model_leave (). @text: what was opened */
void gst_pipeload_model_take (GstPipeloadModel *model, PldHandle *handle, const GstPipeloadModelSettings *settings,
                              const char *text);

/* A PldProgressFunc that posts steps; @model: a GstPipeloadModel */
void gst_pipeload_model_progress (const char *step, guint percent, gpointer model);

/* Before it is closed; nobody runs it. If none is open, nothing happens. */
void gst_pipeload_model_leave (GstPipeloadModel *model);

/* ---- errors in mid-stream ---- */

/* Returns: TRUE if no error was posted before; the caller posts this one */
gboolean gst_pipeload_model_first_error (GstPipeloadModel *model);

/* Posts @error with the open model's name, if it is the first. */
void gst_pipeload_model_post_error (GstPipeloadModel *model, const GError *error);

G_END_DECLS
