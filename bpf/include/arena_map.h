/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_map.h - the arena as a BPF map, and whole pages by the kernel's names.
 *
 * The kernel's page allocator cannot be called from every program, so to a
 * structure bpf_arena_alloc_pages() means pages of this project's allocator,
 * which a program of any kind may take. populate.bpf.h calls the real one.
 */
#pragma once

#include "arena_alloc.h"

#ifdef __bpf__

#define ARENA_MAP_TYPE 33 /* BPF_MAP_TYPE_ARENA, in uapi headers from 6.9 */

struct {
	__uint(type, ARENA_MAP_TYPE);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024); /* pages; the loader sets the real number */
	__ulong(map_extra, ARENA_BASE);
} arena SEC(".maps");

/* A program that uses arena pointers must name the arena that they are of. */
#define arena_use() asm volatile("" ::"r"(&arena))

void __arena *bpf_arena_alloc_pages(void *map, void __arena *address,
				    __u32 pages, int node, __u64 flags) __ksym
__weak;
void bpf_arena_free_pages(void *map, void __arena *address, __u32 pages) __ksym
__weak;

static __always_inline void __arena *arena_kernel_alloc_pages(void
							      __arena *address,
							      __u32 pages)
{
	return bpf_arena_alloc_pages(&arena, address, pages, NUMA_NO_NODE, 0);
}

#else
static int arena __maybe_unused; /* so that &arena compiles here too */
#endif

static __always_inline void __arena *arena_page_run(__u64 pages)
{
	struct arena_lane __arena *lane = arena_self();
	__u32 offset = pages <= ARENA_PAGES_MAX
			       ? arena_alloc_run(pages * PAGE_SIZE)
			       : 0;

	if (!offset) {
		lane->failed++;
		return NULL;
	}
	lane->allocations++;
	return arena_ptr(void, offset);
}

#define bpf_arena_alloc_pages(map, address, pages, node, flags)                \
	((void)(map), arena_page_run(pages))
#define bpf_arena_free_pages(map, address, pages)                              \
	((void)(map), bpf_arena_free(address))
