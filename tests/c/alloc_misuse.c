// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* alloc_misuse.c - what is freed wrongly is reported, once each, and absorbed
 * nowhere: the arena is as sound afterwards as before. */
#include "alloc_common.h"

/* The faults reported since the last call are exactly one, of this kind. */
static void expect(__u32 kind, const void *address)
{
	static __u32 seen;
	struct arena_header *header = arena_header();
	struct arena_fault *fault;

	if (!kind) {
		seen = header->fault_count;
		return;
	}
	check(header->fault_count == seen + 1, "%u faults instead of 1",
	      header->fault_count - seen);
	fault = &header->faults[seen++];
	check(seen <= ARENA_FAULTS_MAX);
	check(fault->kind == kind, "kind %u instead of %u", fault->kind, kind);
	check(fault->address == (__u64)address);
	check(fault->lane == arena_self()->id);
	check(fault->operation == arena_self()->operation);
}

static void anew(void)
{
	arena_anew(2048, 10);
	expect(0, NULL);
	arena_self()->operation = 2ULL << 60 | 77;
}

static void a_second_free_is_reported(void)
{
	static const __u32 sizes[] = {1, 48, 300, 2024, 2025, 100000};

	anew();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		void *object = bpf_arena_alloc(sizes[i]);

		bpf_arena_free(object);
		bpf_arena_free(object);
		expect(ARENA_FAULT_DOUBLE_FREE, object);
	}
	bpf_arena_free(NULL);
	check(COUNTED(double_frees) == 6 && COUNTED(bad_frees) == 0);
	check(audit().live == 0);
}

static void retiring_counts_as_freeing(void)
{
	static const __u32 sizes[] = {48, 100000};

	anew();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		void *object = bpf_arena_alloc(sizes[i]);

		arena_enter();
		arena_retire(object);
		arena_retire(object);
		expect(ARENA_FAULT_DOUBLE_RETIRE, object);
		bpf_arena_free(object);
		expect(ARENA_FAULT_DOUBLE_FREE, object);
		arena_exit();
		audit();
		check(arena_drain() == 0);
		check(audit().live == 0);
		arena_retire(object);
		expect(ARENA_FAULT_DOUBLE_RETIRE, object);
	}
	arena_retire(NULL);
	check(COUNTED(retired) == 2 && COUNTED(reclaimed) == 2);
	check(COUNTED(allocations) == 2 && COUNTED(frees) == 2);
}

static void wild(void *address)
{
	bpf_arena_free(address);
	expect(ARENA_FAULT_BAD_FREE, address);
}

static void a_pointer_never_handed_out_is_reported(void)
{
	char *small, *run, *base = (char *)ARENA_BASE;
	int local = 0;

	anew();
	small = bpf_arena_alloc(200);
	run = bpf_arena_alloc(3 * PAGE_SIZE);
	memset(small, 0xff, 200);
	memset(run, 0xff, 3 * PAGE_SIZE);
	wild(&local);
	wild((void *)(__u64)arena_offset(small)); /* in the lower half only */
	wild(base + 8); /* the arena's first page, not populated */
	wild(arena_header());
	wild((void *)arena_lane(0));
	wild(base + (__u64)(arena_header()->frontier + 5) * PAGE_SIZE + 16);
	wild(base + (1ULL << 32)); /* just behind the largest arena */
	wild(small + 1);
	wild(small + 16); /* inside, aligned as objects are */
	wild(small - 8); /* its header */
	wild(small + 208); /* the next slot, never handed out */
	wild(base + (arena_offset(small) & ~4095U)); /* its page's start */
	wild(run + 16);
	wild(run + PAGE_SIZE); /* a run's second page */
	/* A populated page that nobody ever had: the last of a grown batch. */
	wild(base + (__u64)(arena_page(arena_header()->frontier - 1)->kind ==
					    ARENA_PAGE_FREE
				    ? arena_header()->frontier - 1
				    : arena_offset(small) / PAGE_SIZE + 15) *
			    PAGE_SIZE);
	arena_header()->fault_count = 0;
	expect(0, NULL);
	arena_header()->faults[0].kind = 0;
	arena_retire(small + 16);
	expect(ARENA_FAULT_BAD_RETIRE, small + 16);
	check(COUNTED(bad_frees) == 16 && COUNTED(double_frees) == 0);
	check(audit().live == 2);
	bpf_arena_free(small);
	bpf_arena_free(run);
	check(audit().live == 0);
}

