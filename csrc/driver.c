// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * driver.c - lanes: the loops that perform a structure's operations.
 *
 * Compiled once a structure, after a generated binding that names the
 * structure's operations aw_ds_*(). Nothing here knows which structure it is.
 */
#include "driver.h"

#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arena_format.h"
#include "crash.h"
#include "keeper.h"

#include "kernel_call.h"
#include "lane_telemetry.h"

struct lane_thread {
	struct driver_lane lane;
	pthread_t thread;
};

static struct driver_setup setup;
static struct lane_thread *threads;
static __u32 thread_count;
static __u32 running;
static int failed;

static inline __u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000ULL + (__u64)t.tv_nsec;
}

static inline union telemetry_entry *entries(void)
{
	return (union telemetry_entry *)setup.telemetry;
}

static inline aw_head_t *structure_head(void)
{
	return (aw_head_t *)arena_header()->root;
}

void driver_describe(struct driver_metadata *out)
{
	const struct ds_metadata *metadata = aw_ds_get_metadata();

	memset(out, 0, sizeof(*out));
	out->head_size = sizeof(aw_head_t);
	out->name = AW_DS_NAME;
	out->description = "";
	if (!metadata)
		return;
	if (metadata->description)
		out->description = metadata->description;
	out->node_size = metadata->node_size;
	out->requires_locking = metadata->requires_locking;
	out->abstract_type = metadata->abstract_type;
	out->concurrency = metadata->concurrency;
	out->progress = metadata->progress;
	out->bounded = metadata->bounded;
	out->ordered = metadata->ordered;
}

int driver_format(__u32 pages, __u32 limit, __u32 lanes,
		  __u32 first_trigger_lane)
{
	return arena_format(pages, limit, lanes, first_trigger_lane);
}

static int make_structure(__u64 capacity)
{
	void *head;

	if (!arena_header()->root) {
		head = bpf_arena_alloc(sizeof(aw_head_t));
		if (!head)
			return DS_ERROR_NOMEM;
		arena_header()->root_size = sizeof(aw_head_t);
		arena_header()->root = (__u64)head;
	}
	return aw_ds_init(structure_head(), capacity);
}

/* One planned operation; the switch is over constants, every call direct. */
static __always_inline int perform(aw_head_t *head, __u32 type, __u64 *key)
{
	struct ds_kv out;
	__u64 value;
	int result;

	switch (type) {
	case DS_OP_INSERT:
		return aw_ds_insert(head, *key, *key * 2);
	case DS_OP_SEARCH:
		return aw_ds_search(head, *key, &value);
	case DS_OP_DELETE:
		out.key = *key;
		result = aw_ds_delete(head, *key, &out);
		*key = out.key;
		return result;
	case DS_OP_POP:
		out.key = 0;
		result = aw_ds_pop(head, &out);
		*key = out.key;
		return result;
	default:
		return DS_ERROR_UNSUPPORTED;
	}
}

/* Apart from the lane's loop, which is then as short as without timing. */
static __noinline int perform_timed(aw_head_t *head, __u32 type, __u64 *key,
				    struct telemetry_lane *telemetry)
{
	__u64 start = now_ns();
	int result = perform(head, type, key);

	telemetry_latency(telemetry, now_ns() - start);
	return result;
}

/*
 * Flat: the structure's operations become part of the loop, as they would in
 * one written by hand, though this file calls them from elsewhere too.
 */
__attribute__((flatten)) static __noinline void user_lane(
	const struct driver_lane *lane)
{
	struct telemetry_lane *telemetry = &entries()[lane->slot + 1].lane;
	const struct telemetry_control *control = &entries()[0].control;
	const __u64 *plan = setup.plan + lane->plan;
	const __u64 mask = lane->plan_mask, stride = lane->stride_mask;
	const __u64 limit = lane->operations ? lane->operations : ~0ULL;
	struct arena_lane *self = arena_self();
	aw_head_t *head = structure_head();

	for (__u64 i = 0; i < limit && !READ_ONCE(control->stop); i++) {
		const __u64 entry = plan[i & mask];
		const __u32 type = entry >> PLAN_KEY_BITS;
		__u64 key = entry & PLAN_KEY_MASK;
		int result;

		/* For whoever has to tell what the lane was doing. */
		WRITE_ONCE(telemetry->operation, entry);
		WRITE_ONCE(self->operation, entry);
		if (unlikely(!(i & stride))) {
			/* A copy, so that @key itself can stay in a register. */
			__u64 timed_key = key;

			result = perform_timed(head, type, &timed_key,
					       telemetry);
			key = timed_key;
		} else {
			result = perform(head, type, &key);
		}
		telemetry_count(telemetry, type, result, key);
	}
}

