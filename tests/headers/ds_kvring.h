/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_kvring.h - bounded ring of one producer and one consumer (Lamport 1983).
 *
 * Form: the head's type has another name, init takes a 32-bit capacity and
 * returns nothing, there is pop and no delete, no search, no metadata.
 */
#pragma once

#include "ds_api.h"

struct spsc_ring_buffer {
	struct ds_kv __arena *slots;
	__u32 capacity;
	__u32 away;
	__u64 pushed __attribute__((aligned(64))); /* the producer's */
	__u64 popped __attribute__((aligned(64))); /* the consumer's */
};

static inline void ds_kvring_init(struct spsc_ring_buffer __arena *ring,
				  __u32 capacity)
{
	if (!capacity || capacity > 1U << 20)
		capacity = 1024;
	ring->pushed = 0;
	ring->popped = 0;
	ring->capacity = capacity;
	ring->slots = bpf_arena_alloc((__u64)capacity * sizeof(struct ds_kv));
}

static inline int ds_kvring_insert(struct spsc_ring_buffer __arena *ring,
				   __u64 key, __u64 value)
{
	struct ds_kv __arena *slots = ring->slots;
	__u64 pushed = ring->pushed;
	struct ds_kv __arena *slot;

	if (!slots)
		return DS_ERROR_NOMEM;
	/* Acquire: pairs with the release in pop; the slot is read out. */
	if (pushed - smp_load_acquire(&ring->popped) >= ring->capacity)
		return DS_ERROR_FULL;
	slot = &slots[pushed % ring->capacity];
	slot->key = key;
	slot->value = value;
	/* Release: pairs with the acquire in pop; the slot is filled. */
	smp_store_release(&ring->pushed, pushed + 1);
	return DS_SUCCESS;
}

static inline int ds_kvring_pop(struct spsc_ring_buffer __arena *ring,
				struct ds_kv *out)
{
	struct ds_kv __arena *slots = ring->slots;
	__u64 popped = ring->popped;
	struct ds_kv __arena *slot;

	if (!slots)
		return DS_ERROR_NOMEM;
	if (popped == smp_load_acquire(&ring->pushed))
		return DS_ERROR_NOT_FOUND;
	slot = &slots[popped % ring->capacity];
	out->key = slot->key;
	out->value = slot->value;
	smp_store_release(&ring->popped, popped + 1);
	return DS_SUCCESS;
}

static inline int ds_kvring_verify(struct spsc_ring_buffer __arena *ring)
{
	return ring->pushed - ring->popped <= ring->capacity ? DS_SUCCESS
							     : DS_ERROR_CORRUPT;
}

static inline int ds_kvring_iterate(struct spsc_ring_buffer __arena *ring,
				    int (*fn)(__u64 key, __u64 value,
					      void *ctx),
				    void *ctx)
{
	struct ds_kv __arena *slots = ring->slots;
	__u64 at = ring->popped;

	while (at != ring->pushed && can_loop) {
		struct ds_kv __arena *slot = &slots[at % ring->capacity];
		int result = fn(slot->key, slot->value, ctx);

		if (result)
			return result;
		at++;
	}
	return DS_SUCCESS;
}
