// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * alloc_kernel.c - the allocator between kernel lanes and user lanes.
 *
 * Kernel lanes are threads that run the programs of tests/bpf/allocator.bpf.c,
 * whose object file is named by ALLOCATOR_BPF; user lanes do the same by
 * themselves. For root, with csrc/bpf_loader.c and libbpf.
 */
#include "alloc_common.h"
#include "bpf_loader.h"
#include "../bpf/allocator.h"

#define PAGES 8192
#define LANES 9
#define KERNEL_LANE 5 /* the first one */
#define TABLE 40000

static struct bpf_loader *loader;
static __u64 *table; /* in the arena, written by both sides */

/* A new arena of a map, with no page populated; the caller is lane 0. */
static void kernel_anew(__u32 pages)
{
	const char *object = getenv("ALLOCATOR_BPF");
	void *got;

	if (loader)
		bpf_loader_close(loader);
	check(object, "ALLOCATOR_BPF names the object file");
	loader = bpf_loader_open(object, "/dev/null");
	check(loader, "%s", bpf_loader_message());
	check(!bpf_loader_resize(loader, "arena", pages));
	check(!bpf_loader_load(loader), "%s: %s", bpf_loader_rejected(loader),
	      bpf_loader_message());
	/* libbpf maps it too, at the only address where the kernel lets it. */
	got = mmap((void *)ARENA_BASE, (__u64)pages * PAGE_SIZE,
		   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE,
		   bpf_loader_map(loader, "arena"), 0);
	check(got == (void *)ARENA_BASE || errno == EEXIST, "%s",
	      strerror(errno));
	check(!arena_format(pages, pages, LANES, LANES));
}

static void kernel(const char *program, struct test_call *call)
{
	int error = bpf_loader_run(bpf_loader_program(loader, program), call,
				   sizeof(*call));

	check(!error, "%s: %s", program, strerror(error));
}

/* Run a program until it has done @count in all, or no more. */
static __u64 kernel_all(const char *program, __u32 lane, __u32 size, __u64 at,
			__u64 count)
{
	struct test_call call = {
		.lane = lane, .size = size, .at = at, .random = 88172645463325};
	__u64 done = 0;

	while (done < count) {
		call.count = count - done;
		kernel(program, &call);
		check(!call.damaged, "%#llx has a second owner", call.damaged);
		if (!call.done)
			break;
		done += call.done;
		if (!strcmp(program, "allocate") || !strcmp(program, "release"))
			call.at += call.done * sizeof(__u64);
	}
	return done;
}

static __u64 populate(__u64 pages)
{
	return kernel_all("populate", KERNEL_LANE, 0, 0, pages);
}

static void make_table(void)
{
	table = bpf_arena_alloc(TABLE * sizeof(*table));
	check(table);
	memset(table, 0, TABLE * sizeof(*table));
}

static void *held(__u64 entry)
{
	return arena_ptr(void, (__u32)entry);
}

static __u32 held_size(__u64 entry)
{
	return (__u32)(entry >> 32);
}

static void kernel_lanes_need_populated_pages(void)
{
	struct test_call call = {.lane = KERNEL_LANE, .size = 48, .count = 10};
	struct arena_lane *lane = arena_lane(KERNEL_LANE);
	__u64 got, slots = arena_slots_per_page(64);

	kernel_anew(PAGES);
	make_table();
	check(arena_header()->free_pages == 0);
	call.at = (__u64)table;
	kernel("allocate", &call);
	check(call.done == 0 && lane->failed == 1 && lane->allocations == 0);
	check(populate(64) == 64);
	check(arena_header()->free_pages == 64);
	got = kernel_all("allocate", KERNEL_LANE, 48, (__u64)table, TABLE);
	check(got == 64 * slots, "%llu objects in 64 pages", got);
	check(lane->failed > 1 && lane->allocations == got);
	check(audit().live == got + 1);
	/* Freed here, they serve there. */
	for (__u64 i = 0; i < got; i++) {
		pattern_check(held(table[i]), held_size(table[i]));
		bpf_arena_free(held(table[i]));
	}
	check(kernel_all("allocate", KERNEL_LANE, 48, (__u64)table, TABLE) >=
	      got - 2 * ARENA_BATCH);
	audit();
	/* Not even all of it: the programs populate up to the arena's end. */
	check(populate(PAGES) < PAGES);
	check(arena_header()->frontier == PAGES);
	check(populate(10) == 0);
	audit();
}

