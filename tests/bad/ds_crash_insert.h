/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_crash_insert.h - a user lane writes to address 64 when it inserts key 77. */
#pragma once

#ifndef __bpf__
#define BROKEN_INSERT                                                          \
	if (key == 77)                                                         \
		*(volatile __u64 *)64 = key;
#endif

#include "broken.h"
