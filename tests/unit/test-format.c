/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening models: files, folders, shards; recognized by content.
 */
#include "engine/format/weights.h"
#include "tests/support/model-bytes.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  char *folder;
} Fixture;

#define ONE "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
#define OTHER "{\"u\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[2,8]}}"

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("pipeload-format-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  remove_folder (fixture->folder);
  g_free (fixture->folder);
}

static void
save_safetensors (Fixture *fixture, const char *name, const char *header)
{
  g_autoptr (GByteArray) bytes = bytes_safetensors (header, 8);

  g_free (bytes_save (bytes, fixture->folder, name));
}

static void
assert_opens (const char *path, guint n_tensors)
{
  GError *error = NULL;
  g_autoptr (PldWeights) weights = pld_weights_open (path, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (weights->n_tensors, ==, n_tensors);
  g_assert_cmpstr (weights->path, ==, path);
}

/* The message names the path, too. */
static void
assert_refused (const char *path, PldError code, const char *part)
{
  GError *error = NULL;

  g_assert_null (pld_weights_open (path, &error));
  g_assert_nonnull (strstr (error->message, path));
  assert_pld_error (&error, code, part);
}

static void
test_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "no-extension", NULL);
  g_autoptr (PldWeights) weights = NULL;
  const PldTensor *t;
  g_autofree char *shape = NULL;

  save_safetensors (fixture, "no-extension", ONE);
  weights = pld_weights_open (path, NULL);
  g_assert_cmpint (weights->format, ==, PLD_FORMAT_SAFETENSORS);
  g_assert_cmpuint (weights->n_files, ==, 1);
  g_assert_cmpstr (weights->files[0], ==, path);
  t = pld_weights_find (weights, "t");
  g_assert_true (t == &weights->tensors[0]);
  g_assert_cmpuint (t->offset, ==, 8 + strlen (ONE));
  g_assert_null (pld_weights_find (weights, "u"));
  shape = pld_tensor_shape (t);
  g_assert_cmpstr (shape, ==, "[2]");
}

static void
test_folder (Fixture *fixture, gconstpointer data)
{
  g_autofree char *pickle = NULL;

  assert_refused (fixture->folder, PLD_ERROR_NOT_FOUND, "holds neither model.safetensors nor");
  pickle = text_save ("x", fixture->folder, "pytorch_model.bin");
  assert_refused (fixture->folder, PLD_ERROR_UNSUPPORTED, "save the model as safetensors");
  save_safetensors (fixture, "model.safetensors", ONE);
  assert_opens (fixture->folder, 1);
}

static void
test_strangers (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *text, *name;
    PldError code;
    const char *part;
  } files[] = {
    { "", "a", PLD_ERROR_FORMAT, "is empty; download it again" },
    { "12345678", "b", PLD_ERROR_FORMAT, "truncated" },
    { "neither of them", "c", PLD_ERROR_UNSUPPORTED, "neither a safetensors nor a GGUF file" },
    { "neither of them", "d.safetensors", PLD_ERROR_FORMAT, "damaged" },
    { "neither of them", "e.gguf", PLD_ERROR_FORMAT, "damaged" },
    { "version https://git-lfs.github.com/spec/v1\n", "f.gguf", PLD_ERROR_UNSUPPORTED, "git lfs pull" },
    { "PK\003\004 and so on", "g.bin", PLD_ERROR_UNSUPPORTED, "zip archive" },
    { "{\"model_type\": \"vit\"}", "config.json", PLD_ERROR_UNSUPPORTED, "give the folder" },
    { "<!DOCTYPE html>", "h.gguf", PLD_ERROR_UNSUPPORTED, "web page" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = text_save (files[i].text, fixture->folder, files[i].name);

      assert_refused (path, files[i].code, files[i].part);
    }
}

static void
test_no_files (Fixture *fixture, gconstpointer data)
{
  g_autofree char *missing = g_build_filename (fixture->folder, "missing", NULL);
  g_autofree char *below = g_build_filename (fixture->folder, "missing", "below", NULL);
  g_autofree char *fifo = g_build_filename (fixture->folder, "fifo", NULL);

  assert_refused (missing, PLD_ERROR_NOT_FOUND, "no such file or folder; check the path");
  assert_refused (below, PLD_ERROR_NOT_FOUND, "no such file or folder");
  assert_refused ("/dev/null", PLD_ERROR_UNSUPPORTED, "is a device");
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  assert_refused (fifo, PLD_ERROR_UNSUPPORTED, "is a pipe");
}

