// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* damage_ck_stack_upmc.c - ds_ck_stack_upmc_verify() notices each kind of damage. */
#include "taking_damage.h"

static struct ds_ck_stack_upmc_node *node_at(int index)
{
	struct ds_ck_stack_upmc_node *node =
		ds_ck_stack_upmc_node_at(head->top);

	while (index--)
		node = node->next;
	return node;
}

int main(void)
{
	struct ds_ck_stack_upmc_node *third, *last;

	make_arena(4096, 3);
	head = new_head();
	for (__u64 key = 0; key < 10; key++)
		CHECK_EQUAL(ds_ck_stack_upmc_insert(head, key, key),
			    DS_SUCCESS);
	third = node_at(3);
	last = node_at(9);
	CHECK(last->next == NULL);

	wild(&third->next, sizeof(*third), ARENA_BASE);
	wild(&head->top, sizeof(*third), 0);
	damaged(&third->next, (__u64)third, "a node that leads to itself");
	damaged(&third->next, (__u64)node_at(1), "a way back");
	damaged(&last->next, (__u64)node_at(0), "a ring");
	damaged(&third->next, (__u64)node_at(5), "a node left out");
	damaged(&third->next, ~0xfULL, "a large number");
	damaged(&head->top, head->top >> 32 << 32 | arena_offset(third),
		"three lost");
	damaged(&head->stats, 0, "no statistics");
	damaged(&head->stats, (__u64)arena_header(), "statistics elsewhere");
	head->stats->lane[0].ops[DS_OP_POP].count++;
	noticed("a count that is none");
	excused();
	return 0;
}
