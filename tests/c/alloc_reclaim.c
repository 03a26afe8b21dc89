// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* alloc_reclaim.c - nothing retired is handed out while a lane may hold it. */
#include "alloc_common.h"
#include "../bpf/stack.h"

static void stall(__u32 lane)
{
	arena_bind(lane);
	arena_enter();
	arena_bind(0);
}

static void leave(__u32 lane)
{
	arena_bind(lane);
	arena_exit();
	arena_bind(0);
}

/* A lane that stands still inside: all retired since stays as it was. */
static void a_stalled_lane_holds_everything_back(void)
{
	enum { HELD = 5000 };
	static void *held[HELD];

	arena_anew(4000, 6);
	for (__u32 i = 0; i < HELD; i++) {
		held[i] = bpf_arena_alloc(i % 100 ? 64 : 6000);
		check(held[i]);
	}
	stall(4);
	for (__u32 i = 0; i < HELD; i++) {
		__u32 size = i % 100 ? 64 : 6000;

		pattern_fill(held[i], size, i);
		arena_enter();
		arena_retire(held[i]);
		arena_exit();
		/* What is handed out meanwhile is something else. */
		pattern_fill(bpf_arena_alloc(size), size, i + 1);
	}
	for (__u32 i = 0; i < HELD; i++) {
		pattern_check(held[i], i % 100 ? 64 : 6000);
		check(*(unsigned char *)held[i] == (unsigned char)i);
	}
	check(arena_self()->blocked > 0);
	check(arena_self()->blocked_by == 4 + 1, "lane 4 is the one");
	check(arena_header()->epoch <= (arena_lane(4)->epoch >> 1) + 1);
	check(arena_drain() == HELD, "all of it waits");
	audit();
	leave(4);
	check(arena_drain() == 0);
	check(audit().retired == 0);
	check(arena_self()->reclaimed == HELD);
}

/* What one stalled lane can cost is the arena's memory, no more; and once it
 * has left, lanes that go on working get all of it back by themselves. */
static void a_stall_is_bounded_and_passes(void)
{
	__u64 done = 0;
	void *object;

	arena_anew(1000, 6);
	stall(4);
	while ((object = bpf_arena_alloc(200))) {
		arena_enter();
		arena_retire(object);
		arena_exit();
		done++;
	}
	check(done > 5000 && arena_self()->failed == 1);
	for (int i = 0; i < 1000; i++)
		check(!bpf_arena_alloc(200));
	audit();
	leave(4);
	for (__u64 i = 0; i < 4 * done; i++) {
		arena_enter();
		object = bpf_arena_alloc(200);
		if (object)
			arena_retire(object);
		arena_exit();
	}
	check(arena_self()->failed < 1500, "%llu failed", arena_self()->failed);
	check(arena_self()->retired - arena_self()->reclaimed < 500,
	      "%llu wait still",
	      arena_self()->retired - arena_self()->reclaimed);
	check(arena_drain() == 0 && audit().live == 0);
}

/* An object outlives every operation that was under way when it was retired,
 * whatever epochs the lanes were in. */
static void all_who_were_inside_must_leave(void)
{
	arena_anew(1000, 6);
	for (int turn = 0; turn < 50; turn++) {
		void *object = bpf_arena_alloc(64);

		pattern_fill(object, 64, turn);
		stall(1 + turn % 3);
		arena_advance();
		stall(4);
		arena_retire(object);
		for (int i = 0; i < 10; i++) {
			/* Reclaims, if it wrongly could: 32 retirements. */
			for (int n = 0; n < 40; n++)
				arena_retire(bpf_arena_alloc(64));
			pattern_check(object, 64);
			if (i == 3)
				leave(1 + turn % 3);
		}
		check(arena_slot_of(arena_offset(object))->state % 8 ==
		      ARENA_RETIRED);
		leave(4);
		check(arena_drain() == 0);
		check(arena_slot_of(arena_offset(object))->state % 8 ==
		      ARENA_FREED);
	}
	audit();
}

/* Readers walk a stack whose nodes others pop and retire: while a reader is
 * inside, every node that it comes to must be whole. */
static struct stack *stack;
static __u32 rounds;

static void work_on_the_stack(__u32 lane)
{
	__u64 random = 0x2545f4914f6cdd1dULL * lane, seen = 0;

	for (__u32 i = 0; i < rounds; i++) {
		__u64 what = next_random(&random) % 64;

		arena_enter();
		if (what < 30) {
			stack_push(stack, random);
		} else if (what < 60) {
			stack_pop(stack);
		} else {
			struct stack_node *node =
				arena_atomic_load(&stack->top, ARENA_ACQUIRE);

			seen += stack_walk(stack, 300);
			sched_yield(); /* another look, much later */
			if (node)
				stack_look(stack, node);
		}
		arena_exit();
	}
	arena_atomic_add(&stack->read, seen);
}

static void readers_meet_no_reused_node(void)
{
	__u64 elements = 0;

	arena_anew(3000, 9);
	stack = bpf_arena_alloc(sizeof(*stack));
	memset(stack, 0, sizeof(*stack));
	rounds = 1000000;
	run_lanes(4, work_on_the_stack);
	check(!stack->damaged, "%#llx was handed out to a second owner",
	      stack->damaged);
	elements = stack_walk(stack, ~0U);
	check(arena_drain() == 0);
	check(stack->read > 10000);
	check(audit().live == elements + 1);
	check(COUNTED(reclaimed) > 100000, "%llu reclaimed",
	      COUNTED(reclaimed));
	check(COUNTED(double_frees) + COUNTED(bad_frees) == 0);
}

/* Retiring does not pile up where lanes come and go. */
static void little_waits_in_normal_work(void)
{
	arena_anew(1000, 4);
	for (int i = 0; i < 100000; i++) {
		arena_enter();
		arena_retire(bpf_arena_alloc(32));
		arena_exit();
		check(arena_self()->retired - arena_self()->reclaimed <= 256);
	}
	arena_enter(); /* one long operation */
	for (int i = 0; i < 1000; i++)
		arena_retire(bpf_arena_alloc(32));
	arena_exit();
	check(arena_header()->epoch > 1000);
	check(arena_self()->failed == 0);
	check(arena_self()->blocked == 0, "nobody but itself was inside");
}

TESTS({"a_stalled_lane_holds_everything_back",
       a_stalled_lane_holds_everything_back},
      {"a_stall_is_bounded_and_passes", a_stall_is_bounded_and_passes},
      {"all_who_were_inside_must_leave", all_who_were_inside_must_leave},
      {"readers_meet_no_reused_node", readers_meet_no_reused_node},
      {"little_waits_in_normal_work", little_waits_in_normal_work})
