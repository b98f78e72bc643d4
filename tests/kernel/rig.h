/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the checks of kernels share: the tables, memory with guards, random values, comparison.
 */
#pragma once

#include "engine/base/cpu.h"
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

/* Values as they come in a model, and now and then far out. */
float any_float (float spread);
float *random_floats (Room *room, gsize shift, gsize n, float spread);
void random_bytes (guint8 *x, gsize n);

/* |got - want| <= absolute + relative * |want|, or both are not a number. */
void assert_floats (const char *kernel, const char *table, const float *got, const float *want, gsize n,
                    double absolute, double relative);

extern const gsize sizes[];
extern const guint n_sizes;

/* Runs its body for each size, each alignment. */
#define EACH_CASE(n, shift)                                                                                            \
  for (guint c_ = 0; c_ < n_sizes; c_++)                                                                               \
    for (gsize n = sizes[c_], shift = 0; shift <= 8; shift += 4)
