/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* structure.h - includes the header of -DSTRUCTURE. */
#define STRUCTURE_TEXT_(name) #name
#define STRUCTURE_TEXT(name) STRUCTURE_TEXT_(name)
#define STRUCTURE_FILE_(name) STRUCTURE_TEXT(ds_##name.h)
#define STRUCTURE_FILE(name) STRUCTURE_FILE_(name)
#include STRUCTURE_FILE(STRUCTURE)
