/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_stub.h - DS_API_INSERT: what it is, in a line
 *
 * DS_API_INSERT: the algorithm and where it was published; who may call it at
 * once; what a lane that stops half-way does to the others.
 *
 * DS_API_INSERT: lines of their own that tell `arena-workbench describe` what
 * it cannot see in the code, such as "@ds_ordered: yes", "@ds_allows_duplicates:
 * no", "@ds_complexity insert: O(1)"
 *
 * The same text is compiled for the kernel (BPF) and for user space. Memory
 * comes from bpf_arena_alloc() and goes back by bpf_arena_free(), or by
 * arena_retire() where another lane may still be reading it. Loops need
 * "&& can_loop": the verifier must see that they end.
 *
 * Try it:  arena-workbench run --structure ./ds_stub.h -v
 */
#pragma once

#include "ds_api.h"

/* DS_API_INSERT: the members of a node */
struct ds_stub_node {
	struct ds_stub_node __arena *next;
	__u64 key;
	__u64 value;
};

/* DS_API_INSERT: the members of the head */
struct ds_stub_head {
	struct ds_stub_node __arena *first;
	__u64 count;
	struct ds_stats stats;
};

/** ds_stub_init - make @head an empty structure */
static inline int ds_stub_init(struct ds_stub_head __arena *head)
{
	if (!head)
		return DS_ERROR_INVALID;
	/* DS_API_INSERT: set the members that you added */
	head->first = NULL;
	head->count = 0;
	return DS_SUCCESS;
}

/** ds_stub_insert - add @key with @value */
static inline int ds_stub_insert(
	struct ds_stub_head __arena *head, __u64 key, __u64 value)
{
	/*
	 * DS_API_INSERT: answer DS_SUCCESS, DS_ERROR_EXISTS, or DS_ERROR_NOMEM
	 * when bpf_arena_alloc() gives NULL
	 */
	return DS_ERROR_UNSUPPORTED;
}

/** ds_stub_delete - remove @key */
static inline int ds_stub_delete(
	struct ds_stub_head __arena *head, __u64 key)
{
	/* DS_API_INSERT: answer DS_SUCCESS or DS_ERROR_NOT_FOUND */
	return DS_ERROR_UNSUPPORTED;
}

/** ds_stub_search - find @key and put its value into *@value */
static inline int ds_stub_search(
	struct ds_stub_head __arena *head, __u64 key, __u64 *value)
{
	/* DS_API_INSERT: answer DS_SUCCESS or DS_ERROR_NOT_FOUND */
	return DS_ERROR_UNSUPPORTED;
}

/** ds_stub_verify - is @head well-formed; called while nothing else runs */
static inline int ds_stub_verify(struct ds_stub_head __arena *head)
{
	struct ds_stub_node __arena *node;
	__u64 found = 0;

	if (!head)
		return DS_ERROR_INVALID;
	/* DS_API_INSERT: check what must hold in every node */
	for (node = head->first; node && can_loop; node = node->next)
		found++;
	return found == head->count ? DS_SUCCESS : DS_ERROR_CORRUPT;
}

/*
 * DS_API_INSERT: ds_stub_iterate() lets the workbench count the elements
 * after a run; it is called in user space only.
 */
static inline int ds_stub_iterate(
	struct ds_stub_head __arena *head,
	int (*fn)(__u64 key, __u64 value, void *ctx), void *ctx)
{
	struct ds_stub_node __arena *node;
	int stop = 0;

	for (node = head->first; node && !stop; node = node->next)
		stop = fn(node->key, node->value, ctx);
	return stop;
}

/** ds_stub_get_stats - copy the statistics to *@stats */
static inline void ds_stub_get_stats(
	struct ds_stub_head __arena *head, struct ds_stats *stats)
{
	stats->current_elements = head->count;
	stats->max_elements = head->stats.max_elements;
	stats->memory_used = head->count * sizeof(struct ds_stub_node);
}

/** ds_stub_reset_stats - start counting anew */
static inline void ds_stub_reset_stats(struct ds_stub_head __arena *head)
{
	head->stats.max_elements = head->count;
}

/** ds_stub_get_metadata - what the workbench should know about it */
static inline const struct ds_metadata *ds_stub_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "stub",
		/* DS_API_INSERT: one line for `arena-workbench list` */
		.description = "a stub whose operations are still to be written",
		.node_size = sizeof(struct ds_stub_node),
		/* DS_API_INSERT: the kind that its answers are judged as */
		.abstract_type = DS_TYPE_UNKNOWN,
		/* DS_API_INSERT: how many lanes may insert and take out */
		.concurrency = DS_CONCURRENCY_UNKNOWN,
	};
	return &metadata;
}
