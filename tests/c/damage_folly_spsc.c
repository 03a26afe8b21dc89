// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* damage_folly_spsc.c - ds_folly_spsc_verify() notices each kind of damage. */
#include "taking_damage.h"

int main(void)
{
	struct ds_kv kv;
	__u64 *indices[4];

	make_arena(4096, 3);
	head = new_head();
	/* Elements on both sides of the ring's end; the producer last saw
	 * nothing taken out, the consumer last saw all slots filled. */
	for (__u64 key = 0; key < CAPACITY; key++)
		CHECK_EQUAL(ds_folly_spsc_insert(head, key, key), DS_SUCCESS);
	for (__u64 key = 0; key < CAPACITY - 2; key++)
		CHECK_EQUAL(ds_folly_spsc_pop(head, &kv), DS_SUCCESS);
	for (__u64 key = 0; key < 3; key++)
		CHECK_EQUAL(ds_folly_spsc_insert(head, key, key), DS_SUCCESS);
	CHECK_EQUAL(head->read, CAPACITY - 2);
	CHECK_EQUAL(head->write, 2);
	CHECK_EQUAL(head->read_seen, CAPACITY - 2);
	CHECK_EQUAL(head->write_seen, CAPACITY);

	wild(&head->slots, (CAPACITY + 1) * sizeof(*head->slots), ARENA_BASE);
	indices[0] = &head->write;
	indices[1] = &head->read;
	indices[2] = &head->read_seen;
	indices[3] = &head->write_seen;
	for (int i = 0; i < 4; i++) {
		damaged(indices[i], CAPACITY + 1, "an index outside");
		damaged(indices[i], ~0ULL, "a large number");
	}
	damaged(&head->write, head->write + 1, "an element too many");
	damaged(&head->write, head->write - 1, "an element too few");
	damaged(&head->read, head->read + 1, "one lost");
	damaged(&head->read, head->read - 1, "one that was taken out");
	damaged(&head->read, head->write, "all lost");
	damaged(&head->read_seen, head->read_seen + 1,
		"a producer that would overwrite");
	damaged(&head->write_seen, head->write + 1,
		"a consumer that would read what is not there");
	damaged(&head->size, 0, "no size");
	damaged(&head->size, CAPACITY * 1000ULL, "too large a size");
	damaged(&head->size, CAPACITY - 3, "too small a size");
	damaged(&head->size, ~0ULL, "a size that is none");
	damaged(&head->stats, 0, "no statistics");
	damaged(&head->stats, (__u64)arena_header(), "statistics elsewhere");
	head->stats->lane[0].ops[DS_OP_POP].count++;
	noticed("a count that is none");
	excused();
	return 0;
}
