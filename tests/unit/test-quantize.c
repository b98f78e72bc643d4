/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Floats → stored weights, compared with the reference that reads them; halves; and what pld_model_quantize() refuses.
 */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/base/half.h"
#include "engine/base/random.h"
#include "engine/format/quantize.h"
#include "engine/runtime/dispatch.h"
#include "tests/support/model-bytes.h"
#include "pipeload/pipeload.h"

#define N 4096

static const PldDtype dtypes[]
    = { PLD_DTYPE_F32,  PLD_DTYPE_F16,  PLD_DTYPE_BF16, PLD_DTYPE_Q8_0, PLD_DTYPE_Q4_0, PLD_DTYPE_Q4_1,
        PLD_DTYPE_Q5_0, PLD_DTYPE_Q5_1, PLD_DTYPE_Q4_K, PLD_DTYPE_Q5_K, PLD_DTYPE_Q6_K };

/* The values of @x after being stored as @dtype and read by the scalar reference. */
static void
round_trip (PldDtype dtype, const float *x, float *y, gsize n)
{
  const PldDtypeInfo *info = pld_dtype_info (dtype);
  const gsize bytes = n / info->block * info->bytes;
  g_autofree guint8 *stored = g_malloc (bytes + 1);

  stored[bytes] = 0xa5;
  pld_quantize_function (dtype) (stored, x, n);
  g_assert_cmphex (stored[bytes], ==, 0xa5);
  pld_dequantize_kernel (&pld_kernels_ref, dtype) (y, stored, n);
}

/* Root of the mean square of x - y over that of x. */
static double
error_of (const float *x, const float *y, gsize n)
{
  double difference = 0, size = 0;

  for (gsize i = 0; i < n; i++)
    {
      difference += ((double) x[i] - y[i]) * ((double) x[i] - y[i]);
      size += (double) x[i] * x[i];
    }
  return size > 0 ? sqrt (difference / size) : difference;
}

/* Nearly normal, as weights are: sums of twelve. */
static void
fill_normal (PldRandom *random, float *x, gsize n, double std)
{
  for (gsize i = 0; i < n; i++)
    {
      double sum = -6;

      for (guint j = 0; j < 12; j++)
        sum += pld_random_double (random);
      x[i] = (float) (std * sum);
    }
}

/* The step is the reach of the range over the codes; the error of rounding is uniform, so its root mean square is step
 * / √12. The largest of 32 normal values is 2.07 deviations away on the average (E. S. Pearson's tables of order
 * statistics: of 64, for either sign, 2.34), the range from the lowest to the highest 4.14. A search for the scale must
 * do no worse than that. */
static void
test_error (void)
{
  static const struct
  {
    PldDtype dtype;
    double most;
  } wanted[] = {
    { PLD_DTYPE_F32, 0 },
    { PLD_DTYPE_F16, 0x1p-11 },
    { PLD_DTYPE_BF16, 0x1p-8 },
    { PLD_DTYPE_Q8_0, 2.34 / 127 / 3.4641 },
    { PLD_DTYPE_Q4_0, 2.34 / 8 / 3.4641 },
    { PLD_DTYPE_Q5_0, 2.34 / 16 / 3.4641 },
    { PLD_DTYPE_Q4_1, 4.14 / 15 / 3.4641 },
    { PLD_DTYPE_Q5_1, 4.14 / 31 / 3.4641 },
    { PLD_DTYPE_Q4_K, 4.14 / 15 / 3.4641 },
    { PLD_DTYPE_Q5_K, 4.14 / 31 / 3.4641 },
    { PLD_DTYPE_Q6_K, 2.07 / 32 / 3.4641 }, /* blocks of 16 */
  };
  static const double deviations[] = { 1e-3, 0.02, 30 };
  g_autofree float *x = g_new (float, N), *y = g_new (float, N);
  PldRandom random;

  pld_random_init (&random, 5, NULL);
  for (guint d = 0; d < G_N_ELEMENTS (deviations); d++)
    {
      fill_normal (&random, x, N, deviations[d]);
      for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
        {
          round_trip (wanted[i].dtype, x, y, N);
          g_test_message ("%s, deviation %g: %.5f of at most %.5f", pld_dtype_info (wanted[i].dtype)->name,
                          deviations[d], error_of (x, y, N), wanted[i].most);
          g_assert_cmpfloat (error_of (x, y, N), <=, wanted[i].most);
        }
    }
}

