// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * alloc_interleave.c - one lane is held at each of its accesses to shared
 * memory in turn, while another lane does something whole. Races that threads
 * meet once in a million rounds (ABA, two frees at once, a run that breaks off)
 * happen here every time.
 */
#define _GNU_SOURCE
#include "bpf_arena_common.h"

static void point(void);

#define READ_ONCE(x)                                                           \
	({                                                                     \
		__typeof__(x) once_ = *(volatile __typeof__(x) *)&(x);         \
		point();                                                       \
		once_;                                                         \
	})
#define WRITE_ONCE(x, v)                                                       \
	do {                                                                   \
		point();                                                       \
		*(volatile __typeof__(x) *)&(x) = (v);                         \
	} while (0)

#include "arena_atomic.h"

/* The library's own loads, stores and swaps, with a point at each. */
#undef arena_load_2
#define arena_load_2(ptr, order)                                               \
	({                                                                     \
		arena_value_type(ptr) loaded_ = __atomic_load_n(ptr, order);   \
		point();                                                       \
		loaded_;                                                       \
	})
#undef arena_store_3
#define arena_store_3(ptr, value, order)                                       \
	do {                                                                   \
		point();                                                       \
		__atomic_store_n(ptr, value, order);                           \
	} while (0)
#undef arena_cmpxchg_5
#define arena_cmpxchg_5(ptr, old, new_, success, failure)                      \
	({                                                                     \
		arena_value_type(ptr) found_ = (old);                          \
		point();                                                       \
		__atomic_compare_exchange_n(ptr, &found_, new_, 0, success,    \
					    failure);                          \
		point();                                                       \
		found_;                                                        \
	})
#undef arena_rmw
#define arena_rmw(ptr, builtin, value, order)                                  \
	({                                                                     \
		point();                                                       \
		builtin(ptr, value, order);                                    \
	})

#include "alloc_common.h"

static void *object;
static __u32 size;

/* The other lane (2) steps in at the point numbered @hold, and again at the
 * one numbered @hold_again. */
static int points, hold = -1, hold_again = -1;
static void (*step_in)(int time);

static void point(void)
{
	int at = points++, time = at == hold ? 1 : at == hold_again ? 2 : 0;
	int saved = points;

	if (!time)
		return;
	points = 1 << 30;
	arena_bind(2);
	step_in(time);
	arena_bind(1);
	points = saved;
}

/*
 * Run @body as lane 1 once for each point at which lane 2 may step in, or each
 * two of them. @setup and @after run undisturbed.
 */
static void hold_everywhere(void (*setup)(void), void (*body)(void),
			    void (*other)(int time), void (*after)(void),
			    bool twice)
{
	int last = 1, runs = 0;

	step_in = other;
	for (int first = 0; first < last; first++) {
		int second = twice ? first + 1 : -1;

		do {
			hold = hold_again = -1;
			points = 1 << 30;
			arena_anew(1000, 4);
			arena_bind(1);
			object = NULL;
			setup();
			hold = first;
			hold_again = second;
			points = 0;
			body();
			last = points;
			points = 1 << 30;
			after();
			audit();
			runs++;
			second++;
		} while (twice && second < last);
	}
	check(runs > 3, "%d runs: lane 1 was nowhere held", runs);
}

static void make_object(void)
{
	object = bpf_arena_alloc(size);
	pattern_fill(object, size, 1);
}

static void free_object(void)
{
	bpf_arena_free(object);
}

static void retire_object(void)
{
	arena_retire(object);
}

static void other_frees_object(int time)
{
	(void)time;
	bpf_arena_free(object);
}

static void freed_once(void)
{
	check(arena_drain() == 0);
	check(COUNTED(frees) == 1, "%llu frees succeeded", COUNTED(frees));
	check(COUNTED(double_frees) == 1);
}

