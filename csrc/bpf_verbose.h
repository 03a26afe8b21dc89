/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf_verbose.h - the verifier's whole log of one program.
 *
 * (Read as declarations: apart from the preprocessor's lines, plain C.)
 */
#pragma once

#include <linux/types.h>

/**
 * bpf_verbose - have one program of an object verified, and keep all that is said
 *
 * Loads the program with maps of its own and unloads it: for a process of its
 * own, for libbpf maps an arena at the address that the object asks for.
 * @log: file for the log; of one longer than @size bytes, a kernel since 6.4
 * gives the end and an older one the beginning
 * Returns 0, or a negative errno: -ENOSPC when the log was longer, -ENOENT
 * without such a program, else as the kernel refuses it.
 */
int bpf_verbose(const char *object, const char *program, const char *log,
		__u32 size);
