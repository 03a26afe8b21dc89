/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kernel_call.h - what user space and the driver's syscall programs exchange. */
#pragma once

#include <linux/types.h>

#include "ds_api.h"

/**
 * struct kernel_call - context of every SEC("syscall") program of the driver
 * @lane: the arena lane that the calling task is from now on
 * @slot: telemetry slot; @plan: first index of the lane's plan in the plan map
 * @plan_mask: length of the plan minus 1 (a power of two)
 * @first, @count: batch_operations: number of the first operation, how many.
 *                 populate: @count pages
 * @stride_mask: operations whose number has none of these bits are timed
 * @done: out: operations or pages done
 * @operation: manual_operation: in and out
 */
struct kernel_call {
	__u32 lane;
	__u32 slot;
	__u64 plan;
	__u64 plan_mask;
	__u64 first;
	__u64 count;
	__u64 stride_mask;
	__u64 done;
	struct ds_operation operation;
};
