/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_first.h - ds_list that tells when a user lane first inserts.
 *
 * It writes the time (ns of CLOCK_MONOTONIC) to the file that the environment
 * names as ARENA_FIRST: how long a start took is seen by whoever started it.
 */
#pragma once

#include "../bpf/structures/ds_list.h"

#ifndef __bpf__
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#endif

struct ds_first_head {
	struct ds_list_head list;
};

static inline int ds_first_init(struct ds_first_head __arena *head)
{
	return ds_list_init(&head->list);
}

#ifdef __bpf__
#define ds_first_tell() ((void)0)
#else
static void ds_first_tell(void)
{
	static int told;
	struct timespec now;
	int file;

	if (told++)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	file = open(getenv("ARENA_FIRST"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dprintf(file, "%lld%09ld", (long long)now.tv_sec, now.tv_nsec);
	close(file);
}
#endif

static inline int ds_first_insert(struct ds_first_head __arena *head, __u64 key,
				  __u64 value)
{
	ds_first_tell();
	return ds_list_insert(&head->list, key, value);
}

static inline int ds_first_delete(struct ds_first_head __arena *head, __u64 key)
{
	return ds_list_delete(&head->list, key);
}

static inline int ds_first_search(struct ds_first_head __arena *head, __u64 key,
				  __u64 *value)
{
	return ds_list_search(&head->list, key, value);
}

static inline int ds_first_verify(struct ds_first_head __arena *head)
{
	return ds_list_verify(&head->list);
}
