// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * taking_full.c - no memory, or no room: told, survived, and over once there
 * is some again.
 */
#include "taking.h"

static __u64 fill(DS_HEAD *head, int last)
{
	__u64 fitted = 0;
	int result;

	do {
		result = DS(insert)(head, fitted, fitted * 3);
		fitted += result == DS_SUCCESS;
	} while (result == DS_SUCCESS);
	CHECK_EQUAL(result, last);
	CHECK_EQUAL(DS(insert)(head, 0, 0), last);
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	return fitted;
}

static void empty(DS_HEAD *head, __u64 count)
{
	struct ds_kv kv;

	for (__u64 i = 0; i < count; i++) {
		CHECK_EQUAL(DS(pop)(head, &kv), DS_SUCCESS);
		CHECK_EQUAL(kv.key, KIND == DS_TYPE_STACK ? count - 1 - i : i);
		CHECK_EQUAL(kv.value, kv.key * 3);
	}
	CHECK_EQUAL(DS(pop)(head, &kv), DS_ERROR_EMPTY);
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
}

#if BOUNDED
static void test(void)
{
	DS_HEAD *head = new_head(), *other;
	__u64 live;

	for (int round = 0; round < 3; round++) {
		CHECK_EQUAL(fill(head, DS_ERROR_FULL), CAPACITY);
		empty(head, CAPACITY);
		/* Elsewhere in the ring the next time. */
		CHECK_EQUAL(DS(insert)(head, 0, 0), DS_SUCCESS);
		empty(head, 1);
	}
	CHECK_EQUAL(SUM_LANES(failed), 0);

	/* More than there is: told by init, which leaves nothing behind. */
	other = bpf_arena_alloc(sizeof(*other));
	live = live_objects();
	CHECK_EQUAL(DS(init)(other, 0), DS_ERROR_INVALID);
	CHECK_EQUAL(DS(init)(other, 1ULL << 33), DS_ERROR_INVALID);
	CHECK_EQUAL(DS(init)(other, 0xfffffff0), DS_ERROR_NOMEM);
	CHECK_EQUAL(DS(init)(other, 1 << 20), DS_ERROR_NOMEM);
	CHECK_EQUAL(live_objects(), live);
	CHECK_EQUAL(DS(init)(other, 7), DS_SUCCESS);
	CHECK_EQUAL(fill(other, DS_ERROR_FULL), 7);
	empty(other, 7);
}
#else
static void test(void)
{
	DS_HEAD *head = new_head(), *other;
	__u64 fitted, again, live;

	fitted = fill(head, DS_ERROR_NOMEM);
	CHECK(fitted > 1000 && SUM_LANES(failed) > 0);
	empty(head, fitted);
	/* Retired memory may still wait for its epoch, but most came back. */
	again = fill(head, DS_ERROR_NOMEM);
	CHECK(again <= fitted && again > fitted * 9 / 10);
	empty(head, again);
	CHECK_EQUAL(arena_drain(), 0);
	CHECK_EQUAL(fill(head, DS_ERROR_NOMEM), fitted);

	/* An init without memory leaves nothing behind. */
	live = live_objects();
	other = arena_ptr(DS_HEAD, arena_offset(head));
	CHECK_EQUAL(INIT(other), DS_ERROR_NOMEM);
	CHECK_EQUAL(live_objects(), live);
}
#endif

int main(void)
{
	make_arena(ARENA_DESCRIPTORS_PAGE + 64, 2);
	test();
	CHECK_EQUAL(arena_header()->fault_count, 0);
	return 0;
}
