/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads NumPy's .npy files (format 1.0, little-endian float32, float64, C order) for tests.
 */
#pragma once

#include <glib.h>

typedef struct
{
  guint n_dims;
  gsize dims[8];
  gsize n;
  double *values; /* [n] */
} Npy;

/* Aborts the test on failure: a fixture is part of the test. */
Npy *npy_read (const char *path);
void npy_free (Npy *npy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Npy, npy_free)
