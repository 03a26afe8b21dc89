/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_layout.h - the allocator's whole state, as it lies in the arena.
 *
 * Everything that allocating, freeing and reclaiming need is here and nowhere
 * else, so kernel lanes, user lanes and an observer with a read-only mapping
 * see the same thing:
 *
 *   page 0..15   left alone. Offset 0 stays unpopulated, so that 0 can mean
 *                "none" and a NULL dereference hits nothing; libbpf may put a
 *                program's own __arena globals here
 *   page 16      struct arena_header
 *   then         struct arena_lane[lanes_max]
 *   then         one bit a page: populated and free
 *   then         struct arena_page[pages], one descriptor a page
 *   pages_first  what is handed out: objects in size classes, runs of pages
 *   frontier     the first page never populated so far
 *
 * Descriptors are populated together with the pages that they describe, so an
 * observer reads descriptors below the frontier only and never touches a page
 * that is not there.
 */
#pragma once

#include "arena_atomic.h"

#define ARENA_MAGIC 0x414e455241574231ULL
#define ARENA_LAYOUT_VERSION 1
#define ARENA_HEADER_PAGE 16
#define ARENA_LANES_MAX 512
#define ARENA_CLASSES 26
#define ARENA_FAULTS_MAX 16
#define ARENA_TASKS 2048 /* a power of two */
#define ARENA_LIMBOS 4
#define ARENA_CACHE_LINE 64
#define __arena_line __attribute__((aligned(ARENA_CACHE_LINE)))

/** enum arena_page_kind - what a page holds */
enum arena_page_kind {
	ARENA_PAGE_UNPOPULATED = 0,
	ARENA_PAGE_FREE = 1, /* populated, its bit is set */
	ARENA_PAGE_SMALL = 2, /* slots of one size class */
	ARENA_PAGE_RUN = 3, /* the first page of a run */
	ARENA_PAGE_RUN_TAIL = 4,
	ARENA_PAGE_META = 5, /* this layout itself */
};

/** enum arena_state - what an object, small or a run, is just now */
enum arena_state {
	ARENA_NEVER = 0,
	ARENA_LIVE = 1,
	ARENA_FREED = 2,
	ARENA_RETIRED = 3,
};

/**
 * struct arena_page - descriptor of one page (16 bytes)
 * @kind: enum arena_page_kind
 * @size_class: of a SMALL page
 * @lane: who took the page
 * @state: SMALL: slots handed out at least once. RUN: enum arena_state in the
 *         low 3 bits, above them the length in pages. FREE: ARENA_FREED where
 *         a run began that was freed, else 0
 * @word: these four at once: they change together, and are read together
 * @link: RUN: next in a limbo list (an offset). RUN_TAIL: page of the head
 * @stamp: the last tick in which it changed << 1, and who was the first to
 *         change it in that tick: | 1 a kernel lane, | 0 a user lane
 */
struct arena_page {
	union {
		struct {
			__u8 kind;
			__u8 size_class;
			__u16 lane;
			__u32 state;
		};
		__u64 word;
	};
	__u32 link;
	__u32 stamp;
};

/**
 * struct arena_slot - the 8 bytes before every small object
 * @link: LIVE: the lane that allocated it. Else the next in its list
 * @state: enum arena_state (3 bits), size class (5 bits), and a hash of the
 *         object's own offset (24 bits) that tells a slot from other memory
 */
struct arena_slot {
	__u32 link;
	__u32 state;
};

/**
 * struct arena_magazine - one lane's cache of one size class
 * @hot: list that objects are taken from and freed to
 * @hot_count: its length
 * @cold: a full list of ARENA_BATCH objects, or 0
 * @carve: the next slot of this lane's newest page never handed out, or 0
 * @carve_left: how many such slots are left in that page
 */
struct arena_magazine {
	__u32 hot;
	__u32 hot_count;
	__u32 cold;
	__u32 carve;
	__u32 carve_left;
};

/** struct arena_limbo - objects retired in one epoch, not yet reusable */
struct arena_limbo {
	__u64 epoch;
	__u32 head;
	__u32 count;
};

