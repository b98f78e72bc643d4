/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Times the products of each kind of matrix, and keeps the results.
 */
#include "engine/runtime/profile.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/cpu.h"
#include "engine/base/random.h"
#include "engine/base/size.h"
#include "engine/base/user-cache.h"

#define KIND "compute"
#define TILE_MAX ((guint64) 8 << 20)
/* Multiplications of one timing: milliseconds. */
#define TIMED_PRODUCTS 2.5e8
#define TIMINGS_MIN 2
#define TIMINGS_MAX 15
/* Nothing takes that long, in ns. */
#define NS_MAX G_GUINT64_CONSTANT (1000000000000000)

PldComputeProfile *
pld_compute_profile_new (guint n_threads, gboolean in_panels)
{
  PldComputeProfile *profile = g_new0 (PldComputeProfile, 1);

  profile->n_threads = n_threads;
  profile->in_panels = in_panels;
  profile->products = g_array_new (FALSE, FALSE, sizeof (PldProduct));
  profile->dry = g_array_new (FALSE, FALSE, sizeof (PldDryPass));
  return profile;
}

void
pld_compute_profile_free (PldComputeProfile *profile)
{
  if (profile == NULL)
    return;
  g_array_unref (profile->products);
  g_array_unref (profile->dry);
  g_free (profile);
}

static gboolean
products_equal (const PldProduct *a, const PldProduct *b)
{
  return a->dtype == b->dtype && a->n_rows == b->n_rows && a->n_cols == b->n_cols && a->n == b->n;
}

/* The product of the same matrix and n, or NULL. */
static PldProduct *
products_find (GArray *products, const PldProduct *product)
{
  for (guint i = 0; i < products->len; i++)
    if (products_equal (&g_array_index (products, PldProduct, i), product))
      return &g_array_index (products, PldProduct, i);
  return NULL;
}

static void
profile_add (PldComputeProfile *profile, const PldProduct *product)
{
  PldProduct *old = products_find (profile->products, product);

  if (old != NULL)
    *old = *product;
  else
    g_array_append_val (profile->products, *product);
}

const PldDryPass *
pld_compute_profile_find_dry (const PldComputeProfile *profile, const char *id, guint n)
{
  for (guint i = 0; i < profile->dry->len; i++)
    {
      const PldDryPass *pass = &g_array_index (profile->dry, PldDryPass, i);

      if (pass->n == n && strcmp (pass->id, id) == 0)
        return pass;
    }
  return NULL;
}

void
pld_compute_profile_add_dry (PldComputeProfile *profile, const PldDryPass *pass)
{
  PldDryPass *old = (PldDryPass *) pld_compute_profile_find_dry (profile, pass->id, pass->n);

  if (old != NULL)
    *old = *pass;
  else
    g_array_append_val (profile->dry, *pass);
}

/* ---- measuring ----------------------------------------------------------------------------- */

/* The products to measure, and the memory to measure them in. */
typedef struct
{
  GArray *products;                                       /* PldProduct */
  GPtrArray *matrices;                                    /* const PldMatrix *: one of each product's kind */
  guint64 memory;                                         /* that it may take */
  gsize x_floats, y_floats, block_floats, scratch_floats; /* scratch: a thread */
  PldBuffer buffer;
  float *x, *y;
  guint8 *weights;
  guint64 n_weights; /* bytes */
} Bench;

/* Rows of the matrix in one timing: those of a tile, or fewer where they would take long, but a granule for every
 * thread. */
static guint
bench_rows (const PldMatrix *matrix, guint n, guint n_threads)
{
  const guint wave = n_threads * matrix->granule;
  const double wanted = MIN (TIMED_PRODUCTS / ((double) n * matrix->n_cols), matrix->n_rows);

  return MIN (pld_matrix_tile_rows (matrix, TILE_MAX), MAX ((guint) wanted / wave, 1) * wave);
}

static guint
work_rows (const PldMatrix *matrix, guint items, guint most)
{
  return (guint) CLAMP (matrix->work * items + 0.5, 1, most);
}

/* Lists the products that @profile lacks, with @rows rows of activations at most. */
static void
bench_list (Bench *bench, const PldComputeProfile *profile, const PldTape *tape, const guint *items, guint n_items,
            guint rows)
{
  g_array_set_size (bench->products, 0);
  g_ptr_array_set_size (bench->matrices, 0);
  for (guint i = 0; i < tape->matrices->len * n_items; i++)
    {
      const PldMatrix *matrix = tape->matrices->pdata[i / n_items];
      const PldProduct product = { .dtype = matrix->dtype,
                                   .n_rows = matrix->n_rows,
                                   .n_cols = matrix->n_cols,
                                   .n = work_rows (matrix, items[i % n_items], rows),
                                   .memory = bench->memory };
      const PldProduct *known = products_find (profile->products, &product);

      /* A measurement with less memory may have read the weights from a cache. */
      if (products_find (bench->products, &product) != NULL || (known != NULL && known->memory >= bench->memory))
        continue;
      g_array_append_val (bench->products, product);
      g_ptr_array_add (bench->matrices, (gpointer) matrix);
    }
}

