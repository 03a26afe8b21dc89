/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * alloc_common.h - what the allocator's test programs share: an arena in a
 * memfd, lanes as threads, objects filled with a pattern, and the audit.
 *
 * A program runs the tests named on its command line, or all. A failed check
 * says where and ends the program with status 1.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena_format.h"
#include "../bpf/pattern.h"

#define check(condition, ...)                                                  \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: not so: %s:", __FILE__,        \
				__LINE__, #condition);                         \
			fprintf(stderr, " " __VA_ARGS__);                      \
			fputc('\n', stderr);                                   \
			_exit(1);                                              \
		}                                                              \
	} while (0)

/* A new arena of @pages pages at its address; the caller is lane 0. */
static inline void arena_anew(__u32 pages, __u32 lanes)
{
	static __u32 mapped;
	int fd = memfd_create("arena", MFD_CLOEXEC);
	__u64 size = (__u64)pages * PAGE_SIZE;

	if (mapped)
		munmap((void *)ARENA_BASE, (__u64)mapped * PAGE_SIZE);
	check(fd >= 0 && !ftruncate(fd, size));
	check(mmap((void *)ARENA_BASE, size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
		   0) == (void *)ARENA_BASE);
	close(fd);
	mapped = pages;
	check(!arena_format(pages, pages, lanes, lanes));
}

static inline __u64 next_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline void pattern_fill(void *object, __u32 size, __u32 number)
{
	pattern_write(object, size, number);
}

static inline void pattern_check(const void *object, __u32 size)
{
	__u32 damage = pattern_damage(object, size);

	check(!damage, "%p of %u bytes has a second owner, at byte %u", object,
	      size, damage - 1);
}

/* Run @lanes threads as lanes 1..@lanes; each gets its number. */
struct test_lane {
	pthread_t thread;
	void (*body)(__u32 lane);
	__u32 lane;
};

static inline void *test_lane_start(void *argument)
{
	struct test_lane *lane = argument;

	arena_bind(lane->lane);
	lane->body(lane->lane);
	return NULL;
}

static inline void run_lanes(__u32 lanes, void (*body)(__u32 lane))
{
	struct test_lane all[16];

	check(lanes <= 16);
	for (__u32 i = 0; i < lanes; i++) {
		all[i].body = body;
		all[i].lane = i + 1;
		check(!pthread_create(&all[i].thread, NULL, test_lane_start,
				      &all[i]));
	}
	for (__u32 i = 0; i < lanes; i++)
		pthread_join(all[i].thread, NULL);
}

struct audit {
	__u64 live; /* objects, by their states */
	__u64 freed;
	__u64 retired;
	__u64 live_runs;
	__u64 free_pages;
};

/* Mark a slot of a list as seen by a bit of its state that nobody uses. */
static inline void audit_list(__u32 list, __u32 state, __u64 *count)
{
	while (list) {
		struct arena_slot *slot = arena_slot_of(list);
		__u32 link = slot->link;

		check((slot->state & ARENA_STATE_BITS) == state,
		      "%#x is in a list for state %u and has %#x", list, state,
		      slot->state);
		slot->state |= 4;
		++*count;
		list = link;
	}
}

/*
 * With all lanes stopped: every page is in exactly one place, every slot ever
 * handed out is live or in exactly one list, and the counters agree. Leaves
 * the arena as it was.
 */
