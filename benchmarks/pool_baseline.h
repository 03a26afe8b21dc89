/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pool_baseline.h - the loop that the pool is measured against. (Python reads
 * this file as its declarations: apart from the preprocessor's lines, plain C.)
 */
#pragma once

#include <linux/types.h>

/**
 * struct baseline_lane - a thread's work, and when it did it
 * @lane: arena lane; @cpu: to be pinned to, -1: not pinned
 * @plan: type << 60 | key, @plan_mask + 1 of them (a power of two)
 * @operations: how many to perform
 */
struct baseline_lane {
	__u32 lane;
	__s32 cpu;
	const __u64 *plan;
	__u64 plan_mask;
	__u64 operations;
	__u64 successes;
	__u64 started_ns;
	__u64 finished_ns;
};

/** baseline_run - all lanes at once, each in a thread; 0 or an errno */
int baseline_run(struct baseline_lane *lanes, __u32 count);
