/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_self.h - which lane is this?
 *
 * A user lane is a thread, so its lane is thread-local. A kernel program has
 * no such storage: a task that drives a kernel lane is found by its id in a
 * small table in the arena; any other task is running a trigger, whose lane is
 * that of its CPU (a program cannot migrate, and the driver lets only one
 * trigger program a CPU past its door).
 */
#pragma once

#include "arena_layout.h"

/*
 * Functions too large to repeat at every call. In BPF they are global ones:
 * the verifier then looks at each once a program, for any arguments, instead
 * of once for every path that leads to it. That is why all take and return
 * plain numbers. (Weak keeps clang from dropping arguments it sees through.)
 */
#ifdef __bpf__
#define ARENA_OUTLINE __weak __noinline __maybe_unused
#define ARENA_CONTEXT 1U
#else
#define ARENA_OUTLINE static __noinline __maybe_unused
#define ARENA_CONTEXT 0U
#endif

#ifdef __bpf__

#define ARENA_TASK_PROBES 8

static __always_inline __u32 arena_task_hash(__u32 tid)
{
	return (tid * 0x9e3779b1U) >> 16;
}

/** arena_bind - from now on the current task is lane @id; false: table full */
ARENA_OUTLINE int arena_bind(__u32 id)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	__u32 at = arena_task_hash(tid);

	for (__u32 i = arena_zero(); i < ARENA_TASK_PROBES && can_loop; i++) {
		struct arena_task __arena *task =
			&arena_header()->tasks[(at + i) & (ARENA_TASKS - 1)];
		__u32 found = arena_atomic_cmpxchg(&task->tid, 0, tid);

		if (found != 0 && found != tid)
			continue;
		/* Read by the same task only, hence no order needed. */
		arena_atomic_store(&task->lane, id, ARENA_RELAXED);
		return true;
	}
	return false;
}

/* Past the task's first place in the table. (Const: a task stays the lane that
 * it is; a program binds first.) */
ARENA_OUTLINE __attribute__((const)) __u32 arena_find_lane(__u32 tid)
{
	__u32 at = arena_task_hash(tid);

	for (__u32 i = arena_zero(); i < ARENA_TASK_PROBES && can_loop; i++) {
		struct arena_task __arena *task =
			&arena_header()->tasks[(at + i) & (ARENA_TASKS - 1)];
		__u32 found = READ_ONCE(task->tid);

		if (found == tid)
			return READ_ONCE(task->lane);
		if (!found)
			break;
	}
	return arena_header()->first_trigger_lane + bpf_get_smp_processor_id();
}

/*
 * The current task's id. Calls cost some 9 ns each where returns are guarded
 * against speculation. Written like this, as something that depends on nothing,
 * the compiler asks once for all of an operation's steps.
 */
static __always_inline __u32 arena_task_id(void)
{
	__u64 id;

	asm("call %[helper]\n\t%[id] = r0"
	    : [id] "=r"(id)
	    : [helper] "i"(BPF_FUNC_get_current_pid_tgid)
	    : "r0", "r1", "r2", "r3", "r4", "r5");
	return (__u32)id;
}

static __always_inline __u32 arena_self_id(void)
{
	__u32 tid = arena_task_id();
	struct arena_task __arena *task =
		&arena_header()
			 ->tasks[arena_task_hash(tid) & (ARENA_TASKS - 1)];

	if (likely(READ_ONCE(task->tid) == tid))
		return READ_ONCE(task->lane);
	return arena_find_lane(tid);
}

static __always_inline struct arena_lane __arena *arena_self(void)
{
	return arena_lane(arena_self_id());
}

#else

/* One copy in each shared object; a build of a structure is a single one. */
static __thread struct arena_lane *arena_self_lane
	__attribute__((tls_model("initial-exec"), unused));

static __always_inline struct arena_lane *arena_self(void)
{
	return arena_self_lane;
}

static __always_inline int arena_bind(__u32 id)
{
	arena_self_lane = arena_lane(id);
	return true;
}

#endif

/** arena_touch_page - note that a page changes in this tick */
static __always_inline void arena_touch_page(struct arena_page __arena *page)
{
	__u32 stamp = READ_ONCE(arena_header()->tick) << 1 | ARENA_CONTEXT;

	/* Once a tick: a line that all lanes only read is not fought over. */
	if (unlikely((READ_ONCE(page->stamp) ^ stamp) >> 1))
		WRITE_ONCE(page->stamp, stamp);
}

/** arena_report - count a misuse of the allocator and keep the first few */
ARENA_OUTLINE int arena_report(__u32 kind, __u64 address)
{
	struct arena_lane __arena *lane = arena_self();
	__u32 at = arena_atomic_inc(&arena_header()->fault_count);
	struct arena_fault __arena *fault;

	if (kind == ARENA_FAULT_DOUBLE_FREE ||
	    kind == ARENA_FAULT_DOUBLE_RETIRE)
		lane->double_frees++;
	else if (kind != ARENA_FAULT_SELF_LOCK)
		lane->bad_frees++;
	if (at >= ARENA_FAULTS_MAX)
		return 0;
	fault = &arena_header()->faults[at & (ARENA_FAULTS_MAX - 1)];
	fault->lane = lane->id;
	fault->address = address;
	fault->operation = lane->operation;
	/* Pairs with the observer's acquire load: kind is set last. */
	arena_atomic_store(&fault->kind, kind, ARENA_RELEASE);
	return 0;
}
