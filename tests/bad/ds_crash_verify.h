/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_crash_verify.h - verify crashes, in user space. */
#pragma once

#ifndef __bpf__
#define BROKEN_VERIFY *(volatile __u64 *)64 = 1;
#endif

#include "broken.h"
