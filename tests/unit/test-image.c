/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/image against PIL and against ITU-R's definitions (tests/golden/image, made by its make-golden.py),
 * and on everything that a picture can have wrong.
 */
#include "engine/image/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#define GUARD 64
#define GUARD_BYTE 0xA5

typedef struct
{
  PldBudget *budget;
  char *pictures; /* pictures.bin */
  gsize pictures_size;
  char **cases; /* lines of cases.txt */
} Fixture;

static char *
golden_path (const char *name)
{
  return g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "tests", "golden", "image", name, NULL);
}

static GBytes *
golden_load (const char *name)
{
  g_autofree char *path = golden_path (name);
  g_autoptr (GError) error = NULL;
  char *data = NULL;
  gsize size = 0;

  g_file_get_contents (path, &data, &size, &error);
  g_assert_no_error (error);
  return g_bytes_new_take (data, size);
}

static void
set_up (Fixture *f, gconstpointer data)
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

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (pld_budget_get_used (f->budget), ==, 0);
  pld_budget_free (&f->budget);
  g_free (f->pictures);
  g_strfreev (f->cases);
}

/* ---- running ------------------------------------------------------------------------------- */

/* The result in memory of its own, with guards on both sides that must stay. Returns: NULL on failure */
static guint8 *
run_scaler (PldScaler *scaler, const PldImage *image, guint width, guint height, GError **error)
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

static guint8 *
run_once (PldBudget *budget, const PldImage *image, guint width, guint height, PldFilter filter,
          GError **error)
{
  PldScaler *scaler = pld_scaler_new (width, height, filter, budget, error);
  guint8 *result = scaler != NULL ? run_scaler (scaler, image, width, height, error) : NULL;

  pld_scaler_free (&scaler);
  return result;
}

/* No sample may differ by more than @most; says which does. */
static void
assert_near (const guint8 *got, const guint8 *want, gsize n, int most, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (abs (got[i] - want[i]) > most)
      g_error ("%s: sample %" G_GSIZE_FORMAT " is %u, expected %u", name, i, got[i], want[i]);
}

static double
mean_difference (const guint8 *a, const guint8 *b, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += abs (a[i] - b[i]);
  return sum / n;
}

static PldImage
image_from_rgb (const guint8 *rgb, guint width, guint height)
{
  PldImage image = { .kind = PLD_IMAGE_RGB, .width = width, .height = height };

  for (guint i = 0; i < 3; i++)
    image.plane[i] = (PldPlane){ rgb + i, (gssize) width * 3, 3, width, height };
  return image;
}

static PldImage
image_from_jpeg (const void *data, gsize size)
{
  return (PldImage){ .kind = PLD_IMAGE_JPEG, .data = data, .size = size };
}

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

      if (sscanf (f->cases[i], "resize %u %u %u %u %u %u %u %u", &filter, &channels, &width, &height, &at,
                  &out_width, &out_height, &want_at)
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
          image.plane[0].stride = width;
          image.plane[0].pixel_stride = 1;
        }
      got = run_once (f->budget, &image, out_width, out_height, filter, &error);
      g_assert_no_error (error);
      assert_near (got, want, (gsize) out_width * out_height * 3, 0, f->cases[i]);
      n++;
    }
  g_assert_cmpuint (n, >, 100);
}

typedef struct
{
  guint filter, matrix, full, sub_x, sub_y, width, height, at, out_width, out_height, want_at;
} YuvCase;

static gboolean
yuv_case_parse (const char *line, YuvCase *c)
{
  return sscanf (line, "yuv %u %u %u %u %u %u %u %u %u %u %u", &c->filter, &c->matrix, &c->full, &c->sub_x,
                 &c->sub_y, &c->width, &c->height, &c->at, &c->out_width, &c->out_height, &c->want_at)
         == 11;
}

