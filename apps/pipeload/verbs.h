/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The verbs inside the pipeload program: one file, or a few, each.
 */
#pragma once

#include "apps/common/engine.h"
#include "apps/common/terminal.h"
#include "apps/common/verb.h"

#define DECLARE(verb, purpose) extern const PldVerb pld_verb_##verb;
#define NOT_HERE(verb, purpose)
PLD_VERBS (DECLARE, NOT_HERE)
#undef DECLARE
#undef NOT_HERE
