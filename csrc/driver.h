/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * driver.h - what a structure's native build offers to the engine.
 *
 * One shared object a structure, compiled with the structure inside, so that a
 * lane's loop calls its operations directly. (The engine reads this file as
 * its declarations: apart from the preprocessor's lines, plain C.)
 */
#pragma once

#include <linux/types.h>

/** struct driver_metadata - ds_metadata and what the build knows besides */
struct driver_metadata {
	const char *name;
	const char *description;
	__u64 node_size;
	__u64 head_size;
	__u32 requires_locking;
	__u32 abstract_type;
	__u32 concurrency;
	__u32 progress;
	__u32 bounded;
	__u32 ordered;
};

/**
 * struct driver_lane - one lane to run
 * @kernel: 0: a thread performs the operations; 1: a thread has the kernel
 *          perform them, a batch a call
 * @slot: telemetry slot; @lane: arena lane
 * @cpu: to be pinned to, -1: not pinned
 * @operations: stop after so many, 0: no limit
 * @plan: first index in the plan; @plan_mask: its length - 1 (a power of two)
 * @stride_mask: operations whose number has none of these bits are timed
 */
struct driver_lane {
	__u32 kernel;
	__u32 slot;
	__u32 lane;
	__s32 cpu;
	__u64 operations;
	__u64 plan;
	__u64 plan_mask;
	__u64 stride_mask;
};

/**
 * struct driver_setup - what all lanes share
 * @telemetry: union telemetry_entry[], see lane_telemetry.h
 * @plan: operations drawn beforehand
 * @batch_fd, @populate_fd: programs, -1 without a kernel side
 * @batch: operations a program run
 * @reserve_pages: free populated pages to keep ahead of the kernel lanes
 * @keeper_lane: arena lane of the thread that populates
 * @generate: system calls to make in a loop, bits: 1 execve, 2 exit_group,
 *            4 openat, 8 write
 */
struct driver_setup {
	void *telemetry;
	const __u64 *plan;
	int batch_fd;
	int populate_fd;
	__u64 batch;
	__u32 reserve_pages;
	__u32 keeper_lane;
	__u32 generate;
};

/** struct driver_walk - what an iteration over the structure found */
struct driver_walk {
	__s32 result;
	__u32 supported;
	__u64 elements;
	__u64 key_sum;
};

/** driver_describe - metadata of the structure that is compiled in */
void driver_describe(struct driver_metadata *out);

/** driver_format - lay out the mapped arena; 0, or -1: too small */
int driver_format(__u32 pages, __u32 limit, __u32 lanes,
		  __u32 first_trigger_lane);

/** driver_begin - remember the setup, catch fatal signals, start the keeper */
int driver_begin(const struct driver_setup *setup);

/** driver_operation - one operation by the calling thread as arena lane @lane
 *
 * @out: two words, key and value, filled by those that return them. Returns a
 * DS_ code. DS_OP_INIT makes the head, with @key as its capacity.
 */
int driver_operation(__u32 lane, __u32 slot, __u32 type, __u64 key, __u64 value,
		     __u64 *out);

/** driver_prefill - insert @count distinct keys out of 1..@keys; how many went in */
__u64 driver_prefill(__u32 lane, __u32 slot, __u64 count, __u64 keys,
		     __u64 seed);

/** driver_start - create the lanes' threads; they wait for driver_go() */
int driver_start(const struct driver_lane *lanes, __u32 count);

/** driver_go - start the clock; @duration_ns: stop by itself then, 0: never */
void driver_go(__u64 duration_ns);

/** driver_stop - ask all lanes to leave after the operation they are in */
void driver_stop(void);

/** driver_running - lanes that have not finished, and 1 for the generator of
 * system calls where it has not yet made the few that every run gets
 */
__u32 driver_running(void);

/** driver_failed - errno of the first kernel lane whose program run failed */
int driver_failed(void);

/** driver_join - wait for the lanes' threads, which must have finished */
void driver_join(void);

/** driver_drain - reclaim what is retired; objects that could not be */
__u64 driver_drain(__u32 lane);

/** driver_walk_all - count the elements by the structure's own iterate */
void driver_walk_all(__u32 lane, struct driver_walk *out);