/* What is written to a page that populate() published is there for good. */
static void writes_to_populated_pages_persist(void)
{
	__u64 got;

	kernel_anew(PAGES);
	make_table();
	/* Odd numbers: chunks end where descriptors' pages do not. */
	for (int i = 0; i < 40; i++)
		check(populate(37) >= 37);
	got = kernel_all("allocate", KERNEL_LANE, PAGE_SIZE, (__u64)table,
			 TABLE);
	check(got >= 40 * 37);
	check(arena_header()->free_pages == 0);
	for (__u64 i = 0; i < got; i++) {
		check(held(table[i]) && held_size(table[i]) == PAGE_SIZE);
		pattern_check(held(table[i]), PAGE_SIZE);
		check(*(unsigned char *)held(table[i]) == (unsigned char)i);
	}
	/* And the kernel sees what user space writes there. */
	for (__u64 i = 0; i < got; i++)
		pattern_fill(held(table[i]), PAGE_SIZE, i + 3);
	check(kernel_all("release", KERNEL_LANE + 1, 0, (__u64)table, got) ==
	      got);
	check(audit().live == 1);
	check(COUNTED(bad_frees) + COUNTED(double_frees) == 0);
}

static void each_side_frees_the_others_objects(void)
{
	__u64 random = 99, got;

	kernel_anew(PAGES);
	make_table();
	populate(3000);
	for (int round = 0; round < 4; round++) {
		got = kernel_all("allocate", KERNEL_LANE, 0, (__u64)table,
				 10000);
		check(got > 5000, "%llu", got);
		for (__u64 i = 0; i < got; i++) {
			pattern_check(held(table[i]), held_size(table[i]));
			bpf_arena_free(held(table[i]));
		}
		check(audit().live == 1);
		for (__u64 i = 0; i < got; i++) {
			__u32 size = test_size(test_random(&random));
			void *object = bpf_arena_alloc(size);

			check(object);
			pattern_fill(object, size, i);
			table[i] = arena_offset(object) | (__u64)size << 32;
		}
		check(kernel_all("release", KERNEL_LANE + round % 2, 0,
				 (__u64)table, got) == got);
		check(audit().live == 1);
	}
	check(COUNTED(bad_frees) + COUNTED(double_frees) == 0);
}

/* Two user lanes and two kernel lanes, each repeating a step. */
static const char *step_program;
static int (*step)(struct test_call *call);
static __u64 step_at, steps, step_done;
static __u32 step_size;

static void take_steps(__u32 lane)
{
	struct test_call call = {.lane = lane,
				 .size = step_size,
				 .at = step_at,
				 .random = 0x9e3779b97f4a7c15ULL * lane};

	if (lane >= KERNEL_LANE) {
		for (__u64 i = 0; i < steps; i += 2000) {
			call.count = 2000;
			call.damaged = 0;
			kernel(step_program, &call);
			check(!call.damaged, "%#llx has a second owner",
			      call.damaged);
			arena_atomic_add(&step_done, call.done);
			/* As the engine does: top up. */
			if (lane == KERNEL_LANE &&
			    arena_atomic_load(&arena_header()->free_pages) <
				    200) {
				struct test_call more = {.lane = lane,
							 .count = 128};

				kernel("populate", &more);
			}
		}
		return;
	}
	for (__u64 i = 0; i < steps; i++)
		step(&call);
	check(!call.damaged, "%#llx has a second owner", call.damaged);
	arena_atomic_add(&step_done, call.done);
}

static void *start_steps(void *lane)
{
	arena_bind((__u32)(unsigned long)lane);
	take_steps((__u32)(unsigned long)lane);
	return NULL;
}

static void both_sides(const char *program, int (*step_)(struct test_call *),
		       __u64 at, __u32 size, __u64 count)
{
	static const unsigned long lanes[] = {1, 2, KERNEL_LANE,
					      KERNEL_LANE + 1};
	pthread_t threads[4];

	step_program = program;
	step = step_;
	step_at = at;
	step_size = size;
	steps = count;
	step_done = 0;
	for (int i = 0; i < 4; i++)
		check(!pthread_create(&threads[i], NULL, start_steps,
				      (void *)lanes[i]));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		check(arena_lane(lanes[i])->epoch == 0, "lane %lu is inside",
		      lanes[i]);
}

static int exchange_step(struct test_call *call)
{
	return test_exchange(call);
}