/* Bytes of memory other the weights. */
static guint64
bench_lay (Bench *bench, const PldComputeProfile *profile, const PldTape *tape)
{
  bench->x_floats = bench->y_floats = bench->block_floats = 0;
  for (guint i = 0; i < bench->products->len; i++)
    {
      const PldProduct *product = &g_array_index (bench->products, PldProduct, i);
      const guint rows = bench_rows (bench->matrices->pdata[i], product->n, profile->n_threads);

      const gsize n = profile->in_panels ? pld_panels (product->n) * PLD_PANEL_ROWS : product->n;

      bench->x_floats = MAX (bench->x_floats, pld_size_round_up (n * product->n_cols, 16));
      bench->y_floats = MAX (bench->y_floats, pld_size_round_up (n * rows, 16));
      bench->block_floats
          = MAX (bench->block_floats, pld_size_round_up (pld_linear_block_floats ((guint) n, product->n_cols), 16));
    }
  bench->scratch_floats = pld_size_round_up (pld_linear_scratch (), 16);
  return pld_buffer_cost (
      (bench->x_floats + bench->y_floats + bench->block_floats + profile->n_threads * bench->scratch_floats)
      * sizeof (float));
}

/* Bytes from 0x20 to 0x3b: as halves and floats of any kind they are normal numbers between 0 and 1, so blocks of any
 * type have sound scales too. */
static void
fill_weights (guint8 *weights, guint64 n)
{
  PldRandom random;

  pld_random_init (&random, 1, NULL);
  for (guint64 i = 0; i + 8 <= n; i += 8)
    {
      const guint64 bits = (pld_random_next (&random) & G_GUINT64_CONSTANT (0x1b1b1b1b1b1b1b1b))
                           | G_GUINT64_CONSTANT (0x2020202020202020);

      memcpy (weights + i, &bits, 8);
    }
}

/* Takes @data out of every cache: as weights that are used once a pass, it is read from memory. Elsewhere the weights
 * of a timing are at least larger than the caches near the cores. */
static void
flush_caches (const guint8 *data, guint64 n)
{
  for (guint64 i = 0; i < n; i += 64)
#if defined(__x86_64__)
    __builtin_ia32_clflush (data + i);
  __builtin_ia32_mfence ();
#elif defined(__aarch64__)
    __asm__ volatile ("dc civac, %0" : : "r"(data + i) : "memory");
  __asm__ volatile ("dsb ish" : : : "memory");
#else
    __asm__ volatile ("" : : "r"(data + i) : "memory");
#endif
}

static gboolean
bench_allocate (Bench *bench, PldSession *session, guint64 other, PldBudget *budget, GError **error)
{
  const guint64 room = bench->memory - MIN (other, bench->memory);
  guint64 least = PLD_PAGE, most = PLD_PAGE;

  for (guint i = 0; i < bench->matrices->len; i++)
    {
      const PldMatrix *matrix = bench->matrices->pdata[i];
      const guint n = g_array_index (bench->products, PldProduct, i).n;

      least = MAX (least, pld_buffer_cost (MIN (matrix->granule, matrix->n_rows) * matrix->row_bytes));
      most = MAX (most, pld_buffer_cost (bench_rows (matrix, n, session->n_threads) * matrix->row_bytes));
    }
  bench->n_weights = CLAMP (room & ~(guint64) (PLD_PAGE - 1), least, most);
  if (!pld_buffer_init (&bench->buffer, budget, other + bench->n_weights, "the memory to measure the computing", error))
    return FALSE;
  bench->weights = bench->buffer.data + other;
  bench->x = (float *) (gpointer) bench->buffer.data;
  bench->y = bench->x + bench->x_floats;
  session->blocks = bench->y + bench->y_floats;
  session->scratch = bench->y + bench->y_floats + bench->block_floats;
  session->scratch_floats = bench->scratch_floats;
  for (gsize i = 0; i < bench->x_floats; i++)
    bench->x[i] = 0.5f + (float) (i % 64) / 128;
  fill_weights (bench->weights, bench->n_weights);
  return TRUE;
}

