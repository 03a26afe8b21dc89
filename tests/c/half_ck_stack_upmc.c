// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * half_ck_stack_upmc.c - a pop that is late meets another generation, though
 * the memory of the node that it read is on top again.
 */
#include "taking.h"

int main(void)
{
	struct ds_ck_stack_upmc_node *next;
	DS_HEAD *head;
	struct ds_kv kv;
	__u64 top;

	make_arena(4096, 2);
	head = new_head();
	for (__u64 key = 1; key <= 3; key++)
		CHECK_EQUAL(ds_ck_stack_upmc_insert(head, key, key),
			    DS_SUCCESS);
	/* The late one has read: 3 is on top, 2 below. */
	top = head->top;
	next = ds_ck_stack_upmc_node_at(top)->next;
	CHECK_EQUAL(next->key, 2);

	CHECK_EQUAL(ds_ck_stack_upmc_pop(head, &kv), DS_SUCCESS);
	CHECK_EQUAL(ds_ck_stack_upmc_pop(head, &kv), DS_SUCCESS);
	CHECK_EQUAL(kv.key, 2);
	/* The allocator gives out what was freed last: 2's memory, then 3's. */
	CHECK_EQUAL(ds_ck_stack_upmc_insert(head, 4, 4), DS_SUCCESS);
	CHECK_EQUAL(ds_ck_stack_upmc_pop(head, &kv), DS_SUCCESS);
	while ((__u32)head->top != (__u32)top)
		CHECK_EQUAL(ds_ck_stack_upmc_insert(head, 5, 5), DS_SUCCESS);

	/* The same node on top, yet not the same top. */
	CHECK(head->top != top);
	CHECK_EQUAL((head->top >> 32) - (top >> 32), 3); /* pops */
	CHECK_EQUAL(ds_ck_stack_upmc_verify(head), DS_SUCCESS);
	return 0;
}
