/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pattern.h - fill an object on either side so that a second owner shows:
 * every byte depends on a number that changes with each filling. */
#pragma once

#include "libarena_ds.h"

/* Large objects at each 64th byte and the last only. */
static __always_inline __u32 pattern_step(__u32 size)
{
	return size > 4096 ? 64 : 1;
}

static __always_inline void pattern_write(volatile __u8 __arena *byte,
					  __u32 size, __u32 number)
{
	__u32 i, step = pattern_step(size);

	for (i = arena_zero() + 1; i + 1 < size && can_loop; i += step)
		byte[i] = (__u8)(number + i * 7 + size);
	if (size > 1)
		byte[size - 1] = (__u8)(number ^ size);
	if (size)
		byte[0] = (__u8)number;
}

/* 0, or 1 + the first byte that is not as it was written. */
static __always_inline __u32 pattern_damage(const volatile __u8 __arena *byte,
					    __u32 size)
{
	__u32 i, step = pattern_step(size);
	__u8 number = size ? byte[0] : 0;

	for (i = arena_zero() + 1; i + 1 < size && can_loop; i += step)
		if (byte[i] != (__u8)(number + i * 7 + size))
			return 1 + i;
	if (size > 1 && byte[size - 1] != (__u8)(number ^ size))
		return size;
	return 0;
}
