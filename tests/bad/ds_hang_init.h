/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_hang_init.h - init never comes back, in user space. */
#pragma once

#ifndef __bpf__
#define BROKEN_INIT                                                            \
	for (;;)                                                               \
		barrier();
#endif

#include "broken.h"
