// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf_loader.c - libbpf behind a handful of calls; see bpf_loader.h. */
#include "bpf_loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_call.h"
#include "kernel_run.h"

#define LOADER_LINKS 64
#define LOADER_PROGRAMS 16 /* whose statistics are kept */
#define LOG_STATISTICS 4U /* the kernel's BPF_LOG_STATS: numbers, no trace */

/* A few lines a program, of which one lists all of its functions. */
struct statistics {
	char text[8192];
};

struct bpf_loader {
	struct bpf_object *object;
	FILE *log;
	char rejected[128];
	struct bpf_link *links[LOADER_LINKS];
	struct statistics *statistics; /* by number of program */
	char path[]; /* of the object */
};

static char message[512];
static struct bpf_loader *talking; /* whose log libbpf's words go to */

static int note(enum libbpf_print_level level, const char *format, va_list args)
{
	static const char start[] = "prog '";
	va_list copy;
	char line[256];
	char *name, *end;

	if (!talking || level == LIBBPF_DEBUG)
		return 0;
	va_copy(copy, args);
	vsnprintf(line, sizeof(line), format, copy);
	va_end(copy);
	name = strstr(line, start);
	if (name && strstr(line, "BPF program load failed") &&
	    !talking->rejected[0]) {
		name += sizeof(start) - 1;
		end = strchr(name, '\'');
		if (end)
			snprintf(talking->rejected, sizeof(talking->rejected),
				 "%.*s", (int)(end - name), name);
	}
	if (level == LIBBPF_WARN && strncmp(line, "libbpf: ", 8) == 0 &&
	    !strstr(line, "BEGIN PROG LOAD LOG"))
		snprintf(message, sizeof(message), "%.*s",
			 (int)strcspn(line + 8, "\n"), line + 8);
	return talking->log ? vfprintf(talking->log, format, args) : 0;
}

struct bpf_loader *bpf_loader_open(const char *object, const char *log)
{
	size_t length = strlen(object) + 1;
	struct bpf_loader *loader = calloc(1, sizeof(*loader) + length);

	if (!loader)
		return NULL;
	memcpy(loader->path, object, length);
	loader->log = fopen(log, "w");
	if (!loader->log) {
		snprintf(message, sizeof(message), "cannot write %s: %s", log,
			 strerror(errno));
		free(loader);
		return NULL;
	}
	talking = loader;
	libbpf_set_print(note);
	message[0] = '\0';
	loader->object = bpf_object__open_file(object, NULL);
	if (!loader->object) {
		if (!message[0])
			snprintf(message, sizeof(message), "cannot open %s: %s",
				 object, strerror(errno));
		bpf_loader_close(loader);
		return NULL;
	}
	return loader;
}

__u64 bpf_loader_arena_globals(struct bpf_loader *loader)
{
	struct bpf_map *map =
		bpf_object__find_map_by_name(loader->object, "arena");
	size_t size = 0;

	/* Before loading, an arena's initial value is its globals. */
	if (!map || !bpf_map__initial_value(map, &size))
		return 0;
	return size;
}

int bpf_loader_resize(struct bpf_loader *loader, const char *map, __u32 entries)
{
	struct bpf_map *found =
		bpf_object__find_map_by_name(loader->object, map);

	return found ? bpf_map__set_max_entries(found, entries) : -ENOENT;
}

static void ask_for_statistics(struct bpf_loader *loader)
{
	struct bpf_program *program;
	size_t i = 0;

	loader->statistics = calloc(LOADER_PROGRAMS, sizeof(struct statistics));
	if (!loader->statistics)
		return;
	bpf_object__for_each_program(program, loader->object) {
		if (i == LOADER_PROGRAMS)
			break;
		bpf_program__set_log_level(program, LOG_STATISTICS);
		bpf_program__set_log_buf(program, loader->statistics[i].text,
					 sizeof(loader->statistics[i].text));
		i++;
	}
}

/* An object can be loaded once: the same from its file, its maps as large. */
static int reopen(struct bpf_loader *loader)
{
	struct bpf_object *fresh = bpf_object__open_file(loader->path, NULL);
	struct bpf_map *map, *twin;

	if (!fresh)
		return -errno;
	bpf_object__for_each_map(map, loader->object) {
		twin = bpf_object__find_map_by_name(fresh, bpf_map__name(map));
		if (twin &&
		    bpf_map__max_entries(twin) != bpf_map__max_entries(map))
			bpf_map__set_max_entries(twin,
						 bpf_map__max_entries(map));
	}
	bpf_object__close(loader->object);
	loader->object = fresh;
	free(loader->statistics);
	loader->statistics = NULL;
	return 0;
}

