/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_hang_iterate.h - iterate never comes back. */
#pragma once

#ifndef __bpf__
#define BROKEN_ITERATE                                                         \
	for (;;)                                                               \
		barrier();
#endif

#include "broken.h"
