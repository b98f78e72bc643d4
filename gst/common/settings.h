/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An element's settings: a struct whose fields are the values of its properties, each a string (NULL = not set), guint,
 * int, gint64, double, gboolean or enum. A property's id says where its field is. The caller locks.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The id of the property that is @field of @type; no id is 0. */
#define GST_PIPELOAD_PROP(type, field) ((guint) G_STRUCT_OFFSET (type, field) + 1)

/* Properties that count when the model opens, and those that may change at any time. */
#define GST_PIPELOAD_READY (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define GST_PIPELOAD_PLAYING (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

/* @spec: (transfer full) */
void gst_pipeload_settings_install (GObjectClass *klass, guint id, GParamSpec *spec);

/* @value is of the installed property's type; an empty string is not set. */
void gst_pipeload_settings_set (gpointer settings, guint id, const GValue *value);
void gst_pipeload_settings_get (gconstpointer settings, guint id, GValue *value);

G_END_DECLS
