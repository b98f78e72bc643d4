/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What pipeloadvit's properties hold: their types, defaults and texts.
 */
#pragma once

#include <gst/gst.h>

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
  char *model, *memory_limit, *labels, *classes; /* NULL = not set */
  guint loaders, threads, top_k, interval, input_size, max_batch;
  double threshold, motion_threshold;
  GstPipeloadVitMode mode;
  GstPipeloadVitRegion region;
  GstPipeloadVitMessages messages;
} GstPipeloadVitSettings;

typedef enum
{
  GST_PIPELOAD_VIT_PROP_MODEL = 1,
  GST_PIPELOAD_VIT_PROP_MEMORY_LIMIT,
  GST_PIPELOAD_VIT_PROP_LOADERS,
  GST_PIPELOAD_VIT_PROP_THREADS,
  GST_PIPELOAD_VIT_PROP_LABELS,
  GST_PIPELOAD_VIT_PROP_CLASSES,
  GST_PIPELOAD_VIT_PROP_THRESHOLD,
  GST_PIPELOAD_VIT_PROP_TOP_K,
  GST_PIPELOAD_VIT_PROP_INTERVAL,
  GST_PIPELOAD_VIT_PROP_MODE,
  GST_PIPELOAD_VIT_PROP_REGION,
  GST_PIPELOAD_VIT_PROP_INPUT_SIZE,
  GST_PIPELOAD_VIT_PROP_MAX_BATCH,
  GST_PIPELOAD_VIT_PROP_MOTION_THRESHOLD,
  GST_PIPELOAD_VIT_PROP_MESSAGES,
  GST_PIPELOAD_VIT_PROP_STATS,
} GstPipeloadVitProp;

void gst_pipeload_vit_settings_init (GstPipeloadVitSettings *settings);
void gst_pipeload_vit_settings_clear (GstPipeloadVitSettings *settings);
void gst_pipeload_vit_settings_copy (GstPipeloadVitSettings *copy, const GstPipeloadVitSettings *settings);

/* Installs every property, "stats" too. */
void gst_pipeload_vit_settings_install (GObjectClass *klass);

/* Every property but "stats". Return: FALSE if @id is none of them. */
gboolean gst_pipeload_vit_settings_set (GstPipeloadVitSettings *settings, guint id, const GValue *value);
gboolean gst_pipeload_vit_settings_get (const GstPipeloadVitSettings *settings, guint id, GValue *value);

G_END_DECLS
