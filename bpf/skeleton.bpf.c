// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * skeleton.bpf.c - the kernel driver, generic over one structure.
 *
 * Compiled once a structure: the build includes a generated binding that names
 * the structure's operations aw_ds_*(). Programs:
 *
 *   manual_operation  one operation, run by bpf_prog_test_run
 *   batch_operations  a stretch of a kernel lane's plan, likewise
 *   trace_syscall     one operation at each sys_enter_<syscall> it is attached
 *                     to; which one tells the attachment's cookie
 *   populate          memory for all of them (the only one that must sleep)
 *   know_tree         remembers whose descendants may fire triggers
 */
#include "kernel_call.h"
#include "lane_telemetry.h"
#include "populate.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, union telemetry_entry);
} telemetry SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} plan SEC(".maps");

/* The little of the kernel's own types that is needed, found by BTF. */
struct signal_struct___tree {
	unsigned int flags;
} __attribute__((preserve_access_index));

struct task_struct___tree {
	struct task_struct___tree *real_parent;
	struct signal_struct___tree *signal;
	int tgid;
} __attribute__((preserve_access_index));

#define SIGNAL_GROUP_EXIT 4 /* the process is being killed */

#define TREE_DEPTH 32

static __always_inline aw_head_t __arena *structure_head(void)
{
	return (aw_head_t __arena *)(unsigned long)arena_header()->root;
}

/* The head lies in the arena like every other object of the structure. */
static __always_inline int make_structure(__u64 capacity)
{
	__u32 offset;

	if (arena_header()->root)
		return aw_ds_init(structure_head(), capacity);
	offset = arena_alloc_call(sizeof(aw_head_t));
	if (!offset)
		return DS_ERROR_NOMEM;
	arena_header()->root_size = sizeof(aw_head_t);
	arena_header()->root = ARENA_BASE | offset;
	return aw_ds_init(structure_head(), capacity);
}

/*
 * A function of its own, not inlined: the verifier then walks the structure's
 * code once a program, and each operation gets its own allowance of can_loop.
 */
__noinline int handle_operation(struct ds_operation *op)
{
	struct ds_kv out = {};
	__u64 value = 0;
	int result = DS_ERROR_UNSUPPORTED;

	if (!op)
		return DS_ERROR_INVALID;
	out.key = op->key;
	switch (op->type) {
	case DS_OP_INIT:
		result = make_structure(op->key);
		break;
	case DS_OP_INSERT:
		result = aw_ds_insert(structure_head(), op->key, op->value);
		break;
	case DS_OP_DELETE:
		result = aw_ds_delete(structure_head(), op->key, &out);
		break;
	case DS_OP_POP:
		result = aw_ds_pop(structure_head(), &out);
		break;
	case DS_OP_SEARCH:
		result = aw_ds_search(structure_head(), op->key, &value);
		out.value = value;
		break;
	case DS_OP_VERIFY:
		result = aw_ds_verify(structure_head());
		break;
	}
	op->result = result;
	if (result == DS_SUCCESS && op->type != DS_OP_INSERT) {
		op->key = out.key;
		op->value = out.value;
	}
	return result;
}

static __always_inline union telemetry_entry *telemetry_at(__u32 entry)
{
	return bpf_map_lookup_elem(&telemetry, &entry);
}

static __always_inline void planned_operation(struct telemetry_lane *lane,
					      struct arena_lane __arena *self,
					      __u64 entry, bool timed)
{
	struct ds_operation op = {};
	__u64 start = 0;

	op.type = entry >> PLAN_KEY_BITS;
	op.key = entry & PLAN_KEY_MASK;
	op.value = op.key * 2;
	self->operation = entry;
	if (timed)
		start = bpf_ktime_get_ns();
	handle_operation(&op);
	if (timed)
		telemetry_latency(lane, bpf_ktime_get_ns() - start);
	telemetry_count(lane, entry >> PLAN_KEY_BITS, op.result, op.key);
}

