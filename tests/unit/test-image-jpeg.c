/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/image on JPEG pictures, whole and damaged in every way, and on the memory that any picture may take.
 */
#include "tests/support/image-rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

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

      if (sscanf (f->cases[i], "jpeg %u %63s %u %u %u %u", &filter, name, &width, &height, &draft_at, &full_at) != 6)
        continue;
      file = image_rig_golden_load (name);
      image = image_from_jpeg (g_bytes_get_data (file, NULL), g_bytes_get_size (file));
      got = image_rig_run_once (f->budget, &image, width, height, filter, &error);
      g_assert_no_error (error);
      image_rig_assert_near (got, (const guint8 *) f->pictures + draft_at, (gsize) width * height * 3, 0, f->cases[i]);
      g_assert_cmpfloat (
          image_rig_mean_difference (got, (const guint8 *) f->pictures + full_at, (gsize) width * height * 3), <, 5);
      n++;
    }
  g_assert_cmpuint (n, >=, 20);
}

/* ---- damaged pictures ---------------------------------------------------------------------- */

static const char *const jpegs[] = { "rgb420.jpg", "rgb444.jpg", "gray.jpg", "cmyk.jpg", "progressive.jpg", "one.jpg" };

/* A result, or an error that says that the picture is damaged. Returns: whether there is a result */
static gboolean
run_damaged (PldScaler *scaler, const guint8 *data, gsize size, const char *name)
{
  /* Memory of its own, so that a sanitizer sees a read beyond it. */
  g_autofree guint8 *copy = g_memdup2 (data, size);
  g_autofree guint8 *got = NULL;
  g_autoptr (GError) error = NULL;
  PldImage image = image_from_jpeg (copy, size);

  got = image_rig_run_scaler (scaler, &image, 16, 16, &error);
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
      g_autoptr (GBytes) file = image_rig_golden_load (jpegs[i]);
      gsize size;
      const guint8 *bytes = g_bytes_get_data (file, &size);

      /* Only the end marker, the last two bytes, is not missed. */
      for (gsize n = 0; n < size; n++)
        g_assert_true (run_damaged (scaler, bytes, n, jpegs[i]) == (n >= size - 2));
      g_assert_true (run_damaged (scaler, bytes, size, jpegs[i]));
    }
  g_clear_pointer (&scaler, pld_scaler_free);
}

static void
test_jpeg_truncated_message (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) file = image_rig_golden_load ("scene.jpg");
  g_autoptr (GError) error = NULL;
  PldImage image = image_from_jpeg (g_bytes_get_data (file, NULL), g_bytes_get_size (file) / 2);

  g_assert_null (image_rig_run_once (f->budget, &image, 32, 32, PLD_FILTER_BILINEAR, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
  g_assert_true (
      g_str_has_prefix (error->message, "the JPEG picture is damaged: the file ends before the picture does;"));
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
      g_autoptr (GBytes) file = image_rig_golden_load (jpegs[i]);
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
          got = image_rig_run_scaler (scaler, &image, 16, 16, &error);
          if (got == NULL && !g_error_matches (error, PLD_ERROR, PLD_ERROR_LIMIT))
            g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
          failed += got == NULL;
        }
      g_assert_true (run_damaged (scaler, bytes, size, jpegs[i]));
    }
  g_assert_cmpuint (failed, >, 1000);
  g_clear_pointer (&scaler, pld_scaler_free);
}

static void
test_jpeg_empty (Fixture *f, gconstpointer data)
{
  static const guint8 gif[] = "GIF89a and what follows";
  PldScaler *scaler = pld_scaler_new (16, 16, PLD_FILTER_BILINEAR, f->budget, NULL);
  g_autoptr (GError) error = NULL;
  PldImage image = image_from_jpeg (NULL, 0);

  g_assert_null (image_rig_run_scaler (scaler, &image, 16, 16, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "0 bytes"));
  g_assert_false (run_damaged (scaler, gif, sizeof gif, "gif"));
  g_clear_pointer (&scaler, pld_scaler_free);
}

/* ---- pictures that stand for themselves ---------------------------------------------------- */

/* @size bytes without the segments of this marker in front of the first scan. Returns: (transfer full) */
static GByteArray *
without (const guint8 *data, gsize size, guint8 marker)
{
  GByteArray *out = g_byte_array_new ();
  gsize at = 2, n;

  g_byte_array_append (out, data, 2);
  for (; data[at + 1] != 0xDA; at += n)
    {
      n = 2 + ((gsize) data[at + 2] << 8 | data[at + 3]);
      if (data[at + 1] != marker)
        g_byte_array_append (out, data + at, (guint) n);
    }
  g_byte_array_append (out, data + at, (guint) (size - at));
  return out;
}

