/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/image against PIL and against ITU-R's definitions (tests/golden/image, made by its make-golden.py),
 * and on planes that cannot be.
 */
#include "tests/support/image-rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

/* ---- PIL's results ------------------------------------------------------------------------- */

/* Exact: the same fixed-point weights and the same rounding after each direction. */
static void
test_resize (Fixture *f, gconstpointer data)
{
  guint n = 0;

  for (guint i = 0; f->cases[i] != NULL; i++)
    {
      guint filter, channels, width, height, at, out_width, out_height, want_at;
      g_autoptr (GError) error = NULL;
      g_autofree guint8 *source = NULL, *want = NULL, *got = NULL;
      PldImage image = { 0 };

      if (sscanf (f->cases[i], "resize %u %u %u %u %u %u %u %u", &filter, &channels, &width, &height, &at, &out_width,
                  &out_height, &want_at)
          != 8)
        continue;
      /* Memory of its own, so that a sanitizer sees a read beyond it. */
      source = g_memdup2 (f->pictures + at, (gsize) width * height * channels);
      want = g_malloc ((gsize) out_width * out_height * 3);
      for (gsize s = 0; s < (gsize) out_width * out_height * 3; s++)
        want[s] = (guint8) f->pictures[want_at + s / (3 / channels)];
      image = image_from_rgb (source, width, height);
      if (channels == 1)
        {
          image.kind = PLD_IMAGE_GRAY;
          image.full_range = TRUE;
          image.first.stride = width;
          image.first.pixel_stride = 1;
        }
      got = image_rig_run_once (f->budget, &image, out_width, out_height, filter, &error);
      g_assert_no_error (error);
      image_rig_assert_near (got, want, (gsize) out_width * out_height * 3, 0, f->cases[i]);
      n++;
    }
  g_assert_cmpuint (n, >, 100);
}

static gboolean
yuv_case_parse (const char *line, YuvCase *c)
{
  return sscanf (line, "yuv %u %u %u %u %u %u %u %u %u %u %u", &c->filter, &c->matrix, &c->full, &c->sub_x, &c->sub_y,
                 &c->width, &c->height, &c->at, &c->out_width, &c->out_height, &c->want_at)
         == 11;
}

