/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the checks of kernels: the tables, memory with guards, random values, comparison.
 */
#pragma once

#include "engine/base/cpu.h"
#include "engine/base/random.h"
#include "engine/kernels/kernels.h"

#include <string.h>

typedef struct
{
  const char *name;
  PldCpuLevel level;
  const PldKernels *table;
} Table;

extern const Table tables[];
extern const guint n_tables;

/* check_<name>: a kernel of tables[t] against the reference. */
#define PLD_KERNEL(name, args) void check_##name (guint t);
#include "engine/kernels/kernels.def"
#undef PLD_KERNEL

/* Prints how long each kernel takes in each table. */
void bench_kernels (void);

/* GFLOP/s of floats and GOP/s of bytes that one core multiplies and adds at best, 0: not known here; GB/s of memory, @n
 * bytes at @x, aligned to 16. */
double limit_floats (void);
double limit_bytes (void);
double limit_memory (const guint8 *x, gsize n);

#define ROOM_BYTES 163840
#define GUARD 64
#define GUARD_BYTE 0xa5

/* Memory of one array, with room for misalignment and guards on both sides. */
typedef struct
{
  guint8 bytes[GUARD + ROOM_BYTES + GUARD];
} Room;

extern Room room_got, room_want, room_a, room_b, room_c;

/* Fills a room with guard bytes. Returns: where an array begins, @shift bytes off its alignment. */
void *place (Room *room, gsize shift);
void assert_guards (const Room *room, gsize shift, gsize n_bytes);

/* The seed of all random values of a check. */
extern PldRandom chance;

/* 0 … n − 1 */
guint any_below (guint n);
/* Values as a model has them, and now and then one far larger. */
float any_float (float spread);
float *random_floats (Room *room, gsize shift, gsize n, float spread);
void random_bytes (guint8 *x, gsize n);

/* ---- errors ----
 *
 * Bounds on errors are worst cases, so that every seed passes: u = 2^-24 is the largest relative error of a rounding to
 * float, and a kernel whose term passes through n roundings is off by at most n u times the sum of the absolute values
 * of the terms, to first order (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, sections 3.1
 * and 4.2). The comment of a check counts the roundings of the table that has the most: where an instruction set fuses
 * a product and a sum there is one less. The reference computes in double precision and rounds once, which counts too.
 */

/* The largest relative error of @n roundings, n u, and 1 % more for products of errors, which are below n² u², and for
 * doubles' roundings. */
double roundings (double n);

/* |got - want| <= @bound, or both are NaN. 0: equal; else FLT_MIN more is allowed, since below it a rounding's error is
 * absolute. @i: for the message. */
void assert_value (const char *kernel, guint t, gsize i, float got, float want, double bound);
void assert_equal (const char *kernel, guint t, const float *got, const float *want, gsize n);

/* e^x (elementary.h), in roundings. The reduced argument |r| <= 0.3466 is rounded once: 0.35 of e^r. Of the
 * polynomial's last step product and sum are rounded, 0.293 + 0.707 of e^r >= 0.707: 1.42; of the step before (0.155 +
 * 0.845) 0.3466: 0.49; of the others 0.11. Coefficients are off by 0.01, and the series' rest is 0.13. In all 2.51. */
#define EXP_ROUNDINGS 3

/* softmax of one row of @n values @stride apart: x before, got and want after. a = scale (x - max) is rounded twice, so
 * that e^a is off by 2 |a| roundings and those of exp; the sum by the mean of these, each weighted by its e^a, and by
 * the additions on a term's way, @depth; then there are a division, a product, and the reference's rounding. */
void assert_softmax (const char *kernel, guint t, const float *got, const float *want, const float *x, gsize stride,
                     gsize n, float scale, gsize depth);

extern const gsize sizes[];
extern const guint n_sizes;

/* Runs its body for each size, each alignment. */
#define EACH_CASE(n, shift)                                                                                            \
  for (guint c_ = 0; c_ < n_sizes; c_++)                                                                               \
    for (gsize n = sizes[c_], shift = 0; shift <= 8; shift += 4)
