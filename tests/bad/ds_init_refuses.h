/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_init_refuses.h - init answers that it has no memory. */
#pragma once

#define BROKEN_INIT return DS_ERROR_NOMEM;

#include "broken.h"
