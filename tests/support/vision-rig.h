/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vision models in tests: opened or the test aborts; and the project's main guarantee, streamed equals resident.
 */
#pragma once

#include "pipeload/pipeload.h"
#include "tests/support/npy.h"

/* A file of tests/golden/data, or with @file NULL its folder @model. Returns: (transfer full) */
char *vision_fixture (const char *model, const char *file);
/* A file or folder of the data outside of the tree. Returns: (transfer full) (nullable): NULL: not there */
char *vision_shared (const char *name);

/* @input_size: (nullable): for pld_input_size_parse() */
PldVision *vision_open (const char *path, guint64 limit, guint loaders, guint threads, guint batch,
                        const char *input_size);

/* The input size that @pixels, […, height, width], are for; NULL: their shape does not say. Returns: (transfer full) */
char *vision_pixels_size (const Npy *pixels);

/* The output of the head, [n, n_values], for the first @n pictures of @pixels, in one pass. Returns: (transfer full) */
float *vision_run_pixels (PldVision *vision, const Npy *pixels, guint n);

/* The first picture gives the same, byte for byte, under @n_limits limits from the smallest to where all is resident,
 * with 1, 2 and 4 loaders, in several passes; and no limit is exceeded. */
void vision_sweep (const char *model, const Npy *pixels, guint n_limits);
