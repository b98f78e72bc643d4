/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detects the CPU's instruction sets, by cpuid or the kernel's hardware capabilities.
 */
#include "engine/base/cpu.h"

#include <string.h>
#include <sys/utsname.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#define N_LEVELS (PLD_CPU_I8MM + 1)

static const char *const names[N_LEVELS] = { "baseline", "avx2", "avxvnni", "avx512", "avx512vnni", "dotprod", "i8mm" };

static guint
bit (PldCpuLevel level)
{
  return 1u << level;
}

/* The levels that this CPU has, as bits. */
static guint
cpu_detect (void)
{
  guint levels = bit (PLD_CPU_BASELINE);
#if defined(__x86_64__)
  guint a, b, c, d;

  /* F16C and AVX-VNNI have no names in every compiler's __builtin_cpu_supports(). */
  __builtin_cpu_init ();
  if (!__builtin_cpu_supports ("avx2") || !__builtin_cpu_supports ("fma") || !__get_cpuid (1, &a, &b, &c, &d)
      || (c & bit_F16C) == 0)
    return levels;
  levels |= bit (PLD_CPU_AVX2);
  if (__get_cpuid_count (7, 1, &a, &b, &c, &d) && (a >> 4 & 1) != 0)
    levels |= bit (PLD_CPU_AVXVNNI);
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl"))
    levels |= bit (PLD_CPU_AVX512) | (__builtin_cpu_supports ("avx512vnni") ? bit (PLD_CPU_AVX512VNNI) : 0);
#elif defined(__aarch64__)
  /* HWCAP_ASIMDDP, HWCAP2_I8MM */
  if ((getauxval (AT_HWCAP) >> 20 & 1) != 0)
    levels |= bit (PLD_CPU_DOTPROD) | ((getauxval (AT_HWCAP2) >> 13 & 1) != 0 ? bit (PLD_CPU_I8MM) : 0);
#endif
  return levels;
}

static guint
cpu_levels (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      guint levels = cpu_detect ();
      const char *mask = g_getenv ("PIPELOAD_CPU");

      for (guint l = 0; mask != NULL && l < N_LEVELS; l++)
        if (g_strcmp0 (mask, names[l]) == 0)
          levels &= 2 * bit (l) - 1;
      g_once_init_leave (&once, levels);
    }
  return (guint) once;
}

const char *
pld_cpu_level_name (PldCpuLevel level)
{
  return names[level];
}

PldCpuLevel
pld_cpu_level (void)
{
  return (PldCpuLevel) g_bit_nth_msf (cpu_levels (), -1);
}

gboolean
pld_cpu_has (PldCpuLevel level)
{
  return (cpu_levels () & bit (level)) != 0;
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
