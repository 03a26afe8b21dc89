// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* runtime_arena.c - counters and faults, read from outside. See runtime.h. */
#include <errno.h>
#include <sys/mman.h>

#include "arena_reader.h"
#include "runtime.h"

int reader_open(struct arena_reader *reader, const void *base, __u64 size)
{
	const struct arena_header *header;

	memset(reader, 0, sizeof(*reader));
	reader->base = base;
	reader->size = size;
	if (size < (__u64)ARENA_DESCRIPTORS_PAGE * PAGE_SIZE)
		return -1;
	header = reader_at(reader, (__u64)ARENA_HEADER_PAGE * PAGE_SIZE);
	/* Acquire: pairs with the release at the end of arena_format(). */
	if (__atomic_load_n(&header->magic, __ATOMIC_ACQUIRE) != ARENA_MAGIC ||
	    header->version != ARENA_LAYOUT_VERSION)
		return -1;
	reader->header = header;
	reader->pages = header->pages;
	reader->pages_first = header->pages_first;
	reader->frontier = __atomic_load_n(&header->frontier, __ATOMIC_ACQUIRE);
	reader->lanes = header->lanes;
	if ((__u64)reader->pages * PAGE_SIZE > size ||
	    reader->frontier > reader->pages ||
	    reader->pages_first > reader->frontier ||
	    reader->pages_first < ARENA_DESCRIPTORS_PAGE ||
	    reader->lanes > ARENA_LANES_MAX)
		return -1;
	return 0;
}

void runtime_summarise(const void *base, __u64 size,
		       struct runtime_summary *out)
{
	struct arena_reader reader;

	memset(out, 0, sizeof(*out));
	out->status = reader_open(&reader, base, size);
	if (out->status)
		return;
	out->pages = reader.pages;
	out->pages_first = reader.pages_first;
	out->limit = reader.header->limit;
	out->frontier = reader.frontier;
	out->lanes = reader.lanes;
	out->free_pages = reader.header->free_pages;
	out->epoch = reader.header->epoch;
	out->root = reader.header->root;
	out->root_size = reader.header->root_size;
	out->fault_count = reader.header->fault_count;
	for (__u32 i = 0; i < ARENA_FAULTS_MAX; i++) {
		const struct arena_fault *fault = &reader.header->faults[i];

		/* Acquire: pairs with the release in arena_report(). */
		if (!__atomic_load_n(&fault->kind, __ATOMIC_ACQUIRE))
			continue;
		out->faults[out->faults_kept].kind = fault->kind;
		out->faults[out->faults_kept].lane = fault->lane;
		out->faults[out->faults_kept].address = fault->address;
		out->faults[out->faults_kept].operation = fault->operation;
		out->faults_kept++;
	}
}

__u32 runtime_lanes(const void *base, __u64 size, struct runtime_lane *out,
		    __u32 count)
{
	struct arena_reader reader;
	const struct arena_lane *lanes;

	if (reader_open(&reader, base, size))
		return 0;
	lanes = reader_at(&reader, (__u64)ARENA_LANES_PAGE * PAGE_SIZE);
	if (count > reader.lanes)
		count = reader.lanes;
	for (__u32 i = 0; i < count; i++) {
		const struct arena_lane *lane = &lanes[i];

		out[i].epoch = lane->epoch;
		out[i].allocations = lane->allocations;
		out[i].frees = lane->frees;
		out[i].failed = lane->failed;
		out[i].retired = lane->retired;
		out[i].reclaimed = lane->reclaimed;
		out[i].double_frees = lane->double_frees;
		out[i].bad_frees = lane->bad_frees;
		out[i].blocked = lane->blocked;
		out[i].blocked_by = lane->blocked_by;
		out[i].limbo = 0;
		for (int l = 0; l < ARENA_LIMBOS; l++)
			out[i].limbo += lane->limbo[l].count;
	}
	return count;
}

int runtime_map(int fd, __u64 size)
{
	void *got = mmap((void *)ARENA_BASE, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);

	if (got == MAP_FAILED)
		return errno;
	if (got != (void *)ARENA_BASE) {
		munmap(got, size);
		return EEXIST;
	}
	return 0;
}

__u64 runtime_base(void)
{
	return ARENA_BASE;
}

__u32 runtime_lanes_max(void)
{
	return ARENA_LANES_MAX;
}

__u32 runtime_overhead_pages(__u32 pages)
{
	return ARENA_DESCRIPTORS_PAGE + ARENA_DESCRIPTORS_PAGES(pages);
}