static void
test_truncated (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = bytes_safetensors (ONE, 8);

  while (bytes->len > 9)
    {
      g_autofree char *path = NULL;

      g_byte_array_set_size (bytes, bytes->len - 1);
      path = bytes_save (bytes, fixture->folder, "model.safetensors");
      assert_refused (path, PLD_ERROR_FORMAT, "truncated");
    }
}

/* A directory that is longer than the first read. */
static void
test_gguf_window (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) b = bytes_gguf (3, 1, 1);
  g_autofree char *path = NULL;
  g_autofree char *cut = NULL;
  g_autoptr (PldWeights) weights = NULL;
  GError *error = NULL;
  gsize base;

  bytes_string (b, "tokens");
  bytes_u32 (b, 9);
  bytes_u32 (b, 8);
  bytes_u64 (b, 300000);
  for (guint i = 0; i < 300000; i++)
    bytes_string (b, "ab");
  bytes_gguf_tensor (b, "t", 1, (guint64[]) { 2 }, 0, 0);
  base = (b->len + 31) / 32 * 32;
  bytes_zero (b, base + 8 - b->len);
  path = bytes_save (b, fixture->folder, "long.gguf");
  weights = pld_weights_open (path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (weights->format, ==, PLD_FORMAT_GGUF);
  g_assert_cmpuint (pld_weights_find (weights, "t")->offset, ==, base);
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (weights->metadata, "tokens"), "count"),
                   ==, 300000);
  g_byte_array_set_size (b, 2000000);
  cut = bytes_save (b, fixture->folder, "cut.gguf");
  assert_refused (cut, PLD_ERROR_FORMAT, "truncated");
}

static void
test_gguf_split (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) b = bytes_gguf (3, 0, 1);
  g_autofree char *path = NULL;

  bytes_string (b, "split.count");
  bytes_u32 (b, 2);
  bytes_u16 (b, 3);
  path = bytes_save (b, fixture->folder, "part.gguf");
  assert_refused (path, PLD_ERROR_UNSUPPORTED, "one of 3 parts of a split GGUF");
}

#define INDEX "model.safetensors.index.json"

static void
assert_index (Fixture *fixture, const char *text, PldError code, const char *part)
{
  g_free (text_save (text, fixture->folder, INDEX));
  assert_refused (fixture->folder, code, part);
}

