/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * taking.h - queues, stacks and priority queues: what their tests share.
 *
 * -DCAPACITY=n where init takes one.
 */
#pragma once

#include "arena_memory.h"
#include "structure.h"

#ifdef CAPACITY
#define BOUNDED 1
#define INIT(head) DS(init)(head, CAPACITY)
#else
#define BOUNDED 0
#define CAPACITY 1000000
#define INIT(head) DS(init)(head)
#endif

#define LOCKED (DS(get_metadata)()->requires_locking)
#define KIND (DS(get_metadata)()->abstract_type)
#define IS_FIFO (KIND == DS_TYPE_QUEUE || KIND == DS_TYPE_RING)

static inline DS_HEAD *new_head(void)
{
	DS_HEAD *head = bpf_arena_alloc(sizeof(*head));

	CHECK(head != NULL);
	CHECK_EQUAL(INIT(head), DS_SUCCESS);
	return head;
}