static void kernel_lane(const struct driver_lane *lane)
{
	const struct telemetry_control *control = &entries()[0].control;
	const __u64 limit = lane->operations ? lane->operations : ~0ULL;
	struct kernel_call call = {
		.lane = lane->lane,
		.slot = lane->slot,
		.plan = lane->plan,
		.plan_mask = lane->plan_mask,
		.stride_mask = lane->stride_mask,
	};
	int error;

	for (__u64 i = 0; i < limit && !READ_ONCE(control->stop);) {
		call.first = i;
		call.count = limit - i < setup.batch ? limit - i : setup.batch;
		call.done = 0;
		error = kernel_run(setup.batch_fd, &call, sizeof(call));
		if (error) {
			__atomic_store_n(&failed, error, __ATOMIC_RELAXED);
			return;
		}
		i += call.done;
	}
}

static void *lane_main(void *argument)
{
	struct lane_thread *self = argument;
	union telemetry_entry *entry = &entries()[self->lane.slot + 1];
	const struct telemetry_control *control = &entries()[0].control;
	char name[16]; /* for top, perf and gdb */

	snprintf(name, sizeof(name), "lane-%u", self->lane.slot);
	pthread_setname_np(pthread_self(), name);
	if (self->lane.cpu >= 0) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(self->lane.cpu, &cpus);
		sched_setaffinity(0, sizeof(cpus), &cpus);
	}
	if (!self->lane.kernel)
		arena_bind(self->lane.lane);
	crash_watch(self->lane.slot + 1);
	/* Acquire: pairs with driver_go(), which set the clock before. */
	while (!__atomic_load_n(&control->go, __ATOMIC_ACQUIRE) &&
	       !READ_ONCE(control->stop))
		sched_yield();
	entry->lane.started_ns = now_ns();
	entry->lane.state = TELEMETRY_RUNNING;
	if (self->lane.kernel)
		kernel_lane(&self->lane);
	else
		user_lane(&self->lane);
	entry->lane.finished_ns = now_ns();
	/* Release: a reader that sees FINISHED sees the final counters. */
	__atomic_store_n(&entry->lane.state, TELEMETRY_FINISHED,
			 __ATOMIC_RELEASE);
	__atomic_fetch_sub(&running, 1, __ATOMIC_ACQ_REL);
	return NULL;
}

int driver_begin(const struct driver_setup *given)
{
	setup = *given;
	crash_install(setup.telemetry);
	/* What a kernel lane cannot populate itself is not for user lanes. */
	if (setup.populate_fd >= 0)
		arena_header()->reserve = setup.reserve_pages;
	return keeper_start(&setup);
}

/* For whoever has to tell what the thread was doing. */
static void begin_operation(__u32 lane, __u32 slot, __u64 entry)
{
	arena_bind(lane);
	crash_watch(slot + 1);
	entries()[slot + 1].lane.operation = entry;
	arena_self()->operation = entry;
}

int driver_operation(__u32 lane, __u32 slot, __u32 type, __u64 key, __u64 value,
		     __u64 *out)
{
	struct ds_kv kv = {.key = key, .value = value};
	int result;

	begin_operation(lane, slot, PLAN_ENTRY(type, key & PLAN_KEY_MASK));
	switch (type) {
	case DS_OP_INIT:
		result = make_structure(key);
		break;
	case DS_OP_INSERT:
		result = aw_ds_insert(structure_head(), key, value);
		break;
	case DS_OP_DELETE:
		result = aw_ds_delete(structure_head(), key, &kv);
		break;
	case DS_OP_POP:
		result = aw_ds_pop(structure_head(), &kv);
		break;
	case DS_OP_SEARCH:
		result = aw_ds_search(structure_head(), key, &kv.value);
		break;
	case DS_OP_VERIFY:
		result = aw_ds_verify(structure_head());
		break;
	default:
		result = DS_ERROR_UNSUPPORTED;
	}
	if (out) {
		out[0] = kv.key;
		out[1] = kv.value;
	}
	return result;
}

