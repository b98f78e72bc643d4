/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every kernel of kernels.def, in every table that this CPU can run, against the scalar reference: sizes around the vector lengths, random
 * and extreme values, misaligned pointers, guard bytes around the output. With --bench it times them instead.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/cpu.h"
#include "engine/kernels/kernels.h"

#define N_MAX 4100
#define GUARD 64
#define GUARD_BYTE 0xa5

static const struct
{
  const char *name;
  PldCpuLevel level;
  const PldKernels *table;
} tables[] = {
  { "baseline", PLD_CPU_BASELINE, &pld_kernels_baseline },
#ifdef __x86_64__
  { "avx2", PLD_CPU_AVX2, &pld_kernels_avx2 },
  { "avx512", PLD_CPU_AVX512, &pld_kernels_avx512 },
#endif
};

static const gsize sizes[] = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 197, 255, 256, 257, 768, 1000, 3072, 4099 };

/* Memory of one array, with room for misalignment and guards on both sides. */
typedef struct
{
  guint8 bytes[GUARD + N_MAX * sizeof (float) * 3 + GUARD];
} Room;

static Room room_got, room_want, room_a, room_b, room_c;

static void *
place (Room *room, gsize shift)
{
  memset (room->bytes, GUARD_BYTE, sizeof room->bytes);
  return room->bytes + GUARD + shift;
}

static void
assert_guards (const Room *room, gsize shift, gsize n_bytes)
{
  for (gsize i = 0; i < sizeof room->bytes; i++)
    if (i < GUARD + shift || i >= GUARD + shift + n_bytes)
      g_assert_cmpuint (room->bytes[i], ==, GUARD_BYTE);
}

/* Values as they come in a model, and now and then far out. */
static float
any_float (float spread)
{
  float v = (float) g_test_rand_double_range (-spread, spread);

  return g_test_rand_int_range (0, 16) == 0 ? v * 30 : v;
}

static float *
random_floats (Room *room, gsize shift, gsize n, float spread)
{
  float *x = place (room, shift);

  for (gsize i = 0; i < n; i++)
    x[i] = any_float (spread);
  return x;
}

static void
assert_floats (const char *kernel, const char *table, const float *got, const float *want, gsize n, double absolute, double relative)
{
  for (gsize i = 0; i < n; i++)
    {
      double error = fabs ((double) got[i] - want[i]), bound = absolute + relative * fabs (want[i]);

      if (!(error <= bound) && !(isnan (got[i]) && isnan (want[i])) && got[i] != want[i])
        g_error ("%s (%s): value %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " is %.9g, wanted %.9g, off by %.3g, may be off by %.3g", kernel,
                 table, i, n, got[i], want[i], error, bound);
    }
}

/* Runs body for each size, each alignment, with `got` and `want` as equal copies of the row that the kernel changes. */
#define EACH_CASE(table_index, n, shift)                                                                      \
  for (guint c_ = 0; c_ < G_N_ELEMENTS (sizes); c_++)                                                         \
    for (gsize n = sizes[c_], shift = 0; shift <= 8; shift += 4)

static void
check_layer_norm (guint t)
{
  EACH_CASE (t, n, shift)
  {
    float *x = random_floats (&room_a, shift, n, 3), *w = random_floats (&room_b, shift, n, 1), *b = random_floats (&room_c, shift, n, 1);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    tables[t].table->layer_norm (got, x, w, b, n, 1e-6f);
    pld_kernels_ref.layer_norm (want, x, w, b, n, 1e-6f);
    /* Normalised values reach sqrt (n), times weights up to 30; the float mean of n values is off by some epsilons of the largest. */
    assert_floats ("layer_norm", tables[t].name, got, want, n, 2e-4, 2e-5);
    assert_guards (&room_got, shift, n * sizeof (float));
    memcpy (got, x, n * sizeof (float));
    tables[t].table->layer_norm (got, got, w, b, n, 1e-6f);
    assert_floats ("layer_norm in place", tables[t].name, got, want, n, 2e-4, 2e-5);
  }
}

