/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bpf_experimental.h - the name under which some headers look for can_loop. */
#pragma once

#include "bpf_arena_common.h"
