/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_leak.h - deleting forgets to free the node. */
#pragma once

#define BROKEN_FREE(node) ((void)(node))

#include "broken.h"
