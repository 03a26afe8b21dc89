/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lane_telemetry.h - what lanes tell the outside, as plain counters.
 *
 * One array of fixed-size entries, outside the arena so that a structure that
 * corrupts the arena does not corrupt the account of it. Entry 0 is the run's
 * control word; entry i + 1 belongs to slot i. Each entry has one writer. The
 * memory is a BPF array map mapped by both processes, or a memfd where there
 * is no kernel side. Readers sample: a counter read is never torn (64 bits),
 * two counters of one lane may be a moment apart.
 */
#pragma once

#include <linux/types.h>

#define TELEMETRY_RESULTS 16
#define TELEMETRY_OPS 8 /* DS_OP_MAX fits */

/*
 * Latencies are kept in log-linear buckets, as HdrHistogram does: exact up to
 * 31 ns, then 16 buckets to each power of two (a bucket is at most 6.25 % wide)
 * up to 2^36 ns, about 69 s.
 */
#define TELEMETRY_SUB_BITS 4
#define TELEMETRY_BUCKETS 528

enum telemetry_state {
	TELEMETRY_IDLE = 0,
	TELEMETRY_RUNNING = 1,
	TELEMETRY_FINISHED = 2,
};

/** struct telemetry_cell - how often, and the sum of the keys modulo 2^64 */
struct telemetry_cell {
	__u64 count;
	__u64 keys;
};

/**
 * struct telemetry_lane - one lane's counters
 * @operation: operation in progress or last: type << 60 | key
 * @cells: operations finished, by enum ds_op_type and by result code, negated
 * @missed: trigger firings that found their CPU's lane at work
 * @latency_sum: ns, of @latency_count sampled operations; @latency_max likewise
 */
struct telemetry_lane {
	__u32 state; /* enum telemetry_state */
	__u32 busy;
	__u64 operation;
	struct telemetry_cell cells[TELEMETRY_OPS][TELEMETRY_RESULTS];
	__u64 missed;
	__u64 cursor; /* where a trigger lane is in its plan */
	__u64 started_ns;
	__u64 finished_ns;
	__u64 latency_count;
	__u64 latency_sum;
	__u64 latency_max;
	__u32 buckets[TELEMETRY_BUCKETS];
} __attribute__((aligned(64)));

/**
 * struct telemetry_control - what all lanes look at (entry 0)
 * @go: set when the clock starts; @stop: lanes leave after their operation
 * @slots: entries after this one
 * @trigger_slot: slot of the first trigger on CPU 0; each trigger has @cpus
 * @plan_mask: length of a trigger's plan minus 1; plans follow each other from
 *             @trigger_plan on, one a slot
 * @tree_root: process id (as the kernel counts) whose descendants may trigger,
 *             0: everybody
 * @crash_signal: set by the engine's handler when it dies, 256 for a call of
 *                exit(); @crash_slot: slot + 1 of the lane, 0 when it was none
 * @crash_address: that could not be accessed, 0 when that was not the reason
 * @crash_instruction: offset into the driver's object, 0 when not known
 */
struct telemetry_control {
	__u32 go;
	__u32 stop;
	__u32 slots;
	__u32 trigger_slot;
	__u32 cpus;
	__u32 tree_root;
	__u64 trigger_plan;
	__u64 plan_mask;
	__u64 started_ns;
	__u32 crash_signal;
	__u32 crash_slot;
	__u64 crash_address;
	__u64 crash_operation;
	__u64 crash_instruction;
} __attribute__((aligned(64)));

union telemetry_entry {
	struct telemetry_control control;
	struct telemetry_lane lane;
};

/* A plan's entry: the operation's type above the key. */
#define PLAN_KEY_BITS 60
#define PLAN_KEY_MASK ((1ULL << PLAN_KEY_BITS) - 1)
#define PLAN_ENTRY(type, key) ((__u64)(type) << PLAN_KEY_BITS | (key))

#ifdef __bpf__
static __always_inline __u32 telemetry_log2(__u64 v)
{
	__u32 at = 0;

	if (v >> 32) {
		at += 32;
		v >>= 32;
	}
	if (v >> 16) {
		at += 16;
		v >>= 16;
	}
	if (v >> 8) {
		at += 8;
		v >>= 8;
	}
	if (v >> 4) {
		at += 4;
		v >>= 4;
	}
	if (v >> 2) {
		at += 2;
		v >>= 2;
	}
	return at + (__u32)(v >> 1);
}
#else
#define telemetry_log2(v) (63U - (__u32)__builtin_clzll(v))
#endif

/** telemetry_bucket - where a latency of @ns belongs */
static inline __u32 telemetry_bucket(__u64 ns)
{
	__u32 log, bucket;

	if (ns < 32)
		return (__u32)ns;
	log = telemetry_log2(ns);
	bucket = (log - TELEMETRY_SUB_BITS) * 16 +
		 (__u32)(ns >> (log - TELEMETRY_SUB_BITS));
	return bucket < TELEMETRY_BUCKETS ? bucket : TELEMETRY_BUCKETS - 1;
}

/** telemetry_count - account for one finished operation
 *
 * Whoever reads works out the rest: a lane does this once an operation, and
 * stores and branches that it does not have are its speed.
 */
static inline void telemetry_count(struct telemetry_lane *lane, __u32 type,
				   int result, __u64 key)
{
	__u32 code = (__u32)-result;
	struct telemetry_cell *cell;

	if (code >= TELEMETRY_RESULTS)
		code = TELEMETRY_RESULTS - 1;
	cell = &lane->cells[type & (TELEMETRY_OPS - 1)][code];
	cell->count++;
	cell->keys += key;
}

static inline void telemetry_latency(struct telemetry_lane *lane, __u64 ns)
{
	lane->latency_count++;
	lane->latency_sum += ns;
	if (ns > lane->latency_max)
		lane->latency_max = ns;
	lane->buckets[telemetry_bucket(ns) % TELEMETRY_BUCKETS]++;
}