/* Values that the type can hold exactly stay what they are. */
static void
test_exact (void)
{
  static const struct
  {
    PldDtype dtype;
    int lo, hi, m;
  } types[] = { { PLD_DTYPE_Q8_0, -127, 127, 0 }, { PLD_DTYPE_Q4_0, -8, 7, 0 },  { PLD_DTYPE_Q5_0, -16, 15, 0 },
                { PLD_DTYPE_Q4_1, 0, 15, 3 },     { PLD_DTYPE_Q5_1, 0, 31, -5 }, { PLD_DTYPE_Q6_K, -32, 31, 0 } };
  g_autofree float *x = g_new (float, N), *y = g_new (float, N);
  PldRandom random;

  pld_random_init (&random, 6, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      const int lo = types[i].lo, hi = types[i].hi;

      for (guint j = 0; j < N; j++)
        {
          /* Each block of 16 has both ends of the range. */
          const int q = j % 16 == 3   ? lo
                        : j % 16 == 9 ? hi
                                      : lo + (int) (pld_random_next (&random) % (guint64) (hi - lo + 1));

          x[j] = (float) (q + types[i].m) * 0.03125f;
        }
      round_trip (types[i].dtype, x, y, N);
      for (guint j = 0; j < N; j++)
        g_assert_cmpfloat (fabsf (x[j] - y[j]), <=, 1e-6f);
    }
}

/* Nothing, one value, all the same, one that is far away, numbers of the smallest and of the largest size. */
static void
test_corners (void)
{
  enum
  {
    NOTHING,
    CONSTANT,
    NEGATIVE,
    FAR,
    TINY,
    HUGE_VALUES,
    N_CORNERS
  };
  float x[256], y[256];

  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    for (guint corner = 0; corner < N_CORNERS; corner++)
      {
        for (guint j = 0; j < 256; j++)
          x[j] = corner == CONSTANT      ? 0.7f
                 : corner == NEGATIVE    ? -0.7f
                 : corner == FAR         ? (j == 77 ? -1000.0f : 0.01f)
                 : corner == TINY        ? 1e-30f * (float) j
                 : corner == HUGE_VALUES ? (j % 2 ? PLD_HALF_MAX : -PLD_HALF_MAX)
                                         : 0;
        round_trip (dtypes[i], x, y, 256);
        for (guint j = 0; j < 256; j++)
          g_assert_true (isfinite (y[j]));
        if (corner == NOTHING)
          g_assert_cmpfloat (error_of (x, y, 256), ==, 0);
        else if (corner == TINY && pld_dtype_info (dtypes[i])->bytes != 4)
          for (guint j = 0; j < 256; j++)
            g_assert_cmpfloat (fabsf (y[j]), <, 1e-20f);
        else
          g_assert_cmpfloat (error_of (x, y, 256), <=, 0.07);
      }
}

