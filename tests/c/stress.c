// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * stress.c - lanes that fight over few keys lose, invent and leak nothing.
 *
 * What lanes counted for themselves must agree with what is found in the
 * structure afterwards, with its own statistics, and with the allocator.
 */
#include "arena_memory.h"
#include "structure.h"

#define LANES 4

struct worker {
	pthread_t thread;
	DS_HEAD *head;
	__u32 lane;
	__u32 keys;
	__u32 operations;
	__u64 inserted, deleted, key_sum, busy;
};

struct sum {
	__u64 count, keys;
};

static int add_up(__u64 key, __u64 value, void *ctx)
{
	struct sum *sum = ctx;

	CHECK_EQUAL(value, key * 2);
	sum->count++;
	sum->keys += key;
	return 0;
}

static void *work(void *ctx)
{
	struct worker *worker = ctx;
	__u64 random = worker->lane * 0x9e3779b97f4a7c15ULL + 1;
	__u64 value = 0;

	arena_bind(worker->lane);
	for (__u32 i = 0; i < worker->operations; i++) {
		__u64 key = next_random(&random) % worker->keys;
		int result;

		switch (next_random(&random) % 8) {
		case 0:
		case 1:
		case 2:
			result = DS(insert)(worker->head, key, key * 2);
			CHECK(result == DS_SUCCESS ||
			      result == DS_ERROR_EXISTS ||
			      result == DS_ERROR_BUSY);
			worker->inserted += result == DS_SUCCESS;
			worker->key_sum += result == DS_SUCCESS ? key : 0;
			break;
		case 3:
		case 4:
		case 5:
			result = DS(delete)(worker->head, key);
			CHECK(result == DS_SUCCESS ||
			      result == DS_ERROR_NOT_FOUND ||
			      result == DS_ERROR_BUSY);
			worker->deleted += result == DS_SUCCESS;
			worker->key_sum -= result == DS_SUCCESS ? key : 0;
			break;
		default:
			result = DS(search)(worker->head, key, &value);
			CHECK(result == DS_SUCCESS ||
			      result == DS_ERROR_NOT_FOUND ||
			      result == DS_ERROR_BUSY);
			if (result == DS_SUCCESS)
				CHECK_EQUAL(value, key * 2);
		}
		worker->busy += result == DS_ERROR_BUSY;
		if (i % 1024 == 0) { /* beside the others at work */
			result = DS(verify)(worker->head);
			CHECK(result == DS_SUCCESS || result == DS_ERROR_BUSY);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct worker workers[LANES] = {};
	__u64 inserted = 0, deleted = 0, key_sum = 0, live;
	struct ds_stats stats;
	struct sum sum = {};
	DS_HEAD *head;

	CHECK(argc == 3); /* keys, operations a lane */
	make_arena(8192, LANES + 1);
	arena_bind(LANES);
	head = bpf_arena_alloc(sizeof(*head));
	CHECK_EQUAL(DS(init)(head), DS_SUCCESS);
	live = live_objects();
	for (__u32 i = 0; i < LANES; i++) {
		workers[i].head = head;
		workers[i].lane = i;
		workers[i].keys = (__u32)atoi(argv[1]);
		workers[i].operations = (__u32)atoi(argv[2]);
		CHECK(!pthread_create(&workers[i].thread, NULL, work,
				      &workers[i]));
	}
	for (__u32 i = 0; i < LANES; i++) {
		CHECK(!pthread_join(workers[i].thread, NULL));
		inserted += workers[i].inserted;
		deleted += workers[i].deleted;
		key_sum += workers[i].key_sum;
	}
	CHECK(inserted > 0 && deleted > 0);

	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	CHECK_EQUAL(DS(iterate)(head, add_up, &sum), DS_SUCCESS);
	CHECK_EQUAL(sum.count, inserted - deleted);
	CHECK_EQUAL(sum.keys, key_sum);
	DS(get_stats)(head, &stats);
	CHECK_EQUAL(stats.current_elements, sum.count);
	CHECK_EQUAL(stats.ops[DS_OP_INSERT].count -
			    stats.ops[DS_OP_INSERT].failures,
		    inserted);

	CHECK_EQUAL(arena_drain(), 0);
	CHECK_EQUAL(live_objects() - live, sum.count);

	for (__u64 key = 0; key < workers[0].keys; key++)
		DS(delete)(head, key);
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	CHECK_EQUAL(arena_drain(), 0);
	CHECK_EQUAL(live_objects(), live);
	CHECK_EQUAL(arena_header()->fault_count, 0);
	return 0;
}
