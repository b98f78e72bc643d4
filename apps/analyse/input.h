/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The recordings that are to be analysed.
 */
#pragma once

#include <glib.h>

typedef struct
{
  char *path;   /* absolute */
  char *name;   /* what results call it: below the folder that was given, or the file's; UTF-8; unlike all others' */
  guint64 size; /* bytes */
  gint64 mtime; /* ns since 1970 */
} AnalyseInput;

/* Entries of folders that are not analysed. */
typedef struct
{
  guint hidden;   /* begin with a dot */
  guint dangling; /* links to nothing */
  guint again;    /* files and folders that were reached before, by a link or another name */
} AnalyseSkipped;

/* @skipped: (out). Returns: (transfer full): AnalyseInput, each file once, however it is reached: @arguments' files in
 * their order, and those of their folders and the folders in these, by name, that are called like videos. @output is
 * not searched. */
GPtrArray *analyse_inputs_find (char **arguments, const char *output, AnalyseSkipped *skipped, GError **error);