static void exchange_boxes(__u32 pages, __u32 size, bool full)
{
	__u64 *boxes, live = 0;

	kernel_anew(pages);
	boxes = bpf_arena_alloc(TEST_BOXES * sizeof(*boxes));
	memset(boxes, 0, TEST_BOXES * sizeof(*boxes));
	arena_header()->reserve = full ? 0 : 100;
	populate(full ? 1 : 400);
	both_sides("exchange", exchange_step, (__u64)boxes, size, 150000);
	check(arena_drain() == 0);
	for (int i = 0; i < TEST_BOXES; i++) {
		if (!boxes[i])
			continue;
		live++;
		pattern_check(held(boxes[i]), held_size(boxes[i]));
	}
	check(audit().live == live + 1);
	check(COUNTED(bad_frees) + COUNTED(double_frees) == 0);
	check(COUNTED(retired) && COUNTED(retired) == COUNTED(reclaimed));
	check(arena_lane(KERNEL_LANE)->allocations > (full ? 0 : 10000));
	check(!full || COUNTED(failed), "the arena was to be too small");
}

static void lanes_of_both_sides_exchange_objects(void)
{
	exchange_boxes(PAGES, 48, false);
	exchange_boxes(PAGES * 4, 0, false);
}

static void lanes_of_both_sides_in_a_full_arena(void)
{
	exchange_boxes(500, 0, true);
}

static int stack_step(struct test_call *call)
{
	return test_stack(call);
}

static void no_side_reuses_what_the_other_reads(void)
{
	struct stack *stack;
	__u64 elements;

	kernel_anew(PAGES);
	stack = bpf_arena_alloc(sizeof(*stack));
	memset(stack, 0, sizeof(*stack));
	arena_header()->reserve = 100;
	populate(400);
	both_sides("stack", stack_step, (__u64)stack, 0, 400000);
	check(!stack->damaged, "%#llx was handed out under a reader",
	      stack->damaged);
	check(step_done > 10000, "%llu nodes read", step_done);
	elements = stack_walk(stack, ~0U);
	check(arena_drain() == 0);
	check(audit().live == elements + 1);
	for (__u32 lane = KERNEL_LANE; lane < KERNEL_LANE + 2; lane++)
		check(arena_lane(lane)->reclaimed > 1000);
}

static int lock_step(struct test_call *call)
{
	return test_lock(call);
}

static void the_lock_lets_one_side_in(void)
{
	struct test_lock *guarded;

	kernel_anew(PAGES);
	guarded = bpf_arena_alloc(sizeof(*guarded));
	memset(guarded, 0, sizeof(*guarded));
	both_sides("lock", lock_step, (__u64)guarded, 0, 200000);
	check(guarded->count == step_done, "%llu of %llu counted",
	      guarded->count, step_done);
	check(step_done > 100000 && guarded->lock.holder == 0);
}

/* Of two frees, one on each side, at the same time, one succeeds. */
static void race_here(__u32 lane)
{
	if (lane == 1) {
		for (int i = 0; i < TABLE; i++)
			bpf_arena_free(held(table[TABLE - 1 - i]));
		return;
	}
	check(kernel_all("race", KERNEL_LANE, 0, (__u64)table, TABLE) == TABLE);
}

static void of_racing_frees_one_succeeds(void)
{
	kernel_anew(PAGES);
	make_table();
	for (int i = 0; i < TABLE; i++)
		table[i] = arena_offset(bpf_arena_alloc(i % 100 ? 40 : 3000));
	run_lanes(2, race_here);
	check(COUNTED(frees) == TABLE);
	check(COUNTED(double_frees) + COUNTED(bad_frees) == TABLE);
	check(audit().live == 1);
}

static void misuse(__u64 address, bool retire, __u32 kind)
{
	struct test_call call = {
		.lane = KERNEL_LANE, .at = address, .count = retire};
	__u32 seen = arena_header()->fault_count;
	struct arena_fault *fault = &arena_header()->faults[seen];

	arena_lane(KERNEL_LANE)->operation = 1ULL << 60 | seen;
	kernel("misuse", &call);
	if (!kind) {
		check(arena_header()->fault_count == seen);
		return;
	}
	check(arena_header()->fault_count == seen + 1);
	check(fault->kind == kind && fault->lane == KERNEL_LANE);
	check(fault->address == address);
	check(fault->operation == (1ULL << 60 | seen));
}

