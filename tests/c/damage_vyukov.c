// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* damage_vyukov.c - ds_vyukov_verify() notices each kind of damage. */
#include "taking_damage.h"

int main(void)
{
	struct ds_vyukov_node *filled, *empty;
	struct ds_kv kv;

	make_arena(4096, 3);
	head = new_head();
	/* In the second round, elements on both sides of the ring's end. */
	for (__u64 key = 0; key < CAPACITY; key++)
		CHECK_EQUAL(ds_vyukov_insert(head, key, key), DS_SUCCESS);
	for (__u64 key = 0; key < CAPACITY - 2; key++)
		CHECK_EQUAL(ds_vyukov_pop(head, &kv), DS_SUCCESS);
	for (__u64 key = 0; key < 3; key++)
		CHECK_EQUAL(ds_vyukov_insert(head, key, key), DS_SUCCESS);
	filled = &head->cells[1];
	empty = &head->cells[4];
	CHECK_EQUAL(filled->turn, DS_VYUKOV_ROUND + 2);
	CHECK_EQUAL(empty->turn, DS_VYUKOV_ROUND + 4);

	wild(&head->cells, CAPACITY * sizeof(*filled), ARENA_BASE);
	damaged(&filled->turn, filled->turn - 1, "an element not passed on");
	damaged(&filled->turn, filled->turn + DS_VYUKOV_ROUND, "a later round");
	damaged(&filled->turn, filled->turn - DS_VYUKOV_ROUND,
		"an earlier one");
	damaged(&filled->turn, filled->turn + 1, "another cell's turn");
	damaged(&filled->turn, 0, "no turn");
	damaged(&empty->turn, empty->turn + 1,
		"an element that was not put in");
	damaged(&empty->turn, 4, "a cell of the first round");
	damaged(&head->in, head->in + 1, "an element too many");
	damaged(&head->in, head->in - 1, "an element too few");
	damaged(&head->in, head->in + DS_VYUKOV_ROUND, "a round too many");
	damaged(&head->in, CAPACITY, "a position outside");
	damaged(&head->out, head->out + 1, "one lost");
	damaged(&head->out, head->out - 1, "one that was taken out");
	damaged(&head->out, head->in, "all lost");
	damaged(&head->out, head->in + 1, "more taken out than put in");
	damaged(&head->out, ~0ULL, "a large number");
	damaged(&head->capacity, 0, "no capacity");
	damaged(&head->capacity, CAPACITY * 1000ULL, "too large a capacity");
	damaged(&head->capacity, 3, "too small a capacity");
	damaged(&head->capacity, ~0ULL, "a capacity that is none");
	damaged(&head->stats, 0, "no statistics");
	damaged(&head->stats, (__u64)arena_header(), "statistics elsewhere");
	head->stats->lane[0].ops[DS_OP_POP].count++;
	noticed("a count that is none");
	filled->turn--;
	excused();
	filled->turn += 2;
	head->stats->lane[1].inside = 1;
	CHECK_EQUAL(ds_vyukov_verify(head), DS_ERROR_CORRUPT);
	return 0;
}
