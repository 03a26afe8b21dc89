// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* damage_heap.c - ds_heap_verify() notices each kind of damage. */
#include "taking_damage.h"

#define ELEMENTS 15 /* four full levels */

int main(void)
{
	struct ds_heap_node *first;
	struct ds_kv kv;

	make_arena(4096, 3);
	head = new_head();
	for (__u64 key = 1; key <= ELEMENTS; key++)
		CHECK_EQUAL(ds_heap_insert(head, key * 10, key), DS_SUCCESS);
	first = head->elements;
	CHECK_EQUAL(first[ELEMENTS - 1].key, ELEMENTS * 10);

	wild(&head->elements, CAPACITY * sizeof(*first), ARENA_BASE);
	damaged(&first[0].key, 21, "a root that is not the smallest");
	damaged(&first[7].key, 0, "a leaf below a larger one");
	damaged(&first[ELEMENTS - 1].key, 1, "a last one out of order");
	damaged(&first[3].key, 1000, "an inner one out of order");
	damaged(&head->count, ELEMENTS - 1, "a count too small");
	damaged(&head->count, 0, "all lost");
	damaged(&head->count, CAPACITY + 1, "a count above the capacity");
	damaged(&head->count, ~0ULL, "a large number");
	damaged(&head->capacity, 0, "no capacity");
	damaged(&head->capacity, CAPACITY * 1000ULL, "too large a capacity");
	damaged(&head->capacity, 3, "too small a capacity");
	damaged(&head->capacity, ~0ULL, "a capacity that is none");
	damaged(&head->stats, 0, "no statistics");
	damaged(&head->stats, (__u64)arena_header(), "statistics elsewhere");
	head->stats->lane[0].ops[DS_OP_POP].count++;
	noticed("a count that is none");
	excused();

	/* Who meets a count above the capacity answers, and lets go. */
	head->count = CAPACITY + 1;
	CHECK_EQUAL(ds_heap_pop(head, &kv), DS_ERROR_CORRUPT);
	CHECK_EQUAL(ds_heap_insert(head, 1, 1), DS_ERROR_FULL);
	CHECK_EQUAL(head->lock.holder, 0);

	/* And who does not get the lock says so. */
	head->lock.holder = 2;
	CHECK_EQUAL(ds_heap_pop(head, &kv), DS_ERROR_BUSY);
	CHECK_EQUAL(ds_heap_insert(head, 1, 1), DS_ERROR_BUSY);
	CHECK_EQUAL(ds_heap_verify(head), DS_ERROR_BUSY);
	return 0;
}