static PldImage
yuv_case_image (const YuvCase *c, const guint8 *planes)
{
  const guint chroma_width = (c->width + c->sub_x - 1) / c->sub_x;
  const guint chroma_height = (c->height + c->sub_y - 1) / c->sub_y;
  PldImage image = {
    .kind = PLD_IMAGE_YUV, .width = c->width, .height = c->height, .matrix = c->matrix, .full_range = c->full
  };

  image.plane[0] = (PldPlane){ planes, c->width, 1, c->width, c->height };
  planes += c->width * c->height;
  image.plane[1] = (PldPlane){ planes, chroma_width, 1, chroma_width, chroma_height };
  planes += chroma_width * chroma_height;
  image.plane[2] = (PldPlane){ planes, chroma_width, 1, chroma_width, chroma_height };
  return image;
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
      got = run_once (f->budget, &image, c.out_width, c.out_height, c.filter, &error);
      g_assert_no_error (error);
      assert_near (got, (const guint8 *) f->pictures + c.want_at, (gsize) c.out_width * c.out_height * 3, 0,
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
            memory[k] = plane_move (&image.plane[k], pixel_strides[(p + k) % G_N_ELEMENTS (pixel_strides)],
                                    p * 5, flip);
          got = run_once (f->budget, &image, c.out_width, c.out_height, c.filter, &error);
          g_assert_no_error (error);
          assert_near (got, (const guint8 *) f->pictures + c.want_at, (gsize) c.out_width * c.out_height * 3,
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
  want = run_once (f->budget, &image, OUT, OUT, PLD_FILTER_BICUBIC, &error);
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
          image.plane[k] = (PldPlane){ packed + orders[o][k], WIDTH * (gssize) bytes, bytes, WIDTH, HEIGHT };
        got = run_once (f->budget, &image, OUT, OUT, PLD_FILTER_BICUBIC, &error);
        g_assert_no_error (error);
        assert_near (got, want, OUT * OUT * 3, 0, "packed");
      }
}

/* Limited-range gray: 16 is black, 235 white, and 126 lies at 255 × 110 / 219 = 128.08. */
static void
test_gray_range (Fixture *f, gconstpointer data)
{
  static const guint8 levels[] = { 0, 16, 126, 235, 255 };
  static const guint8 want[] = { 0, 0, 128, 255, 255 };
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *got = NULL;
  PldImage image = { .kind = PLD_IMAGE_GRAY, .width = 5, .height = 1, .plane = { { levels, 5, 1, 5, 1 } } };

  got = run_once (f->budget, &image, 5, 1, PLD_FILTER_BILINEAR, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 15; i++)
    g_assert_cmpuint (got[i], ==, want[i / 3]);
}

/* Exact where PIL decodes at the same scale of libjpeg. Against PIL's full decode the reduced inverse DCT
 * differs, as a box filter does from the one asked for: by up to 4 levels on average in these pictures, whose
 * waves and edges are a few pixels wide. */
static void
test_jpeg (Fixture *f, gconstpointer data)
{
  guint n = 0;

  for (guint i = 0; f->cases[i] != NULL; i++)
    {
      guint filter, width, height, draft_at, full_at;
      char name[64];
      g_autoptr (GError) error = NULL;
      g_autofree guint8 *got = NULL;
      g_autoptr (GBytes) file = NULL;
      PldImage image;

      if (sscanf (f->cases[i], "jpeg %u %63s %u %u %u %u", &filter, name, &width, &height, &draft_at,
                  &full_at)
          != 6)
        continue;
      file = golden_load (name);
      image = image_from_jpeg (g_bytes_get_data (file, NULL), g_bytes_get_size (file));
      got = run_once (f->budget, &image, width, height, filter, &error);
      g_assert_no_error (error);
      assert_near (got, (const guint8 *) f->pictures + draft_at, (gsize) width * height * 3, 0, f->cases[i]);
      g_assert_cmpfloat (
          mean_difference (got, (const guint8 *) f->pictures + full_at, (gsize) width * height * 3), <, 5);
      n++;
    }
  g_assert_cmpuint (n, >=, 20);
}

/* ---- damaged pictures ---------------------------------------------------------------------- */

static const char *const jpegs[]
    = { "rgb420.jpg", "rgb444.jpg", "gray.jpg", "cmyk.jpg", "progressive.jpg", "one.jpg" };

/* A result, or an error that says that the picture is damaged. Returns: whether there is a result */
static gboolean
run_damaged (PldScaler *scaler, const guint8 *data, gsize size, const char *name)
{
  /* Memory of its own, so that a sanitizer sees a read beyond it. */
  g_autofree guint8 *copy = g_memdup2 (data, size);
  g_autofree guint8 *got = NULL;
  g_autoptr (GError) error = NULL;
  PldImage image = image_from_jpeg (copy, size);

  got = run_scaler (scaler, &image, 16, 16, &error);
  if (got != NULL)
    return TRUE;
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "JPEG picture is "));
  return FALSE;
}

