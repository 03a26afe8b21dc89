// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* taking_model.c - one lane's operations answer as an array of elements would. */
#include "taking.h"

#define KEYS 50 /* few: keys come more than once */
#define OPERATIONS 30000
#define ROOM 4096

static struct ds_kv model[ROOM]; /* the oldest first */
static __u64 model_count;

/* Whether the structure may give @kv next; takes it out of the model. */
static bool model_pop(struct ds_kv kv)
{
	__u64 at = 0;

	if (KIND == DS_TYPE_STACK)
		at = model_count - 1;
	if (KIND == DS_TYPE_PRIORITY_QUEUE) {
		for (__u64 i = 0; i < model_count; i++)
			if (model[i].key < kv.key)
				return false;
		while (at < model_count &&
		       (model[at].key != kv.key || model[at].value != kv.value))
			at++;
	}
	if (at >= model_count || model[at].key != kv.key ||
	    model[at].value != kv.value)
		return false;
	model_count--;
	memmove(&model[at], &model[at + 1], (model_count - at) * sizeof(kv));
	return true;
}

struct walk {
	__u64 count, keys;
};

static int compare(__u64 key, __u64 value, void *ctx)
{
	struct walk *walk = ctx;
	__u64 at = walk->count++;

	CHECK(at < model_count);
	if (KIND == DS_TYPE_STACK)
		at = model_count - 1 - at;
	if (KIND != DS_TYPE_PRIORITY_QUEUE) {
		CHECK_EQUAL(key, model[at].key);
		CHECK_EQUAL(value, model[at].value);
	}
	walk->keys += key;
	return 0;
}

static int stop_at_third(__u64 key, __u64 value, void *ctx)
{
	(void)key;
	(void)value;
	return ++*(int *)ctx == 3 ? 33 : 0;
}

static void compare_all(DS_HEAD *head)
{
	struct walk walk = {};
	__u64 keys = 0;

	for (__u64 i = 0; i < model_count; i++)
		keys += model[i].key;
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	CHECK_EQUAL(DS(iterate)(head, compare, &walk), DS_SUCCESS);
	CHECK_EQUAL(walk.count, model_count);
	CHECK_EQUAL(walk.keys, keys);
}

static void insert(DS_HEAD *head, __u64 key, __u64 value)
{
	bool full = BOUNDED && model_count == CAPACITY;

	CHECK_EQUAL(DS(insert)(head, key, value),
		    full ? DS_ERROR_FULL : DS_SUCCESS);
	if (!full)
		model[model_count++] = (struct ds_kv){key, value};
}

static void pop(DS_HEAD *head)
{
	struct ds_kv out = {~0ULL, ~0ULL};

	if (!model_count) {
		CHECK_EQUAL(DS(pop)(head, &out), DS_ERROR_EMPTY);
		CHECK_EQUAL(out.key & out.value, ~0ULL);
		return;
	}
	CHECK_EQUAL(DS(pop)(head, &out), DS_SUCCESS);
	CHECK(model_pop(out));
}

static void statistics(DS_HEAD *head)
{
	const struct ds_op_stats *in, *out;
	struct ds_stats stats;
	struct ds_kv kv;

	DS(get_stats)(head, &stats);
	in = &stats.ops[DS_OP_INSERT];
	out = &stats.ops[DS_OP_POP];
	CHECK_EQUAL(in->count + out->count, OPERATIONS);
	CHECK_EQUAL(stats.ops[DS_OP_INIT].count, 1);
	CHECK_EQUAL(stats.ops[DS_OP_VERIFY].failures, 0);
	CHECK_EQUAL(in->count - in->failures,
		    model_count + out->count - out->failures);
	CHECK(out->failures > 0);
	CHECK_EQUAL(stats.current_elements, model_count);
	CHECK(stats.memory_used >= model_count * sizeof(DS_NODE));

	while (model_count)
		pop(head);
	DS(reset_stats)(head);
	CHECK_EQUAL(DS(pop)(head, &kv), DS_ERROR_EMPTY);
	DS(get_stats)(head, &stats);
	CHECK_EQUAL(stats.ops[DS_OP_INSERT].count, 0);
	CHECK_EQUAL(stats.ops[DS_OP_POP].count, 1);
	CHECK_EQUAL(stats.ops[DS_OP_POP].failures, 1);
	CHECK_EQUAL(stats.current_elements, 0);
}

int main(int argc, char **argv)
{
	__u64 random = argc > 1 ? strtoull(argv[1], NULL, 0) | 1 : 1;
	const struct ds_metadata *metadata = DS(get_metadata)();
	__u64 limit = BOUNDED ? CAPACITY : 300, live;
	DS_HEAD *head;
	int calls = 0;

	make_arena(4096, 2);
	CHECK_EQUAL(INIT(NULL), DS_ERROR_INVALID);
	CHECK_EQUAL(DS(verify)(NULL), DS_ERROR_INVALID);
	head = new_head();
	live = live_objects();
	CHECK_EQUAL(metadata->node_size, sizeof(DS_NODE));
	CHECK_EQUAL(metadata->bounded, BOUNDED);

	compare_all(head);
	for (int i = 0; i < OPERATIONS; i++) {
		/* Fill, drain, and so on: both ends are met. */
		bool fill = i / (4 * limit) % 2 == 0;

		if (next_random(&random) % 8 < (fill ? 5 : 3))
			insert(head, next_random(&random) % KEYS, random);
		else
			pop(head);
		if (i % 97 == 0)
			compare_all(head);
	}
	statistics(head);

	/* Any number is a key, and a value. */
	if (CAPACITY > 3) {
		insert(head, ~0ULL, 0);
		insert(head, 0, ~0ULL);
		insert(head, ~0ULL, ~0ULL);
		insert(head, 1ULL << 63, 1);
		compare_all(head);
		CHECK_EQUAL(DS(iterate)(head, stop_at_third, &calls), 33);
		CHECK_EQUAL(calls, 3);
		while (model_count)
			pop(head);
	}
	compare_all(head);
	CHECK_EQUAL(arena_drain(), 0);
	CHECK_EQUAL(live_objects(), live);
	CHECK_EQUAL(arena_header()->fault_count, 0);
	return 0;
}
