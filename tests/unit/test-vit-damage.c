/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GGUF files of vision transformers that are damaged in every way: a clear error that names the file, or a model that
 * runs; never a crash.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "pipeload/pipeload.h"
#include "tests/support/model-bytes.h"
#include "tests/support/options.h"

static char *
model_path (void)
{
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", "vit-gguf", "blocks.gguf", NULL);
}

/* Opens the file and processes a picture; any content gives an error of ours or logits. */
static void
try_model (const char *path)
{
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path, .engine.threads = 1);
  static const guint8 rgb[8 * 8 * 3];
  PldImage image = { .kind = PLD_IMAGE_RGB, .width = 8, .height = 8 };
  g_autoptr (GError) error = NULL;
  PldVision *vision = pld_vision_open (&options, NULL, NULL, NULL, &error);

  if (vision == NULL)
    {
      g_assert_cmpint (error->domain, ==, (gint) PLD_ERROR);
      g_assert_nonnull (strstr (error->message, path));
      return;
    }
  for (guint c = 0; c < 3; c++)
    *pld_image_plane (&image, c) = (PldPlane) { rgb + c, 8 * 3, 3, 8, 8 };
  if (!pld_vision_load_image (vision, 0, &image, &error) || !pld_vision_run (vision, 1, NULL, NULL, NULL, NULL, &error))
    g_assert_cmpint (error->domain, ==, (gint) PLD_ERROR);
  g_clear_pointer (&vision, pld_vision_close);
}

static GByteArray *
read_model (void)
{
  g_autofree char *path = model_path ();
  g_autoptr (GError) error = NULL;
  char *bytes;
  gsize size;

  g_file_get_contents (path, &bytes, &size, &error);
  g_assert_no_error (error);
  return g_byte_array_new_take ((guint8 *) bytes, size);
}

/* Nothing before this is weights. */
static gsize
directory_size (void)
{
  g_autofree char *path = model_path ();
  g_autoptr (PldWeights) weights = pld_weights_open (path, NULL);

  g_assert_nonnull (weights);
  return weights->tensors[0].offset;
}

static void
test_truncated (void)
{
  g_autoptr (GByteArray) model = read_model ();
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  const gsize head = directory_size ();

  for (gsize n = 0; n < model->len; n += n < head ? 1 + head / 60 : 1 + model->len / 10)
    {
      g_autoptr (GByteArray) part = g_byte_array_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *path = NULL;
      PldVisionOptions options = VISION_OPTIONS (.engine.threads = 1);

      g_byte_array_append (part, model->data, (guint) n);
      options.engine.model = path = bytes_save (part, folder, "cut.gguf");
      g_assert_null (pld_vision_open (&options, NULL, NULL, NULL, &error));
      g_assert_nonnull (strstr (error->message, path));
    }
  remove_folder (folder);
}

/* Bytes of the directory replaced at random. */
static void
test_corrupted (void)
{
  g_autoptr (GByteArray) model = read_model ();
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  const gsize head = directory_size ();
  GRand *random = g_rand_new_with_seed (7);

  for (guint i = 0; i < 600; i++)
    {
      g_autoptr (GByteArray) damaged = g_byte_array_new ();
      g_autofree char *path = NULL;

      g_byte_array_append (damaged, model->data, model->len);
      for (guint j = 0; j < 1 + i % 3; j++)
        damaged->data[g_rand_int_range (random, 0, (gint) head)] = (guint8) g_rand_int_range (random, 0, 256);
      path = bytes_save (damaged, folder, "damaged.gguf");
      try_model (path);
    }
  g_rand_free (random);
  remove_folder (folder);
}

/* @old replaced by as many bytes, the first time it occurs after @key and four bytes more. */
static void
check_changed (const char *key, gconstpointer old, gconstpointer new, gsize n, const char *part)
{
  g_autoptr (GByteArray) model = read_model ();
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL), *path = NULL;
  PldVisionOptions options = VISION_OPTIONS (.engine.threads = 1);
  GError *error = NULL;
  guint8 *at = memmem (model->data, model->len, key, strlen (key));

  g_assert_nonnull (at);
  at += strlen (key) + 4; /* past the type of the value, which could be taken for one */
  at = memmem (at, (gsize) (model->data + model->len - at), old, n);
  g_assert_nonnull (at);
  memcpy (at, new, n);
  options.engine.model = path = bytes_save (model, folder, "changed.gguf");
  g_assert_null (pld_vision_open (&options, NULL, NULL, NULL, &error));
  if (strstr (error->message, path) == NULL)
    g_error ("\"%s\" does not name the file", error->message);
  assert_pld_error (&error, (PldError) error->code, part);
  remove_folder (folder);
}

static void
test_hyperparameters (void)
{
  static const struct
  {
    const char *key;
    guint32 old, new;
    const char *part;
  } cases[] = {
    { "vit.embedding_length", 64, 0, "vit.embedding_length" },
    { "vit.embedding_length", 64, 128, "shape" },
    { "vit.embedding_length", 64, 66, "vit.embedding_length" },
    { "vit.feed_forward_length", 160, 96, "ffn_up" },
    { "vit.block_count", 2, 0, "vit.block_count" },
    { "vit.block_count", 2, 3, "v.blk.2" },
    { "vit.block_count", 2, G_MAXUINT32, "vit.block_count" },
    { "vit.attention.head_count", 4, 0, "vit.attention.head_count" },
    { "vit.patch_size", 16, 8, "v.patch_embd" },
    { "vit.image_size", 48, 0, "vit.image_size" },
    { "vit.image_size", 48, 64, "v.position_embd" },
    { "vit.resample", 3, 9, "vit.resample" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const guint32 old = GUINT32_TO_LE (cases[i].old), new = GUINT32_TO_LE (cases[i].new);

      check_changed (cases[i].key, &old, &new, 4, cases[i].part);
    }
}

static void
test_names (void)
{
  static const float quarter = 0.25f, minus = -0.25f;

  check_changed ("general.architecture", "vit", "vat", 3, "vat");
  check_changed ("vit.hidden_act", "gelu", "mish", 4, "vit.hidden_act");
  check_changed ("vit.image_std", &quarter, &minus, 4, "vit.image_std");
  check_changed ("vit.classifier.output_labels", "cat", "c\xfft", 3, "UTF-8");
  check_changed ("general.architecture", "head.weight", "head_weight", 11, "head.weight");
  check_changed ("general.architecture", "v.blk.1.ln2.bias", "v.blk.1.ln3.bias", 16, "v.blk.1.ln2.bias");
  /* Of those that a model may lack, all or none are there. */
  check_changed ("general.architecture", "v.blk.1.attn_v.bias", "v.blk.1.attn_w.bias", 19, "v.blk.1.attn_v.bias");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vit-damage/truncated", test_truncated);
  g_test_add_func ("/vit-damage/corrupted", test_corrupted);
  g_test_add_func ("/vit-damage/hyperparameters", test_hyperparameters);
  g_test_add_func ("/vit-damage/names", test_names);
  return g_test_run ();
}
