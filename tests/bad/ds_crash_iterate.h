/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_crash_iterate.h - iterate crashes. */
#pragma once

#ifndef __bpf__
#define BROKEN_ITERATE *(volatile __u64 *)64 = 1;
#endif

#include "broken.h"