static void of_two_frees_one_succeeds(void)
{
	static const __u32 sizes[] = {48, 3 * PAGE_SIZE};

	for (int i = 0; i < 2; i++) {
		size = sizes[i];
		hold_everywhere(make_object, free_object, other_frees_object,
				freed_once, false);
		hold_everywhere(make_object, retire_object, other_frees_object,
				freed_once, false);
	}
}

/* The run that lane 1 is about to free a second time has new users: its first
 * page holds small objects, as many as make a descriptor look like a run's. */
static void other_reuses_the_pages(int time)
{
	(void)time;
	bpf_arena_free(object);
	for (__u32 i = 0; i < 400; i++)
		bpf_arena_alloc(2024);
	for (__u32 i = 0; i < 8; i++)
		bpf_arena_alloc(100);
}

static void nobody_lost_the_pages(void)
{
	check(COUNTED(frees) == 1);
	check(COUNTED(double_frees) + COUNTED(bad_frees) == 1);
	check(audit().live == 408);
}

static void a_late_free_spares_the_next_user(void)
{
	size = 2 * PAGE_SIZE;
	hold_everywhere(make_object, free_object, other_reuses_the_pages,
			nobody_lost_the_pages, false);
}

/* The depot's classic: top is read, then popped, its successor popped, and the
 * old top is back with another successor. */
static __u32 popped[4];

static void fill_the_depot(void)
{
	static void *objects[8 * ARENA_BATCH];

	for (int i = 0; i < 8 * ARENA_BATCH; i++)
		objects[i] = bpf_arena_alloc(48);
	for (int i = 0; i < 8 * ARENA_BATCH; i++)
		bpf_arena_free(objects[i]);
	memset(popped, 0, sizeof(popped));
}

static void pop_a_batch(void)
{
	popped[0] = arena_depot_pop(arena_class_of(48));
}

static void other_pops_and_pushes(int time)
{
	__u32 class = arena_class_of(48), top = arena_depot_pop(class);

	(void)time;
	popped[1] = arena_depot_pop(class);
	arena_depot_push(class, top);
}

static void push_them_back(void)
{
	__u32 class = arena_class_of(48);

	check(popped[0] && popped[1] && popped[0] != popped[1],
	      "one batch in two hands");
	arena_depot_push(class, popped[0]);
	arena_depot_push(class, popped[1]);
}

static void push_a_batch(void)
{
	arena_depot_push(arena_class_of(48), popped[2]);
}

static void set_a_batch_aside(void)
{
	fill_the_depot();
	popped[2] = arena_depot_pop(arena_class_of(48));
}

static void push_back_the_others(void)
{
	check(popped[1]);
	arena_depot_push(arena_class_of(48), popped[1]);
}

static void the_depot_has_no_aba(void)
{
	hold_everywhere(fill_the_depot, pop_a_batch, other_pops_and_pushes,
			push_them_back, false);
	hold_everywhere(set_a_batch_aside, push_a_batch, other_pops_and_pushes,
			push_back_the_others, false);
}

/* Two lanes at the frontier, or at the same free pages. */
static __u32 taken_by_other;

static void nothing(void)
{
}

static void some_free_pages(void)
{
	bpf_arena_free(bpf_arena_alloc(200 * PAGE_SIZE));
	taken_by_other = 0;
}

static void other_makes_object(int time)
{
	void *made = bpf_arena_alloc(time == 1 ? size : PAGE_SIZE);

	check(made && made != object);
	pattern_fill(made, PAGE_SIZE, 2);
}

static void object_is_whole(void)
{
	check(object);
	pattern_check(object, size);
}

static void no_page_is_in_two_hands(void)
{
	for (size = PAGE_SIZE; size <= 5 * PAGE_SIZE; size += 4 * PAGE_SIZE) {
		hold_everywhere(nothing, make_object, other_makes_object,
				object_is_whole, false);
		hold_everywhere(some_free_pages, make_object,
				other_makes_object, object_is_whole, false);
	}
}

