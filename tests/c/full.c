// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* full.c - an arena that is full answers NOMEM, stays sound, and recovers. */
#include "arena_memory.h"
#include "structure.h"

int main(void)
{
	__u64 fitted = 0, again = 0, failed, key;
	DS_HEAD *head;

	make_arena(ARENA_DESCRIPTORS_PAGE + 64, 2);
	head = bpf_arena_alloc(sizeof(*head));
	CHECK_EQUAL(DS(init)(head), DS_SUCCESS);
	/* Descending: the list then finds each place at once. */
	while (DS(insert)(head, 1000000 - fitted, fitted) == DS_SUCCESS)
		fitted++;
	CHECK(fitted > 1000);
	key = 1000000 - fitted;
	failed = SUM_LANES(failed);
	CHECK(failed > 0);
	CHECK_EQUAL(DS(insert)(head, key, 0), DS_ERROR_NOMEM);
	CHECK_EQUAL(DS(search)(head, key, NULL), DS_ERROR_NOT_FOUND);
	CHECK_EQUAL(SUM_LANES(failed), failed + 1);
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);

	for (__u64 i = 0; i < fitted; i++)
		CHECK_EQUAL(DS(delete)(head, key + 1 + i), DS_SUCCESS);
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	while (DS(insert)(head, 1000000 - again, again) == DS_SUCCESS)
		again++;
	/* Retired memory may still wait for its epoch: then not all came back
	 * at once, but most did, and what waits comes when it is let go. */
	CHECK(again <= fitted && again > fitted * 9 / 10);
	CHECK_EQUAL(arena_drain(), 0);
	while (DS(insert)(head, 1000000 - again, again) == DS_SUCCESS)
		again++;
	CHECK_EQUAL(again, fitted);
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	CHECK_EQUAL(arena_header()->fault_count, 0);
	return 0;
}
