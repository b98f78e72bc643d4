/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every kernel of kernels.def, in every table that this CPU can run, against the scalar reference: sizes around the
 * vector lengths, random and extreme values, misaligned pointers, guard bytes around the output. With --bench it times
 * them instead.
 *
 * Random values differ from run to run. A failure is followed by the seed that they came from, which gives the same
 * values again; and checks can be run with many seeds, one after the other:
 *
 *   test-kernels --seed=NUMBER [-p /kernel/scores/avx2]
 *   test-kernels --seed=1 --seeds=1000
 *
 * Products of large matrices are checked with "-m thorough" only.
 */
#include "tests/kernel/rig.h"

#include <signal.h>
#include <unistd.h>

static const struct
{
  const char *name;
  void (*check) (guint table);
} checks[] = {
#define PLD_KERNEL(name, args) { #name, check_##name },
#include "engine/kernels/kernels.def"
#undef PLD_KERNEL
};

typedef struct
{
  guint check, table;
} Case;

static gint64 first_seed;
static gint n_seeds = 1;

/* That of the values that are checked now, with how to repeat them. */
static char seed_line[64];

/* Assertions end in abort(), errors in a trap: whatever their message is, the seed follows. */
static void
on_failure (int number)
{
  if (write (STDERR_FILENO, seed_line, strlen (seed_line)) < 0)
    _exit (1);
  signal (number, SIG_DFL);
  raise (number);
}

static void
run_case (gconstpointer data)
{
  const Case *c = data;

  if (!pld_cpu_has (tables[c->table].level))
    {
      g_test_skip ("this CPU cannot run it");
      return;
    }
  for (gint i = 0; i < n_seeds; i++)
    {
      g_snprintf (seed_line, sizeof seed_line, "# to repeat it: --seed=%" G_GINT64_FORMAT "\n", first_seed + i);
      pld_random_init (&chance, (guint64) (first_seed + i), checks[c->check].name);
      checks[c->check].check (c->table);
    }
}

static void
add_cases (Case *cases)
{
  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    for (guint t = 0; t < n_tables; t++)
      {
        g_autofree char *path = g_strdup_printf ("/kernel/%s/%s", checks[i].name, tables[t].name);

        cases[i * n_tables + t] = (Case) { i, t };
        g_test_add_data_func (path, &cases[i * n_tables + t], run_case);
      }
}

int
main (int argc, char **argv)
{
  gboolean timing = FALSE;
  const GOptionEntry entries[]
      = { { "seed", 0, 0, G_OPTION_ARG_INT64, &first_seed, "What random values come from", "NUMBER" },
          { "seeds", 0, 0, G_OPTION_ARG_INT, &n_seeds, "How many seeds, from that one on, each check is run with",
            "COUNT" },
          { "bench", 0, 0, G_OPTION_ARG_NONE, &timing, "Times the kernels instead", NULL },
          { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autofree Case *cases = g_new (Case, G_N_ELEMENTS (checks) * n_tables);

  first_seed = g_random_int ();
  g_option_context_add_main_entries (context, entries, NULL);
  /* The rest is for g_test_init(). */
  g_option_context_set_ignore_unknown_options (context, TRUE);
  g_option_context_set_help_enabled (context, FALSE);
  if (!g_option_context_parse (context, &argc, &argv, NULL) || n_seeds < 1)
    return 1;
  g_test_init (&argc, &argv, NULL);
  signal (SIGABRT, on_failure);
  signal (SIGTRAP, on_failure);
  pld_random_init (&chance, (guint64) first_seed, NULL);
  add_cases (cases);
  if (timing)
    bench_kernels ();
  return timing ? 0 : g_test_run ();
}
