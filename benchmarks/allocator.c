// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * allocator.c - the arena's allocator beside malloc() and, where it is there,
 * mimalloc: the same loops, compiled once for each.
 *
 * bench_*() return nanoseconds for each object (or operation) and lane, over
 * the time in which all lanes were at work. See allocator.py.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef WITH_MIMALLOC
#include <mimalloc.h>
#endif

#include "arena_format.h"

#define LANES 8
#define RING 256
#define BATCH 64
#define CHURN 4096

enum allocator { ARENA, MALLOC, MIMALLOC };

/* A lane's object always gets its first word written, as a node would. */
static __always_inline void *take(enum allocator from, __u64 size)
{
	volatile __u64 *object;

	if (from == ARENA)
		object = bpf_arena_alloc(size);
#ifdef WITH_MIMALLOC
	else if (from == MIMALLOC)
		object = mi_malloc(size);
#endif
	else
		object = malloc(size);
	if (!object)
		abort();
	*object = size;
	return (void *)object;
}

static __always_inline void give(enum allocator to, void *object)
{
	if (to == ARENA)
		bpf_arena_free(object);
#ifdef WITH_MIMALLOC
	else if (to == MIMALLOC)
		mi_free(object);
#endif
	else
		free(object);
}

/* One ring from each lane to the next: one producer, one consumer. */
struct ring {
	_Alignas(64) void *objects[RING];
};

static struct {
	enum allocator allocator;
	__u32 lanes;
	__u64 size;
	__u64 count;
	void (*body)(__u32 lane, __u64 count);
	pthread_barrier_t barrier;
	struct ring rings[LANES];
	__u64 start[LANES];
	__u64 end[LANES];
} at_work;

static __u64 now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* Sizes are constants where structures allocate, so they are here. */
#define WITH_SIZE(call)                                                        \
	switch (at_work.size) {                                                \
	case 16:                                                               \
		call(16);                                                      \
		break;                                                         \
	case 32:                                                               \
		call(32);                                                      \
		break;                                                         \
	case 48:                                                               \
		call(48);                                                      \
		break;                                                         \
	case 128:                                                              \
		call(128);                                                     \
		break;                                                         \
	case 256:                                                              \
		call(256);                                                     \
		break;                                                         \
	case 512:                                                              \
		call(512);                                                     \
		break;                                                         \
	case 1024:                                                             \
		call(1024);                                                    \
		break;                                                         \
	default:                                                               \
		call(at_work.size);                                            \
	}
#define WITH_ALLOCATOR(call)                                                   \
	switch (at_work.allocator) {                                           \
	case ARENA:                                                            \
		call(ARENA);                                                   \
		break;                                                         \
	case MALLOC:                                                           \
		call(MALLOC);                                                  \
		break;                                                         \
	case MIMALLOC:                                                         \
		call(MIMALLOC);                                                \
		break;                                                         \
	}

/* Allocate, free, at once. */
static __always_inline void pair_loop(enum allocator a, __u64 size, __u64 count)
{
	for (__u64 i = 0; i < count; i++)
		give(a, take(a, size));
}

static void pairs(__u32 lane, __u64 count)
{
#define PAIR_SIZE(s) pair_loop(A, s, count)
#define PAIR(a)                                                                \
	{                                                                      \
		enum { A = a };                                                \
		WITH_SIZE(PAIR_SIZE)                                           \
	}
	WITH_ALLOCATOR(PAIR)
}

/* Allocate a batch, free it, in the order of allocation. */
static __always_inline void batch_loop(enum allocator a, __u64 size,
				       __u64 count)
{
	void *objects[BATCH];

	for (__u64 i = 0; i < count; i += BATCH) {
		for (int n = 0; n < BATCH; n++)
			objects[n] = take(a, size);
		for (int n = 0; n < BATCH; n++)
			give(a, objects[n]);
	}
}

static void batches(__u32 lane, __u64 count)
{
#define BATCH_SIZE(s) batch_loop(A, s, count)
#define BATCHES(a)                                                             \
	{                                                                      \
		enum { A = a };                                                \
		WITH_SIZE(BATCH_SIZE)                                          \
	}
	WITH_ALLOCATOR(BATCHES)
}

/* CHURN objects live; one of them, drawn at random, is replaced. */
static __always_inline void churn_loop(enum allocator a, __u64 size, __u32 lane,
				       __u64 count)
{
	void *objects[CHURN];
	__u64 random = 88172645463325252ULL + lane;

	for (int i = 0; i < CHURN; i++)
		objects[i] = take(a, size);
	for (__u64 i = 0; i < count; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		give(a, objects[random % CHURN]);
		objects[random % CHURN] =
			take(a, size ? size : 16 + (random >> 32) % 1009);
	}
	for (int i = 0; i < CHURN; i++)
		give(a, objects[i]);
}

static void churn(__u32 lane, __u64 count)
{
#define CHURN_SIZE(s) churn_loop(A, s, lane, count)
#define CHURNS(a)                                                              \
	{                                                                      \
		enum { A = a };                                                \
		WITH_SIZE(CHURN_SIZE)                                          \
	}
	WITH_ALLOCATOR(CHURNS)
}

