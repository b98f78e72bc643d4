/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the tests of engine/image: fixtures of tests/golden/image, and runs between guards.
 */
#pragma once

#include "engine/image/image.h"

typedef struct
{
  PldBudget *budget;
  char *pictures; /* pictures.bin */
  gsize pictures_size;
  char **cases; /* lines of cases.txt */
} Fixture;

/* A file of tests/golden/image. Returns: (transfer full) */
GBytes *image_rig_golden_load (const char *name);
void image_rig_set_up (Fixture *f, gconstpointer data);
void image_rig_tear_down (Fixture *f, gconstpointer data);
/* The result in memory of its own, with guards on both sides that must stay. Returns: NULL on failure */
guint8 *image_rig_run_scaler (PldScaler *scaler, const PldImage *image, guint width, guint height, GError **error);
guint8 *image_rig_run_once (PldBudget *budget, const PldImage *image, guint width, guint height, PldFilter filter,
                            GError **error);
/* No sample may differ by more than @most; says which does. */
void image_rig_assert_near (const guint8 *got, const guint8 *want, gsize n, int most, const char *name);
double image_rig_mean_difference (const guint8 *a, const guint8 *b, gsize n);
PldImage image_from_rgb (const guint8 *rgb, guint width, guint height);
PldImage image_from_jpeg (const void *data, gsize size);

typedef struct
{
  guint filter, matrix, full, sub_x, sub_y, width, height, at, out_width, out_height, want_at;
} YuvCase;

PldImage yuv_case_image (const YuvCase *c, const guint8 *planes);
