/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How results travel: as GstVideoRegionOfInterestMeta on frames, as element messages on the
 * bus, and as JSON. One GstPipeloadFrame holds what was seen in one frame, and converts to and from each of
 * them.
 *
 * On a frame: each region is one ROI meta. A classifier's classes are parameter structures named
 * "classification" on it, best first: label (string), label_id (uint), confidence (double), x_min … y_max
 * (double, 0..1 of the frame), frame (uint64, the number of the frame that was processed), age (uint64, how
 * many frames ago that was; 0 = this frame). Each object of a detector is one ROI meta, of its label's
 * type, with one such structure named "detection"; its id is the track's, once there is one. Trackers add
 * a structure "track": id (int), state (string, "measured" or "predicted"), start (uint64, timestamp of its
 * first frame), dx, dy (double, shares of the frame a second); pipeloadevents adds "zones": names (array of
 * strings). A custom meta marks each frame that carries a result, even an empty one: frame, age.
 */
#pragma once

#include "pipeload/vision.h"
#include "analytics/box.h"

#include <gst/gst.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* The name of the element message. */
#define GST_PIPELOAD_VIT_MESSAGE "pipeload-vit"

/* The name of pipeloadevents' reports, as an element message and as a downstream event, and of the sticky event
 * with which it passes its zones on; docs/events.md has their fields. */
#define GST_PIPELOAD_EVENT_MESSAGE "pipeload-event"
#define GST_PIPELOAD_ZONES_EVENT "pipeload-zones"

typedef struct
{
  int id; /* the ROI's; 0 = none was given */
  guint label_id;
  const char *label; /* interned */
  double confidence; /* 0..1 */
  PldBox box;
  gboolean tracked;   /* the next four count, and id is the track's */
  gboolean predicted; /* where it is was not measured in this frame */
  GstClockTime start; /* timestamp of the track's first frame */
  double dx, dy;      /* shares of the frame a second */
  const char **zones; /* NULL-terminated, of interned names; freed with the frame; NULL = unknown */
  GList *others;      /* GstStructure: other structures on a detection's ROI; freed with the frame */
} GstPipeloadObject;

typedef enum
{
  GST_PIPELOAD_FRAME_CLASSES,        /* of the whole frame */
  GST_PIPELOAD_FRAME_REGION_CLASSES, /* of ROIs that came with the frame */
  GST_PIPELOAD_FRAME_DETECTIONS,
} GstPipeloadFrameKind;

/* The result of one frame. Shared between threads once it is filled, and then not changed any more. */
typedef struct
{
  gatomicrefcount refs;
  guint64 number;         /* frames since the element started */
  GstClockTime timestamp; /* of the buffer */
  GstClockTime stream_time;
  GstClockTime running_time;
  gint64 system_time;  /* microseconds since 1970, UTC */
  guint width, height; /* pixels; 0 = not known */
  GstPipeloadFrameKind kind;
  GArray *objects; /* GstPipeloadObject */
} GstPipeloadFrame;

GstPipeloadFrame *gst_pipeload_frame_new (guint64 number);
GstPipeloadFrame *gst_pipeload_frame_ref (GstPipeloadFrame *frame);
void gst_pipeload_frame_unref (GstPipeloadFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadFrame, gst_pipeload_frame_unref)

/* @label: interned; PldObject's lives as long as its model. */
GstPipeloadObject gst_pipeload_object_from_pld (const PldObject *object, const char *label);

/* Its label, class, confidence and box. */
PldObject gst_pipeload_object_to_pld (const GstPipeloadObject *object);

/* Whether both are classes of one region: they have the same id and box. */
gboolean gst_pipeload_object_same_place (const GstPipeloadObject *a, const GstPipeloadObject *b);

#define gst_pipeload_frame_object(frame, i) (&g_array_index ((frame)->objects, GstPipeloadObject, i))

/* Whether both frames show the same labels, in whatever order and place. NULL shows none. */
gboolean gst_pipeload_frame_same_labels (const GstPipeloadFrame *a, const GstPipeloadFrame *b);

/* The video of a stream. */
typedef struct
{
  guint width, height;   /* pixels; 0 = not known */
  GstClockTime duration; /* of a frame, by the frame rate; a 25th of a second if that is not known */
} GstPipeloadVideo;

/* @caps: fixed */
GstPipeloadVideo gst_pipeload_video_from_caps (const GstCaps *caps);

/* A rectangle of a frame, in pixels, inside of it and not empty. */
typedef struct
{
  int id;
  guint x, y, width, height;
} GstPipeloadRegion;

/* Returns: (transfer full): GArray of GstPipeloadRegion: the ROIs that came with @buffer, cut at the frame's
 * edges. */
GArray *gst_pipeload_regions_read (GstBuffer *buffer, guint width, guint height);

/* Writes @frame's objects on @buffer, which must be writable, and that it has a result. @age: how many frames
 * ago they were seen. Classes of regions go to the ROI that covers the same place best, or nowhere. */
void gst_pipeload_frame_attach (const GstPipeloadFrame *frame, GstBuffer *buffer, guint64 age);

/* Takes all detections off @buffer, which must be writable, and writes @frame's objects as detections instead;
 * the note that it has a result stays as it is. */
void gst_pipeload_frame_replace (const GstPipeloadFrame *frame, GstBuffer *buffer, guint64 age);

/* A reader's place in the results of one stream; zeros at its beginning. */
typedef struct
{
  gboolean any;   /* a result was read; number is that of the last one */
  guint64 number; /* of the frame that was processed */
  guint64 age;    /* how many frames ago that was; 0 without a result */
} GstPipeloadResultCursor;

typedef enum
{
  GST_PIPELOAD_RESULT_NONE,
  GST_PIPELOAD_RESULT_HELD, /* an earlier buffer brought it */
  GST_PIPELOAD_RESULT_NEW,
} GstPipeloadResultState;

/* Moves @cursor to the result of @buffer, the stream's next one. Results of other elements are not numbered, and count
 * as NONE. */
GstPipeloadResultState gst_pipeload_result_next (GstPipeloadResultCursor *cursor, GstBuffer *buffer);

/* Returns: (transfer full): what elements wrote on @buffer: "detection" structures, or where there are none
 * those named "classification". Number 0 if no structure has one. */
GstPipeloadFrame *gst_pipeload_frame_from_buffer (GstBuffer *buffer, guint width, guint height);

/* Returns: (transfer full): the structure of the element message. */
GstStructure *gst_pipeload_frame_to_structure (const GstPipeloadFrame *frame, gboolean changed);

/* Returns: (transfer full) (nullable): the way back; NULL if @structure is not such a message. */
GstPipeloadFrame *gst_pipeload_frame_from_structure (const GstStructure *structure);

/* Returns: (transfer full): one line of JSON without its newline. */
char *gst_pipeload_frame_to_json (const GstPipeloadFrame *frame, const char *camera);

G_END_DECLS
