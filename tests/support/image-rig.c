/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures between guard bytes, and PIL's results for them.
 */
#include "tests/support/image-rig.h"

#include <stdlib.h>
#include <string.h>

#define GUARD 64
#define GUARD_BYTE 0xA5

static char *
golden_path (const char *name)
{
  return g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "tests", "golden", "image", name, NULL);
}

GBytes *
image_rig_golden_load (const char *name)
{
  g_autofree char *path = golden_path (name);
  g_autoptr (GError) error = NULL;
  char *data = NULL;
  gsize size = 0;

  g_file_get_contents (path, &data, &size, &error);
  g_assert_no_error (error);
  return g_bytes_new_take (data, size);
}

void
image_rig_set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *pictures = golden_path ("pictures.bin");
  g_autofree char *cases = golden_path ("cases.txt");
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  f->budget = pld_budget_new (0);
  g_file_get_contents (pictures, &f->pictures, &f->pictures_size, &error);
  g_assert_no_error (error);
  g_file_get_contents (cases, &text, NULL, &error);
  g_assert_no_error (error);
  f->cases = g_strsplit (g_strchomp (text), "\n", -1);
}

void
image_rig_tear_down (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (pld_budget_get_used (f->budget), ==, 0);
  g_clear_pointer (&f->budget, pld_budget_free);
  g_free (f->pictures);
  g_strfreev (f->cases);
}

guint8 *
image_rig_run_scaler (PldScaler *scaler, const PldImage *image, guint width, guint height, GError **error)
{
  const gsize size = (gsize) width * height * 3;
  g_autofree guint8 *guarded = g_malloc (size + 2 * GUARD);
  guint8 *result = NULL;

  memset (guarded, GUARD_BYTE, size + 2 * GUARD);
  if (pld_scaler_run (scaler, image, guarded + GUARD, error))
    result = g_memdup2 (guarded + GUARD, size);
  for (guint i = 0; i < GUARD; i++)
    {
      g_assert_cmpuint (guarded[i], ==, GUARD_BYTE);
      g_assert_cmpuint (guarded[GUARD + size + i], ==, GUARD_BYTE);
    }
  return result;
}

guint8 *
image_rig_run_once (PldBudget *budget, const PldImage *image, guint width, guint height, PldFilter filter,
                    GError **error)
{
  PldScaler *scaler = pld_scaler_new (width, height, filter, budget, error);
  guint8 *result = scaler != NULL ? image_rig_run_scaler (scaler, image, width, height, error) : NULL;

  g_clear_pointer (&scaler, pld_scaler_free);
  return result;
}

void
image_rig_assert_near (const guint8 *got, const guint8 *want, gsize n, int most, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (abs (got[i] - want[i]) > most)
      g_error ("%s: sample %" G_GSIZE_FORMAT " is %u, expected %u", name, i, got[i], want[i]);
}

double
image_rig_mean_difference (const guint8 *a, const guint8 *b, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += abs (a[i] - b[i]);
  return sum / n;
}

PldImage
image_from_rgb (const guint8 *rgb, guint width, guint height)
{
  PldImage image = { .kind = PLD_IMAGE_RGB, .width = width, .height = height };

  for (guint i = 0; i < 3; i++)
    *pld_image_plane (&image, i) = (PldPlane) { rgb + i, (gssize) width * 3, 3, width, height };
  return image;
}

PldImage
image_from_jpeg (const void *data, gsize size)
{
  return (PldImage) { .kind = PLD_IMAGE_JPEG, .data = data, .size = size };
}

PldImage
yuv_case_image (const YuvCase *c, const guint8 *planes)
{
  const guint chroma_width = (c->width + c->sub_x - 1) / c->sub_x;
  const guint chroma_height = (c->height + c->sub_y - 1) / c->sub_y;
  PldImage image
      = { .kind = PLD_IMAGE_YUV, .width = c->width, .height = c->height, .matrix = c->matrix, .full_range = c->full };

  image.first = (PldPlane) { planes, c->width, 1, c->width, c->height };
  planes += c->width * c->height;
  image.second = (PldPlane) { planes, chroma_width, 1, chroma_width, chroma_height };
  planes += chroma_width * chroma_height;
  image.third = (PldPlane) { planes, chroma_width, 1, chroma_width, chroma_height };
  return image;
}