/**
 * struct arena_lane - what belongs to one lane; only that lane writes it
 * @epoch: epoch << 1 | 1 inside an operation, 0 outside
 * @operation: what the lane is doing, for fault reports (type << 60 | key)
 * @blocked: times this lane could not advance the epoch
 * @blocked_by: the lane that held it back last, plus 1
 *
 * Counters are summed by whoever reads them; no two lanes share a line.
 */
struct arena_lane {
	__u64 epoch __arena_line;
	__u32 nesting;
	__u32 id;
	__u64 operation;
	__u64 allocations __arena_line;
	__u64 frees;
	__u64 failed;
	__u64 retired;
	__u64 reclaimed;
	__u64 double_frees;
	__u64 bad_frees;
	__u64 blocked;
	struct arena_limbo limbo[ARENA_LIMBOS] __arena_line;
	__u32 since_advance;
	__u32 blocked_by;
	struct arena_magazine magazines[ARENA_CLASSES] __arena_line;
};

/** enum arena_fault_kind - misuse of the allocator that was caught */
enum arena_fault_kind {
	ARENA_FAULT_DOUBLE_FREE = 1,
	ARENA_FAULT_BAD_FREE = 2, /* never handed out, or not its start */
	ARENA_FAULT_DOUBLE_RETIRE = 3,
	ARENA_FAULT_BAD_RETIRE = 4,
	ARENA_FAULT_SELF_LOCK = 5, /* a lane waits for the lock it holds */
};

struct arena_fault {
	__u32 kind;
	__u32 lane;
	__u64 address;
	__u64 operation;
};

/** struct arena_task - which lane a kernel-side task is */
struct arena_task {
	__u32 tid; /* 0 when the place is empty */
	__u32 lane;
};

/** struct arena_depot - a shared list of full batches: tag << 32 | offset */
struct arena_depot {
	__u64 top __arena_line;
};

/**
 * struct arena_header - the arena's root, at page ARENA_HEADER_PAGE
 * @pages: pages of the whole arena
 * @limit: first page that must not be handed out
 * @lanes: how many of the lanes are in use
 * @first_trigger_lane: lane of CPU 0 for programs run by a trigger
 * @root: address of the structure's head; @root_size its size in bytes
 * @tick: the display's clock, for the pages' stamps
 * @zero: always 0; see arena_zero()
 * @frontier: first page never populated
 * @reserve: free pages that user lanes leave to kernel lanes as long as they
 *           can populate others
 * @free_pages: populated pages whose bit is set
 * @hint: word of the bitmap in which a page was found last
 * @run_hint: no page below this one is free, probably
 * @published: counts how often free pages were added
 * @no_run: published << 32 | length: no run as long as that was found then
 */
struct arena_header {
	__u64 magic;
	__u32 version;
	__u32 pages;
	__u32 pages_first;
	__u32 limit;
	__u32 lanes_page;
	__u32 bitmap_page;
	__u32 descriptors_page;
	__u32 lanes;
	__u32 lanes_max;
	__u32 first_trigger_lane;
	__u64 root;
	__u64 root_size;
	__u32 tick;
	__u32 zero;
	__u32 fault_count __arena_line;
	struct arena_fault faults[ARENA_FAULTS_MAX];
	__u64 epoch __arena_line;
	__u32 frontier __arena_line; /* every free looks at this line */
	__u32 reserve;
	__u64 free_pages __arena_line;
	__u64 no_run;
	__u32 hint;
	__u32 run_hint;
	__u32 published;
	struct arena_depot depots[ARENA_CLASSES];
	struct arena_task tasks[ARENA_TASKS] __arena_line;
};

#define ARENA_PAGES_FOR(bytes)                                                 \
	((__u32)(((__u64)(bytes) + PAGE_SIZE - 1) / PAGE_SIZE))
#define ARENA_HEADER_PAGES ARENA_PAGES_FOR(sizeof(struct arena_header))
#define ARENA_LANES_PAGES                                                      \
	ARENA_PAGES_FOR(sizeof(struct arena_lane) * ARENA_LANES_MAX)

