// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pool_baseline.c - what somebody would write by hand to time a structure.
 *
 * Threads that start together, and in each a loop over planned operations that
 * counts the successes; no telemetry, no way to stop it. Compiled like the
 * driver: same flags, same binding, the structure's operations inlined.
 */
#include "pool_baseline.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "lane_telemetry.h"
#include "libarena_ds.h"

struct baseline_thread {
	struct baseline_lane *lane;
	pthread_t thread;
};

static pthread_barrier_t start_line;

static __u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000ULL + (__u64)t.tv_nsec;
}

static __u64 loop(const struct baseline_lane *lane)
{
	aw_head_t *head = (aw_head_t *)arena_header()->root;
	const __u64 *plan = lane->plan;
	const __u64 mask = lane->plan_mask, operations = lane->operations;
	__u64 successes = 0;

	for (__u64 i = 0; i < operations; i++) {
		__u64 key = plan[i & mask] & PLAN_KEY_MASK, value;
		struct ds_kv out;

		switch (plan[i & mask] >> PLAN_KEY_BITS) {
		case DS_OP_INSERT:
			successes += !aw_ds_insert(head, key, key * 2);
			break;
		case DS_OP_DELETE:
			successes += !aw_ds_delete(head, key, &out);
			break;
		case DS_OP_SEARCH:
			successes += !aw_ds_search(head, key, &value);
			break;
		}
	}
	return successes;
}

static void *thread_main(void *argument)
{
	struct baseline_lane *lane = argument;

	if (lane->cpu >= 0) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(lane->cpu, &cpus);
		sched_setaffinity(0, sizeof(cpus), &cpus);
	}
	arena_bind(lane->lane);
	pthread_barrier_wait(&start_line);
	lane->started_ns = now_ns();
	lane->successes = loop(lane);
	lane->finished_ns = now_ns();
	return NULL;
}

int baseline_run(struct baseline_lane *lanes, __u32 count)
{
	struct baseline_thread *threads = calloc(count, sizeof(*threads));

	if (!threads)
		return ENOMEM;
	pthread_barrier_init(&start_line, NULL, count);
	for (__u32 i = 0; i < count; i++) {
		/* One that cannot be started leaves the others waiting. */
		if (pthread_create(&threads[i].thread, NULL, thread_main,
				   &lanes[i]))
			abort();
	}
	for (__u32 i = 0; i < count; i++)
		pthread_join(threads[i].thread, NULL);
	pthread_barrier_destroy(&start_line);
	free(threads);
	return 0;
}
