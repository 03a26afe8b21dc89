/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_hang_search.h - a user lane never comes back from looking for key 77. */
#pragma once

#ifndef __bpf__
#define BROKEN_SEARCH                                                          \
	while (key == 77)                                                      \
		barrier();
#endif

#include "broken.h"
