/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The safetensors writer, synthetic models, and the description of model files.
 */
#include "engine/format/config.h"
#include "engine/format/safetensors-writer.h"
#include "tests/support/model-bytes.h"
#include "pipeload/pipeload.h"
#include "tests/support/options.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void
set_up (Scratch *fixture, gconstpointer data)
{
  scratch_make (fixture, "model.safetensors");
}

static char name_w[] = "w", name_b[] = "b\"\n";
static const PldTensor two[] = { { .name = name_w, .dtype = PLD_DTYPE_F16, .n_dims = 2, .dims = { 2, 3 } },
                                 { .name = name_b, .dtype = PLD_DTYPE_U8, .n_dims = 1, .dims = { 5 } } };

/* The file byte for byte as the format's description has it. */
static void
test_writer (Scratch *fixture, gconstpointer data)
{
  static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"},"
                               "\"w\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
                               "\"b\\\"\\n\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[12,17]}}";
  g_autoptr (JsonObject) metadata = json_object_new ();
  g_autoptr (GByteArray) wanted = NULL;
  g_autofree char *padded = NULL;
  g_autofree char *got = NULL;
  PldWriter *writer;
  GError *error = NULL;
  gsize n;

  padded = g_strnfill ((strlen (header) + 7) / 8 * 8, ' ');
  memcpy (padded, header, strlen (header));
  wanted = bytes_safetensors (padded, 0);
  g_byte_array_append (wanted, (const guint8 *) "0123456789abcdefg", 17);
  json_object_set_string_member (metadata, "format", "pt");
  writer = pld_safetensors_writer_new (fixture->path, two, 2, metadata, &error);
  g_assert_no_error (error);
  g_assert_true (pld_writer_write (writer, "0123456789", 10, &error));
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  g_assert_true (pld_writer_write (writer, "abcdefg", 7, &error));
  g_assert_true (pld_writer_finish (writer, &error));
  g_clear_pointer (&writer, pld_writer_free);
  g_assert_null (writer);
  g_assert_true (g_file_get_contents (fixture->path, &got, &n, NULL));
  g_assert_cmpmem (got, n, wanted->data, wanted->len);
  g_assert_cmpuint (count_files (fixture->folder), ==, 1);
}

static void
test_writer_unfinished (Scratch *fixture, gconstpointer data)
{
  PldWriter *writer;
  g_autofree char *kept = NULL;
  gsize n;

  g_free (text_save ("old", fixture->folder, "model.safetensors"));
  writer = pld_safetensors_writer_new (fixture->path, two, 2, NULL, NULL);
  g_assert_true (pld_writer_write (writer, "0123456789", 10, NULL));
  g_assert_cmpuint (count_files (fixture->folder), ==, 2);
  g_clear_pointer (&writer, pld_writer_free);
  g_assert_cmpuint (count_files (fixture->folder), ==, 1);
  g_assert_true (g_file_get_contents (fixture->path, &kept, &n, NULL));
  g_assert_cmpstr (kept, ==, "old");
  g_clear_pointer (&writer, pld_writer_free);
}

