/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_no_compile.h - inserting calls a function that nobody declared. */
#pragma once

#define BROKEN_INSERT forgotten_helper(head, key);

#include "broken.h"
