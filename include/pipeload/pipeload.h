/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * pipeload: layer-streaming inference under a hard memory limit. The public C API: all that elements, programs and
 * applications use. The mechanism is PIPELOAD of the Hermes paper (arXiv 2409.04249).
 */
#pragma once

#include "pipeload/base.h"
#include "pipeload/image.h"
#include "pipeload/llm.h"
#include "pipeload/model.h"
#include "pipeload/results.h"
#include "pipeload/vision.h"
