/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * appsrc ! pipeloadllm ! appsink: prompts go in one by one, their answers go to stdout as they come. For the main
 * thread of a program, and the default main context.
 */
#pragma once

#include <gst/gst.h>

/* Exit statuses, as of the pipeload command. */
#define MISUSED 1
#define FAILED 2
#define STOPPED 130

typedef struct _Dialog Dialog;

/* Told, in the main thread, that the answer to one prompt is out. */
typedef void (*DialogAnswered) (Dialog *dialog, gpointer user_data);

/* Errors: an element is missing. Returns: (transfer full): free with dialog_free() */
Dialog *dialog_new (DialogAnswered answered, gpointer user_data, GError **error);
void dialog_free (Dialog *dialog);

/* Sets a property of pipeloadllm from text, before dialog_run(); a NULL @value leaves it alone. FALSE: there is none
 * such. */
gboolean dialog_set (Dialog *dialog, const char *property, const char *value);
/* @settings: (nullable): "NAME=VALUE", as the option --set has them. */
gboolean dialog_set_all (Dialog *dialog, char **settings, GError **error);

void dialog_ask (Dialog *dialog, const char *prompt);
/* No further prompts: dialog_run() ends after the last answer. */
void dialog_end (Dialog *dialog);
/* Ends the answer under way, and the prompts that wait. */
void dialog_interrupt (Dialog *dialog);

/* Plays until the end. Returns the exit status; what failed is on stderr. */
int dialog_run (Dialog *dialog);
/* Ends dialog_run() with @status. */
void dialog_stop (Dialog *dialog, int status);