static void
test_jpeg_truncated (Fixture *f, gconstpointer data)
{
  PldScaler *scaler = pld_scaler_new (16, 16, PLD_FILTER_BILINEAR, f->budget, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (jpegs); i++)
    {
      g_autoptr (GBytes) file = golden_load (jpegs[i]);
      gsize size;
      const guint8 *bytes = g_bytes_get_data (file, &size);

      /* Only the end marker, the last two bytes, can be missed. */
      for (gsize n = 0; n < size; n++)
        if (run_damaged (scaler, bytes, n, jpegs[i]))
          g_assert_cmpuint (n, >=, size - 2);
      g_assert_true (run_damaged (scaler, bytes, size, jpegs[i]));
    }
  pld_scaler_free (&scaler);
}

static void
test_jpeg_truncated_message (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) file = golden_load ("scene.jpg");
  g_autoptr (GError) error = NULL;
  PldImage image = image_from_jpeg (g_bytes_get_data (file, NULL), g_bytes_get_size (file) / 2);

  g_assert_null (run_once (f->budget, &image, 32, 32, PLD_FILTER_BILINEAR, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
  g_assert_true (
      g_str_has_prefix (error->message, "the JPEG picture is damaged: Premature end of JPEG file;"));
}

static void
test_jpeg_corrupted (Fixture *f, gconstpointer data)
{
  PldScaler *scaler = pld_scaler_new (16, 16, PLD_FILTER_BILINEAR, f->budget, NULL);
  guint failed = 0;

  /* A flipped size can ask for gigabytes. */
  pld_budget_set_limit (f->budget, 16 << 20);
  for (guint i = 0; i < G_N_ELEMENTS (jpegs); i++)
    {
      g_autoptr (GBytes) file = golden_load (jpegs[i]);
      gsize size;
      const guint8 *bytes = g_bytes_get_data (file, &size);

      for (guint n = 0; n < 2000; n++)
        {
          g_autofree guint8 *copy = g_memdup2 (bytes, size);
          g_autofree guint8 *got = NULL;
          g_autoptr (GError) error = NULL;
          PldImage image = image_from_jpeg (copy, size);

          for (gint flips = g_test_rand_int_range (1, 4); flips > 0; flips--)
            copy[g_test_rand_int_range (0, (gint32) size)] = (guint8) g_test_rand_int ();
          got = run_scaler (scaler, &image, 16, 16, &error);
          if (got == NULL && !g_error_matches (error, PLD_ERROR, PLD_ERROR_LIMIT))
            g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
          failed += got == NULL;
        }
      g_assert_true (run_damaged (scaler, bytes, size, jpegs[i]));
    }
  g_assert_cmpuint (failed, >, 1000);
  pld_scaler_free (&scaler);
}

static void
test_jpeg_empty (Fixture *f, gconstpointer data)
{
  static const guint8 gif[] = "GIF89a and what follows";
  PldScaler *scaler = pld_scaler_new (16, 16, PLD_FILTER_BILINEAR, f->budget, NULL);
  g_autoptr (GError) error = NULL;
  PldImage image = image_from_jpeg (NULL, 0);

  g_assert_null (run_scaler (scaler, &image, 16, 16, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "0 bytes"));
  g_assert_false (run_damaged (scaler, gif, sizeof gif, "gif"));
  pld_scaler_free (&scaler);
}

/* Cameras pad their frames: bytes between the last scan and the end marker, or after it, harm nothing. */
static void
test_jpeg_padded (Fixture *f, gconstpointer data)
{
  PldScaler *scaler = pld_scaler_new (16, 16, PLD_FILTER_BILINEAR, f->budget, NULL);
  g_autoptr (GBytes) file = golden_load ("rgb420.jpg");
  gsize size;
  const guint8 *bytes = g_bytes_get_data (file, &size);
  g_autofree guint8 *padded = g_malloc0 (size + 100);

  memcpy (padded, bytes, size - 2);
  memcpy (padded + size + 48, bytes + size - 2, 2);
  g_assert_true (run_damaged (scaler, padded, size + 100, "padded"));
  pld_scaler_free (&scaler);
}

/* ---- planes that cannot be ----------------------------------------------------------------- */

static void
assert_refused (Fixture *f, const PldImage *image)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (run_once (f->budget, image, 8, 8, PLD_FILTER_BILINEAR, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
}

static void
test_bad_planes (Fixture *f, gconstpointer data)
{
  static const guint8 rgb[10 * 10 * 3];
  const PldImage good = image_from_rgb (rgb, 10, 10);
  g_autofree guint8 *got = run_once (f->budget, &good, 8, 8, PLD_FILTER_BILINEAR, NULL);
  PldImage bad;

  g_assert_nonnull (got);
  bad = good, bad.width = 0;
  assert_refused (f, &bad);
  bad = good, bad.height = 0;
  assert_refused (f, &bad);
  bad = good, bad.width = 65501, bad.plane[0].width = bad.plane[1].width = bad.plane[2].width = 65501;
  assert_refused (f, &bad);
  bad = good, bad.plane[1].data = NULL;
  assert_refused (f, &bad);
  bad = good, bad.plane[2].pixel_stride = 0;
  assert_refused (f, &bad);
  bad = good, bad.plane[2].stride = 27;
  assert_refused (f, &bad);
  bad = good, bad.plane[2].stride = 0;
  assert_refused (f, &bad);
  bad = good, bad.plane[2].stride = -27;
  assert_refused (f, &bad);
  bad = good, bad.plane[2].width = 0;
  assert_refused (f, &bad);
  bad = good, bad.plane[0].width = 9;
  assert_refused (f, &bad);
  bad = good, bad.plane[1].height = 5; /* RGB is never subsampled */
  assert_refused (f, &bad);
  bad = good, bad.kind = PLD_IMAGE_YUV, bad.plane[0].width = 5; /* nor is luma */
  assert_refused (f, &bad);
  bad = good, bad.kind = PLD_IMAGE_YUV, bad.plane[1].width = 4;
  assert_refused (f, &bad);
}

static void
test_bad_size (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pld_scaler_new (0, 8, PLD_FILTER_BOX, f->budget, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
}

/* ---- memory -------------------------------------------------------------------------------- */

typedef struct
{
  guint width, height;
  guint h[3], v[3]; /* sampling factors */
  gboolean progressive;
} Encoding;

/* libjpeg's encoder, with a flat picture: sizes and sampling are what counts. */
static GBytes *
encode (const Encoding *e)
{
  struct jpeg_compress_struct lib = { 0 };
  struct jpeg_error_mgr handler;
  g_autofree guint8 *row = g_malloc0 ((gsize) e->width * 3);
  JSAMPROW rows[1] = { row };
  unsigned char *data = NULL;
  unsigned long size = 0;
  GBytes *bytes;

  lib.err = jpeg_std_error (&handler);
  jpeg_create_compress (&lib);
  jpeg_mem_dest (&lib, &data, &size);
  lib.image_width = e->width;
  lib.image_height = e->height;
  lib.input_components = 3;
  lib.in_color_space = JCS_RGB;
  jpeg_set_defaults (&lib);
  for (guint i = 0; i < 3; i++)
    {
      lib.comp_info[i].h_samp_factor = (int) e->h[i];
      lib.comp_info[i].v_samp_factor = (int) e->v[i];
    }
  if (e->progressive)
    jpeg_simple_progression (&lib);
  jpeg_start_compress (&lib, TRUE);
  while (lib.next_scanline < lib.image_height)
    jpeg_write_scanlines (&lib, rows, 1);
  jpeg_finish_compress (&lib);
  jpeg_destroy_compress (&lib);
  bytes = g_bytes_new (data, size);
  free (data);
  return bytes;
}

static void
assert_within_cost (const PldImage *image, PldFilter filter, guint width, guint height)
{
  PldBudget *budget = pld_budget_new (pld_scaler_cost (width, height));
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *got = run_once (budget, image, width, height, filter, &error);

  g_assert_no_error (error);
  g_assert_nonnull (got);
  g_assert_cmpuint (pld_budget_get_peak (budget), <=, pld_scaler_cost (width, height));
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  pld_budget_free (&budget);
}

/* Every layout at the largest size that the cost speaks of. */
static void
test_cost_planes (Fixture *f, gconstpointer data)
{
  static const guint outs[][2] = { { 224, 224 }, { 1, 1 }, { 32, 384 }, { 1000, 16 }, { 16, 1000 } };
  static const guint subs[][2] = { { 1, 1 }, { 2, 1 }, { 2, 2 }, { 4, 1 }, { 1, 2 }, { 4, 4 } };
  const guint width = 4096, height = 2304;
  g_autofree guint8 *plane = g_malloc0 ((gsize) width * height * 3);

  for (guint o = 0; o < G_N_ELEMENTS (outs); o++)
    {
      PldImage image = image_from_rgb (plane, width, height);

      assert_within_cost (&image, PLD_FILTER_LANCZOS, outs[o][0], outs[o][1]);
      for (guint s = 0; s < G_N_ELEMENTS (subs); s++)
        {
          YuvCase c = { .sub_x = subs[s][0], .sub_y = subs[s][1], .width = width, .height = height };

          if (o > 0 && subs[s][1] != 2) /* 4:2:0 needs the most tables */
            continue;
          image = yuv_case_image (&c, plane);
          assert_within_cost (&image, PLD_FILTER_LANCZOS, outs[o][0], outs[o][1]);
        }
    }
}

static void
test_cost_jpeg (Fixture *f, gconstpointer data)
{
  static const Encoding encodings[] = {
    { 4096, 2304, { 2, 1, 1 }, { 2, 1, 1 }, FALSE }, { 4096, 2304, { 1, 1, 1 }, { 1, 1, 1 }, FALSE },
    { 4096, 200, { 2, 1, 1 }, { 2, 1, 1 }, FALSE },  { 4096, 200, { 1, 1, 1 }, { 1, 1, 1 }, FALSE },
    { 4096, 200, { 1, 1, 1 }, { 4, 1, 1 }, FALSE },  { 4096, 200, { 4, 1, 1 }, { 1, 1, 1 }, FALSE },
    { 4096, 200, { 1, 1, 1 }, { 4, 4, 2 }, FALSE },  { 4096, 200, { 4, 1, 1 }, { 2, 1, 1 }, FALSE },
    { 4096, 200, { 1, 1, 1 }, { 2, 2, 2 }, FALSE },  { 4096, 200, { 1, 2, 1 }, { 4, 2, 2 }, FALSE },
    { 100, 2304, { 2, 1, 1 }, { 2, 1, 1 }, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (encodings); i++)
    {
      g_autoptr (GBytes) file = encode (&encodings[i]);
      PldImage image = image_from_jpeg (g_bytes_get_data (file, NULL), g_bytes_get_size (file));

      g_test_message ("%u × %u, sampling %u", encodings[i].width, encodings[i].height, i);
      assert_within_cost (&image, PLD_FILTER_LANCZOS, 224, 224);
    }
}

/* A frame like the one before takes no byte more: there is none to be had. */
static void
test_no_allocation (Fixture *f, gconstpointer data)
{
  static const Encoding encoding = { 640, 480, { 2, 1, 1 }, { 2, 1, 1 }, FALSE };
  g_autoptr (GBytes) file = encode (&encoding);
  g_autofree guint8 *planes = g_malloc0 (640 * 480 * 3);
  YuvCase c = { .sub_x = 2, .sub_y = 2, .width = 640, .height = 480 };
  PldImage images[] = { image_from_jpeg (g_bytes_get_data (file, NULL), g_bytes_get_size (file)),
                        yuv_case_image (&c, planes), image_from_rgb (planes, 640, 480) };

  for (guint i = 0; i < G_N_ELEMENTS (images); i++)
    {
      PldScaler *scaler = pld_scaler_new (224, 224, PLD_FILTER_BICUBIC, f->budget, NULL);
      g_autoptr (GError) error = NULL;
      guint64 used;

      g_free (run_scaler (scaler, &images[i], 224, 224, &error));
      g_assert_no_error (error);
      used = pld_budget_get_used (f->budget);
      pld_budget_set_limit (f->budget, used);
      for (guint n = 0; n < 3; n++)
        {
          g_free (run_scaler (scaler, &images[i], 224, 224, &error));
          g_assert_no_error (error);
          g_assert_cmpuint (pld_budget_get_used (f->budget), ==, used);
        }
      pld_budget_set_limit (f->budget, 0);
      pld_scaler_free (&scaler);
    }
}

/* Coefficients of the whole picture, 640 × 480 × 1.5 × 2 bytes, are more than the cost allows for. Refused,
 * and the next picture works. */
static void
test_limit_progressive (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) progressive = golden_load ("scene-progressive.jpg");
  g_autoptr (GBytes) sequential = golden_load ("scene.jpg");
  PldImage image = image_from_jpeg (g_bytes_get_data (progressive, NULL), g_bytes_get_size (progressive));
  PldScaler *scaler = pld_scaler_new (24, 24, PLD_FILTER_BILINEAR, f->budget, NULL);
  g_autoptr (GError) error = NULL;
  guint64 used;

  pld_budget_set_limit (f->budget, pld_scaler_cost (24, 24));
  g_assert_null (run_scaler (scaler, &image, 24, 24, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  g_clear_error (&error);
  used = pld_budget_get_used (f->budget);

  pld_budget_set_limit (f->budget, used + 640 * 480 * 3 + (1 << 20));
  g_free (run_scaler (scaler, &image, 24, 24, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (pld_budget_get_peak (f->budget), >=, used + 640 * 480 * 3);
  /* What one picture needed is not kept. */
  g_assert_cmpuint (pld_budget_get_used (f->budget), <=, pld_scaler_cost (24, 24));

  pld_budget_set_limit (f->budget, pld_scaler_cost (24, 24));
  image = image_from_jpeg (g_bytes_get_data (sequential, NULL), g_bytes_get_size (sequential));
  g_free (run_scaler (scaler, &image, 24, 24, &error));
  g_assert_no_error (error);
  pld_scaler_free (&scaler);
}

/* Two hundred bytes of header that promise 65500 × 65500 pixels. */
static void
test_limit_bomb (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) file = golden_load ("progressive.jpg");
  gsize size;
  g_autofree guint8 *bomb = g_memdup2 (g_bytes_get_data (file, &size), g_bytes_get_size (file));
  g_autoptr (GError) error = NULL;
  PldImage image = image_from_jpeg (bomb, size);
  gsize at = 0;

  while (!(bomb[at] == 0xFF && bomb[at + 1] == 0xC2))
    at++;
  for (guint i = 0; i < 4; i += 2)
    {
      bomb[at + 5 + i] = 65500 >> 8;
      bomb[at + 6 + i] = 65500 & 255;
    }
  pld_budget_set_limit (f->budget, 64 << 20);
  g_assert_null (run_once (f->budget, &image, 24, 24, PLD_FILTER_BILINEAR, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
}

/* Every budget from nothing up: LIMIT until it works, and nothing is left behind. */
static void
test_limit_sweep (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) file = golden_load ("rgb420.jpg");
  PldImage image = image_from_jpeg (g_bytes_get_data (file, NULL), g_bytes_get_size (file));
  guint64 limit;

  for (limit = 1; limit < (4 << 20); limit += PLD_PAGE)
    {
      g_autoptr (GError) error = NULL;
      g_autofree guint8 *got = NULL;

      pld_budget_set_limit (f->budget, limit);
      got = run_once (f->budget, &image, 40, 30, PLD_FILTER_LANCZOS, &error);
      g_assert_cmpuint (pld_budget_get_used (f->budget), ==, 0);
      if (got != NULL)
        break;
      g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
    }
  g_assert_cmpuint (limit, >, PLD_PAGE);
  g_assert_cmpuint (limit, <=, pld_scaler_cost (40, 30) + PLD_PAGE);
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

  pld_scaler_free (&scaler);
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
    { "resize", test_resize },
    { "yuv", test_yuv },
    { "layouts", test_layouts },
    { "packed", test_packed },
    { "gray-range", test_gray_range },
    { "jpeg", test_jpeg },
    { "jpeg-truncated", test_jpeg_truncated },
    { "jpeg-truncated-message", test_jpeg_truncated_message },
    { "jpeg-corrupted", test_jpeg_corrupted },
    { "jpeg-empty", test_jpeg_empty },
    { "jpeg-padded", test_jpeg_padded },
    { "bad-planes", test_bad_planes },
    { "bad-size", test_bad_size },
    { "cost-planes", test_cost_planes },
    { "cost-jpeg", test_cost_jpeg },
    { "no-allocation", test_no_allocation },
    { "limit-progressive", test_limit_progressive },
    { "limit-bomb", test_limit_bomb },
    { "limit-sweep", test_limit_sweep },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/image/", tests[i].name, NULL);

      g_test_add (path, Fixture, NULL, set_up, tests[i].func, tear_down);
    }
  g_test_add_func ("/image/change", test_change);
  g_test_add_func ("/image/free-null", test_free_null);
  return g_test_run ();
}
