/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The values of pipeloadpublish's properties: their types, defaults and texts.
 */
#pragma once

#include "gst/common/settings.h"

G_BEGIN_DECLS

typedef enum
{
  GST_PIPELOAD_PUBLISH_EVENTS,
  GST_PIPELOAD_PUBLISH_FRAMES,
  GST_PIPELOAD_PUBLISH_BOTH,
} GstPipeloadPublishWhat;

#define GST_TYPE_PIPELOAD_PUBLISH_WHAT (gst_pipeload_publish_what_get_type ())
GType gst_pipeload_publish_what_get_type (void);

typedef struct
{
  char *location, *broker, *ca_file, *topic, *camera; /* NULL = not set */
  gboolean fsync, home_assistant;
  guint queue_size, drain; /* messages; ms */
  GstPipeloadPublishWhat what;
} GstPipeloadPublishSettings;

void gst_pipeload_publish_settings_init (GstPipeloadPublishSettings *settings);
void gst_pipeload_publish_settings_clear (GstPipeloadPublishSettings *settings);
void gst_pipeload_publish_settings_copy (GstPipeloadPublishSettings *copy, const GstPipeloadPublishSettings *settings);

#define GST_PIPELOAD_PUBLISH_PROP_STATS G_MAXUINT

/* Installs every property, "stats" too. */
void gst_pipeload_publish_settings_install (GObjectClass *klass);

G_END_DECLS
