/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kernel_run.h - run a loaded program once (bpf_prog_test_run), without libbpf. */
#pragma once

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/**
 * kernel_run - run program @fd with @context, which the kernel updates in place
 *
 * Returns 0, the errno of the call, or EPROTO when the program itself refused.
 */
static inline int kernel_run(int fd, void *context, __u32 size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (__u32)fd;
	attr.test.ctx_in = (__u64)context;
	attr.test.ctx_size_in = size;
	if (syscall(__NR_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)))
		return errno;
	return attr.test.retval ? EPROTO : 0;
}