SEC("syscall")
int manual_operation(struct kernel_call *call)
{
	struct ds_operation op;

	arena_use();
	if (!arena_bind(call->lane))
		return DS_ERROR_BUSY;
	op = call->operation;
	arena_lane(call->lane)->operation =
		PLAN_ENTRY(op.type, op.key & PLAN_KEY_MASK);
	handle_operation(&op);
	call->operation = op;
	return 0;
}

/* A killed process goes only when its programs have ended. */
static __always_inline bool dying(struct task_struct___tree *task)
{
	return task->signal->flags & SIGNAL_GROUP_EXIT;
}

SEC("syscall")
int batch_operations(struct kernel_call *call)
{
	union telemetry_entry *control = telemetry_at(0);
	union telemetry_entry *entry = telemetry_at(call->slot + 1);
	struct task_struct___tree *task = (void *)bpf_get_current_task_btf();
	__u64 at = call->first, end = at + call->count;
	struct arena_lane __arena *self;

	arena_use();
	if (!control || !entry || !arena_bind(call->lane))
		return DS_ERROR_INVALID;
	self = arena_lane(call->lane);
	for (; at < end && can_loop; at++) {
		__u32 index = call->plan + (at & call->plan_mask);
		__u64 *planned = bpf_map_lookup_elem(&plan, &index);

		if (!planned || READ_ONCE(control->control.stop) || dying(task))
			break;
		planned_operation(&entry->lane, self, *planned,
				  !(at & call->stride_mask));
	}
	call->done = at - call->first;
	return 0;
}

static __always_inline bool in_tree(__u32 root)
{
	struct task_struct___tree *task;
	int depth;

	if (!root)
		return true;
	task = (void *)bpf_get_current_task_btf();
	for (depth = 0; depth < TREE_DEPTH && task; depth++) {
		__u32 tgid = task->tgid;

		if (tgid == root)
			return true;
		if (tgid <= 1)
			return false;
		task = task->real_parent;
	}
	return false;
}

SEC("tp")
int trace_syscall(void *context)
{
	union telemetry_entry *control = telemetry_at(0), *entry;
	__u32 cpu = bpf_get_smp_processor_id(), slot, index;
	__u64 trigger = bpf_get_attach_cookie(context), *planned;
	struct telemetry_lane *lane;

	arena_use();
	if (!control || !READ_ONCE(control->control.go) ||
	    READ_ONCE(control->control.stop) || cpu >= control->control.cpus ||
	    !in_tree(control->control.tree_root))
		return 0;
	slot = control->control.trigger_slot + trigger * control->control.cpus +
	       cpu;
	entry = telemetry_at(slot + 1);
	if (!entry)
		return 0;
	lane = &entry->lane;
	/* The door: the CPU's arena lane is shared by its triggers, and a
	 * program on top of another one must not use it. Acquire and release
	 * pair with the last visitor's; entry of trigger 0 keeps the door. */
	entry = telemetry_at(control->control.trigger_slot + cpu + 1);
	if (!entry)
		return 0;
	if (arena_atomic_exchange(&entry->lane.busy, 1, ARENA_SEQ_CST)) {
		arena_atomic_inc(&lane->missed);
		return 0;
	}
	index = control->control.trigger_plan +
		(slot - control->control.trigger_slot) *
			(control->control.plan_mask + 1) +
		(lane->cursor++ & control->control.plan_mask);
	planned = bpf_map_lookup_elem(&plan, &index);
	if (planned)
		planned_operation(lane, arena_self(), *planned, true);
	arena_atomic_store(&entry->lane.busy, 0, ARENA_RELEASE);
	return 0;
}

SEC("syscall")
int populate(struct kernel_call *call)
{
	arena_use();
	if (!arena_bind(call->lane))
		return DS_ERROR_BUSY;
	call->done = populate_pages(call->count);
	return 0;
}

SEC("syscall")
int know_tree(struct kernel_call *call)
{
	union telemetry_entry *control = telemetry_at(0);
	struct task_struct___tree *task = (void *)bpf_get_current_task_btf();

	/* The engine's parent is the front: the whole workbench. */
	task = task->real_parent;
	if (control && task)
		control->control.tree_root = task->tgid;
	return 0;
}