/* All halves through floats and back; between two halves the nearest, at the middle the even one. */
static void
test_halves (void)
{
  float y;
  guint8 bytes[2];

  for (guint h = 0; h < 0x7c00; h++)
    {
      const float value = pld_half_to_float ((guint16) h), next = pld_half_to_float ((guint16) (h + 1));

      bytes[0] = (guint8) h;
      bytes[1] = (guint8) (h >> 8);
      pld_dequantize_kernel (&pld_kernels_ref, PLD_DTYPE_F16) (&y, bytes, 1);
      g_assert_cmpfloat (value, ==, y);
      g_assert_cmphex (pld_half_from_float (value), ==, h);
      g_assert_cmphex (pld_half_from_float (-value), ==, h | 0x8000);
      if (h == 0x7bff)
        break;
      g_assert_cmphex (pld_half_from_float ((value + next) / 2), ==, h + (h & 1));
      g_assert_cmphex (pld_half_from_float (nextafterf ((value + next) / 2, 1e9f)), ==, h + 1);
      g_assert_cmphex (pld_half_from_float (nextafterf ((value + next) / 2, -1)), ==, h);
    }
  g_assert_cmphex (pld_half_from_float (65519), ==, 0x7bff);
  g_assert_cmphex (pld_half_from_float (65520), ==, 0x7c00);
  g_assert_true (isinf (pld_half_to_float (0x7c00)));
}

static void
test_functions (void)
{
  guint n = 0;

  for (guint i = 0; i < PLD_DTYPE_N; i++)
    n += pld_quantize_function ((PldDtype) i) != NULL;
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (dtypes));
  g_assert_null (pld_quantize_function (PLD_DTYPE_IQ1_S));
}

/* ---- models -------------------------------------------------------------------------------- */

static char *
fixture (const char *name)
{
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", name, NULL);
}

static void
refuse (Scratch *scratch, const char *model, const char *type, const char *out, PldError code, const char *part)
{
  GError *error = NULL;

  g_assert_false (pld_model_quantize (model, type, out, NULL, NULL, NULL, &error));
  assert_pld_error (&error, code, part);
  g_assert_cmpuint (count_files (scratch->folder), ==, 0);
}

static void
test_refused (Scratch *scratch, gconstpointer data)
{
  g_autofree char *vit = fixture ("data/vit-random"), *llama = fixture ("llm/data/type-q5_k.gguf");
  g_autofree char *nowhere = g_build_filename (scratch->folder, "no", "model.gguf", NULL);

  refuse (scratch, vit, "q9", scratch->path, PLD_ERROR_UNSUPPORTED, "q8_0");
  refuse (scratch, llama, "q8_0", scratch->path, PLD_ERROR_UNSUPPORTED, "language model");
  refuse (scratch, "/nonexistent/model", "q8_0", scratch->path, PLD_ERROR_NOT_FOUND, "/nonexistent/model");
  refuse (scratch, vit, "q8_0", nowhere, PLD_ERROR_IO, nowhere);
}