static int
compare_ns (gconstpointer a, gconstpointer b)
{
  const gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

/* The product's time by the median of the timings until @end: one alone may be disturbed, and bursts out of memory are
 * faster than what lasts. */
static guint64
bench_time (const Bench *bench, gboolean in_panels, PldSession *session, const PldMatrix *matrix, guint n, gint64 end)
{
  const guint held = (guint) (bench->n_weights / matrix->row_bytes);
  const guint rows = MIN (bench_rows (matrix, n, session->n_threads),
                          held < matrix->n_rows ? held - held % matrix->granule : matrix->n_rows);
  gint64 times[TIMINGS_MAX];
  guint k;

  for (k = 0; k < TIMINGS_MIN || (k < TIMINGS_MAX && g_get_monotonic_time () < end); k++)
    {
      flush_caches (bench->weights, rows * matrix->row_bytes);
      times[k] = pld_linear_time (session, in_panels, n, bench->y, bench->x, matrix, rows, bench->weights);
    }
  qsort (times, k, sizeof *times, compare_ns);
  return CLAMP ((guint64) ((double) times[(k - 1) / 2] * matrix->n_rows / rows), 1, NS_MAX);
}

static gboolean
bench_run (Bench *bench, PldComputeProfile *profile, PldSession *session, gint64 duration, GCancellable *cancellable,
           GError **error)
{
  const gint64 end = g_get_monotonic_time () + duration;

  for (guint i = 0; i < bench->products->len; i++)
    {
      PldProduct *product = &g_array_index (bench->products, PldProduct, i);
      const gint64 now = g_get_monotonic_time ();

      if (g_cancellable_is_cancelled (cancellable))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled");
          return FALSE;
        }
      product->ns = bench_time (bench, profile->in_panels, session, bench->matrices->pdata[i], product->n,
                                now + (end - now) / (bench->products->len - i));
      profile_add (profile, product);
    }
  return TRUE;
}

gboolean
pld_compute_profile_measure (PldComputeProfile *profile, const PldTape *tape, const guint *items, guint n_items,
                             PldBudget *budget, gint64 duration, gboolean *measured, GCancellable *cancellable,
                             GError **error)
{
  const guint64 limit = pld_budget_get_limit (budget), used = pld_budget_get_used (budget);
  Bench bench = { .memory = MIN (limit > 0 ? limit - MIN (used, limit) : G_MAXUINT64, PLD_COMPUTE_PROFILE_MEMORY) };
  const gint64 begun = g_get_monotonic_time ();
  PldSession session = { .n_threads = profile->n_threads };
  guint rows = PLD_COMPUTE_PROFILE_ROWS;
  guint64 other;
  gboolean ok = TRUE;

  bench.products = g_array_new (FALSE, FALSE, sizeof (PldProduct));
  bench.matrices = g_ptr_array_new ();
  bench_list (&bench, profile, tape, items, n_items, rows);
  /* At least half of the memory is for weights. */
  while ((other = bench_lay (&bench, profile, tape)) > bench.memory / 2 && rows > 1)
    bench_list (&bench, profile, tape, items, n_items, rows /= 2);
  *measured = bench.products->len > 0;
  if (*measured)
    {
      pld_session_init (&session);
      session.team = pld_team_ref (profile->n_threads);
      ok = bench_allocate (&bench, &session, other, budget, error)
           && bench_run (&bench, profile, &session, duration - (g_get_monotonic_time () - begun), cancellable, error);
      pld_buffer_clear (&bench.buffer);
      g_clear_pointer (&session.team, pld_team_unref);
    }
  g_array_unref (bench.products);
  g_ptr_array_unref (bench.matrices);
  return ok;
}

/* ---- kept from run to run ------------------------------------------------------------------ */

static char *
profile_name (guint n_threads, gboolean in_panels)
{
  g_autofree char *cpu = pld_cpu_name ();

  return g_strdup_printf ("%s|%s|%u|%s", cpu, pld_cpu_level_name (pld_cpu_level ()), n_threads,
                          in_panels ? "panels" : "rows");
}

static gboolean
parse_dtype (const char *name, PldDtype *dtype)
{
  for (guint i = 0; i < PLD_DTYPE_N; i++)
    if (strcmp (pld_dtype_info ((PldDtype) i)->name, name) == 0)
      {
        *dtype = (PldDtype) i;
        return TRUE;
      }
  return FALSE;
}

