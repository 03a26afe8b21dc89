/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf_facts.h - what the kernel tells of loaded programs, maps and links.
 *
 * By file descriptor, without a bpf_loader. (The engine reads this file as its
 * declarations: apart from the preprocessor's lines, plain C.)
 */
#pragma once

#include <linux/types.h>

/**
 * struct bpf_program_facts - a loaded program
 * @type: as libbpf names it, "" for one it does not know
 * @loaded_ns: when, on CLOCK_BOOTTIME
 * @translated_bytes, @jited_bytes: BPF code after the verifier, machine code
 * @verified: instructions that the verifier went through
 * @functions: subprograms with the main one
 * @run_ns, @runs: counted while run-time statistics are on (by anybody)
 * @missed: runs that recursion prevented
 */
struct bpf_program_facts {
	__u32 id;
	__u32 translated_bytes;
	__u32 jited_bytes;
	__u32 verified;
	__u32 functions;
	__u64 loaded_ns;
	__u64 run_ns;
	__u64 runs;
	__u64 missed;
	unsigned char tag[8];
	char type[32];
};

/** struct bpf_map_facts - a map; @bytes is what it costs the kernel, 0 unknown */
struct bpf_map_facts {
	__u32 id;
	__u32 key_size;
	__u32 value_size;
	__u32 entries;
	__u64 extra;
	__u64 bytes;
	char type[32];
};

/** struct bpf_link_facts - a tracepoint's link; @event "" where a kernel is mute */
struct bpf_link_facts {
	__u32 id;
	__u32 program;
	__u64 cookie;
	char event[64];
};

/** bpf_facts_* - fill @facts; 0 or a negative errno */
int bpf_facts_program(int fd, struct bpf_program_facts *facts);
int bpf_facts_map(int fd, struct bpf_map_facts *facts);
int bpf_facts_link(int fd, struct bpf_link_facts *facts);

/** bpf_facts_statistics - switch run-time statistics on until the fd is closed
 *
 * Returns the fd or a negative errno.
 */
int bpf_facts_statistics(void);

/** bpf_facts_stream - take what a program's stream has: 1 stdout, 2 stderr
 *
 * Returns the bytes taken, or a negative errno: -EINVAL on a kernel without
 * streams.
 */
int bpf_facts_stream(int program_fd, __u32 stream, char *text, __u32 size);
