// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf_verbose.c - load one program as talkatively as the kernel can; see bpf_verbose.h. */
#include "bpf_verbose.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_EVERYTHING 6U /* every instruction on every path, and the numbers */

static int silent(enum libbpf_print_level level, const char *format,
		  va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int keep(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	int error = 0;

	if (!file)
		return -errno;
	if (fputs(text, file) == EOF)
		error = -errno;
	if (fclose(file) && !error)
		error = -errno;
	return error;
}

static int load_one(struct bpf_object *object, const char *name, char *text,
		    __u32 size)
{
	struct bpf_program *program, *wanted;

	wanted = bpf_object__find_program_by_name(object, name);
	if (!wanted)
		return -ENOENT;
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, program == wanted);
	bpf_program__set_log_level(wanted, LOG_EVERYTHING);
	bpf_program__set_log_buf(wanted, text, size);
	return bpf_object__load(object);
}

int bpf_verbose(const char *path, const char *program, const char *log,
		__u32 size)
{
	char *text = calloc(1, size);
	struct bpf_object *object;
	int error, kept;

	if (!text)
		return -ENOMEM;
	libbpf_set_print(silent);
	object = bpf_object__open_file(path, NULL);
	if (object) {
		error = load_one(object, program, text, size);
		bpf_object__close(object);
	} else {
		error = -errno;
	}
	kept = keep(log, text);
	free(text);
	return kept ? kept : error;
}