static void
check_softmax (guint t)
{
  EACH_CASE (t, n, shift)
  {
    float *x = random_floats (&room_a, shift, n, 8), *got = place (&room_got, shift), *want = place (&room_want, shift);

    memcpy (got, x, n * sizeof (float));
    memcpy (want, x, n * sizeof (float));
    tables[t].table->softmax (got, n, 0.125f);
    pld_kernels_ref.softmax (want, n, 0.125f);
    /* e^x is off by 2e-7 relatively, the sum by less; the argument, up to 60 in size, by half a float epsilon of itself. */
    assert_floats ("softmax", tables[t].name, got, want, n, 1e-30, 1e-5);
    assert_guards (&room_got, shift, n * sizeof (float));
  }
}

/* y = act (y + b) */
static void
check_biased (guint t, const char *name, void (*got_kernel) (float *, const float *, gsize), void (*want_kernel) (float *, const float *, gsize),
              double absolute, double relative)
{
  EACH_CASE (t, n, shift)
  {
    float *b = random_floats (&room_b, shift, n, 1), *y = random_floats (&room_a, shift, n, 5);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    memcpy (got, y, n * sizeof (float));
    memcpy (want, y, n * sizeof (float));
    got_kernel (got, b, n);
    want_kernel (want, b, n);
    assert_floats (name, tables[t].name, got, want, n, absolute, relative);
    assert_guards (&room_got, shift, n * sizeof (float));
  }
}

