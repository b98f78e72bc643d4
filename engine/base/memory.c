/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Spare memory: MemAvailable, and the headroom of each memory cgroup above this process.
 */
#include "engine/base/memory.h"

#include <string.h>

#include "engine/base/cgroup.h"

/* Names of the files in one version of cgroups. */
typedef struct
{
  const char *limits[2], *usage, *inactive;
} Names;

static const Names names[] = {
  { { "memory.limit_in_bytes" }, "memory.usage_in_bytes", "total_inactive_file " },
  { { "memory.max", "memory.high" }, "memory.current", "inactive_file " },
};

/* The number after @key at the beginning of a line of @text. */
static gboolean
find_number (const char *text, const char *key, guint64 *value)
{
  const gsize length = strlen (key);

  for (const char *line = text; line != NULL; line = strchr (line, '\n'), line += line != NULL ? 1 : 0)
    if (strncmp (line, key, length) == 0)
      {
        const char *digits = line + length + strspn (line + length, " \t");
        char *end = NULL;

        *value = g_ascii_strtoull (digits, &end, 10);
        return end != digits;
      }
  return FALSE;
}

static gboolean
read_number (const char *folder, const char *name, guint64 *value)
{
  g_autofree char *text = pld_cgroup_read (folder, name);

  return text != NULL && find_number (text, "", value);
}

/* Lowers a guint64 to what one group leaves. */
static void
group_spare (const char *folder, guint version, gpointer data)
{
  const Names *files = &names[version - 1];
  g_autofree char *stat = pld_cgroup_read (folder, "memory.stat");
  guint64 limit = G_MAXUINT64, usage, inactive = 0, one, *spare = data;

  for (guint i = 0; i < G_N_ELEMENTS (files->limits); i++)
    if (files->limits[i] != NULL && read_number (folder, files->limits[i], &one))
      limit = MIN (limit, one);
  if (limit == G_MAXUINT64 || !read_number (folder, files->usage, &usage))
    return;
  if (stat != NULL)
    find_number (stat, files->inactive, &inactive);
  usage -= MIN (inactive, usage);
  *spare = MIN (*spare, limit - MIN (usage, limit));
}

guint64
pld_memory_spare (const char *root)
{
  g_autofree char *proc = g_build_filename (root[0] != '\0' ? root : "/", "proc", NULL);
  g_autofree char *info = pld_cgroup_read (proc, "meminfo");
  guint64 spare = G_MAXUINT64, available;

  if (info != NULL && find_number (info, "MemAvailable:", &available) && available < G_MAXUINT64 / 1024)
    spare = available * 1024;
  pld_cgroup_foreach (root, "memory", group_spare, &spare);
  return spare;
}
