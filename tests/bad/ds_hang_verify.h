/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_hang_verify.h - verify never comes back, in user space. */
#pragma once

#ifndef __bpf__
#define BROKEN_VERIFY                                                          \
	for (;;)                                                               \
		barrier();
#endif

#include "broken.h"
