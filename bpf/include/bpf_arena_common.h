/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf_arena_common.h - what a structure may assume on either side of the arena.
 *
 * One source is compiled twice: by clang for BPF (__bpf__ is defined) and by
 * gcc or clang for user space. This file gives both the same words: __arena,
 * can_loop, the memory barriers, and the arena's fixed address.
 */
#pragma once

#ifdef __bpf__
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#else
#include <errno.h>
#include <linux/types.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#endif

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef PAGE_SIZE
#define PAGE_SIZE 4096
#endif
#ifndef NUMA_NO_NODE
#define NUMA_NO_NODE (-1)
#endif
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __maybe_unused
#define __maybe_unused __attribute__((unused))
#endif
#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#ifndef barrier
#define barrier() __asm__ volatile("" ::: "memory")
#endif

/*
 * The address at which user space maps the arena, and hence the upper half of
 * every pointer stored in it. An arena is at most 4 GiB and must not cross a
 * 4 GiB boundary (kernel/bpf/arena.c), so the lower 32 bits are the offset.
 * arm64 wants an address that its 48-bit user space has; so does every other
 * machine with less than x86-64's 47 bits.
 */
#ifndef ARENA_BASE
#if defined(__x86_64__) || defined(__TARGET_ARCH_x86)
#define ARENA_BASE (1ULL << 44)
#else
#define ARENA_BASE (1ULL << 32)
#endif
#endif

#ifdef __bpf__

#ifndef __BPF_FEATURE_ADDR_SPACE_CAST
#error "clang 19 or newer is needed: this compiler has no arena address space casts for BPF"
#endif

#define __arena __attribute__((address_space(1)))
#define __arena_global __attribute__((address_space(1)))
#define cast_kern(ptr) ((void)(ptr)) /* the compiler casts */
#define cast_user(ptr) ((void)(ptr))

/* What headers written against the kernel's own types expect to find. */
typedef _Bool bool;
#define true 1
#define false 0
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef __u8 uint8_t;
typedef __u16 uint16_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;
typedef __s32 int32_t;
typedef __s64 int64_t;
typedef unsigned long size_t;
typedef unsigned long uintptr_t;

/*
 * can_loop - true until the kernel takes the loop's allowance away
 *
 * Belongs in the condition of every loop whose bound the verifier cannot see.
 * A program that loops for about 250 ms (or 8 million times, before 6.15) gets
 * false and must leave the loop.
 */
#define can_loop                                                               \
	({                                                                     \
		__label__ out_of_time, done;                                   \
		bool go_on = true;                                             \
		asm volatile goto("may_goto %l[out_of_time]"                   \
				  :                                            \
				  :                                            \
				  :                                            \
				  : out_of_time);                              \
		goto done;                                                     \
out_of_time:                                                                   \
		go_on = false;                                                 \
done:;                                                                         \
		go_on;                                                         \
	})

/*
 * arena_for - count i from 0 to n-1
 *
 * The open-coded iterator of the kernel: verified once, never cut off. For
 * loops that must not be left half way, such as those under a lock.
 */
#define arena_for(i, n) bpf_for(i, 0, (int)(n))

#else /* user space */

#define __arena
#define __arena_global
#define cast_kern(ptr) ((void)(ptr))
#define cast_user(ptr) ((void)(ptr))
#define can_loop (1)
#define arena_for(i, n) for ((i) = 0; (i) < (int)(n); (i)++)
#define bpf_printk(...) ((void)0)

#endif

#define cond_break                                                             \
	if (!can_loop)                                                         \
	break

#define arena_container_of(ptr, type, member)                                  \
	((type __arena *)((char __arena *)(ptr) - offsetof(type, member)))

/** arena_offset - where in the arena a pointer points (0 for NULL) */
#define arena_offset(ptr) ((__u32)(unsigned long)(ptr))

/** arena_ptr - the pointer to an offset; the inverse of arena_offset() */
#define arena_ptr(type, offset)                                                \
	((type __arena *)(unsigned long)(ARENA_BASE | (__u32)(offset)))

/** arena_validate_ptr - whether a pointer points into the arena at all */
#define arena_validate_ptr(ptr)                                                \
	(((__u64)(unsigned long)(ptr) >> 32) == (ARENA_BASE >> 32))