/* All of these are constants of the build or follow from the page count. */
#define ARENA_LANES_PAGE (ARENA_HEADER_PAGE + ARENA_HEADER_PAGES)
#define ARENA_BITMAP_PAGE (ARENA_LANES_PAGE + ARENA_LANES_PAGES)
#define ARENA_BITMAP_PAGES(pages)                                              \
	ARENA_PAGES_FOR(((__u64)(pages) + 63) / 64 * 8)
#define ARENA_DESCRIPTORS_PAGES(pages)                                         \
	ARENA_PAGES_FOR((__u64)(pages) * sizeof(struct arena_page))

#define arena_header()                                                         \
	arena_ptr(struct arena_header, ARENA_HEADER_PAGE *PAGE_SIZE)

/**
 * arena_zero - a zero that the verifier does not know to be one
 *
 * A loop that counts from a known number is verified once for each of its
 * rounds; one that counts from anything is verified once.
 */
#ifdef __bpf__
#define arena_zero() READ_ONCE(arena_header()->zero)
#else
#define arena_zero() 0
#endif

static __always_inline struct arena_lane __arena *arena_lane(__u32 id)
{
	return arena_ptr(struct arena_lane, ARENA_LANES_PAGE * PAGE_SIZE) +
	       (id & (ARENA_LANES_MAX - 1));
}

/* The bitmap has room for every page of the largest arena at a fixed place. */
#define ARENA_PAGES_MAX (1U << 20)
#define ARENA_DESCRIPTORS_PAGE                                                 \
	(ARENA_BITMAP_PAGE + ARENA_BITMAP_PAGES(ARENA_PAGES_MAX))

static __always_inline struct arena_page __arena *arena_page(__u32 index)
{
	return arena_ptr(struct arena_page,
			 ARENA_DESCRIPTORS_PAGE * PAGE_SIZE) +
	       (index & (ARENA_PAGES_MAX - 1));
}

static __always_inline __u64 __arena *arena_bits(__u32 page)
{
	return arena_ptr(__u64, ARENA_BITMAP_PAGE * PAGE_SIZE) +
	       ((page & (ARENA_PAGES_MAX - 1)) >> 6);
}

/** arena_class_of - the size class for an object of @size bytes, 0: a run */
static __always_inline __u32 arena_class_of(__u64 size)
{
	if (size <= 248)
		return size ? (__u32)(size + 8 + 15) >> 4 : 1;
	return size <= 312    ? 17
	       : size <= 376  ? 18
	       : size <= 440  ? 19
	       : size <= 504  ? 20
	       : size <= 632  ? 21
	       : size <= 760  ? 22
	       : size <= 1000 ? 23
	       : size <= 1352 ? 24
	       : size <= 2024 ? 25
			      : 0;
}

/* An index for sure, whatever was read. */
#define arena_class_index(size_class)                                          \
	((size_class) < ARENA_CLASSES ? (size_class) : 0)

/** arena_slot_size - bytes from one object of a class to the next */
static __always_inline __u32 arena_slot_size(__u32 size_class)
{
	if (size_class <= 16)
		return size_class << 4;
	switch (size_class) {
	case 17:
		return 320;
	case 18:
		return 384;
	case 19:
		return 448;
	case 20:
		return 512;
	case 21:
		return 640;
	case 22:
		return 768;
	case 23:
		return 1008;
	case 24:
		return 1360;
	default:
		return 2032;
	}
}

/* Objects are 16-byte aligned; the first one's slot header lies at byte 8. */
#define ARENA_FIRST_OBJECT 16
#define arena_slots_per_page(slot_size) ((PAGE_SIZE - 8) / (slot_size))

#define ARENA_STATE_BITS 7U
#define arena_slot_hash(offset) (((__u32)(offset) * 0x9e3779b1U) & 0xffffff00U)
#define arena_slot_word(offset, size_class, state)                             \
	(arena_slot_hash(offset) | (size_class) << 3 | (state))
#define arena_slot_class(word) (((word) >> 3) & 31U)

static __always_inline struct arena_slot __arena *arena_slot_of(__u32 offset)
{
	return arena_ptr(struct arena_slot, offset - sizeof(struct arena_slot));
}