int bpf_loader_load(struct bpf_loader *loader)
{
	int error;

	talking = NULL;
	ask_for_statistics(loader);
	error = bpf_object__load(loader->object);
	talking = loader;
	if (error) {
		error = reopen(loader);
		if (!error)
			error = bpf_object__load(loader->object);
	}
	fflush(loader->log);
	return error;
}

const char *bpf_loader_statistics(struct bpf_loader *loader, const char *name)
{
	struct bpf_program *program;
	size_t i = 0;

	if (!loader->statistics)
		return "";
	bpf_object__for_each_program(program, loader->object) {
		if (i == LOADER_PROGRAMS)
			break;
		if (strcmp(bpf_program__name(program), name) == 0)
			return loader->statistics[i].text;
		i++;
	}
	return "";
}

const char *bpf_loader_rejected(struct bpf_loader *loader)
{
	return loader->rejected;
}

int bpf_loader_program(struct bpf_loader *loader, const char *name)
{
	struct bpf_program *program =
		bpf_object__find_program_by_name(loader->object, name);

	return program ? bpf_program__fd(program) : -ENOENT;
}

int bpf_loader_map(struct bpf_loader *loader, const char *name)
{
	struct bpf_map *map =
		bpf_object__find_map_by_name(loader->object, name);

	return map ? bpf_map__fd(map) : -ENOENT;
}

const char *bpf_loader_program_name(struct bpf_loader *loader, __u32 number)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, loader->object)
		if (number-- == 0)
			return bpf_program__name(program);
	return NULL;
}

const char *bpf_loader_map_name(struct bpf_loader *loader, __u32 number)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, loader->object)
		if (number-- == 0)
			return bpf_map__name(map);
	return NULL;
}

int bpf_loader_attach(struct bpf_loader *loader, const char *name,
		      const char *category, const char *event, __u64 cookie)
{
	LIBBPF_OPTS(bpf_tracepoint_opts, options, .bpf_cookie = cookie);
	struct bpf_program *program =
		bpf_object__find_program_by_name(loader->object, name);
	struct bpf_link *link;

	if (!program || cookie >= LOADER_LINKS)
		return -ENOENT;
	if (loader->links[cookie])
		return -EEXIST;
	talking = loader;
	link = bpf_program__attach_tracepoint_opts(program, category, event,
						   &options);
	if (!link)
		return -errno;
	loader->links[cookie] = link;
	return 0;
}

int bpf_loader_detach(struct bpf_loader *loader, __u64 cookie)
{
	struct bpf_link *link;

	if (cookie >= LOADER_LINKS || !loader->links[cookie])
		return -ENOENT;
	link = loader->links[cookie];
	loader->links[cookie] = NULL;
	return bpf_link__destroy(link);
}

int bpf_loader_link(struct bpf_loader *loader, __u64 cookie)
{
	if (cookie >= LOADER_LINKS || !loader->links[cookie])
		return -ENOENT;
	return bpf_link__fd(loader->links[cookie]);
}

int bpf_loader_run(int program_fd, void *context, __u32 size)
{
	return kernel_run(program_fd, context, size);
}

int bpf_loader_call(int program_fd, __u32 lane, __u64 count, __u64 *done)
{
	struct kernel_call call = {.lane = lane, .count = count};
	int error = kernel_run(program_fd, &call, sizeof(call));

	*done = call.done;
	return error;
}

int bpf_loader_batch(int program_fd, __u32 lane, __u32 slot, __u64 plan,
		     __u64 mask, __u64 first, __u64 count, __u64 *done)
{
	struct kernel_call call = {
		.lane = lane,
		.slot = slot,
		.plan = plan,
		.plan_mask = mask,
		.first = first,
		.count = count,
	};
	int error = kernel_run(program_fd, &call, sizeof(call));

	*done = call.done;
	return error;
}

int bpf_loader_operation(int program_fd, __u32 lane, __u32 type, __u64 key,
			 __u64 value, __s32 *result, __u64 *out)
{
	struct kernel_call call = {
		.lane = lane,
		.operation = {.type = type, .key = key, .value = value},
	};
	int error = kernel_run(program_fd, &call, sizeof(call));

	*result = call.operation.result;
	out[0] = call.operation.key;
	out[1] = call.operation.value;
	return error;
}

const char *bpf_loader_message(void)
{
	return message;
}

void bpf_loader_close(struct bpf_loader *loader)
{
	for (int i = 0; i < LOADER_LINKS; i++)
		if (loader->links[i])
			bpf_link__destroy(loader->links[i]);
	if (loader->object)
		bpf_object__close(loader->object);
	if (talking == loader)
		talking = NULL;
	if (loader->log)
		fclose(loader->log);
	free(loader->statistics);
	free(loader);
}
