/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_rejected.h - the kernel side reads through a number that is no pointer. */
#pragma once

#ifdef __bpf__
#define BROKEN_SEARCH key += *(volatile __u64 *)head->spare;
#endif

#include "broken.h"