/* One weight that is NaN; and one that halves cannot hold. */
static void
test_values (Scratch *scratch, gconstpointer data)
{
  static const guint32 values[] = { 0x7fc00000, 0xff800000, 0x49742400 /* 1e6 */ };
  g_autofree char *source = fixture ("data/vit-gguf/plain.gguf"), *bytes = NULL,
                  *out = g_build_filename (scratch->folder, "out.gguf", NULL);
  GError *error = NULL;
  g_autoptr (PldWeights) weights = pld_weights_open (source, &error);
  const PldTensor *tensor;
  gsize n;

  g_assert_no_error (error);
  tensor = pld_weights_find (weights, "v.blk.1.attn_k.weight");
  g_assert_true (g_file_get_contents (source, &bytes, &n, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      const guint32 le = GUINT32_TO_LE (values[i]);

      memcpy (bytes + tensor->offset + 4 * 1000, &le, 4);
      g_assert_true (g_file_set_contents (scratch->path, bytes, (gssize) n, NULL));
      g_assert_false (pld_model_quantize (scratch->path, "q8_0", out, NULL, NULL, NULL, &error));
      g_assert_nonnull (strstr (error->message, "attn_k"));
      assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, scratch->path);
      g_assert_cmpuint (count_files (scratch->folder), ==, 1);
    }
  pld_model_quantize (scratch->path, "bf16", out, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* A file system without room, played by a limit on the size of files. */
static void
test_no_room (Scratch *scratch, gconstpointer data)
{
  g_autofree char *vit = fixture ("data/vit-random");
  struct rlimit old, small;

  getrlimit (RLIMIT_FSIZE, &old);
  small = (struct rlimit) { 1 << 16, old.rlim_max };
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  refuse (scratch, vit, "q8_0", scratch->path, PLD_ERROR_IO, scratch->path);
  setrlimit (RLIMIT_FSIZE, &old);
  signal (SIGXFSZ, SIG_DFL);
}

static void
cancel (const char *step, guint percent, gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

static void
test_cancelled (Scratch *scratch, gconstpointer data)
{
  g_autofree char *vit = fixture ("data/vit-random");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GError *error = NULL;

  g_assert_false (pld_model_quantize (vit, "q8_0", scratch->path, cancel, cancellable, cancellable, &error));
  assert_pld_error (&error, PLD_ERROR_CANCELLED, "cancelled");
  g_assert_cmpuint (count_files (scratch->folder), ==, 0);
}

/* Which type each kind of matrix gets; the model has rows of 64 and 160 values, whole blocks of 32 but not of 256. */
static void
test_mix (Scratch *scratch, gconstpointer data)
{
  static const struct
  {
    const char *type, *tensor;
    PldDtype dtype;
    guint n_dims;
  } wanted[] = { { "q4_0", "v.blk.2.attn_q.weight", PLD_DTYPE_Q4_0, 2 },
                 { "q4_0", "v.patch_embd.weight", PLD_DTYPE_Q8_0, 2 },
                 { "q4_0", "head.weight", PLD_DTYPE_Q8_0, 2 },
                 { "q4_0", "v.blk.0.ffn_up.bias", PLD_DTYPE_F32, 1 },
                 { "q4_k", "v.blk.0.ffn_down.weight", PLD_DTYPE_Q5_0, 2 },
                 { "q5_k", "v.blk.0.ffn_down.weight", PLD_DTYPE_Q5_1, 2 },
                 { "q6_k", "v.blk.0.attn_v.weight", PLD_DTYPE_Q8_0, 2 },
                 { "f16", "v.patch_embd.weight", PLD_DTYPE_F16, 4 },
                 { "f16", "v.position_embd.weight", PLD_DTYPE_F16, 2 },
                 { "q4_0", "v.position_embd.weight", PLD_DTYPE_F16, 2 },
                 { "f32", "v.position_embd.weight", PLD_DTYPE_F32, 2 },
                 { "q8_0", "v.class_embd", PLD_DTYPE_F32, 1 } };
  g_autofree char *vit = fixture ("data/vit-random");

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_autoptr (PldWeights) weights = NULL;
      GError *error = NULL;
      const PldTensor *tensor;

      pld_model_quantize (vit, wanted[i].type, scratch->path, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      weights = pld_weights_open (scratch->path, &error);
      g_assert_no_error (error);
      tensor = pld_weights_find (weights, wanted[i].tensor);
      g_assert_nonnull (tensor);
      g_assert_cmpint (tensor->dtype, ==, wanted[i].dtype);
      g_assert_cmpuint (tensor->n_dims, ==, wanted[i].n_dims);
    }
}

static void
set_up (Scratch *scratch, gconstpointer data)
{
  scratch_make (scratch, "model.gguf");
}

#define ADD(path, function) g_test_add (path, Scratch, NULL, set_up, function, scratch_remove)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quantize/error", test_error);
  g_test_add_func ("/quantize/exact", test_exact);
  g_test_add_func ("/quantize/corners", test_corners);
  g_test_add_func ("/quantize/halves", test_halves);
  g_test_add_func ("/quantize/functions", test_functions);
  ADD ("/quantize/refused", test_refused);
  ADD ("/quantize/values", test_values);
  ADD ("/quantize/no-room", test_no_room);
  ADD ("/quantize/cancelled", test_cancelled);
  ADD ("/quantize/mix", test_mix);
  return g_test_run ();
}
