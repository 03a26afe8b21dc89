/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_exits.h - a user lane ends the process when it looks for key 77. */
#pragma once

#ifndef __bpf__
#include <stdlib.h>
#define BROKEN_SEARCH                                                          \
	if (key == 77)                                                         \
		exit(0);
#endif

#include "broken.h"