/* An object's own content is never mistaken for an object's header. */
static void content_that_looks_like_a_header_does_not_pass(void)
{
	char *object;
	__u32 at;

	anew();
	object = bpf_arena_alloc(1000);
	at = arena_offset(object) + 512;
	/* The header of a live 48-byte object, right but for its page. */
	arena_slot_of(at)->state = arena_slot_word(at, 4, ARENA_LIVE);
	wild(object + 512);
	check(audit().live == 1);
}

static void only_the_first_faults_are_kept(void)
{
	char *object;

	anew();
	object = bpf_arena_alloc(64);
	for (int i = 0; i < 100; i++)
		bpf_arena_free(object + 16);
	check(arena_header()->fault_count == 100);
	check(arena_self()->bad_frees == 100);
	check(arena_header()->faults[ARENA_FAULTS_MAX - 1].kind ==
	      ARENA_FAULT_BAD_FREE);
	check(audit().live == 1);
}

/* Lanes race to free the same objects; the winners' number is the objects'. */
#define RACED 20000
static void *raced[RACED];
static pthread_barrier_t at_once;
static int retire_too;

static void free_all_of_them(__u32 lane)
{
	pthread_barrier_wait(&at_once);
	for (__u32 i = 0; i < RACED; i++) {
		if (i % 64 == 0) /* together again: the more collisions */
			pthread_barrier_wait(&at_once);
		if (retire_too && (lane + i) % 2)
			arena_retire(raced[i]);
		else
			bpf_arena_free(raced[i]);
	}
}

static void race(__u32 lanes, __u32 size)
{
	anew();
	for (__u32 i = 0; i < RACED; i++) {
		raced[i] = bpf_arena_alloc(size);
		check(raced[i]);
	}
	pthread_barrier_init(&at_once, NULL, lanes);
	run_lanes(lanes, free_all_of_them);
	pthread_barrier_destroy(&at_once);
	/* None is handed out while they race: a free object stays free. */
	check(arena_drain() == 0);
	check(COUNTED(frees) == RACED, "%llu of %u frees succeeded",
	      COUNTED(frees), RACED);
	check(COUNTED(double_frees) == (__u64)RACED * (lanes - 1));
	check(COUNTED(bad_frees) == 0);
	check(audit().live == 0);
}

static void of_racing_frees_one_succeeds(void)
{
	for (retire_too = 0; retire_too < 2; retire_too++) {
		race(2, 48);
		race(8, 48);
	}
}

static void of_racing_frees_of_runs_one_succeeds(void)
{
	for (int round = 0; round < 40; round++) {
		retire_too = round & 1;
		anew();
		for (__u32 i = 0; i < RACED; i++)
			raced[i] = NULL;
		for (__u32 i = 0; i < RACED; i += 80)
			raced[i] = bpf_arena_alloc((1 + i / 80 % 7) * 4096);
		pthread_barrier_init(&at_once, NULL, 2);
		run_lanes(2, free_all_of_them);
		pthread_barrier_destroy(&at_once);
		check(arena_drain() == 0);
		check(COUNTED(frees) == RACED / 80);
		check(COUNTED(double_frees) + COUNTED(bad_frees) == RACED / 80);
		check(audit().live == 0);
	}
}

static void an_exit_too_many_keeps_protection(void)
{
	anew();
	arena_exit();
	arena_enter();
	check(arena_self()->epoch & 1, "a lane inside is announced");
	arena_enter();
	arena_exit();
	check(arena_self()->epoch & 1, "operations nest");
	arena_exit();
	check(arena_self()->epoch == 0);
}

TESTS({"a_second_free_is_reported", a_second_free_is_reported},
      {"retiring_counts_as_freeing", retiring_counts_as_freeing},
      {"a_pointer_never_handed_out_is_reported",
       a_pointer_never_handed_out_is_reported},
      {"content_that_looks_like_a_header_does_not_pass",
       content_that_looks_like_a_header_does_not_pass},
      {"only_the_first_faults_are_kept", only_the_first_faults_are_kept},
      {"of_racing_frees_one_succeeds", of_racing_frees_one_succeeds},
      {"of_racing_frees_of_runs_one_succeeds",
       of_racing_frees_of_runs_one_succeeds},
      {"an_exit_too_many_keeps_protection", an_exit_too_many_keeps_protection})
