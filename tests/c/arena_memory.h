/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_memory.h - an arena without a kernel side, and the words of a test.
 *
 * -DSTRUCTURE=list says which structure a program is built against; DS(insert)
 * is then ds_list_insert.
 */
#pragma once

#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena_format.h"
#include "ds_api.h"

#define PASTE_(a, b, c) a##b##c
#define PASTE(a, b, c) PASTE_(a, b, c)
#define DS(operation) PASTE(PASTE(ds_, STRUCTURE, _), operation, )
#define DS_HEAD struct PASTE(ds_, STRUCTURE, _head)
#define DS_NODE struct PASTE(ds_, STRUCTURE, _node)

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#condition);                                   \
			exit(1);                                               \
		}                                                              \
	} while (0)

#define CHECK_EQUAL(a, b)                                                      \
	do {                                                                   \
		long long a_ = (long long)(a), b_ = (long long)(b);            \
		if (a_ != b_) {                                                \
			fprintf(stderr, "%s:%d: %s is %lld, %s is %lld\n",     \
				__FILE__, __LINE__, #a, a_, #b, b_);           \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* An arena of @pages in a memfd at ARENA_BASE; this thread becomes lane 0. */
static inline void make_arena(unsigned int pages, unsigned int lanes)
{
	int fd = memfd_create("arena", 0);
	void *at;

	CHECK(fd >= 0 && ftruncate(fd, (off_t)pages * PAGE_SIZE) == 0);
	at = mmap((void *)ARENA_BASE, (size_t)pages * PAGE_SIZE,
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
		  0);
	CHECK(at == (void *)ARENA_BASE);
	close(fd);
	CHECK(arena_format(pages, pages, lanes, lanes) == 0);
	arena_bind(0);
}

/* The sum of one of the lanes' counters. */
#define SUM_LANES(member)                                                      \
	({                                                                     \
		__u64 sum_ = 0;                                                \
		for (__u32 lane_ = 0; lane_ < arena_header()->lanes; lane_++)  \
			sum_ += arena_lane(lane_)->member;                     \
		sum_;                                                          \
	})

static inline __u64 live_objects(void)
{
	return SUM_LANES(allocations) - SUM_LANES(frees);
}

/* xorshift64*: short, and the same everywhere. */
static inline __u64 next_random(__u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}
