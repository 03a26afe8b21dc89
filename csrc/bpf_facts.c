// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf_facts.c - bpf(2) asked about programs, maps and links; see bpf_facts.h. */
#include "bpf_facts.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of newer kernels' linux/bpf.h (6.17): programs have streams. */
#define PROG_STREAM_READ_BY_FD 37

struct stream_read {
	__u64 text;
	__u32 size;
	__u32 stream;
	__u32 program_fd;
	__u32 zero;
};

/* struct bpf_link_info with its tracepoint part (6.6; the cookie 6.9). */
#define PERF_EVENT_TRACEPOINT 5

struct link_info {
	__u32 type;
	__u32 id;
	__u32 program;
	__u32 pad;
	__u32 event_type;
	__u32 pad_event;
	__u64 name;
	__u32 name_size;
	__u32 pad_name;
	__u64 cookie;
};

static int ask(int fd, void *info, __u32 size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (__u32)fd;
	attr.info.info_len = size;
	attr.info.info = (__u64)info;
	return syscall(__NR_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr))
		       ? -errno
		       : 0;
}

static void name_type(char *type, size_t size, const char *name)
{
	snprintf(type, size, "%s", name ? name : "");
}

int bpf_facts_program(int fd, struct bpf_program_facts *facts)
{
	struct bpf_prog_info info;
	int error;

	memset(&info, 0, sizeof(info));
	memset(facts, 0, sizeof(*facts));
	error = ask(fd, &info, sizeof(info));
	if (error)
		return error;
	facts->id = info.id;
	facts->translated_bytes = info.xlated_prog_len;
	facts->jited_bytes = info.jited_prog_len;
	facts->verified = info.verified_insns;
	facts->functions = info.nr_jited_func_lens;
	facts->loaded_ns = info.load_time;
	facts->run_ns = info.run_time_ns;
	facts->runs = info.run_cnt;
	facts->missed = info.recursion_misses;
	memcpy(facts->tag, info.tag, sizeof(facts->tag));
	name_type(facts->type, sizeof(facts->type),
		  libbpf_bpf_prog_type_str(info.type));
	return 0;
}

/* What a map costs is told by its descriptor's entry in /proc alone. */
static __u64 map_bytes(int fd)
{
	static const char label[] = "memlock:";
	char path[64], line[128];
	__u64 bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, label, sizeof(label) - 1) == 0)
			bytes = strtoull(line + sizeof(label) - 1, NULL, 10);
	fclose(file);
	return bytes;
}

int bpf_facts_map(int fd, struct bpf_map_facts *facts)
{
	struct bpf_map_info info;
	int error;

	memset(&info, 0, sizeof(info));
	memset(facts, 0, sizeof(*facts));
	error = ask(fd, &info, sizeof(info));
	if (error)
		return error;
	facts->id = info.id;
	facts->key_size = info.key_size;
	facts->value_size = info.value_size;
	facts->entries = info.max_entries;
	facts->extra = info.map_extra;
	facts->bytes = map_bytes(fd);
	name_type(facts->type, sizeof(facts->type),
		  libbpf_bpf_map_type_str(info.type));
	return 0;
}

int bpf_facts_link(int fd, struct bpf_link_facts *facts)
{
	struct link_info info;
	int error;

	memset(&info, 0, sizeof(info));
	memset(facts, 0, sizeof(*facts));
	info.name = (__u64)facts->event;
	info.name_size = sizeof(facts->event);
	error = ask(fd, &info, sizeof(info));
	if (error)
		return error;
	facts->id = info.id;
	facts->program = info.program;
	if (info.event_type == PERF_EVENT_TRACEPOINT)
		facts->cookie = info.cookie;
	else
		facts->event[0] = '\0';
	return 0;
}

int bpf_facts_statistics(void)
{
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.enable_stats.type = BPF_STATS_RUN_TIME;
	fd = syscall(__NR_bpf, BPF_ENABLE_STATS, &attr, sizeof(attr));
	return fd < 0 ? -errno : (int)fd;
}

int bpf_facts_stream(int program_fd, __u32 stream, char *text, __u32 size)
{
	struct stream_read attr = {
		.text = (__u64)text,
		.size = size,
		.stream = stream,
		.program_fd = (__u32)program_fd,
	};
	long taken =
		syscall(__NR_bpf, PROG_STREAM_READ_BY_FD, &attr, sizeof(attr));

	return taken < 0 ? -errno : (int)taken;
}
