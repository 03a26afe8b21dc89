/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_api.h - the contract between a structure and the workbench.
 *
 * A structure is one header, ds_<name>.h, that includes this one and defines
 *
 *   struct ds_<name>_head, struct ds_<name>_node
 *   int  ds_<name>_init(struct ds_<name>_head __arena *head)
 *   int  ds_<name>_insert(head, __u64 key, __u64 value)
 *   int  ds_<name>_delete(head, __u64 key)
 *   int  ds_<name>_search(head, __u64 key, __u64 *value)
 *   int  ds_<name>_verify(head)
 *   void ds_<name>_get_stats(head, struct ds_stats *stats)
 *   void ds_<name>_reset_stats(head)
 *   const struct ds_metadata *ds_<name>_get_metadata(void)
 * and may add
 *   int  ds_<name>_pop(head, struct ds_kv *out)
 *   int  ds_<name>_iterate(head, int (*fn)(__u64, __u64, void *), void *ctx)
 *
 * as static inline functions. The same text is compiled for BPF and for user
 * space. Other forms of these that are in use elsewhere are accepted too; see
 * docs/structures.md.
 */
#pragma once

#include "libarena_ds.h"

/* Results. */
#define DS_SUCCESS 0
#define DS_ERROR_NOT_FOUND (-1)
#define DS_ERROR_EXISTS (-2)
#define DS_ERROR_NOMEM (-3)
#define DS_ERROR_INVALID (-4)
#define DS_ERROR_CORRUPT (-5)
#define DS_ERROR_BUSY (-6) /* no lock, or cut off by the kernel: try again */
#define DS_ERROR_FULL (-7)
#define DS_ERROR_EMPTY (-8)
#define DS_ERROR_UNSUPPORTED (-9)
#define DS_RESULTS 10 /* how many codes there are, DS_SUCCESS included */

enum ds_op_type {
	DS_OP_INIT = 0,
	DS_OP_INSERT,
	DS_OP_DELETE,
	DS_OP_POP,
	DS_OP_SEARCH,
	DS_OP_VERIFY,
	DS_OP_ITERATE,
	DS_OP_MAX,
};

struct ds_kv {
	__u64 key;
	__u64 value;
};

struct ds_k {
	__u64 key;
};

struct ds_v {
	__u64 value;
};

/* What kind of thing it is: decides the workload's operations and the model
 * that its histories are judged by. */
enum ds_abstract_type {
	DS_TYPE_UNKNOWN = 0,
	DS_TYPE_MAP,
	DS_TYPE_SET,
	DS_TYPE_QUEUE,
	DS_TYPE_STACK,
	DS_TYPE_PRIORITY_QUEUE,
	DS_TYPE_RING,
	DS_TYPE_DEQUE,
	DS_TYPE_LOG,
};

/* How many lanes may insert (producers) and take out (consumers) at once. */
enum ds_concurrency {
	DS_CONCURRENCY_UNKNOWN = 0, /* taken as DS_MPMC */
	DS_SPSC,
	DS_MPSC,
	DS_SPMC,
	DS_MPMC,
};

enum ds_progress {
	DS_PROGRESS_UNKNOWN = 0,
	DS_BLOCKING,
	DS_OBSTRUCTION_FREE,
	DS_LOCK_FREE,
	DS_WAIT_FREE,
};

/**
 * struct ds_metadata - what the workbench should know about a structure
 *
 * The first four members are the public framework's; a header that sets only
 * those is fine.
 */
struct ds_metadata {
	const char *name;
	const char *description;
	__u64 node_size;
	__u32 requires_locking;
	__u32 abstract_type; /* enum ds_abstract_type */
	__u32 concurrency; /* enum ds_concurrency */
	__u32 progress; /* enum ds_progress */
	__u32 bounded; /* insert may answer DS_ERROR_FULL */
	__u32 ordered; /* iterate goes in ascending order of keys */
};

struct ds_op_stats {
	__u64 count;
	__u64 failures;
	__u64 total_time_ns;
};

struct ds_stats {
	struct ds_op_stats ops[DS_OP_MAX];
	__u64 current_elements;
	__u64 max_elements;
	__u64 memory_used;
};

/**
 * struct ds_operation - one operation and its answer, as a kernel program
 * takes it
 */
struct ds_operation {
	__u32 type; /* enum ds_op_type */
	__s32 result;
	__u64 key;
	__u64 value;
	__u64 timestamp;
};

/** DS_VERIFY_CONDITION - leave a verify function when @condition is false */
#define DS_VERIFY_CONDITION(condition, ...)                                    \
	do {                                                                   \
		if (!(condition))                                              \
			return DS_ERROR_CORRUPT;                               \
	} while (0)

/** DS_API_DECLARE - declare the operations of a structure ahead of use */
#define DS_API_DECLARE(name)                                                   \
	static inline int ds_##name##_init(struct ds_##name##_head __arena *); \
	static inline int ds_##name##_insert(                                  \
		struct ds_##name##_head __arena *, __u64, __u64);              \
	static inline int ds_##name##_delete(                                  \
		struct ds_##name##_head __arena *, __u64);                     \
	static inline int ds_##name##_search(                                  \
		struct ds_##name##_head __arena *, __u64);                     \
	static inline int ds_##name##_verify(struct ds_##name##_head           \
					     __arena *);                       \
	static inline const struct ds_metadata *ds_##name##_get_metadata(void)

/** DS_API_IMPL_* - the opening line of an operation's definition */
#define DS_API_IMPL_INIT(name)                                                 \
	static inline int ds_##name##_init(struct ds_##name##_head             \
					   __arena *head)
#define DS_API_IMPL_INSERT(name)                                               \
	static inline int ds_##name##_insert(                                  \
		struct ds_##name##_head __arena *head, __u64 key, __u64 value)
#define DS_API_IMPL_DELETE(name)                                               \
	static inline int ds_##name##_delete(                                  \
		struct ds_##name##_head __arena *head, __u64 key)
#define DS_API_IMPL_POP(name)                                                  \
	static inline int ds_##name##_pop(                                     \
		struct ds_##name##_head __arena *head, struct ds_kv *out)
#define DS_API_IMPL_SEARCH(name)                                               \
	static inline int ds_##name##_search(                                  \
		struct ds_##name##_head __arena *head, __u64 key)
#define DS_API_IMPL_VERIFY(name)                                               \
	static inline int ds_##name##_verify(struct ds_##name##_head           \
					     __arena *head)
#define DS_API_IMPL_GET_METADATA(name)                                         \
	static inline const struct ds_metadata *ds_##name##_get_metadata(void)