/* Exact, against double precision: the tables' rounding, < 1e-6, decides no sample here. */
static void
test_yuv (Fixture *f, gconstpointer data)
{
  guint n = 0;

  for (guint i = 0; f->cases[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree guint8 *got = NULL;
      YuvCase c;
      PldImage image;

      if (!yuv_case_parse (f->cases[i], &c))
        continue;
      image = yuv_case_image (&c, (const guint8 *) f->pictures + c.at);
      got = image_rig_run_once (f->budget, &image, c.out_width, c.out_height, c.filter, &error);
      g_assert_no_error (error);
      image_rig_assert_near (got, (const guint8 *) f->pictures + c.want_at, (gsize) c.out_width * c.out_height * 3, 0,
                             f->cases[i]);
      n++;
    }
  g_assert_cmpuint (n, >, 40);
}

/* Copies a plane into memory of its own, with @pixel_stride, rows @pad bytes longer than they need be, and
 * upside down if asked. The bytes between are noise, which must not matter. */
static guint8 *
plane_move (PldPlane *plane, guint pixel_stride, guint pad, gboolean flip)
{
  const gsize stride = (gsize) (plane->width - 1) * pixel_stride + 1 + pad;
  guint8 *memory = g_malloc (stride * plane->height - pad);
  PldPlane moved = { memory, (gssize) stride, pixel_stride, plane->width, plane->height };

  for (gsize i = 0; i < stride * plane->height - pad; i++)
    memory[i] = (guint8) g_test_rand_int ();
  if (flip)
    {
      moved.data = memory + stride * (plane->height - 1);
      moved.stride = -moved.stride;
    }
  for (guint y = 0; y < plane->height; y++)
    for (guint x = 0; x < plane->width; x++)
      memory[(moved.data - memory) + (gssize) y * moved.stride + x * pixel_stride]
          = plane->data[(gssize) y * plane->stride + x * plane->pixel_stride];
  *plane = moved;
  return memory;
}

/* However the samples lie in memory, the result is the same. */
static void
test_layouts (Fixture *f, gconstpointer data)
{
  static const guint pixel_strides[] = { 1, 2, 3, 4, 6, 8, 11 };

  for (guint i = 0; f->cases[i] != NULL; i++)
    for (guint p = 0; p < G_N_ELEMENTS (pixel_strides); p++)
      for (guint flip = 0; flip < 2; flip++)
        {
          g_autoptr (GError) error = NULL;
          g_autofree guint8 *got = NULL;
          guint8 *memory[3];
          YuvCase c;
          PldImage image;

          if (!yuv_case_parse (f->cases[i], &c))
            continue;
          image = yuv_case_image (&c, (const guint8 *) f->pictures + c.at);
          for (guint k = 0; k < 3; k++)
            memory[k] = plane_move (pld_image_plane (&image, k), pixel_strides[(p + k) % G_N_ELEMENTS (pixel_strides)],
                                    p * 5, flip);
          got = image_rig_run_once (f->budget, &image, c.out_width, c.out_height, c.filter, &error);
          g_assert_no_error (error);
          image_rig_assert_near (got, (const guint8 *) f->pictures + c.want_at, (gsize) c.out_width * c.out_height * 3,
                                 0, f->cases[i]);
          for (guint k = 0; k < 3; k++)
            g_free (memory[k]);
        }
}

/* Packed R, G, B with and without a fourth byte, in every order: what RGB gives, with the components swapped.
 */
static void
test_packed (Fixture *f, gconstpointer data)
{
  static const guint orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 }, { 0, 2, 1 } };
  enum
  {
    WIDTH = 101,
    HEIGHT = 23,
    OUT = 19
  };
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *rgb = g_malloc (WIDTH * HEIGHT * 3);
  g_autofree guint8 *want = NULL;
  PldImage image = image_from_rgb (rgb, WIDTH, HEIGHT);

  for (guint i = 0; i < WIDTH * HEIGHT * 3; i++)
    rgb[i] = (guint8) g_test_rand_int ();
  want = image_rig_run_once (f->budget, &image, OUT, OUT, PLD_FILTER_BICUBIC, &error);
  g_assert_no_error (error);
  for (guint bytes = 3; bytes <= 4; bytes++)
    for (guint o = 0; o < G_N_ELEMENTS (orders); o++)
      {
        g_autofree guint8 *packed = g_malloc (WIDTH * HEIGHT * bytes);
        g_autofree guint8 *got = NULL;

        memset (packed, 0xEE, WIDTH * HEIGHT * bytes);
        for (guint i = 0; i < WIDTH * HEIGHT; i++)
          for (guint k = 0; k < 3; k++)
            packed[i * bytes + orders[o][k]] = rgb[i * 3 + k];
        for (guint k = 0; k < 3; k++)
          *pld_image_plane (&image, k)
              = (PldPlane) { packed + orders[o][k], WIDTH * (gssize) bytes, bytes, WIDTH, HEIGHT };
        got = image_rig_run_once (f->budget, &image, OUT, OUT, PLD_FILTER_BICUBIC, &error);
        g_assert_no_error (error);
        image_rig_assert_near (got, want, OUT * OUT * 3, 0, "packed");
      }
}

/* Limited-range gray: 16 is black, 235 white, and 126 becomes 255 × 110 / 219 = 128.08. */
static void
test_gray_range (Fixture *f, gconstpointer data)
{
  static const guint8 levels[] = { 0, 16, 126, 235, 255 };
  static const guint8 want[] = { 0, 0, 128, 255, 255 };
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *got = NULL;
  PldImage image = { .kind = PLD_IMAGE_GRAY, .width = 5, .height = 1, .first = { levels, 5, 1, 5, 1 } };

  got = image_rig_run_once (f->budget, &image, 5, 1, PLD_FILTER_BILINEAR, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 15; i++)
    g_assert_cmpuint (got[i], ==, want[i / 3]);
}

/* ---- planes that cannot be ----------------------------------------------------------------- */

