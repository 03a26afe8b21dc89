/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_atomic.h - atomic operations with C11 memory orders, for both sides.
 *
 * Each takes a pointer to a 32-bit or 64-bit integer or to a pointer, in the
 * arena or not. The trailing orders may be left out and are then
 * ARENA_SEQ_CST. Read-modify-write operations return the value before.
 *
 * BPF has fully ordered read-modify-write instructions (every one that returns
 * a value; Documentation/bpf/standardization/instruction-set.rst) and plain
 * loads and stores. Load-acquire and store-release exist from 6.15 and only
 * when the compiler was asked for them, so ordered loads and stores are built
 * from what every arena kernel has:
 *   x86-64: loads are acquire and stores release in hardware (TSO); it is
 *           enough to hold the compiler back. A seq_cst store is an exchange.
 *   others: a full barrier after the load, before the store.
 */
#pragma once

#include "bpf_arena_common.h"

enum arena_order {
	ARENA_RELAXED = __ATOMIC_RELAXED,
	ARENA_ACQUIRE = __ATOMIC_ACQUIRE,
	ARENA_RELEASE = __ATOMIC_RELEASE,
	ARENA_ACQ_REL = __ATOMIC_ACQ_REL,
	ARENA_SEQ_CST = __ATOMIC_SEQ_CST,
};
/* Macros too, so that they can be tested for and used in other headers. */
#define ARENA_RELAXED __ATOMIC_RELAXED
#define ARENA_ACQUIRE __ATOMIC_ACQUIRE
#define ARENA_RELEASE __ATOMIC_RELEASE
#define ARENA_ACQ_REL __ATOMIC_ACQ_REL
#define ARENA_SEQ_CST __ATOMIC_SEQ_CST

/* The type of a value read from *(ptr): no qualifier, no address space. */
#define arena_value_type(ptr)                                                  \
	__typeof__(({                                                          \
		(void)0;                                                       \
		*(ptr);                                                        \
	}))

#define ARENA_PICK_2(a, b, name, ...) name
#define ARENA_PICK_3(a, b, c, name, ...) name
#define ARENA_PICK_5(a, b, c, d, e, name, ...) name

#ifdef __bpf__

#ifndef READ_ONCE
#define READ_ONCE(x) (*(volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#endif

/*
 * A full barrier. BPF has no fence instruction: a read-modify-write that
 * returns a value is one, whatever it works on, here a word of the stack. It
 * is an exchange because that one has no form without a result.
 */
static __always_inline void arena_full_barrier(void)
{
	volatile __u64 nothing = 0;

	(void)__atomic_exchange_n(&nothing, 1, __ATOMIC_SEQ_CST);
	barrier();
}

/*
 * Use a value. clang turns a read-modify-write whose result nobody uses into
 * the instruction that returns none, whatever memory order was asked for, and
 * the kernel's JIT for arm64 makes a relaxed one of that.
 */
#define arena_value_used(value)                                                \
	asm volatile("" ::"r"((__u64)(value)) : "memory")

#ifdef __TARGET_ARCH_x86
#define arena_after_acquire() barrier()
#define arena_before_release() barrier()
/* Either form is a locked instruction, the one without a result is shorter. */
#define arena_rmw(ptr, builtin, value, order) builtin((ptr), (value), (order))
#else
#define arena_after_acquire() arena_full_barrier()
#define arena_before_release() arena_full_barrier()
#define arena_rmw(ptr, builtin, value, order)                                  \
	({                                                                     \
		arena_value_type(ptr) before_ =                                \
			builtin((ptr), (value), (order));                      \
		if ((order) != ARENA_RELAXED)                                  \
			arena_value_used(before_);                             \
		before_;                                                       \
	})
#endif

#define arena_load_1(ptr) arena_load_2(ptr, ARENA_SEQ_CST)
#define arena_load_2(ptr, order)                                               \
	({                                                                     \
		arena_value_type(ptr) loaded_;                                 \
		if ((order) == ARENA_SEQ_CST)                                  \
			arena_before_release();                                \
		loaded_ = *(volatile __typeof__(*(ptr)) *)(ptr);               \
		if ((order) != ARENA_RELAXED)                                  \
			arena_after_acquire();                                 \
		loaded_;                                                       \
	})

#define arena_store_2(ptr, value) arena_store_3(ptr, value, ARENA_SEQ_CST)
#define arena_store_3(ptr, value, order)                                       \
	do {                                                                   \
		if ((order) == ARENA_SEQ_CST) {                                \
			(void)__atomic_exchange_n((ptr), (value),              \
						  __ATOMIC_SEQ_CST);           \
			barrier();                                             \
		} else {                                                       \
			if ((order) != ARENA_RELAXED)                          \
				arena_before_release();                        \
			*(volatile __typeof__(*(ptr)) *)(ptr) = (value);       \
		}                                                              \
	} while (0)

#define arena_atomic_fence(order)                                              \
	((order) == ARENA_SEQ_CST ? arena_full_barrier()                       \
				  : ({ arena_after_acquire(); }))

#else /* user space */

#ifndef READ_ONCE
#define READ_ONCE(x) (*(volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#endif

#define arena_full_barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define arena_load_1(ptr) __atomic_load_n((ptr), __ATOMIC_SEQ_CST)
#define arena_load_2(ptr, order) __atomic_load_n((ptr), (order))
#define arena_store_2(ptr, value)                                              \
	__atomic_store_n((ptr), (value), __ATOMIC_SEQ_CST)
