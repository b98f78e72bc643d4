/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/base/cpu.h"

#include <string.h>
#include <sys/utsname.h>

#ifdef __x86_64__
#include <cpuid.h>

/* F16C has no name in clang's __builtin_cpu_supports(). */
static gboolean
cpu_has_f16c (void)
{
  guint a, b, c, d;

  return __get_cpuid (1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}
#endif

static PldCpuLevel
cpu_detect (void)
{
#if defined (__x86_64__)
  __builtin_cpu_init ();
  if (!__builtin_cpu_supports ("avx2") || !__builtin_cpu_supports ("fma") || !cpu_has_f16c ())
    return PLD_CPU_BASELINE;
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl"))
    return __builtin_cpu_supports ("avx512vnni") ? PLD_CPU_AVX512VNNI : PLD_CPU_AVX512;
  return PLD_CPU_AVX2;
#else
  return PLD_CPU_BASELINE;
#endif
}

const char *
pld_cpu_level_name (PldCpuLevel level)
{
  static const char *const names[] = { "baseline", "avx2", "avx512", "avx512vnni" };

  return names[level];
}

PldCpuLevel
pld_cpu_level (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      PldCpuLevel level = cpu_detect ();
      const char *mask = g_getenv ("PIPELOAD_CPU");

      for (PldCpuLevel l = PLD_CPU_BASELINE; mask != NULL && l < level; l++)
        if (g_strcmp0 (mask, pld_cpu_level_name (l)) == 0)
          level = l;
      g_once_init_leave (&once, (gsize) level + 1);
    }
  return (PldCpuLevel) (once - 1);
}

char *
pld_cpu_name (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  struct utsname machine;

  if (g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL))
    lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines != NULL && lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "model name") && strchr (lines[i], ':') != NULL)
      return g_strdup (g_strstrip (strchr (lines[i], ':') + 1));
  return g_strdup (uname (&machine) == 0 ? machine.machine : "unknown");
}
