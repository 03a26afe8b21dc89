// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* allocator.bpf.c - the kernel's part of the allocator's tests; the other part
 * and the tests themselves are in tests/c/alloc_kernel.c. */
#include "populate.bpf.h"
#include "allocator.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define PROGRAM(name)                                                          \
	SEC("syscall")                                                         \
	int name(struct test_call *call)

#define table_of(call) ((__u64 __arena *)(unsigned long)(call)->at)

static __always_inline bool begin(struct test_call *call)
{
	arena_use();
	call->done = 0;
	return arena_bind(call->lane);
}

PROGRAM(populate)
{
	if (!begin(call))
		return 1;
	call->done = populate_pages(call->count);
	return 0;
}

/* Fill the table with objects of @size, or of many sizes. */
PROGRAM(allocate)
{
	__u64 i;

	if (!begin(call))
		return 1;
	for (i = arena_zero(); i < call->count && can_loop; i++) {
		__u32 size = call->size ? call->size
					: test_size(test_random(&call->random));
		void __arena *object = bpf_arena_alloc(size);

		if (!object)
			break;
		test_fill((__u64)(unsigned long)object, size, (__u32)i);
		table_of(call)[i] = arena_offset(object) | (__u64)size << 32;
		call->done++;
	}
	return 0;
}

/* Free what the table holds, after a look at its pattern. */
PROGRAM(release)
{
	__u64 i;

	if (!begin(call))
		return 1;
	for (i = arena_zero(); i < call->count && can_loop; i++) {
		__u64 held = table_of(call)[i];
		void __arena *object = arena_ptr(void, (__u32)held);

		if (test_damage((__u64)(unsigned long)object,
				(__u32)(held >> 32)))
			call->damaged = held;
		bpf_arena_free(object);
		call->done++;
	}
	return 0;
}

/* Free what the table holds, whoever else does the same. */
PROGRAM(race)
{
	__u64 i;

	if (!begin(call))
		return 1;
	for (i = arena_zero(); i < call->count && can_loop; i++) {
		bpf_arena_free(arena_ptr(void, (__u32)table_of(call)[i]));
		call->done++;
	}
	return 0;
}

/* Free or retire (count 1) one address, however wrong. */
PROGRAM(misuse)
{
	void __arena *address = (void __arena *)(unsigned long)call->at;

	if (!begin(call))
		return 1;
	if (call->count)
		arena_retire(address);
	else
		bpf_arena_free(address);
	return 0;
}

PROGRAM(enter)
{
	if (!begin(call))
		return 1;
	arena_enter();
	return 0;
}

PROGRAM(leave)
{
	if (!begin(call))
		return 1;
	arena_exit();
	return 0;
}

/* Allocate and retire: memory is reclaimed by the way. */
PROGRAM(churn)
{
	__u64 i;

	if (!begin(call))
		return 1;
	for (i = arena_zero(); i < call->count && can_loop; i++) {
		void __arena *object = bpf_arena_alloc(call->size);

		if (!object)
			break;
		test_fill((__u64)(unsigned long)object, call->size, 99);
		arena_enter();
		arena_retire(object);
		arena_exit();
		call->done++;
	}
	return 0;
}

/*
 * BPF calls nest 8 deep. The library takes 4 of them, the driver 2 (a program
 * and its operation): that it loads shows that 2 are left to a structure.
 */
__weak __noinline int deep_3(__u64 size)
{
	void __arena *object = bpf_arena_alloc(size);

	bpf_arena_free(bpf_arena_alloc(size));
	arena_retire(object);
	return 0;
}

__weak __noinline int deep_2(__u64 size)
{
	return deep_3(size);
}

__weak __noinline int deep_1(__u64 size)
{
	return deep_2(size);
}

PROGRAM(deep)
{
	if (!begin(call))
		return 1;
	return deep_1(call->size);
}

/* @count steps of a kind that user lanes take alike. The context cannot be
 * handed on (it is no ordinary memory to the verifier), so a copy is. */
#define STEPS(name)                                                            \
	PROGRAM(name)                                                          \
	{                                                                      \
		struct test_call mine = {};                                    \
		__u64 i;                                                       \
                                                                               \
		if (!begin(call))                                              \
			return 1;                                              \
		mine.size = call->size;                                        \
		mine.at = call->at;                                            \
		mine.random = call->random;                                    \
		for (i = arena_zero(); i < call->count && can_loop; i++)       \
			test_##name(&mine);                                    \
		call->random = mine.random;                                    \
		call->done = mine.done;                                        \
		call->damaged = mine.damaged;                                  \
		return 0;                                                      \
	}

STEPS(exchange)
STEPS(stack)
STEPS(lock)
