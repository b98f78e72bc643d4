/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds the cgroups of this process from /proc/self/cgroup and /proc/self/mountinfo.
 */
#include "engine/base/cgroup.h"

#include <string.h>

char *
pld_cgroup_read (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

/* Whether @controller is one of @list, which has commas. */
static gboolean
list_names (const char *list, const char *controller)
{
  g_auto (GStrv) names = g_strsplit (list, ",", -1);

  return g_strv_contains ((const char *const *) names, controller);
}

/* The process's path in a hierarchy, as /proc/self/cgroup has it: number:controllers:path, without controllers in
 * version 2. */
static char *
group_path (const char *groups, guint version, const char *controller)
{
  g_auto (GStrv) lines = g_strsplit (groups, "\n", -1);
  char *path = NULL;

  for (guint i = 0; lines[i] != NULL && path == NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (lines[i], ":", 3);

      if (g_strv_length (parts) == 3 && (version == 1 ? list_names (parts[1], controller) : parts[1][0] == '\0'))
        path = g_strdup (parts[2]);
    }
  return path;
}

/* The part of @path below the mount's @root, or NULL when it lies elsewhere. */
static const char *
path_below (const char *path, const char *root)
{
  gsize length = strcmp (root, "/") == 0 ? 0 : strlen (root);

  return strncmp (path, root, length) == 0 && (path[length] == '/' || path[length] == '\0') ? path + length : NULL;
}

/* The groups of a hierarchy that is mounted at @mount, from the process's own up to the mount. */
static void
walk_up (const char *mount, const char *below, guint version, PldCgroupFunc func, gpointer data)
{
  g_autofree char *path = g_strdup (below);
  char *slash;

  do
    {
      g_autofree char *folder = g_build_filename (mount, path, NULL);

      func (folder, version, data);
      slash = strrchr (path, '/');
      if (slash != NULL)
        *slash = '\0';
    }
  while (slash != NULL);
}

/* The version of the hierarchy that a mount shows, if it may have @controller, else 0. */
static guint
mount_version (const char *type, const char *options, const char *controller)
{
  if (strcmp (type, "cgroup2") == 0)
    return 2;
  return strcmp (type, "cgroup") == 0 && list_names (options, controller) ? 1 : 0;
}

/* One line of /proc/self/mountinfo (proc(5)): … root mount-point … - type source options */
static void
look_at_mount (const char *system, const char *line, const char *groups, const char *controller, PldCgroupFunc func,
               gpointer data)
{
  const char *dash = strstr (line, " - ");
  g_auto (GStrv) first = g_strsplit (line, " ", 6);
  g_auto (GStrv) last = dash != NULL ? g_strsplit (dash + 3, " ", 3) : NULL;
  guint version = 0;

  if (last != NULL && g_strv_length (first) == 6 && g_strv_length (last) == 3)
    version = mount_version (last[0], last[2], controller);
  if (version > 0)
    {
      /* Spaces and backslashes, which systemd's names have, are octal there, but not in /proc/self/cgroup. */
      g_autofree char *root = g_strcompress (first[3]), *point = g_strcompress (first[4]);
      g_autofree char *mount = g_build_filename (system[0] != '\0' ? system : "/", point, NULL);
      g_autofree char *path = group_path (groups, version, controller);
      const char *below = path != NULL ? path_below (path, root) : NULL;

      if (below != NULL)
        walk_up (mount, below, version, func, data);
    }
}

void
pld_cgroup_foreach (const char *root, const char *controller, PldCgroupFunc func, gpointer data)
{
  g_autofree char *proc = g_build_filename (root[0] != '\0' ? root : "/", "proc", NULL);
  g_autofree char *groups = pld_cgroup_read (proc, "self/cgroup"), *mounts = pld_cgroup_read (proc, "self/mountinfo");
  g_auto (GStrv) lines = g_strsplit (mounts != NULL ? mounts : "", "\n", -1);

  for (guint i = 0; groups != NULL && lines[i] != NULL; i++)
    look_at_mount (root, lines[i], groups, controller, func, data);
}
