// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * half_vyukov.c - lanes that claimed a cell and have not passed it on: nobody
 * says EMPTY or FULL on their account.
 */
#include "taking.h"

static DS_HEAD *head;

/* Claim a position as lane 1, and stay there. */
static struct ds_vyukov_node *claim(__u64 *word)
{
	__u64 position = *word;

	head->stats->lane[1].inside = 1;
	CHECK(ds_vyukov_claim(head, word, &position));
	return ds_vyukov_cell(head, position);
}

static void pass(struct ds_vyukov_node *cell, __u64 turn, __u32 operation)
{
	ds_vyukov_pass(cell, turn);
	head->stats->lane[1].ops[operation].count++;
	head->stats->lane[1].inside = 0;
}

int main(void)
{
	struct ds_vyukov_node *cell;
	struct ds_kv kv;

	make_arena(4096, 2);
	head = new_head();

	/* A producer. The ring is not empty: 2 is in, and was before the pop. */
	cell = claim(&head->in);
	cell->key = 1;
	CHECK_EQUAL(ds_vyukov_pop(head, &kv), DS_ERROR_BUSY);
	CHECK_EQUAL(ds_vyukov_insert(head, 2, 2), DS_SUCCESS);
	CHECK_EQUAL(ds_vyukov_pop(head, &kv), DS_ERROR_BUSY);
	CHECK_EQUAL(ds_vyukov_verify(head), DS_SUCCESS);
	pass(cell, 1, DS_OP_INSERT);
	CHECK_EQUAL(ds_vyukov_pop(head, &kv), DS_SUCCESS);
	CHECK_EQUAL(kv.key, 1);
	CHECK_EQUAL(ds_vyukov_pop(head, &kv), DS_SUCCESS);
	CHECK_EQUAL(kv.key, 2);
	CHECK_EQUAL(ds_vyukov_pop(head, &kv), DS_ERROR_EMPTY);

	/* A consumer. The ring is not full: one was taken out. */
	for (__u64 key = 0; key < CAPACITY; key++)
		CHECK_EQUAL(ds_vyukov_insert(head, key, key), DS_SUCCESS);
	CHECK_EQUAL(ds_vyukov_insert(head, 9, 9), DS_ERROR_FULL);
	cell = claim(&head->out);
	CHECK_EQUAL(ds_vyukov_insert(head, 9, 9), DS_ERROR_BUSY);
	CHECK_EQUAL(ds_vyukov_pop(head, &kv), DS_SUCCESS);
	CHECK_EQUAL(kv.key, 1);
	CHECK_EQUAL(ds_vyukov_insert(head, 9, 9), DS_ERROR_BUSY);
	CHECK_EQUAL(ds_vyukov_verify(head), DS_SUCCESS);
	pass(cell, cell->turn - 1 + DS_VYUKOV_ROUND, DS_OP_POP);
	CHECK_EQUAL(ds_vyukov_insert(head, 9, 9), DS_SUCCESS);
	CHECK_EQUAL(ds_vyukov_insert(head, 9, 9), DS_SUCCESS);
	CHECK_EQUAL(ds_vyukov_insert(head, 9, 9), DS_ERROR_FULL);
	CHECK_EQUAL(ds_vyukov_verify(head), DS_SUCCESS);
	return 0;
}
