/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every kernel of kernels.def, in every table that this CPU can run, against the scalar reference: sizes around the
 * vector lengths, random and extreme values, misaligned pointers, guard bytes around the output. With --bench it times
 * them instead.
 */
#include "tests/kernel/rig.h"

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

static void
run_case (gconstpointer data)
{
  const Case *c = data;

  if (!pld_cpu_has (tables[c->table].level))
    g_test_skip ("this CPU cannot run it");
  else
    checks[c->check].check (c->table);
}

int
main (int argc, char **argv)
{
  g_autofree Case *cases = NULL;
  gboolean timing = argc > 1 && strcmp (argv[1], "--bench") == 0;

  if (timing)
    argc = 1;
  g_test_init (&argc, &argv, NULL);
  cases = g_new (Case, G_N_ELEMENTS (checks) * n_tables);
  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    for (guint t = 0; t < n_tables; t++)
      {
        g_autofree char *path = g_strdup_printf ("/kernel/%s/%s", checks[i].name, tables[t].name);

        cases[i * n_tables + t] = (Case) { i, t };
        g_test_add_data_func (path, &cases[i * n_tables + t], run_case);
      }
  if (timing)
    bench_kernels ();
  return timing ? 0 : g_test_run ();
}
