/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by all elements, between GStreamer and the engine: errors to bus messages, texts of properties.
 */
#pragma once

#include "pipeload/pipeload.h"

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* Posts @error on the bus, as the one error (or a warning). @file: what the user named, put in
 * front if the error's text does not hold it already; may be NULL. @opening: the file was being opened, not
 * read in mid-stream. */
void gst_pipeload_post_error (GstElement *element, const GError *error, const char *file, gboolean opening);
void gst_pipeload_post_warning (GstElement *element, const GError *error, const char *file);

/* A wrong property: becomes RESOURCE/SETTINGS. */
#define GST_PIPELOAD_SETTINGS_ERROR (gst_pipeload_settings_error_quark ())
GQuark gst_pipeload_settings_error_quark (void);

/* The property memory-limit; NULL is none. Fails with GST_PIPELOAD_SETTINGS_ERROR. */
gboolean gst_pipeload_parse_limit (const char *text, guint64 *limit, GError **error);

/* For GstBaseTransformClass.propose_allocation: frames keep their memory, so downstream alone says what it may look
 * like. */
gboolean gst_pipeload_propose_downstream (GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query);

/* Returns: (transfer full): the words between @text's commas without the spaces around them, empty ones left
 * out. */
char **gst_pipeload_split_list (const char *text);

/* Returns: (transfer full): the labels that @text names: one a line if it is a file, else between commas. */
char **gst_pipeload_read_labels (const char *text, GError **error);

G_END_DECLS
