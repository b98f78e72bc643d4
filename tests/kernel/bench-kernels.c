/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How long the kernels take on one core: those on rows a value, products as bytes of weights with one row of
 * activations and as operations (two a product) with many.
 */
#include "tests/kernel/rig.h"

#include <stdio.h>

#define BENCH_N 3072
#define ROUNDS 20

/* The shortest time of one call, in ns. */
#define BEST_NS(calls, call)                                                                                           \
  ({                                                                                                                   \
    double best_ = G_MAXDOUBLE;                                                                                        \
                                                                                                                       \
    for (guint round_ = 0; round_ < ROUNDS; round_++)                                                                  \
      {                                                                                                                \
        gint64 begun_ = g_get_monotonic_time ();                                                                       \
                                                                                                                       \
        for (guint call_ = 0; call_ < (calls); call_++)                                                                \
          call;                                                                                                        \
        best_ = MIN (best_, (double) (g_get_monotonic_time () - begun_) * 1000 / (calls));                             \
      }                                                                                                                \
    best_;                                                                                                             \
  })

#define ROW_KERNELS(X)                                                                                                 \
  X (softmax, (y, BENCH_N, 0.1f))                                                                                      \
  X (add, (y, x, BENCH_N))                                                                                             \
  X (widen_f16, (y, (const guint16 *) (gpointer) x, BENCH_N))                                                          \
  X (normalize_rgb, (y, (const guint8 *) x, BENCH_N, 0.1f, 1))                                                         \
  X (rms_norm, (y, x, w, BENCH_N, 1e-6f))                                                                              \
  X (swiglu, (y, x, w, BENCH_N))                                                                                       \
  X (rope_norm, (y, x, w, BENCH_N / 2))                                                                                \
  X (rope_neox, (y, x, w, BENCH_N / 2))                                                                                \
  X (scores, (y, x, w, 128, BENCH_N / 128, 128))                                                                       \
  X (mix, (y, x, w, 128, BENCH_N / 128, 128))                                                                          \
  X (narrow_f16, ((guint16 *) (gpointer) y, x, BENCH_N))                                                               \
  X (store_q8_0, ((guint8 *) y, x, BENCH_N))                                                                           \
  X (quantize_q8, ((PldQ8 *) (gpointer) y, x, BENCH_N))

/* The same number of values in a panel. */
#define PANEL_N (BENCH_N / PLD_PANEL_ROWS)
#define PANEL_KERNELS(X)                                                                                               \
  X (pack, (y, x, PANEL_N, PLD_PANEL_ROWS, PANEL_N))                                                                   \
  X (unpack, (y, PANEL_N, x, PLD_PANEL_ROWS, PANEL_N))                                                                 \
  X (panel_bias, (y, x, PANEL_N))                                                                                      \
  X (panel_gelu, (y, x, PANEL_N))                                                                                      \
  X (panel_gelu_tanh, (y, x, PANEL_N))                                                                                 \
  X (panel_relu, (y, x, PANEL_N))                                                                                      \
  X (panel_silu, (y, x, PANEL_N))                                                                                      \
  X (panel_add, (y, x, w, PANEL_N))                                                                                    \
  X (panel_layer_norm, (y, x, w, w, PANEL_N, 1e-6f))                                                                   \
  X (panel_softmax, (y, PANEL_N, 0.1f))                                                                                \
  X (panel_scores, (y, x, w, 64 * PLD_PANEL_ROWS, 48, 64))                                                             \
  X (panel_mix, (y, x, w, 64 * PLD_PANEL_ROWS, 48, 64))                                                                \
  X (panel_quantize, ((PldQ8Panel *) (gpointer) y, x, PANEL_N))

