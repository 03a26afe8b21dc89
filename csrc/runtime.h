/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * runtime.h - native helpers that know no structure: plans and looking into
 * the arena from outside.
 *
 * What looks into the arena only reads, follows nothing that it has not
 * checked, and touches no page that is not populated. (The engine reads this
 * file as its declarations: apart from the preprocessor's lines, plain C.)
 */
#pragma once

#include <linux/types.h>

/**
 * struct plan_request - operations to draw
 * @weights: of the operation types by enum ds_op_type, any sum
 * @keys: keys are drawn from 1..@keys
 * @theta: exponent of the Zipf distribution, 0: uniform
 * @stream: lanes of one seed get different streams
 */
struct plan_request {
	__u32 weights[8];
	__u64 keys;
	double theta;
	__u64 seed;
	__u64 stream;
};

/** plan_draw - fill @plan[0..@count) with type << 60 | key; 0 or -1 */
int plan_draw(const struct plan_request *request, __u64 *plan, __u64 count);

/**
 * struct leak_class - objects of one size class that nothing points to
 * @slot_size: bytes of a slot with its header; 0: runs of pages
 * @example: offset in the arena of one of them; @content: its first bytes
 */
struct leak_class {
	__u64 objects;
	__u64 bytes;
	__u32 slot_size;
	__u32 example;
	unsigned char content[64];
};

/**
 * struct mark_result - what a conservative mark from the head found
 * @status: 0, -1: no arena there or its header is damaged, -2: no memory
 */
struct mark_result {
	__s32 status;
	__u32 classes;
	__u64 live_objects;
	__u64 live_bytes;
	__u64 retired_objects;
	__u64 reached_objects;
	__u64 leaked_objects;
	__u64 leaked_bytes;
	struct leak_class leaks[27];
};

/** runtime_mark - which live objects can be reached from the structure's head
 *
 * @base: where this process has the arena mapped; @size: bytes mapped there.
 * Every aligned word of a reached object counts as a pointer if it is an
 * address in the arena inside a live object, or if either half of it is the
 * offset of the start of one (as in counted pointers).
 */
void runtime_mark(const void *base, __u64 size, struct mark_result *out);

/** struct runtime_lane - a lane's counters, copied out of the arena */
struct runtime_lane {
	__u64 epoch;
	__u64 allocations;
	__u64 frees;
	__u64 failed;
	__u64 retired;
	__u64 reclaimed;
	__u64 double_frees;
	__u64 bad_frees;
	__u64 blocked;
	__u32 blocked_by;
	__u32 limbo;
};

struct runtime_fault {
	__u32 kind;
	__u32 lane;
	__u64 address;
	__u64 operation;
};

/** struct runtime_summary - the arena's state; @status as in mark_result */
struct runtime_summary {
	__s32 status;
	__u32 pages;
	__u32 pages_first;
	__u32 limit;
	__u32 frontier;
	__u32 lanes;
	__u64 free_pages;
	__u64 epoch;
	__u64 root;
	__u64 root_size;
	__u32 fault_count;
	__u32 faults_kept;
	struct runtime_fault faults[16];
};

void runtime_summarise(const void *base, __u64 size,
		       struct runtime_summary *out);

/** runtime_lanes - copy up to @count lanes' counters; how many were copied */
__u32 runtime_lanes(const void *base, __u64 size, struct runtime_lane *out,
		    __u32 count);

/** runtime_map - map @fd at the arena's address; 0 or an errno */
int runtime_map(int fd, __u64 size);

/** runtime_base - the arena's address */
__u64 runtime_base(void);

/** runtime_lanes_max, runtime_overhead_pages - limits of the layout */
__u32 runtime_lanes_max(void);
__u32 runtime_overhead_pages(__u32 pages);
