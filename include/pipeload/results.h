/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Results and events as JSON.
 */
#pragma once

#include "pipeload/vision.h"

G_BEGIN_DECLS

/* What happened to an object, where and when. */
typedef struct
{
  const char *event; /* "enter", "update", "leave", "cross" */
  const char *zone;  /* or line; "": the whole picture */
  guint64 id;        /* of the track; 0: not tracked */
  const char *label;
  const char *direction;  /* NULL: left out */
  guint64 start, end;     /* ns in the stream; end is G_MAXUINT64: left out, and the duration with it */
  double confidence;      /* of the last results together, 0..1 */
  double best_confidence; /* of one result */
} PldEvent;

/* The frame that objects were seen in, or that an event happened in. */
typedef struct
{
  guint64 timestamp;     /* ns in the stream; G_MAXUINT64: none */
  gint64 system_time;    /* microseconds since 1970, UTC; G_MININT64: left out */
  const char *camera;    /* (nullable) */
  const char *source;    /* file or URI; NULL: left out */
  gint64 number;         /* of the frame in its source; −1: left out */
  guint width, height;   /* pixels */
  const PldEvent *event; /* NULL: none */
} PldFrame;

/* What is known of an object beside its box. */
typedef struct
{
  guint64 id;               /* of the track; 0: not tracked */
  const char *const *zones; /* NULL-terminated; NULL: none */
} PldIdentity;

/* @identities: (nullable): [n]; NULL: all 0. Returns: (transfer full): one line of JSON without its newline: of an
 * event first event, zone, id, label, direction; then timestamp, system_timestamp (RFC 3339); of an event start, end,
 * duration, confidence, best_confidence; then camera, source, frame, resolution, objects [id, label, confidence, box
 * (0..1), x, y, w, h (pixels), zones]. Thread-safe. */
PLD_API char *pld_frame_to_json (const PldFrame *frame, const PldObject *objects, const PldIdentity *identities,
                                 guint n);

/* Whether @text is one JSON value (RFC 8259, and Python's NaN and ±Infinity), without doubled members, no deeper than
 * 64: only then may parsers have it that take more than JSON, go down without end or leak what they refuse, as
 * json-glib's does. FORMAT, "line 3 is not JSON: …". Thread-safe. */
PLD_API gboolean pld_json_check (const char *text, gsize size, GError **error);

G_END_DECLS