static void misuse_by_the_kernel_is_reported(void)
{
	char *small, *run;

	kernel_anew(PAGES);
	small = bpf_arena_alloc(100);
	run = bpf_arena_alloc(9000);
	misuse((__u64)small + 16, false, ARENA_FAULT_BAD_FREE);
	misuse((__u64)small, false, 0);
	misuse((__u64)small, false, ARENA_FAULT_DOUBLE_FREE);
	misuse((__u64)run + 4096, false, ARENA_FAULT_BAD_FREE);
	misuse((__u64)run, true, 0);
	misuse((__u64)run, true, ARENA_FAULT_DOUBLE_RETIRE);
	misuse((__u64)run, false, ARENA_FAULT_DOUBLE_FREE);
	misuse(0x1230, false, ARENA_FAULT_BAD_FREE);
	misuse((__u64)&small, true, ARENA_FAULT_BAD_RETIRE);
	misuse(ARENA_BASE + (PAGES - 1) * 4096ULL, false, ARENA_FAULT_BAD_FREE);
	misuse(ARENA_BASE + 16, false, ARENA_FAULT_BAD_FREE);
	misuse((__u64)arena_header(), false, ARENA_FAULT_BAD_FREE);
	misuse(0, false, 0);
	check(arena_drain() == 0 && audit().live == 0);
}

static void structures_may_call_two_deep(void)
{
	struct test_call call = {.lane = KERNEL_LANE, .size = 9000};

	kernel_anew(PAGES);
	populate(100);
	kernel("deep", &call);
	check(arena_drain() == 0 && audit().live == 0);
	check(COUNTED(frees) == 2);
}

/* A lane of one side that stands still inside holds back the other side. */
static void stalls_hold_back_the_other_side(void)
{
	enum { HELD = 1000 };
	static void *kept[HELD];
	struct test_call call = {.lane = KERNEL_LANE, .size = 64};

	kernel_anew(PAGES);
	populate(200);
	kernel("enter", &call);
	for (int i = 0; i < HELD; i++) {
		kept[i] = bpf_arena_alloc(64);
		pattern_fill(kept[i], 64, 7);
		arena_retire(kept[i]);
	}
	for (int i = 0; i < 5 * HELD; i++)
		pattern_fill(bpf_arena_alloc(64), 64, 8);
	for (int i = 0; i < HELD; i++)
		check(*(unsigned char *)kept[i] == 7);
	check(arena_self()->blocked_by == KERNEL_LANE + 1);
	check(arena_drain() == HELD);
	kernel("leave", &call);
	check(arena_drain() == 0);

	for (int i = 0; i < HELD; i++) {
		kept[i] = bpf_arena_alloc(64);
		pattern_fill(kept[i], 64, 7);
	}
	arena_enter();
	for (int i = 0; i < HELD; i++)
		misuse((__u64)kept[i], true, 0);
	call.count = 20000;
	kernel("churn", &call);
	check(call.done > 1000 && call.done < 20000,
	      "%llu: nothing comes back, until memory ends", call.done);
	for (int i = 0; i < HELD; i++)
		check(*(unsigned char *)kept[i] == 7);
	check(arena_lane(KERNEL_LANE)->blocked);
	check(arena_lane(KERNEL_LANE)->blocked_by == 0 + 1);
	arena_exit();
	/* The lane goes on by itself: a few failures, then all is well. */
	for (int i = 0; i < 50; i++) {
		call.count = 20000;
		kernel("churn", &call);
	}
	check(call.done == 20000, "%llu", call.done);
	check(arena_drain() == 0);
	audit();
}

TESTS({"kernel_lanes_need_populated_pages", kernel_lanes_need_populated_pages},
      {"writes_to_populated_pages_persist", writes_to_populated_pages_persist},
      {"each_side_frees_the_others_objects",
       each_side_frees_the_others_objects},
      {"lanes_of_both_sides_exchange_objects",
       lanes_of_both_sides_exchange_objects},
      {"lanes_of_both_sides_in_a_full_arena",
       lanes_of_both_sides_in_a_full_arena},
      {"no_side_reuses_what_the_other_reads",
       no_side_reuses_what_the_other_reads},
      {"the_lock_lets_one_side_in", the_lock_lets_one_side_in},
      {"of_racing_frees_one_succeeds", of_racing_frees_one_succeeds},
      {"structures_may_call_two_deep", structures_may_call_two_deep},
      {"misuse_by_the_kernel_is_reported", misuse_by_the_kernel_is_reported},
      {"stalls_hold_back_the_other_side", stalls_hold_back_the_other_side})
