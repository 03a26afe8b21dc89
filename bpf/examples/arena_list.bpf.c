// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * arena_list.bpf.c - the kernel's half of the guide's arena_list example.
 *
 * Each program runs by bpf_prog_test_run. All may end before they are through,
 * when their time is up: `done` says how far they came, call them again.
 */
#include "kernel_call.h"
#include "populate.bpf.h"

#include "arena_list.h"

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("syscall")
int populate(struct kernel_call *call)
{
	arena_use();
	if (!arena_bind(call->lane))
		return DS_ERROR_BUSY;
	call->done = populate_pages(call->count);
	return 0;
}

/* Add @count elements, of the values that follow the number of those there. */
SEC("syscall")
int add_elements(struct kernel_call *call)
{
	struct arena_list_head __arena *head;
	__u64 done = arena_zero();

	arena_use();
	if (!arena_bind(call->lane))
		return DS_ERROR_BUSY;
	head = arena_list_make();
	while (head && done < call->count && can_loop) {
		if (!arena_list_add(head, head->count + 1))
			break;
		done++;
	}
	call->done = done;
	return 0;
}

/* Delete up to @count elements. */
SEC("syscall")
int delete_elements(struct kernel_call *call)
{
	struct arena_list_head __arena *head = arena_list_head_of();
	__u64 done = arena_zero();

	arena_use();
	if (!arena_bind(call->lane))
		return DS_ERROR_BUSY;
	while (head && done < call->count && can_loop) {
		if (!arena_list_remove(head))
			break;
		done++;
	}
	call->done = done;
	return 0;
}
