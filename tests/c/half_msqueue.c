// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * half_msqueue.c - an insert that linked its node and had no time to move the
 * tail is complete, and whoever comes along moves it.
 */
#include "taking.h"

static DS_HEAD *head;

/* ds_msqueue_insert() up to E9. */
static void half_insert(__u64 key)
{
	struct ds_msqueue_node *node = ds_msqueue_new(key, key);
	__u64 *link = &ds_msqueue_node_at(head->tail)->next;

	CHECK(ds_msqueue_swap(link, *link, arena_offset(node)));
	ds_lane_stats_count(head->stats, DS_OP_INSERT, DS_SUCCESS);
}

static void pops(__u64 key)
{
	struct ds_kv kv;

	CHECK_EQUAL(ds_msqueue_pop(head, &kv), DS_SUCCESS);
	CHECK_EQUAL(kv.key, key);
}

int main(void)
{
	__u64 counts, head_was;
	struct ds_kv kv;

	make_arena(4096, 2);
	head = new_head();

	/* A pop moves it: head never passes the tail. */
	half_insert(1);
	CHECK_EQUAL(head->head, head->tail);
	CHECK_EQUAL(ds_msqueue_verify(head), DS_SUCCESS);
	pops(1);
	CHECK_EQUAL((__u32)head->head, (__u32)head->tail);
	CHECK_EQUAL(ds_msqueue_pop(head, &kv), DS_ERROR_EMPTY);

	/* An insert moves it and then links its own behind. */
	half_insert(2);
	CHECK_EQUAL(ds_msqueue_insert(head, 3, 3), DS_SUCCESS);
	half_insert(4);
	CHECK_EQUAL(ds_msqueue_verify(head), DS_SUCCESS);
	pops(2);
	pops(3);
	pops(4);
	CHECK_EQUAL(ds_msqueue_verify(head), DS_SUCCESS);

	/* Each turn is counted, and a swap that comes late fails by that. */
	head_was = head->head;
	counts = head->head >> 32;
	CHECK_EQUAL(ds_msqueue_insert(head, 5, 5), DS_SUCCESS);
	pops(5);
	CHECK_EQUAL(head->head >> 32, counts + 1);
	CHECK(!ds_msqueue_swap(&head->head, head_was, 0));
	CHECK_EQUAL(arena_drain(), 0);
	CHECK_EQUAL(arena_header()->fault_count, 0);
	return 0;
}
