/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The values of pipeloadvit's properties: their types, defaults and texts.
 */
#pragma once

#include "gst/common/model.h"

G_BEGIN_DECLS

typedef enum
{
  GST_PIPELOAD_VIT_MODE_SYNC,
  GST_PIPELOAD_VIT_MODE_ASYNC,
} GstPipeloadVitMode;

typedef enum
{
  GST_PIPELOAD_VIT_REGION_FULL_FRAME,
  GST_PIPELOAD_VIT_REGION_ROI_LIST,
} GstPipeloadVitRegion;

typedef enum
{
  GST_PIPELOAD_VIT_MESSAGES_NONE,
  GST_PIPELOAD_VIT_MESSAGES_CHANGES,
  GST_PIPELOAD_VIT_MESSAGES_ALL,
} GstPipeloadVitMessages;

#define GST_TYPE_PIPELOAD_VIT_MODE (gst_pipeload_vit_mode_get_type ())
#define GST_TYPE_PIPELOAD_VIT_REGION (gst_pipeload_vit_region_get_type ())
#define GST_TYPE_PIPELOAD_VIT_MESSAGES (gst_pipeload_vit_messages_get_type ())
GType gst_pipeload_vit_mode_get_type (void);
GType gst_pipeload_vit_region_get_type (void);
GType gst_pipeload_vit_messages_get_type (void);

typedef struct
{
  GstPipeloadModelSettings model;
  char *labels, *classes, *input_size; /* NULL = not set */
  int top_k;                           /* -1 = one class, or all where several can be right */
  guint interval, max_batch;
  double threshold; /* -1 = the model's own */
  double motion_threshold;
  GstPipeloadVitMode mode;
  GstPipeloadVitRegion region;
  GstPipeloadVitMessages messages;
  gboolean exif_orientation;
} GstPipeloadVitSettings;

void gst_pipeload_vit_settings_init (GstPipeloadVitSettings *settings);
void gst_pipeload_vit_settings_clear (GstPipeloadVitSettings *settings);
void gst_pipeload_vit_settings_copy (GstPipeloadVitSettings *copy, const GstPipeloadVitSettings *settings);

/* Installs every property, "stats" too. */
void gst_pipeload_vit_settings_install (GObjectClass *klass);

G_END_DECLS
