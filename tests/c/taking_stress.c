// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * taking_stress.c - lanes that put in and take out at once: every element
 * comes out once or is still in, and where order is promised each consumer sees
 * each producer's elements in the order in which they were put in.
 */
#include "taking.h"

#define LANES 4

struct worker {
	pthread_t thread;
	DS_HEAD *head;
	__u32 lane;
	__u32 keys;
	__u32 operations;
	bool puts, takes;
	__u64 inserted, popped, key_sum, busy;
	__u64 next[LANES]; /* no earlier element of that lane may come */
};

static __u8 *in[LANES]; /* by producer and number: was put in */
static __u8 *out[LANES]; /* was taken out */
static __u64 still;

/* Value: the producer above the number of its element. */
static void account(__u64 key, __u64 value, __u8 **where, __u32 keys)
{
	__u32 lane = value >> 32, number = (__u32)value;

	CHECK(lane < LANES && key < keys);
	CHECK_EQUAL(key, number * 0x9e3779b1U % keys);
	CHECK_EQUAL(
		__atomic_fetch_add(&where[lane][number], 1, __ATOMIC_RELAXED),
		0);
}

static bool insert(struct worker *worker)
{
	__u32 number = (__u32)worker->inserted;
	__u64 key = number * 0x9e3779b1U % worker->keys;
	int result = DS(insert)(worker->head, key,
				(__u64)worker->lane << 32 | number);

	CHECK(result == DS_SUCCESS || result == DS_ERROR_BUSY ||
	      (BOUNDED && result == DS_ERROR_FULL));
	worker->busy += result == DS_ERROR_BUSY;
	if (result)
		return false;
	in[worker->lane][number] = 1;
	worker->inserted++;
	worker->key_sum += key;
	return true;
}

static bool pop(struct worker *worker)
{
	struct ds_kv kv;
	int result = DS(pop)(worker->head, &kv);
	__u32 lane = kv.value >> 32;

	CHECK(result == DS_SUCCESS || result == DS_ERROR_BUSY ||
	      result == DS_ERROR_EMPTY);
	worker->busy += result == DS_ERROR_BUSY;
	if (result)
		return false;
	account(kv.key, kv.value, out, worker->keys);
	worker->popped++;
	worker->key_sum -= kv.key;
	if (!IS_FIFO)
		return true;
	CHECK((__u32)kv.value >= worker->next[lane]);
	worker->next[lane] = (__u32)kv.value + 1;
	return true;
}

static void *work(void *ctx)
{
	struct worker *worker = ctx;
	__u64 random = worker->lane * 0x9e3779b97f4a7c15ULL + 1;

	arena_bind(worker->lane);
	for (__u32 i = 0; i < worker->operations; i++) {
		bool put = next_random(&random) % 2;

		if (worker->puts && worker->takes)
			(void)(put ? insert(worker) : pop(worker));
		/* With one job only, as often as it can be done. */
		else
			while (!(worker->puts ? insert(worker) : pop(worker)))
				sched_yield();
		if (i % 1024 == 0) { /* beside the others at work */
			int result = DS(verify)(worker->head);

			CHECK(result == DS_SUCCESS || result == DS_ERROR_BUSY);
		}
	}
	return NULL;
}

static int is_in(__u64 key, __u64 value, void *ctx)
{
	account(key, value, out, *(__u32 *)ctx);
	still++;
	return 0;
}

int main(int argc, char **argv)
{
	bool spsc = DS(get_metadata)()->concurrency == DS_SPSC;
	__u32 lanes = spsc ? 2 : LANES, keys, operations;
	__u64 inserted = 0, popped = 0, key_sum = 0, live;
	struct worker workers[LANES] = {};
	struct ds_stats stats;
	DS_HEAD *head;

	CHECK(argc == 3); /* keys, operations a lane */
	keys = (__u32)atoi(argv[1]);
	operations = (__u32)atoi(argv[2]);
	make_arena(16384, LANES + 1);
	arena_bind(LANES);
	head = new_head();
	live = live_objects();
	for (__u32 i = 0; i < LANES; i++) {
		in[i] = calloc(operations, 1);
		out[i] = calloc(operations, 1);
		CHECK(in[i] && out[i]);
	}
	for (__u32 i = 0; i < lanes; i++) {
		workers[i] = (struct worker){
			.head = head,
			.lane = i,
			.keys = keys,
			/* One that only takes leaves something there. */
			.operations = operations - (spsc && i ? 1 : 0),
			.puts = !spsc || i == 0,
			.takes = !spsc || i == 1,
		};
		CHECK(!pthread_create(&workers[i].thread, NULL, work,
				      &workers[i]));
	}
	for (__u32 i = 0; i < lanes; i++) {
		CHECK(!pthread_join(workers[i].thread, NULL));
		inserted += workers[i].inserted;
		popped += workers[i].popped;
		key_sum += workers[i].key_sum;
	}
	CHECK(inserted > 0 && popped > 0);

	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	CHECK_EQUAL(DS(iterate)(head, is_in, &keys), DS_SUCCESS);
	CHECK_EQUAL(still, inserted - popped);
	for (__u32 i = 0; i < LANES; i++)
		CHECK_EQUAL(memcmp(in[i], out[i], operations), 0);
	DS(get_stats)(head, &stats);
	CHECK_EQUAL(stats.current_elements, still);
	CHECK_EQUAL(stats.ops[DS_OP_INSERT].count -
			    stats.ops[DS_OP_INSERT].failures,
		    inserted);
	CHECK_EQUAL(stats.ops[DS_OP_POP].count - stats.ops[DS_OP_POP].failures,
		    popped);

	for (; still; still--) {
		struct ds_kv kv;

		CHECK_EQUAL(DS(pop)(head, &kv), DS_SUCCESS);
		key_sum -= kv.key;
	}
	CHECK_EQUAL(key_sum, 0);
	CHECK_EQUAL(DS(verify)(head), DS_SUCCESS);
	CHECK_EQUAL(arena_drain(), 0);
	CHECK_EQUAL(live_objects(), live);
	CHECK_EQUAL(arena_header()->fault_count, 0);
	return 0;
}