#define arena_store_3(ptr, value, order)                                       \
	__atomic_store_n((ptr), (value), (order))
#define arena_atomic_fence(order) __atomic_thread_fence(order)
#define arena_rmw(ptr, builtin, value, order) builtin((ptr), (value), (order))

#endif

/** arena_atomic_load(ptr[, order]) */
#define arena_atomic_load(...)                                                 \
	ARENA_PICK_2(__VA_ARGS__, arena_load_2, arena_load_1)(__VA_ARGS__)

/** arena_atomic_store(ptr, value[, order]) */
#define arena_atomic_store(...)                                                \
	ARENA_PICK_3(__VA_ARGS__, arena_store_3, arena_store_2)(__VA_ARGS__)

/** arena_atomic_cmpxchg(ptr, old, new[, success, failure]) - the value found */
#define arena_atomic_cmpxchg(...)                                              \
	ARENA_PICK_5(__VA_ARGS__, arena_cmpxchg_5, arena_cmpxchg_4,            \
		     arena_cmpxchg_3)(__VA_ARGS__)
#define arena_cmpxchg_3(ptr, old, new_)                                        \
	arena_cmpxchg_5(ptr, old, new_, ARENA_SEQ_CST, ARENA_SEQ_CST)
#define arena_cmpxchg_4(ptr, old, new_, order)                                 \
	arena_cmpxchg_5(ptr, old, new_, order, ARENA_RELAXED)
#define arena_cmpxchg_5(ptr, old, new_, success, failure)                      \
	({                                                                     \
		arena_value_type(ptr) found_ = (old);                          \
		__atomic_compare_exchange_n((ptr), &found_, (new_), 0,         \
					    (success), (failure));             \
		found_;                                                        \
	})

/** arena_atomic_exchange(ptr, value[, order]) - the value before */
#define arena_atomic_exchange(...)                                             \
	ARENA_PICK_3(__VA_ARGS__, arena_exchange_3, arena_exchange_2)          \
	(__VA_ARGS__)
#define arena_exchange_2(ptr, value) arena_exchange_3(ptr, value, ARENA_SEQ_CST)
#define arena_exchange_3(ptr, value, order)                                    \
	__atomic_exchange_n((ptr), (value), (order))

/** arena_atomic_{add,sub,and,or}(ptr, value[, order]) - the value before */
#define arena_atomic_add(...)                                                  \
	ARENA_PICK_3(__VA_ARGS__, arena_add_3, arena_add_2)(__VA_ARGS__)
#define arena_atomic_sub(...)                                                  \
	ARENA_PICK_3(__VA_ARGS__, arena_sub_3, arena_sub_2)(__VA_ARGS__)
#define arena_atomic_and(...)                                                  \
	ARENA_PICK_3(__VA_ARGS__, arena_and_3, arena_and_2)(__VA_ARGS__)
#define arena_atomic_or(...)                                                   \
	ARENA_PICK_3(__VA_ARGS__, arena_or_3, arena_or_2)(__VA_ARGS__)
#define arena_add_2(ptr, value) arena_add_3(ptr, value, ARENA_SEQ_CST)
#define arena_add_3(ptr, value, order)                                         \
	arena_rmw(ptr, __atomic_fetch_add, value, order)
#define arena_sub_2(ptr, value) arena_sub_3(ptr, value, ARENA_SEQ_CST)
/* BPF has no subtracting instruction: add the negative. */
#define arena_sub_3(ptr, value, order)                                         \
	arena_rmw(ptr, __atomic_fetch_add, -(arena_value_type(ptr))(value),    \
		  order)
#define arena_and_2(ptr, value) arena_and_3(ptr, value, ARENA_SEQ_CST)
#define arena_and_3(ptr, value, order)                                         \
	arena_rmw(ptr, __atomic_fetch_and, value, order)
#define arena_or_2(ptr, value) arena_or_3(ptr, value, ARENA_SEQ_CST)
#define arena_or_3(ptr, value, order)                                          \
	arena_rmw(ptr, __atomic_fetch_or, value, order)

/** arena_atomic_{inc,dec}(ptr[, order]) - the value before */
#define arena_atomic_inc(...)                                                  \
	ARENA_PICK_2(__VA_ARGS__, arena_inc_2, arena_inc_1)(__VA_ARGS__)
#define arena_atomic_dec(...)                                                  \
	ARENA_PICK_2(__VA_ARGS__, arena_dec_2, arena_dec_1)(__VA_ARGS__)
#define arena_inc_1(ptr) arena_add_3(ptr, 1, ARENA_SEQ_CST)
#define arena_inc_2(ptr, order) arena_add_3(ptr, 1, order)
#define arena_dec_1(ptr) arena_add_3(ptr, -1, ARENA_SEQ_CST)
#define arena_dec_2(ptr, order) arena_add_3(ptr, -1, order)

/** arena_memory_barrier - nothing moves across it, on either side */
#define arena_memory_barrier() arena_full_barrier()

/** smp_load_acquire, smp_store_release - the kernel's names for the same */
#ifndef smp_load_acquire
#define smp_load_acquire(ptr) arena_load_2(ptr, ARENA_ACQUIRE)
#define smp_store_release(ptr, value) arena_store_3(ptr, value, ARENA_RELEASE)
#endif
#ifndef smp_mb
#define smp_mb() arena_full_barrier()
#endif