static guint8 *
run_bytes (PldScaler *scaler, const void *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);
  PldImage image = image_from_jpeg (copy, size);

  return image_rig_run_scaler (scaler, &image, 16, 16, NULL);
}

/* A picture's result does not depend on the one before it. Without Huffman tables: the standard's, which the golden
 * files have, since Pillow writes no others unless it is asked to. Without quantization tables: damage. */
static void
test_jpeg_tables (Fixture *f, gconstpointer data)
{
  static const char *const whole[] = { "rgb420.jpg", "rgb444.jpg", "gray.jpg", "one.jpg" };
  PldScaler *scaler = pld_scaler_new (16, 16, PLD_FILTER_BILINEAR, f->budget, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (whole); i++)
    {
      g_autoptr (GBytes) file = image_rig_golden_load (whole[i]);
      gsize size;
      const guint8 *bytes = g_bytes_get_data (file, &size);
      g_autoptr (GByteArray) no_huffman = without (bytes, size, 0xC4), no_quantization = without (bytes, size, 0xDB);
      g_autofree guint8 *want = run_bytes (scaler, bytes, size);

      g_assert_nonnull (want);
      g_assert_cmpuint (no_huffman->len, <, size);
      for (guint before = 0; before < G_N_ELEMENTS (jpegs); before++)
        {
          g_autoptr (GBytes) other = image_rig_golden_load (jpegs[before]);
          g_autofree guint8 *got = NULL;

          g_assert_true (run_damaged (scaler, g_bytes_get_data (other, NULL), g_bytes_get_size (other), jpegs[before]));
          got = run_bytes (scaler, no_huffman->data, no_huffman->len);
          g_assert_nonnull (got);
          g_assert_cmpmem (got, 16 * 16 * 3, want, 16 * 16 * 3);
          g_assert_false (run_damaged (scaler, no_quantization->data, no_quantization->len, whole[i]));
        }
    }
  g_clear_pointer (&scaler, pld_scaler_free);
}

static void
assert_mended (PldScaler *scaler, const GByteArray *data, const guint8 *want, const char *name)
{
  g_autofree guint8 *got = run_bytes (scaler, data->data, data->len);

  g_test_message ("%s", name);
  g_assert_nonnull (got);
  g_assert_cmpmem (got, 16 * 16 * 3, want, 16 * 16 * 3);
  g_assert_true (pld_scaler_is_mended (scaler));
}

/* Whole pictures with too little or too much around them. */
static void
test_jpeg_mended (Fixture *f, gconstpointer data)
{
#define FRONT(text) { text, sizeof (text) - 1 }
  static const struct
  {
    const char *bytes;
    gsize n;
  } fronts[] = { FRONT ("\r\n"),
                 FRONT ("\n"),
                 FRONT ("\0\0\0\0"),
                 FRONT ("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 1234\r\n\r\n"),
                 FRONT ("\xFF\xD8"),
                 FRONT ("\xFF\xD8\xFF\xD8"),
                 FRONT ("\xFF\xD8\xFF\xFE\x00\x04hi") };
#undef FRONT
  PldScaler *scaler = pld_scaler_new (16, 16, PLD_FILTER_BILINEAR, f->budget, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (jpegs); i++)
    {
      g_autoptr (GBytes) file = image_rig_golden_load (jpegs[i]);
      gsize size;
      const guint8 *bytes = g_bytes_get_data (file, &size);
      g_autofree guint8 *want = run_bytes (scaler, bytes, size), *far = g_malloc0 (size + 2000);
      g_autoptr (GByteArray) cut = g_byte_array_append (g_byte_array_new (), bytes, (guint) size - 2);

      g_assert_false (pld_scaler_is_mended (scaler));
      assert_mended (scaler, cut, want, jpegs[i]);
      for (guint j = 0; j < G_N_ELEMENTS (fronts); j++)
        {
          g_autoptr (GByteArray) front
              = g_byte_array_append (g_byte_array_new (), (const guint8 *) fronts[j].bytes, (guint) fronts[j].n);

          g_byte_array_append (front, bytes, (guint) size);
          assert_mended (scaler, front, want, jpegs[i]);
        }
      memcpy (far + 2000, bytes, size);
      g_assert_false (run_damaged (scaler, far, size + 2000, jpegs[i]));
    }
  g_clear_pointer (&scaler, pld_scaler_free);
}

/* ---- orientation --------------------------------------------------------------------------- */

