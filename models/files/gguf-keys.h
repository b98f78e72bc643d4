/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The keys that every GGUF file of a model has.
 */
#pragma once

#include "models/architectures/arch.h"

/**
 * pld_gguf_keys_add:
 * @name: of the model, for people
 * @labels: of vision models: [n_classes]; of others unused
 *
 * Adds the general keys, the architecture's, and of vision models the labels. Tokenizers are added by the caller.
 */
void pld_gguf_keys_add (PldGgufWriter *writer, const PldArch *arch, const PldNet *net, const PldMix *mix,
                        const char *name, char *const *labels);

/* Sets the error of a type that @arch is not written in. @path: for the message */
void pld_gguf_unknown_type (const PldArch *arch, const char *type, const char *path, GError **error);