/* The greatest common divisor is 1 for a prime that does not divide @keys. */
static __u64 coprime_to(__u64 keys)
{
	static const __u64 primes[] = {2654435761ULL, 2654435789ULL};

	return keys % primes[0] ? primes[0] : primes[1];
}

__u64 driver_prefill(__u32 lane, __u32 slot, __u64 count, __u64 keys,
		     __u64 seed)
{
	struct telemetry_lane *telemetry = &entries()[slot + 1].lane;
	__u64 step = coprime_to(keys) % keys, at = seed % keys, inserted = 0;

	arena_bind(lane);
	crash_watch(slot + 1);
	for (__u64 i = 0; i < count && !entries()[0].control.stop; i++) {
		__u64 key = at + 1;
		int result;

		telemetry->operation = PLAN_ENTRY(DS_OP_INSERT, key);
		arena_self()->operation = telemetry->operation;
		result = aw_ds_insert(structure_head(), key, key * 2);
		telemetry_count(telemetry, DS_OP_INSERT, result, key);
		inserted += result == DS_SUCCESS;
		if (result == DS_ERROR_NOMEM || result == DS_ERROR_FULL)
			break;
		at = (__u64)(((unsigned __int128)at + step) % keys);
	}
	return inserted;
}

int driver_start(const struct driver_lane *lanes, __u32 count)
{
	threads = calloc(count ? count : 1, sizeof(*threads));
	if (!threads)
		return -ENOMEM;
	thread_count = 0;
	__atomic_store_n(&failed, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&running, count, __ATOMIC_RELEASE);
	for (__u32 i = 0; i < count; i++) {
		int error;

		threads[i].lane = lanes[i];
		error = pthread_create(&threads[i].thread, NULL, lane_main,
				       &threads[i]);
		if (error) {
			driver_stop();
			__atomic_fetch_sub(&running, count - i,
					   __ATOMIC_ACQ_REL);
			return -error;
		}
		thread_count++;
	}
	return 0;
}

void driver_go(__u64 duration_ns)
{
	struct telemetry_control *control = &entries()[0].control;

	control->started_ns = now_ns();
	keeper_deadline(duration_ns ? control->started_ns + duration_ns : 0);
	/* Release: pairs with the acquire loads of go in the lanes. */
	__atomic_store_n(&control->go, 1, __ATOMIC_RELEASE);
}

void driver_stop(void)
{
	WRITE_ONCE(entries()[0].control.stop, 1);
}

__u32 driver_running(void)
{
	return __atomic_load_n(&running, __ATOMIC_ACQUIRE) +
	       (!entries()[0].control.stop && generator_pending());
}

int driver_failed(void)
{
	return __atomic_load_n(&failed, __ATOMIC_RELAXED);
}

void driver_join(void)
{
	for (__u32 i = 0; i < thread_count; i++)
		pthread_join(threads[i].thread, NULL);
	free(threads);
	threads = NULL;
	thread_count = 0;
}

__u64 driver_drain(__u32 lane)
{
	arena_bind(lane);
	return arena_drain();
}

static int __maybe_unused count_element(__u64 key, __u64 value, void *context)
{
	struct driver_walk *walk = context;

	(void)value;
	walk->elements++;
	walk->key_sum += key;
	return 0;
}

void driver_walk_all(__u32 lane, struct driver_walk *out)
{
	memset(out, 0, sizeof(*out));
	arena_bind(lane);
	if (crash_slot)
		entries()[crash_slot].lane.operation =
			PLAN_ENTRY(DS_OP_ITERATE, 0);
	out->supported = AW_HAS_ITERATE;
#if AW_HAS_ITERATE
	out->result = aw_ds_iterate(structure_head(), count_element, out);
#endif
}