static inline struct audit audit(void)
{
	struct arena_header *header = arena_header();
	struct audit out = {};
	__u64 listed = 0, limbo = 0, runs_in_limbo = 0, sum = 0, bits = 0;

	for (__u32 size_class = 1; size_class < ARENA_CLASSES; size_class++) {
		__u32 batch = (__u32)header->depots[size_class].top;

		while (batch) {
			__u32 next = arena_ptr(struct arena_batch, batch)->next;

			audit_list(batch, ARENA_FREED, &listed);
			batch = next;
		}
		for (__u32 id = 0; id < header->lanes; id++) {
			struct arena_magazine *magazine =
				&arena_lane(id)->magazines[size_class];

			audit_list(magazine->hot, ARENA_FREED, &listed);
			audit_list(magazine->cold, ARENA_FREED, &listed);
		}
	}
	for (__u32 id = 0; id < header->lanes; id++) {
		for (int i = 0; i < ARENA_LIMBOS; i++) {
			struct arena_limbo *in = &arena_lane(id)->limbo[i];
			__u32 count = 0;

			for (__u32 at = in->head; at; count++) {
				if (at % PAGE_SIZE == 0)
					runs_in_limbo++;
				limbo++;
				at = *arena_limbo_link(at);
			}
			check(count == in->count);
		}
		sum += arena_lane(id)->allocations - arena_lane(id)->frees;
	}
	for (__u32 at = header->pages_first; at < header->frontier; at++) {
		struct arena_page *page = arena_page(at);
		__u32 size = arena_slot_size(page->size_class), length;
		bool bit = *arena_bits(at) >> (at & 63) & 1;

		bits += bit;
		check(bit == (page->kind == ARENA_PAGE_FREE),
		      "page %u, of kind %u, has the wrong bit", at, page->kind);
		switch (page->kind) {
		case ARENA_PAGE_FREE:
			out.free_pages++;
			break;
		case ARENA_PAGE_SMALL:
			for (__u32 i = 0; i < page->state; i++) {
				__u32 offset = at * PAGE_SIZE +
					       ARENA_FIRST_OBJECT + i * size;
				__u32 word = arena_slot_of(offset)->state;

				check((word & ~ARENA_STATE_BITS) ==
				      arena_slot_word(offset, page->size_class,
						      0));
				switch (word & ARENA_STATE_BITS) {
				case ARENA_LIVE:
					out.live++;
					break;
				case ARENA_FREED | 4:
					arena_slot_of(offset)->state =
						word & ~4;
					out.freed++;
					break;
				case ARENA_RETIRED:
					out.retired++;
					break;
				default:
					check(0, "slot %#x is lost: %#x",
					      offset, word);
				}
			}
			break;
		case ARENA_PAGE_RUN:
			length = page->state >> ARENA_RUN_SHIFT;
			check(length && at + length <= header->frontier);
			if ((page->state & ARENA_STATE_BITS) == ARENA_LIVE)
				out.live_runs++;
			for (__u32 i = 1; i < length; i++) {
				check(arena_page(at + i)->kind ==
				      ARENA_PAGE_RUN_TAIL);
				check(arena_page(at + i)->link == at);
			}
			at += length - 1;
			break;
		default:
			check(0, "page %u is lost: kind %u", at, page->kind);
		}
	}
	check(listed == out.freed, "%llu slots in lists, %llu freed", listed,
	      out.freed);
	check(limbo == out.retired + runs_in_limbo);
	check(bits == header->free_pages, "%llu bits, %llu counted", bits,
	      header->free_pages);
	out.live += out.live_runs;
	check(sum == out.live + limbo, "allocations - frees %llu, objects %llu",
	      sum, out.live + limbo);
	return out;
}

static inline __u64 counted(size_t field)
{
	__u64 sum = 0;

	for (__u32 id = 0; id < arena_header()->lanes; id++)
		sum += *(__u64 *)((char *)arena_lane(id) + field);
	return sum;
}
#define COUNTED(field) counted(offsetof(struct arena_lane, field))

struct test {
	const char *name;
	void (*run)(void);
};

#define TESTS(...)                                                             \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		const struct test tests[] = {__VA_ARGS__};                     \
                                                                               \
		return run_tests(tests, sizeof(tests) / sizeof(*tests), argc,  \
				 argv);                                        \
	}

static inline int run_tests(const struct test *tests, size_t count, int argc,
			    char **argv)
{
	for (size_t i = 0; i < count; i++) {
		bool wanted = argc < 2;

		if (argc == 2 && !strcmp(argv[1], "--list")) {
			puts(tests[i].name);
			continue;
		}
		for (int a = 1; a < argc; a++)
			wanted |= !strcmp(argv[a], tests[i].name);
		if (!wanted)
			continue;
		tests[i].run();
		printf("ok %s\n", tests[i].name);
		fflush(stdout);
	}
	return 0;
}