/* @file with an EXIF segment of @orientation behind its start marker. Returns: (transfer full) */
static GByteArray *
with_exif (GBytes *file, guint orientation, gboolean little)
{
  static const guint8 intel[] = "\xFF\xE1\x00\x22"
                                "Exif\0\0"
                                "II*\0"
                                "\x08\0\0\0"
                                "\x01\0"
                                "\x12\x01\x03\0"
                                "\x01\0\0\0"
                                "\x00\0\0\0"
                                "\0\0\0\0",
                      motorola[] = "\xFF\xE1\x00\x22"
                                   "Exif\0\0"
                                   "MM\0*"
                                   "\0\0\0\x08"
                                   "\0\x01"
                                   "\x01\x12\0\x03"
                                   "\0\0\0\x01"
                                   "\0\0\0\0"
                                   "\0\0\0\0";
  GByteArray *out = g_byte_array_new ();
  gsize size;
  const guint8 *bytes = g_bytes_get_data (file, &size);

  g_byte_array_append (out, bytes, 2);
  g_byte_array_append (out, little ? intel : motorola, 36);
  out->data[2 + 28 + !little] = (guint8) orientation;
  g_byte_array_append (out, bytes + 2, (guint) size - 2);
  return out;
}

/* Where EXIF's definition has the stored sample of the place (x, y) that is shown: row 0 and column 0 of what is stored
 * are the top and left of the picture, 1; top and right, 2; … left and bottom, 8. */
static gsize
stored_place (guint orientation, guint x, guint y, guint n)
{
  const guint right = n - 1 - x, bottom = n - 1 - y;
  const guint rows[] = { y, y, bottom, bottom, x, right, right, x };
  const guint columns[] = { x, right, right, x, y, y, bottom, bottom };

  if (orientation == 6)
    return (gsize) right * n + y;
  if (orientation == 8)
    return (gsize) x * n + bottom;
  return (gsize) rows[orientation - 1] * n + columns[orientation - 1];
}

/* Turned as Pillow's ImageOps.exif_transpose() turns. */
static void
test_jpeg_orientation (Fixture *f, gconstpointer data)
{
  PldScaler *scaler = pld_scaler_new (16, 16, PLD_FILTER_BILINEAR, f->budget, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (jpegs); i++)
    for (guint orientation = 0; orientation <= 9; orientation++)
      {
        g_autoptr (GBytes) file = image_rig_golden_load (jpegs[i]);
        g_autoptr (GByteArray) turned = with_exif (file, orientation, orientation % 2);
        g_autofree guint8 *plain = run_bytes (scaler, g_bytes_get_data (file, NULL), g_bytes_get_size (file)),
                          *got = run_bytes (scaler, turned->data, turned->len), *want = g_malloc (16 * 16 * 3);
        const guint known = orientation >= 1 && orientation <= 8 ? orientation : 1;
        guint width, height, read, stored_width, stored_height, none;

        for (guint y = 0; y < 16; y++)
          for (guint x = 0; x < 16; x++)
            memcpy (want + (y * 16 + x) * 3, plain + 3 * stored_place (known, x, y, 16), 3);
        g_assert_nonnull (got);
        image_rig_assert_near (got, want, 16 * 16 * 3, 0, jpegs[i]);
        g_assert_true (pld_jpeg_read_header (turned->data, turned->len, &width, &height, &read));
        g_assert_true (pld_jpeg_read_header (g_bytes_get_data (file, NULL), g_bytes_get_size (file), &stored_width,
                                             &stored_height, &none));
        g_assert_cmpuint (read, ==, known);
        g_assert_cmpuint (none, ==, 1);
        g_assert_cmpuint (width, ==, stored_width);
        g_assert_cmpuint (height, ==, stored_height);
      }
  g_clear_pointer (&scaler, pld_scaler_free);
}

/* Cameras pad their frames: bytes between the last scan and the end marker, or after it, harm nothing. */
static void
test_jpeg_padded (Fixture *f, gconstpointer data)
{
  PldScaler *scaler = pld_scaler_new (16, 16, PLD_FILTER_BILINEAR, f->budget, NULL);
  g_autoptr (GBytes) file = image_rig_golden_load ("rgb420.jpg");
  gsize size;
  const guint8 *bytes = g_bytes_get_data (file, &size);
  g_autofree guint8 *padded = g_malloc0 (size + 100);

  memcpy (padded, bytes, size - 2);
  memcpy (padded + size + 48, bytes + size - 2, 2);
  g_assert_true (run_damaged (scaler, padded, size + 100, "padded"));
  g_clear_pointer (&scaler, pld_scaler_free);
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
  g_autofree guint8 *got = image_rig_run_once (budget, image, width, height, filter, &error);

  g_assert_no_error (error);
  g_assert_nonnull (got);
  g_assert_cmpuint (pld_budget_get_peak (budget), <=, pld_scaler_cost (width, height));
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  g_clear_pointer (&budget, pld_budget_free);
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

      g_free (image_rig_run_scaler (scaler, &images[i], 224, 224, &error));
      g_assert_no_error (error);
      used = pld_budget_get_used (f->budget);
      pld_budget_set_limit (f->budget, used);
      for (guint n = 0; n < 3; n++)
        {
          g_free (image_rig_run_scaler (scaler, &images[i], 224, 224, &error));
          g_assert_no_error (error);
          g_assert_cmpuint (pld_budget_get_used (f->budget), ==, used);
        }
      pld_budget_set_limit (f->budget, 0);
      g_clear_pointer (&scaler, pld_scaler_free);
    }
}