static void
test_writer_fails (Scratch *fixture, gconstpointer data)
{
  const PldTensor huge = { .name = name_w, .dtype = PLD_DTYPE_F32, .n_dims = 2, .dims = { G_MAXUINT32, G_MAXUINT32 } };
  g_autofree char *nowhere = g_build_filename (fixture->folder, "missing", "model.safetensors", NULL);
  g_autofree char *fifo = NULL;
  GError *error = NULL;

  g_assert_null (pld_safetensors_writer_new (nowhere, two, 2, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_IO, "cannot be written");
  g_assert_null (pld_safetensors_writer_new (fixture->folder, two, 2, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_IO, "it is a folder");
  fifo = g_build_filename (fixture->folder, "fifo", NULL);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_null (pld_safetensors_writer_new (fifo, two, 2, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_IO, "no ordinary file");
  g_assert_false (g_file_test (fifo, G_FILE_TEST_IS_REGULAR));
  g_unlink (fifo);
  g_assert_null (pld_safetensors_writer_new (fixture->path, &huge, 1, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "larger than any file");
  g_assert_cmpuint (count_files (fixture->folder), ==, 0);
}

/* A file system without room, played by a limit on the size of files. */
static void
test_no_room (Scratch *fixture, gconstpointer data)
{
  struct rlimit old, small = { 1 << 20, RLIM_INFINITY };
  GError *error = NULL;
  gboolean ok;

  getrlimit (RLIMIT_FSIZE, &old);
  small.rlim_max = old.rlim_max;
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  ok = pld_model_synth ("vit-ti16", "f16", NULL, 1, fixture->folder, NULL, NULL, NULL, &error);
  setrlimit (RLIMIT_FSIZE, &old);
  signal (SIGXFSZ, SIG_DFL);
  g_assert_false (ok);
  g_assert_nonnull (strstr (error->message, fixture->path));
  assert_pld_error (&error, PLD_ERROR_IO, "choose another folder");
  g_assert_cmpuint (count_files (fixture->folder), ==, 0);
}

static const guint8 *
tensor_data (const char *file, const PldWeights *weights, const char *name)
{
  const PldTensor *tensor = pld_weights_find (weights, name);

  g_assert_nonnull (tensor);
  return (const guint8 *) file + tensor->offset;
}

typedef struct
{
  const char *type;
  guint bytes;
  guint32 matrix[8], bias[8]; /* the first values of two tensors for seed 42, as bits */
} Expected;

/* Computed by an independent program (Python integers; NumPy's and PyTorch's conversions). */
static const Expected expected[] = {
  { "f32",
    4,
    { 0x3c23816f, 0xbbb9fcd4, 0x3b68e43d, 0xbc332799, 0xbd14397e, 0xbd0cf568, 0xbc7b6605, 0x3c5287e1 },
    { 0x3aeb1bcc, 0xb8e99047, 0xb9fd20fb, 0xbaffabe6, 0x39e000af, 0xbb1bba8b, 0xba9a5e07, 0x3b1e04ba } },
  { "f16",
    2,
    { 0x211c, 0x9dd0, 0x1b47, 0xa199, 0xa8a2, 0xa868, 0xa3db, 0x2294 },
    { 0x1759, 0x874d, 0x8fe9, 0x97fd, 0x0f00, 0x98de, 0x94d3, 0x18f0 } },
  { "bf16",
    2,
    { 0x3c24, 0xbbba, 0x3b69, 0xbc33, 0xbd14, 0xbd0d, 0xbc7b, 0x3c53 },
    { 0x3aeb, 0xb8ea, 0xb9fd, 0xbb00, 0x39e0, 0xbb1c, 0xba9a, 0x3b1e } },
};

static void
assert_bits (const guint8 *data, guint bytes, const guint32 *bits)
{
  for (guint i = 0; i < 8; i++)
    for (guint b = 0; b < bytes; b++)
      g_assert_cmphex (data[i * bytes + b], ==, bits[i] >> (8 * b) & 0xff);
}

typedef struct
{
  guint calls, last;
} Progress;

static void
on_progress (const char *step, guint percent, gpointer user_data)
{
  Progress *reported = user_data;

  g_assert_cmpuint (percent, >=, reported->last);
  g_assert_cmpuint (percent, <=, 100);
  reported->last = percent;
  reported->calls++;
}

static void
test_synth (Scratch *fixture, gconstpointer data)
{
  const Expected *e = data;
  g_autofree char *folder = g_build_filename (fixture->folder, "a", "b", NULL);
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree char *file = NULL;
  g_autoptr (PldWeights) weights = NULL;
  guint64 parameters = 0;
  Progress reported = { 0, 0 };
  GError *error = NULL;
  gsize size;

  g_assert_true (pld_model_synth ("vit-ti16", e->type, NULL, 42, folder, on_progress, &reported, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (reported.last, ==, 100);
  g_assert_cmpuint (reported.calls, >, 50);
  g_assert_cmpuint (count_files (folder), ==, 3);
  weights = pld_weights_open (folder, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < weights->n_tensors; i++)
    parameters += weights->tensors[i].n_values;
  /* what the literature gives for ViT-Ti/16 with 1000 classes */
  g_assert_cmpuint (parameters, ==, 5717416);
  g_assert_true (g_file_get_contents (path, &file, &size, NULL));
  assert_bits (tensor_data (file, weights, "vit.encoder.layer.11.attention.output.dense.weight"), e->bytes, e->matrix);
  assert_bits (tensor_data (file, weights, "classifier.bias"), e->bytes, e->bias);
}

static void
assert_shape (const PldWeights *weights, const char *name, const char *wanted)
{
  const PldTensor *tensor = pld_weights_find (weights, name);
  g_autofree char *shape = NULL;

  g_assert_nonnull (tensor);
  shape = pld_tensor_shape (tensor);
  g_assert_cmpstr (shape, ==, wanted);
}

/* Names and shapes as in the checkpoints on Hugging Face (google/vit-base-patch16-224). */
static void
test_synth_b16 (Scratch *fixture, gconstpointer data)
{
  g_autoptr (PldWeights) weights = NULL;
  g_autoptr (PldConfig) config = NULL;
  g_auto (GStrv) labels = NULL;
  guint64 parameters = 0, value;
  guint width, height, n;
  GError *error = NULL;

  g_assert_true (pld_model_synth ("vit-b16", "f16", NULL, 0, fixture->folder, NULL, NULL, NULL, &error));
  weights = pld_weights_open (fixture->folder, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (weights->n_tensors, ==, 200);
  for (guint i = 0; i < weights->n_tensors; i++)
    parameters += weights->tensors[i].n_values;
  g_assert_cmpuint (parameters, ==, 86567656);
  assert_shape (weights, "vit.embeddings.cls_token", "[1, 1, 768]");
  assert_shape (weights, "vit.embeddings.position_embeddings", "[1, 197, 768]");
  assert_shape (weights, "vit.embeddings.patch_embeddings.projection.weight", "[768, 3, 16, 16]");
  assert_shape (weights, "vit.embeddings.patch_embeddings.projection.bias", "[768]");
  assert_shape (weights, "vit.encoder.layer.11.attention.attention.query.weight", "[768, 768]");
  assert_shape (weights, "vit.encoder.layer.0.attention.attention.value.bias", "[768]");
  assert_shape (weights, "vit.encoder.layer.0.attention.output.dense.weight", "[768, 768]");
  assert_shape (weights, "vit.encoder.layer.5.intermediate.dense.weight", "[3072, 768]");
  assert_shape (weights, "vit.encoder.layer.5.output.dense.weight", "[768, 3072]");
  assert_shape (weights, "vit.encoder.layer.5.layernorm_before.weight", "[768]");
  assert_shape (weights, "vit.encoder.layer.5.layernorm_after.bias", "[768]");
  assert_shape (weights, "vit.layernorm.weight", "[768]");
  assert_shape (weights, "classifier.weight", "[1000, 768]");
  config = pld_config_open (fixture->folder, "config.json", &error);
  g_assert_no_error (error);
  g_assert_true (pld_config_uint (config, "num_attention_heads", 12, 12, &value, &error));
  g_assert_true (pld_config_uint (config, "intermediate_size", 3072, 3072, &value, &error));
  g_assert_true (pld_config_labels (config, &labels, &n, &error));
  g_assert_cmpuint (n, ==, 1000);
  g_clear_pointer (&config, pld_config_free);
  config = pld_config_open (fixture->folder, "preprocessor_config.json", &error);
  g_assert_no_error (error);
  g_assert_true (pld_config_size (config, "size", &width, &height, &error));
  g_assert_cmpuint (width, ==, 224);
}

/* The same shapes and names as GGUF has them, in blocks; and a model that opens and computes. */
static void
test_synth_gguf (Scratch *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "vit.gguf", NULL);
  g_autoptr (PldWeights) weights = NULL;
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path, .engine.threads = 1);
  guint64 parameters = 0, bytes = 0;
  PldVision *vision;
  GError *error = NULL;

  g_assert_true (pld_model_synth ("vit-ti16", "q8_0", NULL, 0, path, NULL, NULL, NULL, &error));
  weights = pld_weights_open (path, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < weights->n_tensors; i++)
    {
      parameters += weights->tensors[i].n_values;
      bytes += weights->tensors[i].n_bytes;
    }
  g_assert_cmpuint (parameters, ==, 5717416);
  g_assert_cmpuint (bytes, <, 5717416 * 9 / 8);
  assert_shape (weights, "v.class_embd", "[192]");
  assert_shape (weights, "v.position_embd.weight", "[197, 192]");
  assert_shape (weights, "v.patch_embd.weight", "[192, 768]");
  assert_shape (weights, "v.blk.11.ffn_up.weight", "[768, 192]");
  assert_shape (weights, "v.blk.0.attn_out.bias", "[192]");
  assert_shape (weights, "head.weight", "[1000, 192]");
  g_assert_cmpint (pld_weights_find (weights, "v.blk.11.ffn_down.weight")->dtype, ==, PLD_DTYPE_Q8_0);
  g_assert_cmpint (pld_weights_find (weights, "v.blk.11.ffn_down.bias")->dtype, ==, PLD_DTYPE_F32);
  vision = pld_vision_open (&options, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pld_vision_get_info (vision)->input_width, ==, 224);
  g_assert_cmpstr (pld_vision_get_info (vision)->labels[999], ==, "LABEL_999");
  g_clear_pointer (&vision, pld_vision_close);
}

/* Names and shapes as in hustvl/yolos-base; the size that its preprocessing comes to for a picture of 16 : 9; and a
 * plan for a smaller one. */
static void
test_synth_yolos (Scratch *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "yolos.gguf", NULL);
  g_autofree char *folder = g_build_filename (fixture->folder, "yolos", NULL);
  g_autoptr (PldWeights) weights = NULL, gguf = NULL;
  PldVisionOptions options
      = VISION_OPTIONS (.engine.model = path, .input_width = 864, .input_height = 512, .engine.threads = 2);
  g_autoptr (PldPlanInfo) plan = NULL;
  GError *error = NULL;

  g_assert_true (pld_model_synth ("yolos-base", "f16", NULL, 0, folder, NULL, NULL, NULL, &error));
  weights = pld_weights_open (folder, &error);
  g_assert_no_error (error);
  assert_shape (weights, "vit.embeddings.detection_tokens", "[1, 100, 768]");
  assert_shape (weights, "vit.embeddings.position_embeddings", "[1, 4301, 768]");
  assert_shape (weights, "vit.encoder.mid_position_embeddings", "[11, 1, 4301, 768]");
  assert_shape (weights, "class_labels_classifier.layers.2.weight", "[92, 768]");
  assert_shape (weights, "bbox_predictor.layers.2.weight", "[4, 768]");
  assert_shape (weights, "bbox_predictor.layers.0.bias", "[768]");

  g_assert_true (pld_model_quantize (folder, "q8_0", path, NULL, NULL, NULL, &error));
  gguf = pld_weights_open (path, &error);
  g_assert_no_error (error);
  assert_shape (gguf, "v.mid_position_embd.weight", "[11, 4301, 768]");
  assert_shape (gguf, "v.detection_embd", "[100, 768]");
  assert_shape (gguf, "class_embed.2.weight", "[92, 768]");
  g_assert_cmpint (pld_weights_find (gguf, "v.mid_position_embd.weight")->dtype, ==, PLD_DTYPE_F16);
  g_assert_cmpint (pld_weights_find (gguf, "box_embed.1.weight")->dtype, ==, PLD_DTYPE_Q8_0);

  /* Of 1829 tokens three times 768 floats, and 3072 in the MLP. */
  g_assert_true ((plan = pld_model_plan (&options.engine, &error)) != NULL);
  g_assert_cmpuint (plan->activation_bytes, >, (guint64) 1829 * (3 * 768 + 3072) * 4);
  g_assert_cmpuint (plan->minimum_limit, <, 60000000);
  g_assert_cmpuint (plan->resident_limit, >, plan->weight_bytes);
  options.engine.memory_limit = 96000000;
  pld_plan_info_free (plan);
  plan = pld_model_plan (&options.engine, &error);
  g_assert_no_error (error);
  /* Position embeddings take 79 of its 170 MB, and none of them is held in addition to the tiles. */
  g_assert_cmpuint (plan->table_bytes, <, 1500000);
  g_assert_cmpuint (plan->streamed_per_pass, >, 0);
  g_assert_cmpuint (plan->streamed_per_pass, <, plan->weight_bytes);
}

/* A folder and a GGUF file say the same of the model. */
static void
test_synth_yolos_same (Scratch *fixture, gconstpointer data)
{
  static const struct
  {
    const char *preset;
    guint width, height, parameters; /* these in 100,000, as the paper has them: arXiv 2106.00666 */
  } presets[]
      = { { "yolos-tiny", 896, 512, 65 }, { "yolos-small", 1328, 736, 307 }, { "yolos-small-dwr", 1328, 736, 276 } };

  for (guint i = 0; i < G_N_ELEMENTS (presets); i++)
    {
      g_autofree char *folder = g_build_filename (fixture->folder, presets[i].preset, NULL);
      g_autofree char *path = g_strconcat (folder, ".gguf", NULL);
      const char *const models[] = { folder, path };

      for (guint j = 0; j < 2; j++)
        {
          PldVisionOptions options = VISION_OPTIONS (.engine.model = models[j], .engine.threads = 1);
          const PldVisionInfo *info;
          GError *error = NULL;
          PldVision *vision;

          g_assert_true (pld_model_synth (presets[i].preset, "f16", NULL, 0, models[j], NULL, NULL, NULL, &error));
          vision = pld_vision_open (&options, NULL, NULL, NULL, &error);
          g_assert_no_error (error);
          info = pld_vision_get_info (vision);
          g_assert_cmpuint (info->input_width, ==, presets[i].width);
          g_assert_cmpuint (info->input_height, ==, presets[i].height);
          g_assert_cmpuint ((info->n_parameters + 50000) / 100000, ==, presets[i].parameters);
          g_assert_cmpuint (info->max_objects, ==, 100);
          g_assert_cmpuint (info->n_classes, ==, 91);
          g_clear_pointer (&vision, pld_vision_close);
        }
    }
}

static void
cancel (const char *step, guint percent, gpointer user_data)
{
  if (percent == 50)
    g_cancellable_cancel (user_data);
}

static void
test_synth_cancelled (Scratch *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GError *error = NULL;

  g_assert_false (
      pld_model_synth ("vit-ti16", "f32", NULL, 0, fixture->folder, cancel, cancellable, cancellable, &error));
  assert_pld_error (&error, PLD_ERROR_CANCELLED, "cancelled");
  g_assert_cmpuint (count_files (fixture->folder), ==, 0);
}

static void
test_synth_bad (Scratch *fixture, gconstpointer data)
{
  g_autofree char *file = text_save ("x", fixture->folder, "file");
  g_autofree char *below = g_build_filename (file, "folder", NULL);
  GError *error = NULL;

  g_assert_false (pld_model_synth ("vit-x", "f32", NULL, 0, fixture->folder, NULL, NULL, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "vit-ti16, vit-b16, vit-l16, yolos-tiny");
  g_assert_false (pld_model_synth ("vit-b16", "f8", NULL, 0, fixture->folder, NULL, NULL, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "f32, f16, bf16, q8_0");
  g_assert_false (pld_model_synth ("vit-ti16", "q8_0", NULL, 0, fixture->folder, NULL, NULL, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "ends in .gguf");
  g_assert_false (pld_model_synth ("vit-ti16", "f16", NULL, 0, below, NULL, NULL, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_IO, "cannot be made");
}

static void
test_inspect (Scratch *fixture, gconstpointer data)
{
  static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"},\"t\":{\"dtype\":\"BF16\",\"shape\":[2,"
                               "2],\"data_offsets\":[0,8]}}";
  g_autoptr (GByteArray) bytes = bytes_safetensors (header, 8);
  g_autofree char *json = NULL;
  g_autoptr (JsonNode) node = NULL;
  JsonObject *root, *tensor;
  GError *error = NULL;

  g_assert_null (pld_model_inspect (fixture->path, &error));
  assert_pld_error (&error, PLD_ERROR_NOT_FOUND, "no such file");
  g_free (bytes_save (bytes, fixture->folder, "model.safetensors"));
  g_free (text_save ("{\"model_type\":\"vit\",\"hidden_size\":4}", fixture->folder, "config.json"));
  json = pld_model_inspect (fixture->folder, &error);
  g_assert_no_error (error);
  node = json_from_string (json, &error);
  g_assert_no_error (error);
  root = json_node_get_object (node);
  g_assert_cmpstr (json_object_get_string_member (root, "format"), ==, "safetensors");
  g_assert_cmpstr (json_object_get_string_member (root, "architecture"), ==, "vit");
  g_assert_cmpint (json_object_get_int_member (root, "parameters"), ==, 4);
  g_assert_cmpint (json_object_get_int_member (root, "bytes"), ==, 8);
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (root, "types"), "BF16"), ==, 8);
  g_assert_cmpstr (json_object_get_string_member (json_object_get_object_member (root, "metadata"), "format"), ==,
                   "pt");
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (root, "config"), "hidden_size"), ==, 4);
  tensor = json_array_get_object_element (json_object_get_array_member (root, "tensors"), 0);
  g_assert_cmpstr (json_object_get_string_member (tensor, "name"), ==, "t");
  g_assert_cmpstr (json_object_get_string_member (tensor, "type"), ==, "BF16");
  g_assert_cmpstr (json_object_get_string_member (tensor, "file"), ==, "model.safetensors");
  g_assert_cmpint (json_object_get_int_member (tensor, "offset"), ==, 8 + (gint64) strlen (header));
  g_assert_cmpint (json_object_get_int_member (tensor, "bytes"), ==, 8);
  g_assert_cmpint (json_array_get_int_element (json_object_get_array_member (tensor, "shape"), 1), ==, 2);
  g_free (text_save ("{", fixture->folder, "config.json"));
  g_assert_null (pld_model_inspect (fixture->folder, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "config.json");
}

#define ADD(name, data, func) g_test_add (name, Scratch, data, set_up, func, scratch_remove)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/writer/bytes", NULL, test_writer);
  ADD ("/writer/unfinished", NULL, test_writer_unfinished);
  ADD ("/writer/fails", NULL, test_writer_fails);
  ADD ("/synth/f32", &expected[0], test_synth);
  ADD ("/synth/f16", &expected[1], test_synth);
  ADD ("/synth/bf16", &expected[2], test_synth);
  ADD ("/synth/b16", NULL, test_synth_b16);
  ADD ("/synth/gguf", NULL, test_synth_gguf);
  ADD ("/synth/yolos", NULL, test_synth_yolos);
  ADD ("/synth/yolos-same", NULL, test_synth_yolos_same);
  ADD ("/synth/cancelled", NULL, test_synth_cancelled);
  ADD ("/synth/bad", NULL, test_synth_bad);
  ADD ("/synth/no-room", NULL, test_no_room);
  ADD ("/inspect", NULL, test_inspect);
  return g_test_run ();
}
