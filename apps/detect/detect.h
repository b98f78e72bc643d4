/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the files of the detect verb.
 */
#pragma once

#include "apps/common/engine.h"
#include "apps/common/terminal.h"
#include "apps/common/verb.h"

#include <stdio.h>

typedef struct
{
  PldVisionOptions vision;
  const char *memory_limit, *input_size; /* as the user wrote them; NULL: none */
  const char *classes;                   /* as the user wrote it; NULL: all */
  double threshold;                      /* −1: the model's own */
  int top_k;                             /* 0: all; −1: one class, or all where several can be right */
  guint interval;
  gboolean json;
  gboolean all;       /* of videos, every result rather than every change */
  gboolean many;      /* lines about videos name their source, as there are others */
  gboolean bad;       /* some input could not be read */
  gboolean warned;    /* of what is remarkable about the model */
  gboolean async;     /* of videos: frames do not wait for the model */
  gint64 frames;      /* of each video, at most; 0: all */
  gboolean stats;     /* of each video, a table of figures */
  const char *camera; /* (nullable): its name in JSON */
  FILE *output;       /* (nullable): each result as JSON, too */
  GCancellable *cancellable;
} PldDetect;

typedef enum
{
  PLD_DETECT_OK,
  PLD_DETECT_BAD_INPUT, /* this one could not be read; go on */
  PLD_DETECT_FAILED,    /* nothing else will work either */
} PldDetectOutcome;

/* ---- inputs (input.c) --------------------------------------------------------------- */

typedef enum
{
  PLD_DETECT_JPEG,    /* a picture that the engine decodes */
  PLD_DETECT_PICTURE, /* one that GStreamer decodes */
  PLD_DETECT_VIDEO,
} PldDetectKind;

typedef struct
{
  char *path; /* or URI */
  PldDetectKind kind;
} PldDetectInput;

/* Returns: (transfer full): GPtrArray of PldDetectInput: the files and URIs named, and the pictures and videos in the
 * folders named, sorted by name. Unreadable inputs are reported and left out. */
GPtrArray *pld_detect_list_inputs (PldDetect *detect, char **names);

/* Returns: (transfer full): the bytes of a picture file */
GBytes *pld_detect_read_file (const char *path, GError **error);

/* ---- results (output.c) ------------------------------------------------------------- */

typedef struct
{
  const char *source;
  gboolean video;
  guint64 frame;       /* number in its source */
  guint64 time;        /* nanoseconds into the video; G_MAXUINT64: unknown */
  gint64 system_time;  /* microseconds since 1970, UTC */
  guint width, height; /* pixels; 0: unknown */
  const PldObject *objects;
  guint n;
} PldDetectResult;

/* One line on stdout where that is wanted of results that are @changed, or of others, and one in the output file. */
void pld_detect_print (const PldDetect *detect, const PldDetectResult *result, gboolean changed);
/* One line on stderr; the exit status becomes FAILED. */
void pld_detect_complain (PldDetect *detect, const char *source, const char *message);

/* ---- GStreamer (video.c, or novideo.c without it) ---------------------------- */

/* Decodes the picture at @path into *pixels, RGB, rows without gaps: (out) (transfer full), g_free() it. */
PldDetectOutcome pld_detect_decode (PldDetect *detect, const char *path, guint8 **pixels, guint *width, guint *height,
                                    GError **error);
/* Runs a video through pipeloadvit and prints its results. */
PldDetectOutcome pld_detect_video (PldDetect *detect, const char *path, GError **error);
