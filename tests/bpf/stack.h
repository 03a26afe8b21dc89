/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stack.h - a lock-free stack (Treiber) for both sides that notices when a node
 * is handed out again under a reader.
 *
 * A node's check is the complement of its number, except from when its memory
 * is handed out again to when it is pushed. A lane that is inside must never
 * see it otherwise.
 */
#pragma once

#include "libarena_ds.h"

struct stack_node {
	struct stack_node __arena *next;
	__u64 number;
	__u64 check;
};

/* In the arena. @damaged: a node that was reused under a reader. */
struct stack {
	struct stack_node __arena *top;
	__u64 damaged;
	__u64 read;
};

static __always_inline void stack_look(struct stack __arena *stack,
				       struct stack_node __arena *node)
{
	__u64 number = READ_ONCE(node->number);

	if (READ_ONCE(node->check) != ~number)
		arena_atomic_store(&stack->damaged, (__u64)(unsigned long)node,
				   ARENA_RELAXED);
}

static __always_inline void stack_push(struct stack __arena *stack,
				       __u64 number)
{
	struct stack_node __arena *node = bpf_arena_alloc(sizeof(*node));
	struct stack_node __arena *top, *found;

	if (!node)
		return;
	/* Whoever reads this node now reads memory in reuse. */
	WRITE_ONCE(node->check, number);
	WRITE_ONCE(node->number, number);
	top = arena_atomic_load(&stack->top, ARENA_ACQUIRE);
	WRITE_ONCE(node->check, ~number);
	while (can_loop) {
		node->next = top;
		/* Release: pairs with the acquire loads of top. */
		found = arena_atomic_cmpxchg(&stack->top, top, node,
					     ARENA_RELEASE, ARENA_ACQUIRE);
		if (found == top)
			return;
		top = found;
	}
	bpf_arena_free(node);
}

static __always_inline void stack_pop(struct stack __arena *stack)
{
	struct stack_node __arena *top, *found;

	/* No ABA: a node that came back as the top would have been reused
	 * while this lane is inside. */
	top = arena_atomic_load(&stack->top, ARENA_ACQUIRE);
	while (top && can_loop) {
		stack_look(stack, top);
		found = arena_atomic_cmpxchg(&stack->top, top, top->next,
					     ARENA_ACQ_REL, ARENA_ACQUIRE);
		if (found == top) {
			arena_retire(top);
			return;
		}
		top = found;
	}
}

/* Look at the first @depth nodes; returns how many there were. */
static __always_inline __u32 stack_walk(struct stack __arena *stack,
					__u32 depth)
{
	struct stack_node __arena *node =
		arena_atomic_load(&stack->top, ARENA_ACQUIRE);
	__u32 seen = arena_zero();

	for (; node && seen < depth && can_loop; seen++) {
		stack_look(stack, node);
		node = READ_ONCE(node->next);
	}
	return seen;
}