static void
bench_rows (void)
{
  float *x = random_floats (&room_a, 0, BENCH_N, 2), *w = random_floats (&room_b, 0, BENCH_N, 1);

  printf ("%-16s %10s", "ns a value", "ref");
  for (guint t = 0; t < n_tables; t++)
    if (pld_cpu_has (tables[t].level))
      printf (" %10s", tables[t].name);
  printf ("\n");
#define BENCH(name, arguments)                                                                                         \
  {                                                                                                                    \
    float *y = random_floats (&room_got, 0, BENCH_N, 2);                                                               \
                                                                                                                       \
    printf ("%-16s %10.3f", #name, BEST_NS (50, pld_kernels_ref.name arguments) / BENCH_N);                            \
    for (guint t = 0; t < n_tables; t++)                                                                               \
      if (pld_cpu_has (tables[t].level))                                                                               \
        printf (" %10.3f", BEST_NS (200, tables[t].table->name arguments) / BENCH_N);                                  \
    printf ("\n");                                                                                                     \
  }
  ROW_KERNELS (BENCH)
  PANEL_KERNELS (BENCH)
#undef BENCH
}

/* Weights beyond any cache for one row of x; with panels of it, as many of them as a granule has. */
#define COLS 4096
#define BYTES (48u << 20)
#define PANELS 13
#define FEW_ROWS 128

static void
bench_products (void)
{
  const gsize x_floats = (gsize) PANELS * PLD_PANEL_ROWS * COLS;
  g_autofree guint8 *w = g_malloc (BYTES);
  g_autofree float *x = g_new (float, x_floats),
                   *y = g_new (float, BYTES / COLS * 4 + PANELS * PLD_PANEL_ROWS * FEW_ROWS);
  g_autofree PldQ8 *q = g_new (PldQ8, COLS / PLD_Q8_VALUES);
  g_autofree PldQ8Panel *panels = g_new (PldQ8Panel, PANELS * COLS / PLD_Q8_VALUES);

  random_bytes (w, BYTES);
  for (gsize i = 0; i < x_floats; i++)
    x[i] = any_float (1);
  pld_kernels_ref.quantize_q8 (q, x, COLS);
  for (guint p = 0; p < PANELS; p++)
    pld_kernels_ref.panel_quantize (panels + p * COLS / PLD_Q8_VALUES, x + (gsize) p * PLD_PANEL_ROWS * COLS, COLS);
  printf ("\nthe machine's limits, a core: memory %.1f GB/s, floats %.1f GFLOP/s, bytes %.1f GOP/s\n",
          limit_memory (w, BYTES), limit_floats (), limit_bytes ());
  printf ("\n%-8s", "a core");
  for (guint t = 0; t < n_tables; t++)
    if (pld_cpu_has (tables[t].level))
      printf (" %10s GB/s %6s GOP/s", tables[t].name, "");
  printf ("\n");
#define BYTES_MOVED(call) ((double) n_rows * (double) row_bytes / BEST_NS (1, call))
#define OPERATIONS(call) (2.0 * PANELS * PLD_PANEL_ROWS * FEW_ROWS * COLS / BEST_NS (1, call))
#define BENCH(type, values, bytes, row, panel)                                                                         \
  {                                                                                                                    \
    const gsize row_bytes = COLS / values * bytes;                                                                     \
    const guint n_rows = (guint) (BYTES / row_bytes);                                                                  \
                                                                                                                       \
    printf ("%-8s", #type);                                                                                            \
    for (guint t = 0; t < n_tables; t++)                                                                               \
      if (pld_cpu_has (tables[t].level))                                                                               \
        printf (" %15.2f %12.1f",                                                                                      \
                BYTES_MOVED (tables[t].table->matvec_##type (y, n_rows, w, row_bytes, n_rows, row, 1, COLS)),          \
                OPERATIONS (tables[t].table->matmul_##type (y, FEW_ROWS *PLD_PANEL_ROWS, w, row_bytes, FEW_ROWS,       \
                                                            panel, PANELS, COLS)));                                    \
    printf ("\n");                                                                                                     \
  }
#define FLOAT_ROW x, COLS
#define FLOAT_PANELS x, (gsize) COLS *PLD_PANEL_ROWS
#define BENCH_FLOATS(type, UPPER, values, bytes) BENCH (type, values, bytes, FLOAT_ROW, FLOAT_PANELS)
#define BENCH_BLOCKS(type, UPPER, values, bytes) BENCH (type, values, bytes, q, panels)
  PLD_FLOAT_TYPES (BENCH_FLOATS)
  PLD_BLOCK_TYPES (BENCH_BLOCKS)
}

void
bench_kernels (void)
{
  bench_rows ();
  bench_products ();
}
