/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf_loader.h - load a BPF object with the system's libbpf.
 *
 * Everything is reported by return value and by bpf_loader_message(). (The
 * engine reads this file as its declarations: apart from the preprocessor's
 * lines, plain C.)
 */
#pragma once

#include <linux/types.h>

struct bpf_loader;

/** bpf_loader_open - read an object file; NULL: see bpf_loader_message()
 *
 * @log: file that gets what libbpf says, the verifier's log among it
 */
struct bpf_loader *bpf_loader_open(const char *object, const char *log);

/** bpf_loader_arena_globals - bytes of __arena globals the object has */
__u64 bpf_loader_arena_globals(struct bpf_loader *loader);

/** bpf_loader_resize - set the number of entries (arena: pages) of a map */
int bpf_loader_resize(struct bpf_loader *loader, const char *map,
		      __u32 entries);

/** bpf_loader_load - into the kernel; 0 or a negative errno
 *
 * The verifier's statistics are asked for and kept. When the kernel refuses,
 * loading is tried once more without them: then libbpf logs the reason in full.
 */
int bpf_loader_load(struct bpf_loader *loader);

/** bpf_loader_statistics - lines of numbers the verifier gave, or "" */
const char *bpf_loader_statistics(struct bpf_loader *loader,
				  const char *program);

/** bpf_loader_rejected - name of the program that did not load, or "" */
const char *bpf_loader_rejected(struct bpf_loader *loader);

/** bpf_loader_program, bpf_loader_map - file descriptor, or a negative errno */
int bpf_loader_program(struct bpf_loader *loader, const char *name);
int bpf_loader_map(struct bpf_loader *loader, const char *name);

/** bpf_loader_program_name, bpf_loader_map_name - by number; NULL: no more */
const char *bpf_loader_program_name(struct bpf_loader *loader, __u32 number);
const char *bpf_loader_map_name(struct bpf_loader *loader, __u32 number);

/** bpf_loader_attach - to a tracepoint, telling the program @cookie
 *
 * Returns 0 or a negative errno. The attachment lasts until
 * bpf_loader_detach() or the end of the process, however it ends.
 */
int bpf_loader_attach(struct bpf_loader *loader, const char *program,
		      const char *category, const char *event, __u64 cookie);
int bpf_loader_detach(struct bpf_loader *loader, __u64 cookie);

/** bpf_loader_link - file descriptor of an attachment, or a negative errno */
int bpf_loader_link(struct bpf_loader *loader, __u64 cookie);

/** bpf_loader_run - run a program once with a context; 0, an errno, or EPROTO */
int bpf_loader_run(int program_fd, void *context, __u32 size);

/** bpf_loader_call - run a program of the driver that takes a lane and a count
 *
 * Returns 0 or an errno; @done is what the program says it did.
 */
int bpf_loader_call(int program_fd, __u32 lane, __u64 count, __u64 *done);

/** bpf_loader_batch - operations of a plan in the kernel (batch_operations)
 *
 * @plan: first index of the plan in the plan map, @mask its length - 1; the
 * operations are those numbered @first and following. Returns 0 or an errno.
 */
int bpf_loader_batch(int program_fd, __u32 lane, __u32 slot, __u64 plan,
		     __u64 mask, __u64 first, __u64 count, __u64 *done);

/** bpf_loader_operation - one operation in the kernel (manual_operation)
 *
 * Returns 0 or an errno; @result is the DS_ code, @out key and value.
 */
int bpf_loader_operation(int program_fd, __u32 lane, __u32 type, __u64 key,
			 __u64 value, __s32 *result, __u64 *out);

/** bpf_loader_message - the last error in words */
const char *bpf_loader_message(void);

/** bpf_loader_close - detach all, unload, free */
void bpf_loader_close(struct bpf_loader *loader);