static void
test_shards (Fixture *fixture, gconstpointer data)
{
  g_autoptr (PldWeights) weights = NULL;
  GError *error = NULL;

  save_safetensors (fixture, "a.safetensors", ONE);
  save_safetensors (fixture, "b.safetensors", OTHER);
  g_free (
      text_save ("{\"metadata\":{\"total_size\":16},\"weight_map\":{\"u\":\"b.safetensors\",\"t\":\"a.safetensors\"}}",
                 fixture->folder, INDEX));
  weights = pld_weights_open (fixture->folder, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (weights->n_files, ==, 2);
  g_assert_cmpuint (weights->n_tensors, ==, 2);
  g_assert_true (g_str_has_suffix (weights->files[pld_weights_find (weights, "t")->file], "/a.safetensors"));
  g_assert_true (g_str_has_suffix (weights->files[pld_weights_find (weights, "u")->file], "/b.safetensors"));
  g_assert_cmpuint (pld_weights_find (weights, "u")->offset, ==, 8 + strlen (OTHER) + 2);
}

static void
test_bad_shards (Fixture *fixture, gconstpointer data)
{
  static const char *const escapes[]
      = { "../a.safetensors", "/etc/passwd", "..", ".", "", "x/a.safetensors", ".hidden" };
  g_autoptr (GByteArray) gguf = bytes_gguf (3, 0, 0);

  save_safetensors (fixture, "a.safetensors", ONE);
  save_safetensors (fixture, "again.safetensors", ONE);
  save_safetensors (fixture, "b.safetensors", OTHER);
  g_free (bytes_save (gguf, fixture->folder, "c.safetensors"));
  for (guint i = 0; i < G_N_ELEMENTS (escapes); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"weight_map\":{\"t\":\"%s\"}}", escapes[i]);

      assert_index (fixture, text, PLD_ERROR_FORMAT, "not a file name in the same folder");
    }
  assert_index (fixture, "{\"weight_map\":{\"t\":\"missing.safetensors\"}}", PLD_ERROR_NOT_FOUND,
                "missing.safetensors: no such file");
  assert_index (fixture, "{\"weight_map\":{\"t\":\"b.safetensors\"}}", PLD_ERROR_FORMAT,
                "maps tensor \"t\" to b.safetensors, which does not hold it");
  assert_index (fixture, "{\"weight_map\":{\"t\":\"a.safetensors\",\"x\":\"a.safetensors\"}}", PLD_ERROR_FORMAT,
                "maps tensor \"x\"");
  assert_index (fixture, "{\"weight_map\":{\"t\":\"a.safetensors\",\"t\":\"a.safetensors\"}}", PLD_ERROR_FORMAT,
                "twice");
  assert_index (fixture, "{\"weight_map\":{\"t\":\"c.safetensors\"}}", PLD_ERROR_FORMAT, "is not a safetensors file");
  assert_index (fixture, "{\"weight_map\":{}}", PLD_ERROR_FORMAT, "no weight_map");
  assert_index (fixture, "{}", PLD_ERROR_FORMAT, "no weight_map");
  assert_index (fixture, "{\"weight_map\":[]}", PLD_ERROR_FORMAT, "object was expected");
  assert_index (fixture, "{\"weight_map\":{\"t\":1}}", PLD_ERROR_FORMAT, "string was expected");
  assert_index (fixture, "{\"weight_map\":{\"t\":\"a.safetensors\"}", PLD_ERROR_FORMAT, "the text ends");
  assert_index (fixture, "", PLD_ERROR_FORMAT, "object was expected");
  g_free (text_save ("{\"weight_map\":{\"t\":\"a.safetensors\",\"u\":\"b.safetensors\"}}", fixture->folder, INDEX));
  save_safetensors (fixture, "b.safetensors",
                    "{\"u\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                    "\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}");
  assert_refused (fixture->folder, PLD_ERROR_FORMAT, "tensor \"t\" is also in ");
}

/* Offsets that an independent reader (Python) took from files that llama.cpp wrote. */
static void
test_real_gguf (void)
{
  const char *source = g_getenv ("PIPELOAD_SOURCE"), *folder = g_getenv ("PIPELOAD_DATA");
  g_autofree char *root = folder != NULL
                              ? g_strdup (folder)
                              : g_build_filename (source != NULL ? source : ".", "..", "shared", "data", NULL);
  g_autofree char *path = g_build_filename (root, "golden", "llm", "mixtral-tiny-Q4_K_M.gguf", NULL);
  g_autoptr (PldWeights) weights = NULL;
  GError *error = NULL;
  const PldTensor *t;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("the data folder is not there");
      return;
    }
  weights = pld_weights_open (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (weights->n_tensors, ==, 23);
  g_assert_cmpuint (json_object_get_size (weights->metadata), ==, 23);
  t = pld_weights_find (weights, "blk.1.ffn_up_exps.weight");
  g_assert_cmpuint (t->dtype, ==, PLD_DTYPE_Q4_K);
  g_assert_cmpuint (t->offset, ==, 2128512);
  g_assert_cmpuint (t->dims[0], ==, 8);
  g_assert_cmpuint (t->offset + t->n_bytes, ==, 2423424);
  t = pld_weights_find (weights, "output.weight");
  g_assert_cmpuint (t->dtype, ==, PLD_DTYPE_Q6_K);
  g_assert_cmpuint (t->offset, ==, 12928);
  g_assert_cmpuint (t->n_bytes, ==, 120448 - 12928);
}

#define ADD(name, func) g_test_add (name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/format/file", test_file);
  ADD ("/format/folder", test_folder);
  ADD ("/format/strangers", test_strangers);
  ADD ("/format/no-files", test_no_files);
  ADD ("/format/truncated", test_truncated);
  ADD ("/format/gguf-window", test_gguf_window);
  ADD ("/format/gguf-split", test_gguf_split);
  ADD ("/format/shards", test_shards);
  ADD ("/format/bad-shards", test_bad_shards);
  g_test_add_func ("/format/real-gguf", test_real_gguf);
  return g_test_run ();
}
