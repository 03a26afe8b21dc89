/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_noisy.h - a user lane talks, to stdout and stderr, at each search. */
#pragma once

#ifndef __bpf__
#include <stdio.h>
#define BROKEN_SEARCH                                                          \
	printf("looking for %llu\n", (unsigned long long)key);                 \
	fprintf(stderr, "still looking for %llu\n", (unsigned long long)key);
#endif

#include "broken.h"
