/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* allocator.h - what allocator.bpf.c and alloc_kernel.c tell each other, and
 * the work that both sides do alike. */
#pragma once

#include "pattern.h"
#include "stack.h"

/**
 * struct test_call - context of the test programs
 * @lane: which lane the caller is from now on
 * @at: address in the arena of a table of objects, of boxes, a stack, a lock
 * @count: how many times, @size: bytes of an object, 0: many sizes
 * @random: state of the generator
 * @done: out: how many times; @damaged: out: an object with a second owner
 */
struct test_call {
	__u32 lane;
	__u32 size;
	__u64 at;
	__u64 count;
	__u64 random;
	__u64 done;
	__u64 damaged;
};

static __always_inline __u64 test_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static __always_inline __u32 test_size(__u64 random)
{
	return random % 16 ? (random >> 8) % 2025 : (random >> 8) % 20000;
}

/* Functions of plain numbers, each verified once. 0: whole. */
ARENA_OUTLINE int test_fill(__u64 address, __u32 size, __u32 number)
{
	pattern_write((volatile __u8 __arena *)(unsigned long)address, size,
		      number);
	return 0;
}

ARENA_OUTLINE __u32 test_damage(__u64 address, __u32 size)
{
	return pattern_damage(
		(const volatile __u8 __arena *)(unsigned long)address, size);
}

#define TEST_BOXES 1024

/* A box holds offset | size << 32, or 0; who swaps it out owns the object. */
static __always_inline int test_exchange(struct test_call *call)
{
	__u64 __arena *boxes = (__u64 __arena *)(unsigned long)call->at;
	__u64 drawn = test_random(&call->random), held = 0;
	__u32 size = call->size ? call->size : test_size(drawn >> 16);
	void __arena *object;

	arena_enter();
	if (drawn % 16 < 9) { /* somewhat more in than out */
		object = bpf_arena_alloc(size);
		if (object) {
			test_fill((__u64)(unsigned long)object, size,
				  (__u32)drawn);
			held = arena_offset(object) | (__u64)size << 32;
		}
	}
	/* Release the pattern with the object, acquire the other's. */
	held = arena_atomic_exchange(&boxes[(drawn >> 8) % TEST_BOXES], held,
				     ARENA_ACQ_REL);
	if (held) {
		object = arena_ptr(void, (__u32)held);
		if (test_damage((__u64)(unsigned long)object,
				(__u32)(held >> 32)))
			call->damaged = held;
		if ((drawn >> 20) % 4)
			bpf_arena_free(object);
		else
			arena_retire(object);
	}
	arena_exit();
	call->done++;
	return 0;
}

static __always_inline int test_stack(struct test_call *call)
{
	struct stack __arena *stack =
		(struct stack __arena *)(unsigned long)call->at;
	__u64 what = test_random(&call->random);

	arena_enter();
	if (what % 64 < 30)
		stack_push(stack, what);
	else if (what % 64 < 60)
		stack_pop(stack);
	else
		call->done += stack_walk(stack, 200);
	arena_exit();
	return 0;
}

struct test_lock {
	struct arena_lock lock;
	__u64 count; /* not atomic: the lock has to do */
};

static __always_inline int test_lock(struct test_call *call)
{
	struct test_lock __arena *guarded =
		(struct test_lock __arena *)(unsigned long)call->at;

	if (arena_lock_acquire(&guarded->lock))
		return 0;
	WRITE_ONCE(guarded->count, READ_ONCE(guarded->count) + 1);
	arena_lock_release(&guarded->lock);
	call->done++;
	return 0;
}
