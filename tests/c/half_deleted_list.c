// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * half_deleted_list.c - a node that its deleter marked and had no time to
 * unlink (a kernel lane that was cut off) is no element, and whoever comes
 * along removes it.
 */
#include "arena_memory.h"
#include "ds_list.h"

static struct ds_list_head *head;

static struct ds_list_node *half_delete(__u64 key)
{
	struct ds_list_node *node = ds_list_plain(head->sentinel.next);

	while (node->key != key)
		node = ds_list_plain(node->next);
	node->next = ds_list_mark(node->next);
	ds_lane_stats_count(head->stats, DS_OP_DELETE, DS_SUCCESS);
	return node;
}

static bool linked(struct ds_list_node *wanted)
{
	struct ds_list_node *node = head->sentinel.next;

	while (node && node != wanted)
		node = ds_list_plain(node->next);
	return node;
}

static int count(__u64 key, __u64 value, void *ctx)
{
	(void)value;
	CHECK(key != 3 && key != 4);
	++*(int *)ctx;
	return 0;
}

int main(void)
{
	struct ds_list_node *three, *four, *six;
	struct ds_stats stats;
	__u64 value, live;
	int seen = 0;

	make_arena(4096, 2);
	head = bpf_arena_alloc(sizeof(*head));
	CHECK_EQUAL(ds_list_init(head), DS_SUCCESS);
	live = live_objects();
	for (__u64 key = 1; key <= 6; key++)
		CHECK_EQUAL(ds_list_insert(head, key, key * 2), DS_SUCCESS);
	three = half_delete(3);
	four = half_delete(4);

	/* No element to any reader, who goes on behind it. */
	CHECK_EQUAL(ds_list_verify(head), DS_SUCCESS);
	CHECK_EQUAL(ds_list_search(head, 3, &value), DS_ERROR_NOT_FOUND);
	CHECK_EQUAL(ds_list_search(head, 5, &value), DS_SUCCESS);
	CHECK_EQUAL(value, 10);
	CHECK_EQUAL(ds_list_iterate(head, count, &seen), DS_SUCCESS);
	CHECK_EQUAL(seen, 4);
	ds_list_get_stats(head, &stats);
	CHECK_EQUAL(stats.current_elements, 4);
	CHECK(linked(three) && linked(four));
	CHECK_EQUAL(SUM_LANES(retired), 0);

	/* A writer who passes unlinks and retires both, once. */
	CHECK_EQUAL(ds_list_delete(head, 4), DS_ERROR_NOT_FOUND);
	CHECK(!linked(three) && !linked(four));
	CHECK_EQUAL(SUM_LANES(retired), 2);
	CHECK_EQUAL(ds_list_insert(head, 3, 7), DS_SUCCESS);
	CHECK_EQUAL(ds_list_search(head, 3, &value), DS_SUCCESS);
	CHECK_EQUAL(value, 7);

	/* At the end of the list too, and where the same key comes again. */
	six = half_delete(6);
	CHECK_EQUAL(ds_list_insert(head, 6, 8), DS_SUCCESS);
	CHECK(!linked(six));
	CHECK_EQUAL(SUM_LANES(retired), 3);
	CHECK_EQUAL(ds_list_verify(head), DS_SUCCESS);

	for (__u64 key = 1; key <= 6; key++)
		ds_list_delete(head, key);
	CHECK_EQUAL(ds_list_verify(head), DS_SUCCESS);
	CHECK_EQUAL(arena_drain(), 0);
	CHECK_EQUAL(live_objects(), live);
	CHECK_EQUAL(arena_header()->fault_count, 0);
	return 0;
}