/* Each lane allocates for the next one and frees what the one before gave. */
static __always_inline void exchange_loop(enum allocator a, __u64 size,
					  __u32 lane, __u64 count)
{
	void **out = at_work.rings[lane].objects;
	void **in = at_work.rings[(lane + 1) % at_work.lanes].objects;
	__u64 sent = 0, received = 0;

	while (sent < count || received < count) {
		__u64 before = sent + received;
		void *object;

		for (int n = 0;
		     n < 32 && sent < count &&
		     !__atomic_load_n(&out[sent % RING], __ATOMIC_ACQUIRE);
		     n++)
			__atomic_store_n(&out[sent++ % RING], take(a, size),
					 __ATOMIC_RELEASE);
		for (int n = 0; n < 32 && received < count; n++) {
			object = __atomic_load_n(&in[received % RING],
						 __ATOMIC_ACQUIRE);
			if (!object)
				break;
			__atomic_store_n(&in[received++ % RING], NULL,
					 __ATOMIC_RELEASE);
			give(a, object);
		}
		if (sent + received == before)
			sched_yield();
	}
}

static void exchange(__u32 lane, __u64 count)
{
#define EXCHANGE_SIZE(s) exchange_loop(A, s, lane, count)
#define EXCHANGES(a)                                                           \
	{                                                                      \
		enum { A = a };                                                \
		WITH_SIZE(EXCHANGE_SIZE)                                       \
	}
	WITH_ALLOCATOR(EXCHANGES)
}

/* What reclamation adds to a free: the announcement, and the wait. */
static void announced_pairs(__u32 lane, __u64 count)
{
	for (__u64 i = 0; i < count; i++) {
		arena_enter();
		give(ARENA, take(ARENA, 48));
		arena_exit();
	}
}

static void retired_pairs(__u32 lane, __u64 count)
{
	for (__u64 i = 0; i < count; i++) {
		arena_enter();
		arena_retire(take(ARENA, 48));
		arena_exit();
	}
}

static void announcements(__u32 lane, __u64 count)
{
	for (__u64 i = 0; i < count; i++) {
		arena_enter();
		barrier();
		arena_exit();
	}
}

/* Allocations that fail. */
static void failures(__u32 lane, __u64 count)
{
	for (__u64 i = 0; i < count; i++)
		if (bpf_arena_alloc(at_work.size))
			abort();
}

static void *lane_start(void *argument)
{
	__u32 lane = (__u32)(unsigned long)argument;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(lane % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	if (at_work.lanes > 1)
		pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	arena_bind(lane + 1);
	at_work.body(lane, at_work.count / 10 + 1); /* caches, pages, tables */
	pthread_barrier_wait(&at_work.barrier);
	at_work.start[lane] = now();
	at_work.body(lane, at_work.count);
	at_work.end[lane] = now();
	pthread_barrier_wait(&at_work.barrier);
	return NULL;
}

static double run(void (*body)(__u32, __u64), int allocator, __u32 lanes,
		  __u64 size, __u64 count)
{
	pthread_t threads[LANES];
	__u64 start = ~0ULL, end = 0;

	at_work.allocator = allocator;
	at_work.lanes = lanes;
	at_work.size = size;
	at_work.count = count;
	at_work.body = body;
	memset(at_work.rings, 0, sizeof(at_work.rings));
	pthread_barrier_init(&at_work.barrier, NULL, lanes);
	for (unsigned long lane = 0; lane < lanes; lane++)
		if (pthread_create(&threads[lane], NULL, lane_start,
				   (void *)lane))
			abort();
	for (__u32 lane = 0; lane < lanes; lane++) {
		pthread_join(threads[lane], NULL);
		if (at_work.start[lane] < start)
			start = at_work.start[lane];
		if (at_work.end[lane] > end)
			end = at_work.end[lane];
	}
	pthread_barrier_destroy(&at_work.barrier);
	return (double)(end - start) / (double)count;
}

#define BENCH(name, body)                                                      \
	double bench_##name(int allocator, __u32 lanes, __u64 size,            \
			    __u64 count)                                       \
	{                                                                      \
		return run(body, allocator, lanes, size, count);               \
	}

BENCH(pairs, pairs)
BENCH(batches, batches)
BENCH(churn, churn)
BENCH(exchange, exchange)
BENCH(announcements, announcements)
BENCH(announced_pairs, announced_pairs)
BENCH(retired_pairs, retired_pairs)
BENCH(failures, failures)

int bench_has_mimalloc(void)
{
#ifdef WITH_MIMALLOC
	return 1;
#else
	return 0;
#endif
}

/* An arena of @pages pages; the caller is lane 0. 0, or -1. */
int bench_arena(__u32 pages)
{
	int fd = memfd_create("arena", MFD_CLOEXEC);
	void *got;

	if (fd < 0 || ftruncate(fd, (off_t)pages * PAGE_SIZE))
		return -1;
	got = mmap((void *)ARENA_BASE, (size_t)pages * PAGE_SIZE,
		   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
		   0);
	close(fd);
	if (got != (void *)ARENA_BASE)
		return -1;
	return arena_format(pages, pages, LANES + 1, LANES + 1);
}

/* Use all pages up, then free every second one: the worst case for a search. */
int bench_fragment(void)
{
	static void *pages[ARENA_PAGES_MAX];
	__u32 count = 0;

	while (count < ARENA_PAGES_MAX &&
	       (pages[count] = bpf_arena_alloc(PAGE_SIZE)))
		count++;
	for (__u32 i = 0; i < count; i += 2)
		bpf_arena_free(pages[i]);
	return (int)count;
}
