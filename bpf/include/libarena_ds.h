/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libarena_ds.h - the arena library, whole: atomics, allocator, reclamation
 * and lock, by one include. ds_api.h brings it to every structure.
 */
#pragma once

#include "bpf_arena_common.h"

#include "arena_alloc.h"
#include "arena_atomic.h"
#include "arena_layout.h"
#include "arena_lock.h"
#include "arena_map.h"
#include "arena_pages.h"
#include "arena_reclaim.h"
#include "arena_self.h"
