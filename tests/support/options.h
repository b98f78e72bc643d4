/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Options as initializers, for tests that set a few members: VISION_OPTIONS (.engine.model = path, .batch = 2).
 */
#pragma once

#include "pipeload/pipeload.h"

#define VISION_OPTIONS(...)                                                                                            \
  ((PldVisionOptions) { .engine.size = sizeof (PldVisionOptions), .engine.kind = PLD_MODEL_VISION, __VA_ARGS__ })
#define LLM_OPTIONS(...)                                                                                               \
  ((PldLlmOptions) { .engine.size = sizeof (PldLlmOptions), .engine.kind = PLD_MODEL_LANGUAGE, __VA_ARGS__ })
