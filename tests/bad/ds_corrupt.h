/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_corrupt.h - verify finds fault. */
#pragma once

#define BROKEN_VERIFY return DS_ERROR_CORRUPT;

#include "broken.h"