/* "Q4_K", rows, columns, rows of activations, memory, ns. Checks as it reads: anybody may have written the file. */
static gboolean
parse_product (char **fields, gsize n_fields, PldProduct *product)
{
  guint64 numbers[5];
  const guint64 most[5] = { G_MAXUINT32, G_MAXUINT32, PLD_COMPUTE_PROFILE_ROWS, PLD_COMPUTE_PROFILE_MEMORY, NS_MAX };

  if (n_fields != 1 + G_N_ELEMENTS (numbers) || !parse_dtype (fields[0], &product->dtype))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (!g_ascii_string_to_unsigned (fields[1 + i], 10, 1, most[i], &numbers[i], NULL))
      return FALSE;
  product->n_rows = (guint) numbers[0];
  product->n_cols = (guint) numbers[1];
  product->n = (guint) numbers[2];
  product->memory = numbers[3];
  product->ns = numbers[4];
  return TRUE;
}

/* Id, items, ns. */
static gboolean
parse_dry (char **fields, gsize n_fields, PldDryPass *pass)
{
  guint64 n;

  if (n_fields != 3 || strlen (fields[0]) != PLD_DRY_ID || strspn (fields[0], "0123456789abcdef") != PLD_DRY_ID
      || !g_ascii_string_to_unsigned (fields[1], 10, 1, G_MAXUINT16, &n, NULL)
      || !g_ascii_string_to_unsigned (fields[2], 10, 1, NS_MAX, &pass->ns, NULL))
    return FALSE;
  g_strlcpy (pass->id, fields[0], sizeof pass->id);
  pass->n = (guint) n;
  return TRUE;
}

PldComputeProfile *
pld_compute_profile_load (guint n_threads, gboolean in_panels)
{
  PldComputeProfile *profile = pld_compute_profile_new (n_threads, in_panels);
  g_autofree char *name = profile_name (n_threads, in_panels);
  g_autoptr (GKeyFile) file = pld_user_cache_load (KIND, name, name);
  g_auto (GStrv) keys = file != NULL ? g_key_file_get_keys (file, KIND, NULL, NULL) : NULL;

  for (guint i = 0; keys != NULL && keys[i] != NULL; i++)
    {
      gsize n;
      g_auto (GStrv) fields = g_key_file_get_string_list (file, KIND, keys[i], &n, NULL);
      PldProduct product;
      PldDryPass pass;

      if (fields != NULL && parse_product (fields, n, &product))
        profile_add (profile, &product);
      else if (fields != NULL && parse_dry (fields, n, &pass))
        pld_compute_profile_add_dry (profile, &pass);
    }
  return profile;
}

void
pld_compute_profile_save (const PldComputeProfile *profile)
{
  g_autofree char *name = profile_name (profile->n_threads, profile->in_panels);
  g_autoptr (GKeyFile) file = g_key_file_new ();

  for (guint i = 0; i < profile->products->len; i++)
    {
      const PldProduct *p = &g_array_index (profile->products, PldProduct, i);
      g_autofree char *key = g_strdup_printf ("product%u", i);
      g_autofree char *value
          = g_strdup_printf ("%s;%u;%u;%u;%" G_GUINT64_FORMAT ";%" G_GUINT64_FORMAT ";",
                             pld_dtype_info (p->dtype)->name, p->n_rows, p->n_cols, p->n, p->memory, p->ns);

      g_key_file_set_value (file, KIND, key, value);
    }
  for (guint i = 0; i < profile->dry->len; i++)
    {
      const PldDryPass *pass = &g_array_index (profile->dry, PldDryPass, i);
      g_autofree char *key = g_strdup_printf ("dry%u", i);
      g_autofree char *value = g_strdup_printf ("%s;%u;%" G_GUINT64_FORMAT ";", pass->id, pass->n, pass->ns);

      g_key_file_set_value (file, KIND, key, value);
    }
  pld_user_cache_save (KIND, name, name, file);
}

/* ---- questions ----------------------------------------------------------------------------- */

double
pld_compute_profile_ns (const PldComputeProfile *profile, const PldMatrix *matrix, guint items)
{
  const double n = matrix->work * items;
  const PldProduct *below = NULL, *above = NULL;

  for (guint i = 0; i < profile->products->len; i++)
    {
      const PldProduct *p = &g_array_index (profile->products, PldProduct, i);

      if (p->dtype != matrix->dtype || p->n_rows != matrix->n_rows || p->n_cols != matrix->n_cols)
        continue;
      if (p->n <= n && (below == NULL || p->n > below->n))
        below = p;
      if (p->n >= n && (above == NULL || p->n < above->n))
        above = p;
    }
  if (below == NULL && above == NULL)
    return 0;
  if (below == NULL || above == NULL || below == above)
    return n * (below != NULL ? (double) below->ns / below->n : (double) above->ns / above->n);
  return (double) below->ns + (n - below->n) / (above->n - below->n) * ((double) above->ns - (double) below->ns);
}
