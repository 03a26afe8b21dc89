/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_no_insert.h - there is no insert. */
#pragma once

#define ds_broken_insert some_other_name

#include "broken.h"
