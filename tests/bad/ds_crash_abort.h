/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_crash_abort.h - a user lane aborts, with a word on stderr, when it deletes key 77. */
#pragma once

#ifndef __bpf__
#include <assert.h>
#define BROKEN_DELETE assert(key != 77);
#endif

#include "broken.h"
