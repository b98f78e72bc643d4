/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All knowledge of how results travel: as GstVideoRegionOfInterestMeta on frames, as element messages on the
 * bus, and as JSON. One GstPipeloadFrame holds what was seen in one frame, and converts to and from each of
 * them.
 *
 * On a frame: each region is one ROI meta. A classifier's classes are parameter structures named
 * "classification" on it, best first: label (string), label_id (uint), confidence (double), x_min … y_max
 * (double, 0..1 of the frame), frame (uint64, the number of the frame that was looked at), age (uint64, how
 * many frames ago that was; 0 = this very frame).
 */
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* The name of the element message. */
#define GST_PIPELOAD_VIT_MESSAGE "pipeload-vit"

typedef struct
{
  int id; /* the ROI's; 0 = none was given */
  guint label_id;
  const char *label;                 /* interned */
  double confidence;                 /* 0..1 */
  double x_min, y_min, x_max, y_max; /* 0..1 of the frame */
} GstPipeloadObject;

/* What was seen in one frame. Shared between threads once it is filled, and then not changed any more. */
typedef struct
{
  gatomicrefcount refs;
  guint64 number;         /* frames since the element started */
  GstClockTime timestamp; /* of the buffer */
  GstClockTime stream_time;
  GstClockTime running_time;
  gint64 system_time;  /* microseconds since 1970, UTC */
  guint width, height; /* pixels; 0 = not known */
  gboolean in_regions; /* the objects belong to ROIs that came with the frame */
  GArray *objects;     /* GstPipeloadObject */
} GstPipeloadFrame;

GstPipeloadFrame *gst_pipeload_frame_new (guint64 number);
GstPipeloadFrame *gst_pipeload_frame_ref (GstPipeloadFrame *frame);
void gst_pipeload_frame_unref (GstPipeloadFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadFrame, gst_pipeload_frame_unref)

#define gst_pipeload_frame_object(frame, i) (&g_array_index ((frame)->objects, GstPipeloadObject, i))

/* Whether both frames show the same labels, in whatever order and place. NULL shows none. */
gboolean gst_pipeload_frame_same_labels (const GstPipeloadFrame *a, const GstPipeloadFrame *b);

/* A rectangle of a frame, in pixels, inside of it and not empty. */
typedef struct
{
  int id;
  guint x, y, width, height;
} GstPipeloadRegion;

/* Returns: (transfer full): GArray of GstPipeloadRegion: the ROIs that came with @buffer, cut at the frame's
 * edges. */
GArray *gst_pipeload_regions_read (GstBuffer *buffer, guint width, guint height);

/* Writes @frame's objects on @buffer, which must be writable. @age: how many frames ago they were seen.
 * Objects in regions go to the ROI that covers the same place best, or nowhere. */
void gst_pipeload_frame_attach (const GstPipeloadFrame *frame, GstBuffer *buffer, guint64 age);

/* Returns: (transfer full): what elements wrote on @buffer: "classification" and "detection" structures. */
GstPipeloadFrame *gst_pipeload_frame_from_buffer (GstBuffer *buffer, guint width, guint height);

/* Returns: (transfer full): the structure of the element message. */
GstStructure *gst_pipeload_frame_to_structure (const GstPipeloadFrame *frame, gboolean changed);

/* Returns: (transfer full) (nullable): the way back; NULL if @structure is none of ours. */
GstPipeloadFrame *gst_pipeload_frame_from_structure (const GstStructure *structure);

/* Returns: (transfer full): one line of JSON without its newline. */
char *gst_pipeload_frame_to_json (const GstPipeloadFrame *frame, const char *camera);

G_END_DECLS
