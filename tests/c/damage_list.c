// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* damage_list.c - ds_list_verify() notices each kind of damage, and survives. */
#include "arena_memory.h"
#include "ds_list.h"

#define NODES 10

static struct ds_list_head *head;

static struct ds_list_node *node_at(int index)
{
	struct ds_list_node *node = head->sentinel.next;

	while (index--)
		node = ds_list_plain(node->next);
	return node;
}

static void damaged(struct ds_list_node **link, void *value, const char *what)
{
	struct ds_list_node *good = *link;

	CHECK_EQUAL(ds_list_verify(head), DS_SUCCESS);
	*link = value;
	if (ds_list_verify(head) != DS_ERROR_CORRUPT) {
		fprintf(stderr, "not noticed: %s\n", what);
		exit(1);
	}
	*link = good;
	CHECK_EQUAL(ds_list_verify(head), DS_SUCCESS);
}

int main(void)
{
	struct ds_list_node *third, *stray, *freed;
	__u64 key;

	make_arena(4096, 2);
	head = bpf_arena_alloc(sizeof(*head));
	ds_list_init(head);
	for (key = 10; key < 10 + NODES; key++)
		CHECK_EQUAL(ds_list_insert(head, key, key), DS_SUCCESS);
	third = node_at(3);
	freed = bpf_arena_alloc(sizeof(*freed));
	stray = bpf_arena_alloc(100);
	stray->key = 14;
	stray->next = NULL;
	freed->key = third->next->key;
	freed->next = third->next->next;
	bpf_arena_free(freed);

	damaged(&third->next, third, "a node that leads to itself");
	damaged(&third->next, node_at(1), "a way back");
	damaged(&third->next, NULL, "an end too early");
	damaged(&third->next, node_at(5), "a node left out");
	damaged(&third->next, freed, "a freed node");
	damaged(&third->next, stray, "an object of another size");
	damaged(&third->next, (void *)((__u64)third->next + 16),
		"the middle of a node");
	damaged(&third->next, (void *)((__u64)third->next + 8),
		"an odd address");
	damaged(&third->next, (void *)0x10, "a small number");
	damaged(&third->next, (void *)~0xfULL, "a large number");
	damaged(&third->next, arena_header(), "the allocator's own memory");
	damaged(&third->next, arena_ptr(void, 4095 * PAGE_SIZE + 16),
		"a page never used");
	damaged(&third->next, ds_list_mark(third->next),
		"a mark that nobody counted");
	damaged(&head->sentinel.next, ds_list_mark(head->sentinel.next),
		"a marked head");
	damaged(&head->sentinel.next, NULL, "all lost");

	key = third->key;
	third->key = third->next->key;
	CHECK_EQUAL(ds_list_verify(head), DS_ERROR_CORRUPT); /* a duplicate */
	third->key = third->next->key + 1;
	CHECK_EQUAL(ds_list_verify(head), DS_ERROR_CORRUPT); /* out of order */
	third->key = key;
	CHECK_EQUAL(ds_list_verify(head), DS_SUCCESS);

	/* While a lane is inside, what it may just be doing is no damage. */
	arena_bind(1);
	arena_enter();
	arena_bind(0);
	third->next = ds_list_mark(third->next);
	CHECK_EQUAL(ds_list_verify(head), DS_SUCCESS);
	third->next = NULL;
	CHECK_EQUAL(ds_list_verify(head), DS_SUCCESS);
	third->next = third;
	CHECK_EQUAL(ds_list_verify(head), DS_ERROR_CORRUPT);
	return 0;
}