/* Coefficients of the whole picture, 640 × 480 × 1.5 × 2 bytes, are more than the cost allows for. Refused,
 * and the next picture works. */
static void
test_limit_progressive (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) progressive = image_rig_golden_load ("scene-progressive.jpg");
  g_autoptr (GBytes) sequential = image_rig_golden_load ("scene.jpg");
  PldImage image = image_from_jpeg (g_bytes_get_data (progressive, NULL), g_bytes_get_size (progressive));
  PldScaler *scaler = pld_scaler_new (24, 24, PLD_FILTER_BILINEAR, f->budget, NULL);
  g_autoptr (GError) error = NULL;
  guint64 used;

  pld_budget_set_limit (f->budget, pld_scaler_cost (24, 24));
  g_assert_null (image_rig_run_scaler (scaler, &image, 24, 24, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  g_clear_error (&error);
  used = pld_budget_get_used (f->budget);

  pld_budget_set_limit (f->budget, used + 640 * 480 * 3 + (1 << 20));
  g_free (image_rig_run_scaler (scaler, &image, 24, 24, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (pld_budget_get_peak (f->budget), >=, used + 640 * 480 * 3);
  /* Memory that one picture needed is not kept. */
  g_assert_cmpuint (pld_budget_get_used (f->budget), <=, pld_scaler_cost (24, 24));

  pld_budget_set_limit (f->budget, pld_scaler_cost (24, 24));
  image = image_from_jpeg (g_bytes_get_data (sequential, NULL), g_bytes_get_size (sequential));
  g_free (image_rig_run_scaler (scaler, &image, 24, 24, &error));
  g_assert_no_error (error);
  g_clear_pointer (&scaler, pld_scaler_free);
}

/* Two hundred bytes of header that promise 65500 × 65500 pixels. */
static void
test_limit_bomb (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) file = image_rig_golden_load ("progressive.jpg");
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
  g_assert_null (image_rig_run_once (f->budget, &image, 24, 24, PLD_FILTER_BILINEAR, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
}

/* Every budget from nothing up: LIMIT until it works, and nothing is left behind. */
static void
test_limit_sweep (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) file = image_rig_golden_load ("rgb420.jpg");
  PldImage image = image_from_jpeg (g_bytes_get_data (file, NULL), g_bytes_get_size (file));
  guint64 limit;

  for (limit = 1; limit < (4 << 20); limit += PLD_PAGE)
    {
      g_autoptr (GError) error = NULL;
      g_autofree guint8 *got = NULL;

      pld_budget_set_limit (f->budget, limit);
      got = image_rig_run_once (f->budget, &image, 40, 30, PLD_FILTER_LANCZOS, &error);
      g_assert_cmpuint (pld_budget_get_used (f->budget), ==, 0);
      if (got != NULL)
        break;
      g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
    }
  g_assert_cmpuint (limit, >, PLD_PAGE);
  g_assert_cmpuint (limit, <=, pld_scaler_cost (40, 30) + PLD_PAGE);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "jpeg", test_jpeg },
    { "jpeg-truncated", test_jpeg_truncated },
    { "jpeg-truncated-message", test_jpeg_truncated_message },
    { "jpeg-corrupted", test_jpeg_corrupted },
    { "jpeg-empty", test_jpeg_empty },
    { "jpeg-tables", test_jpeg_tables },
    { "jpeg-mended", test_jpeg_mended },
    { "jpeg-orientation", test_jpeg_orientation },
    { "jpeg-padded", test_jpeg_padded },
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
      g_autofree char *path = g_strconcat ("/image-jpeg/", tests[i].name, NULL);

      g_test_add (path, Fixture, NULL, image_rig_set_up, tests[i].func, image_rig_tear_down);
    }
  return g_test_run ();
}
