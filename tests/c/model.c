// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* model.c - one lane's operations answer as an array of keys would. */
#include "arena_memory.h"
#include "structure.h"

#define KEYS 300
#define OPERATIONS 100000

static __u64 model_value[KEYS];
static bool model_has[KEYS];
static __u64 model_count;

struct walk {
	__u64 count;
	__u64 next; /* no smaller key may come any more */
};

static int compare(__u64 key, __u64 value, void *ctx)
{
	struct walk *walk = ctx;

	CHECK(key < KEYS && key >= walk->next && model_has[key]);
	CHECK_EQUAL(value, model_value[key]);
	walk->next = key + 1;
	walk->count++;
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

	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	CHECK_EQUAL(DS(iterate)(head, compare, &walk), DS_SUCCESS);
	CHECK_EQUAL(walk.count, model_count);
}

static void one_operation(DS_HEAD *head, __u64 *random)
{
	__u64 key = next_random(random) % KEYS;
	__u64 value = next_random(random), found = ~value;
	int result;

	switch (next_random(random) % 3) {
	case 0:
		result = DS(insert)(head, key, value);
		CHECK_EQUAL(result,
			    model_has[key] ? DS_ERROR_EXISTS : DS_SUCCESS);
		if (result == DS_SUCCESS) {
			model_has[key] = true;
			model_value[key] = value;
			model_count++;
		}
		break;
	case 1:
		result = DS(delete)(head, key);
		CHECK_EQUAL(result,
			    model_has[key] ? DS_SUCCESS : DS_ERROR_NOT_FOUND);
		model_count -= model_has[key];
		model_has[key] = false;
		break;
	default:
		result = DS(search)(head, key, &found);
		CHECK_EQUAL(result,
			    model_has[key] ? DS_SUCCESS : DS_ERROR_NOT_FOUND);
		CHECK_EQUAL(found, model_has[key] ? model_value[key] : ~value);
	}
}

static void extremes(DS_HEAD *head)
{
	__u64 value;

	CHECK_EQUAL(DS(insert)(head, ~0ULL, 1), DS_SUCCESS);
	CHECK_EQUAL(DS(insert)(head, ~0ULL, 2), DS_ERROR_EXISTS);
	CHECK_EQUAL(DS(search)(head, ~0ULL, &value), DS_SUCCESS);
	CHECK_EQUAL(value, 1);
	CHECK_EQUAL(DS(search)(head, ~0ULL - 1, &value), DS_ERROR_NOT_FOUND);
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	CHECK_EQUAL(DS(delete)(head, ~0ULL), DS_SUCCESS);
	CHECK_EQUAL(DS(delete)(head, ~0ULL), DS_ERROR_NOT_FOUND);
}

static void statistics(DS_HEAD *head)
{
	struct ds_stats stats;
	__u64 all;

	DS(get_stats)(head, &stats);
	all = stats.ops[DS_OP_INSERT].count + stats.ops[DS_OP_DELETE].count +
	      stats.ops[DS_OP_SEARCH].count;
	CHECK_EQUAL(all, OPERATIONS);
	CHECK_EQUAL(stats.ops[DS_OP_INIT].count, 1);
	CHECK_EQUAL(stats.ops[DS_OP_VERIFY].failures, 0);
	CHECK_EQUAL(stats.ops[DS_OP_INSERT].count -
			    stats.ops[DS_OP_INSERT].failures,
		    model_count + stats.ops[DS_OP_DELETE].count -
			    stats.ops[DS_OP_DELETE].failures);
	CHECK_EQUAL(stats.current_elements, model_count);
	CHECK(stats.max_elements >= model_count && stats.max_elements <= KEYS);
	CHECK(stats.memory_used >= model_count * sizeof(DS_NODE));

	DS(reset_stats)(head);
	CHECK_EQUAL(DS(search)(head, KEYS, NULL), DS_ERROR_NOT_FOUND);
	DS(get_stats)(head, &stats);
	CHECK_EQUAL(stats.ops[DS_OP_INSERT].count, 0);
	CHECK_EQUAL(stats.ops[DS_OP_SEARCH].count, 1);
	CHECK_EQUAL(stats.ops[DS_OP_SEARCH].failures, 1);
	CHECK_EQUAL(stats.current_elements, model_count);
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
}

int main(int argc, char **argv)
{
	__u64 random = argc > 1 ? strtoull(argv[1], NULL, 0) | 1 : 1;
	const struct ds_metadata *metadata = DS(get_metadata)();
	__u64 key, live;
	DS_HEAD *head;
	int calls = 0;

	make_arena(4096, 2);
	head = bpf_arena_alloc(sizeof(*head));
	CHECK_EQUAL(DS(init)(NULL), DS_ERROR_INVALID);
	CHECK_EQUAL(DS(verify)(NULL), DS_ERROR_INVALID);
	CHECK_EQUAL(DS(init)(head), DS_SUCCESS);
	live = live_objects();
	CHECK_EQUAL(metadata->node_size, sizeof(DS_NODE));
	CHECK_EQUAL(metadata->abstract_type, DS_TYPE_MAP);

	compare_all(head);
	for (int i = 0; i < OPERATIONS; i++) {
		one_operation(head, &random);
		if (i % 97 == 0)
			compare_all(head);
	}
	statistics(head);
	extremes(head);
	CHECK(model_count > 3);
	CHECK_EQUAL(DS(iterate)(head, stop_at_third, &calls), 33);
	CHECK_EQUAL(calls, 3);

	for (key = 0; key < KEYS; key++)
		DS(delete)(head, key);
	memset(model_has, 0, sizeof(model_has));
	model_count = 0;
	compare_all(head);
	CHECK_EQUAL(arena_drain(), 0);
	CHECK_EQUAL(live_objects(), live);
	CHECK_EQUAL(arena_header()->fault_count, 0);
	return 0;
}
