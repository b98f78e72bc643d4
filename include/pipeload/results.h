/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Results and events as JSON.
 */
#pragma once

#include "pipeload/vision.h"

G_BEGIN_DECLS

/**
 * PldEvent:
 * @event: "enter", "update", "leave" or "cross"
 * @zone: name of the zone or line; "": the whole picture
 * @id: id of the track; 0: not tracked
 * @label: name of the object's class
 * @direction: (nullable): direction of a crossing; NULL: left out
 * @start: when the object was first seen, in ns of stream time
 * @end: when it was last seen; G_MAXUINT64: left out, and the duration with it
 * @confidence: median confidence of the last results, 0..1
 * @best_confidence: highest confidence of one result, 0..1
 *
 * A change of one object: when and where it happened.
 */
typedef struct
{
  const char *event;
  const char *zone;
  guint64 id;
  const char *label;
  const char *direction;
  guint64 start;
  guint64 end;
  double confidence;
  double best_confidence;
} PldEvent;

/**
 * PldFrame:
 * @timestamp: ns of stream time; G_MAXUINT64: none
 * @system_time: microseconds since 1970, UTC; G_MININT64: left out
 * @camera: (nullable): name of the camera
 * @source: (nullable): file or URI; NULL: left out
 * @number: number of the frame in its source; −1: left out
 * @width: pixels
 * @height: pixels
 * @event: (nullable): an event that happened in this frame
 *
 * The frame that objects were seen in, or that an event happened in.
 */
typedef struct
{
  guint64 timestamp;
  gint64 system_time;
  const char *camera;
  const char *source;
  gint64 number;
  guint width;
  guint height;
  const PldEvent *event;
} PldFrame;

/**
 * PldIdentity:
 * @id: id of the track; 0: not tracked
 * @zones: (nullable) (array zero-terminated=1): names of the zones that the object is in; NULL: none
 *
 * Facts about an object that a model does not know.
 */
typedef struct
{
  guint64 id;
  const char *const *zones;
} PldIdentity;

/**
 * pld_frame_to_json:
 * @frame: the frame
 * @objects: (array length=n): objects in it
 * @identities: (nullable) (array length=n): of the objects; NULL: all 0
 * @n: number of objects
 *
 * Members, in this order: of an event event, zone, id, label, direction; then timestamp, system_timestamp (RFC 3339);
 * of an event start, end, duration, confidence, best_confidence; then camera, source, frame, resolution, objects [id,
 * label, confidence, box (0..1), x, y, w, h (pixels), zones]. Thread-safe.
 *
 * Returns: (transfer full): one line of JSON without its newline; free with g_free()
 */
PLD_API char *pld_frame_to_json (const PldFrame *frame, const PldObject *objects, const PldIdentity *identities,
                                 guint n);

/**
 * pld_json_check:
 * @text: (array length=size): any bytes
 * @size: bytes of @text
 *
 * Checks that @text is one JSON value (RFC 8259, and Python's NaN and ±Infinity) without duplicate members, nested no
 * deeper than 64. Check input with this function before it is passed to a lenient parser: json-glib accepts more than
 * JSON, recurses without limit, and leaks on error. Thread-safe. FORMAT: "line 3 is not JSON: …".
 */
PLD_API gboolean pld_json_check (const char *text, gsize size, GError **error);

G_END_DECLS
