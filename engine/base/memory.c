/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/base/memory.h"

#include <string.h>

/* The names of one version's files. */
typedef struct
{
  const char *file_system, *option; /* as mountinfo has them; option: (nullable): a controller */
  const char *controllers;          /* as /proc/self/cgroup names the hierarchy */
  const char *limits[2], *usage, *inactive;
} Version;

static const Version versions[] = {
  { "cgroup", "memory", "memory", { "memory.limit_in_bytes" }, "memory.usage_in_bytes", "total_inactive_file " },
  { "cgroup2", NULL, "", { "memory.max", "memory.high" }, "memory.current", "inactive_file " },
};

static char *
read_text (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

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
  g_autofree char *text = read_text (folder, name);

  return text != NULL && find_number (text, "", value);
}

/* What one cgroup leaves. */
static guint64
group_spare (const char *folder, const Version *version)
{
  g_autofree char *stat = read_text (folder, "memory.stat");
  guint64 limit = G_MAXUINT64, usage, inactive = 0, one;

  for (guint i = 0; i < G_N_ELEMENTS (version->limits); i++)
    if (version->limits[i] != NULL && read_number (folder, version->limits[i], &one))
      limit = MIN (limit, one);
  if (limit == G_MAXUINT64 || !read_number (folder, version->usage, &usage))
    return G_MAXUINT64;
  if (stat != NULL)
    find_number (stat, version->inactive, &inactive);
  usage -= MIN (inactive, usage);
  return limit - MIN (usage, limit);
}

/* The part of @path below the mount's @root, or NULL when it lies elsewhere. */
static const char *
path_below (const char *path, const char *root)
{
  gsize length = strcmp (root, "/") == 0 ? 0 : strlen (root);

  return strncmp (path, root, length) == 0 && (path[length] == '/' || path[length] == '\0') ? path + length : NULL;
}

/* The process's path in the hierarchy, as /proc/self/cgroup has it: number:controllers:path. */
static char *
group_path (const char *groups, const Version *version)
{
  g_auto (GStrv) lines = g_strsplit (groups, "\n", -1);
  char *path = NULL;

  for (guint i = 0; lines[i] != NULL && path == NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (lines[i], ":", 3);
      g_auto (GStrv) names = g_strv_length (parts) == 3 ? g_strsplit (parts[1], ",", -1) : NULL;

      if (names != NULL && (version->option != NULL ? g_strv_contains ((const char *const *) names, version->controllers) : parts[1][0] == '\0'))
        path = g_strdup (parts[2]);
    }
  return path;
}

/* What the cgroups of a hierarchy that is mounted at @mount leave, from the process's own up to the mount. */
static guint64
hierarchy_spare (const char *mount, const char *below, const Version *version)
{
  g_autofree char *path = g_strdup (below);
  guint64 spare = G_MAXUINT64;
  char *slash;

  for (;;)
    {
      g_autofree char *folder = g_build_filename (mount, path, NULL);

      spare = MIN (spare, group_spare (folder, version));
      slash = strrchr (path, '/');
      if (slash == NULL)
        return spare;
      *slash = '\0';
    }
}

/* One line of /proc/self/mountinfo (proc(5)): … root mount-point … - type source options */
static guint64
mount_spare (const char *system, const char *line, const char *groups)
{
  const char *dash = strstr (line, " - ");
  g_auto (GStrv) first = g_strsplit (line, " ", 6);
  g_auto (GStrv) last = dash != NULL ? g_strsplit (dash + 3, " ", 3) : NULL;
  guint64 spare = G_MAXUINT64;

  if (last == NULL || g_strv_length (first) < 6 || g_strv_length (last) < 3)
    return spare;
  for (guint i = 0; i < G_N_ELEMENTS (versions); i++)
    {
      const Version *version = &versions[i];
      g_auto (GStrv) options = g_strsplit (last[2], ",", -1);

      if (strcmp (last[0], version->file_system) == 0
          && (version->option == NULL || g_strv_contains ((const char *const *) options, version->option)))
        {
          g_autofree char *path = group_path (groups, version);
          const char *below = path != NULL ? path_below (path, first[3]) : NULL;
          g_autofree char *mount = g_build_filename (system[0] != '\0' ? system : "/", first[4], NULL);

          if (below != NULL)
            spare = MIN (spare, hierarchy_spare (mount, below, version));
        }
    }
  return spare;
}

guint64
pld_memory_spare (const char *root)
{
  g_autofree char *proc = g_build_filename (root[0] != '\0' ? root : "/", "proc", NULL);
  g_autofree char *info = read_text (proc, "meminfo"), *groups = read_text (proc, "self/cgroup");
  g_autofree char *mounts = read_text (proc, "self/mountinfo");
  g_auto (GStrv) lines = g_strsplit (mounts != NULL ? mounts : "", "\n", -1);
  guint64 spare = G_MAXUINT64, available;

  if (info != NULL && find_number (info, "MemAvailable:", &available) && available < G_MAXUINT64 / 1024)
    spare = available * 1024;
  for (guint i = 0; groups != NULL && lines[i] != NULL; i++)
    spare = MIN (spare, mount_spare (root, lines[i], groups));
  return spare;
}
