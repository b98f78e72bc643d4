/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An element between two test pads, with a bus: a pipeloadvit, unless rig-llm.h makes it, and pictures to push through
 * it. The small random model of tests/golden has seven classes and 48 × 48 pixels; what it sees in the pictures below
 * was computed by make-expected.py.
 */
#pragma once

#include "gst/common/meta.h"

#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <gst/video/video.h>

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GstHarness *harness;
} Rig;

/* g_test_init, gst_init, and the plugins out of the build. */
void rig_init (int *argc, char ***argv);

/* Returns: (transfer full): the path of the model that tests use */
char *rig_model (void);

/* @properties: as in a launch line; the model is set before them. Does not change state. */
void rig_make (Rig *rig, const char *properties);
void rig_make_element (Rig *rig, const char *element, const char *model, const char *properties);
/* Gives the element its pads, brings it to PLAYING. */
void rig_play (Rig *rig);
/* Makes and plays it; caps of the test's usual pictures. */
void rig_open (Rig *rig, const char *properties);
void rig_open_rgb (Rig *rig, const char *properties);
void rig_close (Rig *rig);

void rig_set_caps (Rig *rig, const char *format, int width, int height);

typedef enum
{
  PICTURE_GRADIENT, /* red grows with x, green with y, blue falls with both: 48 × 48 and its multiples */
  PICTURE_RED,
  PICTURE_GREEN,
  PICTURE_BLUE,
  PICTURE_WHITE,
  PICTURE_BLACK,
} Picture;

/* Returns: (transfer full) */
GstBuffer *rig_picture (Picture picture, GstVideoFormat format, int width, int height);

/* A picture of the test's usual kind, RGB 48 × 48, at this many thirtieths of a second. */
GstBuffer *rig_frame (Picture picture, guint number);

/* Returns: (transfer full): a JPEG file */
GstBuffer *rig_jpeg (Picture picture, int width, int height);

/* Returns: (transfer full) (nullable): the next message of @type, waited for at most a minute */
GstMessage *rig_wait (Rig *rig, GstMessageType type);

/* Messages of @type on the bus; takes them off, and all others before them. */
guint rig_count (Rig *rig, GstMessageType type);

/* One @type of message (error, warning) and no other of it; its text holds @word. */
void rig_assert_message (Rig *rig, GstMessageType type, GQuark domain, int code, const char *word);

/* The element does not start, and says why; again, since that has broken nothing. */
void rig_assert_refused (Rig *rig, GQuark domain, int code, const char *word);

/* The messages of an opening that went well. */
void rig_assert_progress (Rig *rig);

/* A new segment of time, and the end of what flush-start began, with one. */
void rig_push_segment (Rig *rig);
void rig_flush_stop (Rig *rig);

/* Pushes @buffer and pulls it at the other end, checked for what all pictures have in common. */
GstPipeloadFrame *rig_see (Rig *rig, GstBuffer *buffer, int width, int height);

guint64 rig_stat (Rig *rig, const char *name);

/* Checks the best object. */
void rig_assert_best (const GstPipeloadFrame *frame, const char *label, double confidence, double tolerance);
