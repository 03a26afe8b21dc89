/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_sound.h - no fault at all: what the others are but for theirs. */
#pragma once

#include "broken.h"
