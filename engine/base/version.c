/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The library's own version, which may be later than that of the headers a program was compiled with.
 */
#include "pipeload/base.h"

void
pld_version (guint *major, guint *minor, guint *micro)
{
  if (major != NULL)
    *major = PLD_VERSION_MAJOR;
  if (minor != NULL)
    *minor = PLD_VERSION_MINOR;
  if (micro != NULL)
    *micro = PLD_VERSION_MICRO;
}