static void
assert_refused (Fixture *f, const PldImage *image)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (image_rig_run_once (f->budget, image, 8, 8, PLD_FILTER_BILINEAR, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
}

static void
test_bad_planes (Fixture *f, gconstpointer data)
{
  static const guint8 rgb[10 * 10 * 3];
  const PldImage good = image_from_rgb (rgb, 10, 10);
  g_autofree guint8 *got = image_rig_run_once (f->budget, &good, 8, 8, PLD_FILTER_BILINEAR, NULL);
  PldImage bad;

  g_assert_nonnull (got);
  bad = good, bad.width = 0;
  assert_refused (f, &bad);
  bad = good, bad.height = 0;
  assert_refused (f, &bad);
  bad = good, bad.width = 65501, bad.first.width = bad.second.width = bad.third.width = 65501;
  assert_refused (f, &bad);
  bad = good, bad.second.data = NULL;
  assert_refused (f, &bad);
  bad = good, bad.third.pixel_stride = 0;
  assert_refused (f, &bad);
  bad = good, bad.third.stride = 27;
  assert_refused (f, &bad);
  bad = good, bad.third.stride = 0;
  assert_refused (f, &bad);
  bad = good, bad.third.stride = -27;
  assert_refused (f, &bad);
  bad = good, bad.third.width = 0;
  assert_refused (f, &bad);
  bad = good, bad.first.width = 9;
  assert_refused (f, &bad);
  bad = good, bad.second.height = 5; /* RGB is never subsampled */
  assert_refused (f, &bad);
  bad = good, bad.kind = PLD_IMAGE_YUV, bad.first.width = 5; /* nor is luma */
  assert_refused (f, &bad);
  bad = good, bad.kind = PLD_IMAGE_YUV, bad.second.width = 4;
  assert_refused (f, &bad);
}

static void
test_bad_size (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pld_scaler_new (0, 8, PLD_FILTER_BOX, f->budget, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
}

/* ---- change -------------------------------------------------------------------------------- */

/* 33 × 18 pixels: blocks of 16 × 16, 1 × 16, 16 × 2 and 1 × 2. */
static void
test_change (void)
{
  enum
  {
    WIDTH = 33,
    HEIGHT = 18
  };
  static guint8 a[HEIGHT][WIDTH][3], b[HEIGHT][WIDTH][3];

  g_assert_cmpfloat (pld_image_change (a[0][0], b[0][0], WIDTH, HEIGHT), ==, 0);
  b[3][5][1] = 51; /* 51 / 255 over 16 × 16 × 3 */
  g_assert_cmpfloat_with_epsilon (pld_image_change (a[0][0], b[0][0], WIDTH, HEIGHT), 0.2 / 768, 1e-7);
  g_assert_cmpfloat_with_epsilon (pld_image_change (b[0][0], a[0][0], WIDTH, HEIGHT), 0.2 / 768, 1e-7);
  a[17][20][2] = 51; /* 16 × 2 × 3: more, and a sum of both would be more still */
  g_assert_cmpfloat_with_epsilon (pld_image_change (a[0][0], b[0][0], WIDTH, HEIGHT), 0.2 / 96, 1e-7);
  b[16][32][0] = 51; /* 1 × 2 × 3 */
  g_assert_cmpfloat_with_epsilon (pld_image_change (a[0][0], b[0][0], WIDTH, HEIGHT), 0.2 / 6, 1e-7);
  memset (a, 255, sizeof a);
  memset (b, 0, sizeof b);
  g_assert_cmpfloat (pld_image_change (a[0][0], b[0][0], WIDTH, HEIGHT), ==, 1);
  g_assert_cmpfloat (pld_image_change (a[0][0], b[0][0], 1, 1), ==, 1);
}

static void
test_free_null (void)
{
  PldScaler *scaler = NULL;

  g_clear_pointer (&scaler, pld_scaler_free);
  g_assert_null (scaler);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "resize", test_resize },         { "yuv", test_yuv },
    { "layouts", test_layouts },       { "packed", test_packed },
    { "gray-range", test_gray_range }, { "bad-planes", test_bad_planes },
    { "bad-size", test_bad_size },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/image/", tests[i].name, NULL);

      g_test_add (path, Fixture, NULL, image_rig_set_up, tests[i].func, image_rig_tear_down);
    }
  g_test_add_func ("/image/change", test_change);
  g_test_add_func ("/image/free-null", test_free_null);
  return g_test_run ();
}