/* A page in the midst of the run that lane 1 is taking is gone. */
static void other_takes_a_page_inside(int time)
{
	__u32 page = arena_header()->pages_first + 60 + time;

	if (arena_take_bits(arena_bits(page), 1ULL << (page & 63))) {
		arena_atomic_sub(&arena_header()->free_pages, 1ULL);
		arena_describe(page, ARENA_PAGE_RUN, 0,
			       1 << ARENA_RUN_SHIFT | ARENA_LIVE, 0);
		arena_self()->allocations++;
	}
}

static void a_run_that_breaks_off_is_given_back(void)
{
	size = 70 * PAGE_SIZE; /* two words of the bitmap, at least */
	hold_everywhere(some_free_pages, make_object, other_takes_a_page_inside,
			object_is_whole, false);
}

/* While lane 1 looks for a run in vain, one is freed: it must not believe
 * afterwards that there is none. */
static void *inside[2000];

static void fragment_all(void)
{
	__u32 count = 0;

	size = 3 * PAGE_SIZE;
	arena_header()->limit = arena_header()->pages_first + 150;
	while ((inside[count] = bpf_arena_alloc(PAGE_SIZE)))
		count++;
	for (__u32 i = 1; i < count; i += 2)
		bpf_arena_free(inside[i]);
}

static void look_for_a_run(void)
{
	object = bpf_arena_alloc(size);
}

static void other_frees_a_tooth(int time)
{
	(void)time;
	bpf_arena_free(inside[80]);
}

static void the_run_is_found(void)
{
	if (!object)
		object = bpf_arena_alloc(size);
	/* With no tooth out there is none: lane 2 did not step in. */
	check(object);
}

static void a_search_in_vain_is_no_promise(void)
{
	hold_everywhere(fragment_all, look_for_a_run, other_frees_a_tooth,
			the_run_is_found, false);
}

/*
 * Lane 1 enters and reads a pointer; lane 2 moves the epoch on, unlinks and
 * retires the object, and does its best to get it back.
 */
static void *shared;

static void share_object(void)
{
	size = 64;
	make_object();
	shared = object;
}

static void read_inside(void)
{
	void *mine;

	arena_enter();
	mine = arena_load_2(&shared, ARENA_ACQUIRE);
	for (int i = 0; mine && i < 3; i++) {
		point();
		pattern_check(mine, 64);
		check(*(unsigned char *)mine == 1, "handed out meanwhile");
	}
	arena_exit();
}

static void other_retires_and_reuses(int time)
{
	int advances = time == 1 && hold_again >= 0 ? 3 : 6;

	arena_enter();
	if (shared && (time == 2 || hold_again < 0)) {
		void *old = arena_atomic_exchange(&shared, NULL);

		arena_retire(old);
	}
	arena_exit();
	while (advances--)
		arena_advance();
	arena_reclaim_ripe(arena_self());
	for (int i = 0; i < 200; i++)
		pattern_fill(bpf_arena_alloc(64), 64, 2);
}

static void nothing_waits(void)
{
	check(arena_drain() == 0);
}

static void who_reads_inside_reads_whole_objects(void)
{
	hold_everywhere(share_object, read_inside, other_retires_and_reuses,
			nothing_waits, false);
	hold_everywhere(share_object, read_inside, other_retires_and_reuses,
			nothing_waits, true);
}

TESTS({"of_two_frees_one_succeeds", of_two_frees_one_succeeds},
      {"a_late_free_spares_the_next_user", a_late_free_spares_the_next_user},
      {"the_depot_has_no_aba", the_depot_has_no_aba},
      {"no_page_is_in_two_hands", no_page_is_in_two_hands},
      {"a_run_that_breaks_off_is_given_back",
       a_run_that_breaks_off_is_given_back},
      {"a_search_in_vain_is_no_promise", a_search_in_vain_is_no_promise},
      {"who_reads_inside_reads_whole_objects",
       who_reads_inside_reads_whole_objects})
