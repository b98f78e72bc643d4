/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The chat templates as data. Texts are the template's own: names of control tokens in them stand for these tokens.
 * NULL means nothing.
 */
#pragma once

#include "engine/text/template.h"

/* The white space of a content (as Python's str.strip() sees it) that is dropped. */
typedef enum
{
  PLD_TRIM_NONE,
  PLD_TRIM_CONTENT,
  PLD_TRIM_TURN, /* the content and the system messages before it as one text */
} PldTrim;

typedef enum
{
  PLD_SYSTEM_TURN,       /* a turn of its own, where it stands */
  PLD_SYSTEM_FIRST_USER, /* inside of the first user's turn, before its content */
  PLD_SYSTEM_LAST_USER,
} PldSystemPlace;

typedef enum
{
  PLD_THOUGHTS_KEPT,
  PLD_THOUGHTS_CUT,       /* an earlier answer begins after its last "</think>" */
  PLD_THOUGHTS_CUT_LINES, /* and after the line breaks that follow */
} PldThoughts;

typedef struct
{
  const char *before, *after;
  PldTrim trim;
} PldTurn;

struct _PldTemplate
{
  const char *name;
  const char *signs[3]; /* a Jinja text of this family contains them all */
  PldTurn system, user, assistant;
  PldSystemPlace place;
  PldThoughts thoughts;
  const char *no_system; /* at the start, when the first message is not the system's */
  const char *follow;    /* between an answer and what follows it */
  const char *answer;    /* begins the answer that is asked for */
  const char *end;       /* instead of it when none is asked for */
};

/* Looked through in this order for signs: special families stand before the general ones. */
extern const PldTemplate pld_families[];
extern const guint pld_n_families;
