/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * keeper.h - the engine's housekeeping: threads that are not lanes.
 *
 * The keeper keeps populated pages ahead of the kernel lanes, ticks the clock
 * that stamps pages, and ends the run at its deadline. The generator makes the
 * system calls that fire triggers, when a run asks for it (-K).
 */
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include "arena_layout.h"
#include "driver.h"
#include "kernel_call.h"
#include "kernel_run.h"
#include "lane_telemetry.h"

#define KEEPER_PERIOD_NS 1000000L
#define KEEPER_TICK_NS 100000000ULL

enum generated_calls {
	GENERATE_EXECVE = 1,
	GENERATE_EXIT_GROUP = 2,
	GENERATE_OPENAT = 4,
	GENERATE_WRITE = 8,
};

#define GENERATE_AT_LEAST 8 /* rounds, however short the run */

static const struct driver_setup *keeper_setup;
static __u64 keeper_deadline_ns;
static __u64 generator_rounds;

static inline void keeper_deadline(__u64 ns)
{
	__atomic_store_n(&keeper_deadline_ns, ns, __ATOMIC_RELAXED);
}

static inline void keeper_sleep(long ns)
{
	struct timespec pause = {.tv_nsec = ns};

	nanosleep(&pause, NULL);
}

static inline __u64 keeper_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000ULL + (__u64)t.tv_nsec;
}

static inline void keeper_populate(void)
{
	__u64 free_pages =
		arena_atomic_load(&arena_header()->free_pages, ARENA_RELAXED);
	struct kernel_call call = {.lane = keeper_setup->keeper_lane};

	if (keeper_setup->populate_fd < 0 ||
	    free_pages >= keeper_setup->reserve_pages ||
	    READ_ONCE(arena_header()->frontier) >= arena_header()->limit)
		return;
	call.count = keeper_setup->reserve_pages - free_pages;
	kernel_run(keeper_setup->populate_fd, &call, sizeof(call));
}

static void *keeper_main(void *argument)
{
	struct telemetry_control *control = keeper_setup->telemetry;
	__u64 ticked = 0;

	(void)argument;
	pthread_setname_np(pthread_self(), "keeper");
	for (;;) {
		__u64 now = keeper_now();
		__u64 deadline =
			__atomic_load_n(&keeper_deadline_ns, __ATOMIC_RELAXED);

		if (deadline && now >= deadline)
			__atomic_store_n(&control->stop, 1, __ATOMIC_RELAXED);
		keeper_populate();
		if (now - ticked >= KEEPER_TICK_NS) {
			ticked = now;
			WRITE_ONCE(arena_header()->tick,
				   arena_header()->tick + 1);
		}
		keeper_sleep(KEEPER_PERIOD_NS);
	}
	return NULL;
}

static inline void generate_process(void)
{
	char *const arguments[] = {"true", NULL};
	char *const environment[] = {NULL};
	int status;
	pid_t pid;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environment))
		return;
	waitpid(pid, &status, 0);
}

static void *generator_main(void *argument)
{
	struct telemetry_control *control = keeper_setup->telemetry;
	__u32 calls = keeper_setup->generate;
	int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)argument;
	pthread_setname_np(pthread_self(), "generator");
	for (;;) {
		__u64 round = generator_rounds;

		if (!__atomic_load_n(&control->go, __ATOMIC_RELAXED) ||
		    __atomic_load_n(&control->stop, __ATOMIC_RELAXED)) {
			keeper_sleep(KEEPER_PERIOD_NS);
			continue;
		}
		if (calls & GENERATE_OPENAT) {
			int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

			if (fd >= 0)
				close(fd);
		}
		if ((calls & GENERATE_WRITE) && sink >= 0 &&
		    write(sink, "", 1) != 1)
			calls &= ~(__u32)GENERATE_WRITE;
		if ((calls & (GENERATE_EXECVE | GENERATE_EXIT_GROUP)) &&
		    (round < GENERATE_AT_LEAST || round % 64 == 0))
			generate_process();
		__atomic_store_n(&generator_rounds, round + 1,
				 __ATOMIC_RELAXED);
		keeper_sleep(50000);
	}
	return NULL;
}

/** generator_pending - whether the least that a run must generate is not done */
static inline bool generator_pending(void)
{
	return keeper_setup && keeper_setup->generate &&
	       __atomic_load_n(&generator_rounds, __ATOMIC_RELAXED) <
		       GENERATE_AT_LEAST;
}

/** keeper_start - 0, or a negative errno */
static inline int keeper_start(const struct driver_setup *setup)
{
	pthread_t thread;
	int error;

	keeper_setup = setup;
	keeper_populate();
	error = pthread_create(&thread, NULL, keeper_main, NULL);
	if (error)
		return -error;
	pthread_detach(thread);
	if (!setup->generate)
		return 0;
	error = pthread_create(&thread, NULL, generator_main, NULL);
	if (error)
		return -error;
	pthread_detach(thread);
	return 0;
}