#define CHECK_BIASED(kernel, absolute, relative)                                                              \
  static void check_##kernel (guint t)                                                                        \
  {                                                                                                           \
    check_biased (t, #kernel, tables[t].table->kernel, pld_kernels_ref.kernel, absolute, relative);           \
  }

CHECK_BIASED (bias, 0, 0)
/* x/2 times the absolute error of erf, 1.5e-7 and some roundings, with |x| up to 180. */
CHECK_BIASED (bias_gelu, 1e-6, 1e-6)
/* Far below zero v · e^-|u| is tiny, and its relative error grows with |u|, up to 87; absolutely it is nothing. */
CHECK_BIASED (bias_gelu_tanh, 2e-6, 2e-6)
CHECK_BIASED (bias_relu, 0, 0)
CHECK_BIASED (bias_silu, 2e-6, 2e-6)
CHECK_BIASED (add, 0, 0)

static void
check_widen (guint t, const char *name, void (*got_kernel) (float *, const guint16 *, gsize), void (*want_kernel) (float *, const guint16 *, gsize))
{
  /* All there are, so exact equality of every lane. */
  for (gsize shift = 0; shift <= 6; shift += 2)
    for (guint first = 0; first < 65536; first += 4096)
      {
        guint16 *x = place (&room_a, shift);
        float *got = place (&room_got, shift * 2), *want = place (&room_want, shift * 2);
        gsize n = 4096 - shift;

        for (gsize i = 0; i < n; i++)
          x[i] = (guint16) (first + shift + i);
        got_kernel (got, x, n);
        want_kernel (want, x, n);
        for (gsize i = 0; i < n; i++)
          if (memcmp (&got[i], &want[i], sizeof (float)) != 0 && !(isnan (got[i]) && isnan (want[i])))
            g_error ("%s (%s): 0x%04x gives %g, wanted %g", name, tables[t].name, x[i], got[i], want[i]);
        assert_guards (&room_got, shift * 2, n * sizeof (float));
      }
}

static void
check_widen_f16 (guint t)
{
  check_widen (t, "widen_f16", tables[t].table->widen_f16, pld_kernels_ref.widen_f16);
}

static void
check_widen_bf16 (guint t)
{
  check_widen (t, "widen_bf16", tables[t].table->widen_bf16, pld_kernels_ref.widen_bf16);
}

static void
check_normalize_rgb (guint t)
{
  EACH_CASE (t, n, shift)
  {
    guint8 *x = place (&room_a, shift);
    float *got = place (&room_got, shift), *want = place (&room_want, shift);

    for (gsize i = 0; i < 3 * n; i++)
      x[i] = (guint8) g_test_rand_int_range (0, 256);
    tables[t].table->normalize_rgb (got, x, n, 1 / 127.5f, -1);
    pld_kernels_ref.normalize_rgb (want, x, n, 1 / 127.5f, -1);
    /* One fused operation or two. */
    assert_floats ("normalize_rgb", tables[t].name, got, want, n, FLT_EPSILON, FLT_EPSILON);
    assert_guards (&room_got, shift, n * sizeof (float));
  }
}

typedef void (*Check) (guint table);

static const struct
{
  const char *name;
  Check check;
} checks[] = {
#define PLD_KERNEL(name, args) { #name, check_##name },
#include "engine/kernels/kernels.def"
#undef PLD_KERNEL
};

typedef struct
{
  guint check, table;
} Case;

static void
run_case (gconstpointer data)
{
  const Case *c = data;

  if (tables[c->table].level > pld_cpu_level ())
    g_test_skip ("this CPU cannot run it");
  else
    checks[c->check].check (c->table);
}

/* ---- timing -------------------------------------------------------------------------------- */

#define BENCH_N 3072

static void
bench_call (const PldKernels *k, guint i, float *y, float *x, float *w)
{
  const char *name = checks[i].name;

  if (strcmp (name, "layer_norm") == 0)
    k->layer_norm (y, x, w, w, BENCH_N, 1e-6f);
  else if (strcmp (name, "softmax") == 0)
    k->softmax (y, BENCH_N, 0.1f);
  else if (strcmp (name, "normalize_rgb") == 0)
    k->normalize_rgb (y, (guint8 *) x, BENCH_N, 0.1f, 1);
  else if (strcmp (name, "widen_f16") == 0)
    k->widen_f16 (y, (guint16 *) (gpointer) x, BENCH_N);
  else if (strcmp (name, "widen_bf16") == 0)
    k->widen_bf16 (y, (guint16 *) (gpointer) x, BENCH_N);
#define BIASED(kernel)                                                                                        \
  else if (strcmp (name, #kernel) == 0) k->kernel (y, x, BENCH_N);
  BIASED (bias)
  BIASED (bias_gelu)
  BIASED (bias_gelu_tanh)
  BIASED (bias_relu)
  BIASED (bias_silu)
  BIASED (add)
}

static double
bench_ns (const PldKernels *k, guint i)
{
  float *x = random_floats (&room_a, 0, BENCH_N, 2), *w = random_floats (&room_b, 0, BENCH_N, 1), *y = random_floats (&room_got, 0, BENCH_N, 2);
  double best = G_MAXDOUBLE;

  for (guint round = 0; round < 20; round++)
    {
      gint64 begun = g_get_monotonic_time ();

      for (guint call = 0; call < 200; call++)
        bench_call (k, i, y, x, w);
      best = MIN (best, (double) (g_get_monotonic_time () - begun) * 1000 / 200 / BENCH_N);
    }
  return best;
}

static void
bench (void)
{
  printf ("%-16s %10s", "ns a value", "ref");
  for (guint t = 0; t < G_N_ELEMENTS (tables); t++)
    printf (" %10s", tables[t].name);
  printf ("\n");
  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    {
      printf ("%-16s %10.3f", checks[i].name, bench_ns (&pld_kernels_ref, i));
      for (guint t = 0; t < G_N_ELEMENTS (tables) && tables[t].level <= pld_cpu_level (); t++)
        printf (" %10.3f", bench_ns (tables[t].table, i));
      printf ("\n");
    }
}

int
main (int argc, char **argv)
{
  static Case cases[G_N_ELEMENTS (checks)][G_N_ELEMENTS (tables)];
  gboolean timing = argc > 1 && strcmp (argv[1], "--bench") == 0;

  if (timing)
    argc = 1;
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    for (guint t = 0; t < G_N_ELEMENTS (tables); t++)
      {
        g_autofree char *path = g_strdup_printf ("/kernel/%s/%s", checks[i].name, tables[t].name);

        cases[i][t] = (Case) { i, t };
        g_test_add_data_func (path, &cases[i][t], run_case);
      }
  if (timing)
    bench ();
  return timing ? 0 : g_test_run ();
}
