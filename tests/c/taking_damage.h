/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* taking_damage.h - damage a word, see that verify notices, and mend it. */
#pragma once

#include "taking.h"

static DS_HEAD *head;

static void noticed(const char *what)
{
	if (DS(verify)(head) == DS_ERROR_CORRUPT)
		return;
	fprintf(stderr, "not noticed: %s\n", what);
	exit(1);
}

/* @at is a pointer to any word of 8 bytes. */
static void damaged(void *at, __u64 value, const char *what)
{
	__u64 good;

	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	memcpy(&good, at, sizeof(good));
	memcpy(at, &value, sizeof(value));
	noticed(what);
	memcpy(at, &good, sizeof(good));
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
}

/* What no pointer to an object of @size is. */
static void wild(void *at, __u64 size, __u64 base)
{
	void *freed = bpf_arena_alloc(size), *stray = bpf_arena_alloc(100);

	memset(freed, 0, 8);
	memset(stray, 0, 8);
	bpf_arena_free(freed);
	damaged(at, 0, "nothing");
	damaged(at, 0x10, "a small number");
	damaged(at, base | arena_offset(freed), "a freed object");
	damaged(at, base | arena_offset(stray), "an object of another size");
	damaged(at, *(__u64 *)at + 16, "the middle of an object");
	damaged(at, *(__u64 *)at + 8, "an odd address");
	damaged(at, base | arena_offset(arena_header()), "the allocator's own");
	damaged(at, base | arena_offset(head), "the head");
	damaged(at, base | (4095 * PAGE_SIZE + 16), "a page never used");
	damaged(at, base | 0xfffffff0, "beyond the arena");
}

/* A lane that is at work excuses what it may just be doing. */
static inline void excused(void)
{
	head->stats->lane[1].inside = 1;
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	head->stats->lane[1].inside = 0;
}
