// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* damage_msqueue.c - ds_msqueue_verify() notices each kind of damage. */
#include "taking_damage.h"

static struct ds_msqueue_node *node_at(int index)
{
	struct ds_msqueue_node *node = ds_msqueue_node_at(head->head);

	while (index--)
		node = ds_msqueue_node_at(node->next);
	return node;
}

int main(void)
{
	struct ds_msqueue_node *dummy, *third, *last;
	struct ds_kv kv;

	make_arena(4096, 3);
	head = new_head();
	for (__u64 key = 0; key < 10; key++)
		CHECK_EQUAL(ds_msqueue_insert(head, key, key), DS_SUCCESS);
	dummy = node_at(0);
	third = node_at(3);
	last = node_at(10);
	CHECK_EQUAL(last->next & 0xffffffff, 0);

	wild(&third->next, sizeof(*third), 5ULL << 32);
	wild(&head->head, sizeof(*third), 5ULL << 32);
	wild(&head->tail, sizeof(*third), 5ULL << 32);
	damaged(&third->next, arena_offset(third),
		"a node that leads to itself");
	damaged(&third->next, arena_offset(dummy), "a way back");
	damaged(&last->next, arena_offset(dummy), "a ring");
	damaged(&last->next, arena_offset(last), "a last node that goes on");
	damaged(&third->next, arena_offset(node_at(5)), "a node left out");
	damaged(&head->head, arena_offset(node_at(1)), "the first one lost");
	damaged(&head->head, arena_offset(last), "all lost");
	damaged(&head->tail, arena_offset(node_at(8)), "a tail two behind");
	damaged(&head->stats, 0, "no statistics");
	damaged(&head->stats, (__u64)arena_header(), "statistics elsewhere");
	head->stats->lane[0].ops[DS_OP_INSERT].count++;
	noticed("a count that is none");
	head->stats->lane[0].ops[DS_OP_INSERT].count--;

	/* While a lane is inside, what it may just be doing is no damage. */
	arena_bind(1);
	arena_enter();
	arena_bind(0);
	head->head = arena_offset(node_at(1)); /* popped, not yet counted */
	CHECK_EQUAL(ds_msqueue_verify(head), DS_SUCCESS);
	head->head = arena_offset(dummy);
	third->next = arena_offset(third);
	CHECK_EQUAL(ds_msqueue_verify(head), DS_ERROR_CORRUPT);
	third->next = 0;
	CHECK_EQUAL(ds_msqueue_verify(head), DS_ERROR_CORRUPT);

	/* And who meets the end before the tail answers. */
	dummy->next = 0;
	CHECK_EQUAL(ds_msqueue_pop(head, &kv), DS_ERROR_CORRUPT);
	return 0;
}
