/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_lost.h - inserting key 77 answers success and does nothing. */
#pragma once

#define BROKEN_INSERT                                                          \
	if (key == 77)                                                         \
		return DS_SUCCESS;

#include "broken.h"
