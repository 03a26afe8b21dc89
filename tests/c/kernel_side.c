// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * kernel_side.c - what only a kernel lane can show of a structure: damage that
 * is answered instead of followed, loops that are cut off, a long verify.
 *
 * Takes the structure's BPF object and a file for the log; needs root.
 */
#include "arena_memory.h"
#include "structure.h"

#include "bpf_loader.h"

#define KERNEL_LANE 1
#define PAGES 65536

static struct bpf_loader *loader;
static int manual;

/* One operation in the kernel; returns its DS_ code. */
static int in_kernel(__u32 type, __u64 key, __u64 value)
{
	__u64 out[2];
	__s32 result;
	int error = bpf_loader_operation(manual, KERNEL_LANE, type, key, value,
					 &result, out);

	CHECK_EQUAL(error, 0);
	return result;
}

static void load(const char *object, const char *log)
{
	__u64 done;

	loader = bpf_loader_open(object, log);
	CHECK(loader != NULL);
	CHECK_EQUAL(bpf_loader_resize(loader, "arena", PAGES), 0);
	CHECK_EQUAL(bpf_loader_load(loader), 0); /* maps the arena, too */
	CHECK_EQUAL(arena_format(PAGES, PAGES, 2, 2), 0);
	arena_bind(0);
	CHECK_EQUAL(bpf_loader_call(bpf_loader_program(loader, "populate"),
				    KERNEL_LANE, 256, &done),
		    0);
	CHECK(done >= 256);
	manual = bpf_loader_program(loader, "manual_operation");
	CHECK(manual >= 0);
}

/* Each side does what the other one sees. */
static void both_sides(DS_HEAD *head)
{
	__u64 value;

	CHECK_EQUAL(in_kernel(DS_OP_INSERT, 5, 50), DS_SUCCESS);
	CHECK_EQUAL(DS(search)(head, 5, &value), DS_SUCCESS);
	CHECK_EQUAL(value, 50);
	CHECK_EQUAL(DS(insert)(head, 6, 60), DS_SUCCESS);
	CHECK_EQUAL(in_kernel(DS_OP_SEARCH, 6, 0), DS_SUCCESS);
	CHECK_EQUAL(in_kernel(DS_OP_INSERT, 6, 0), DS_ERROR_EXISTS);
	CHECK_EQUAL(in_kernel(DS_OP_DELETE, 6, 0), DS_SUCCESS);
	CHECK_EQUAL(DS(delete)(head, 6), DS_ERROR_NOT_FOUND);
	CHECK_EQUAL(DS(delete)(head, 5), DS_SUCCESS);
	CHECK_EQUAL(in_kernel(DS_OP_DELETE, 5, 0), DS_ERROR_NOT_FOUND);
	CHECK_EQUAL(in_kernel(DS_OP_POP, 0, 0), DS_ERROR_UNSUPPORTED);
}

/* Descending, so that the list finds each place at once. */
static void fill(DS_HEAD *head, __u64 count)
{
	for (__u64 key = count; key > 0; key--)
		CHECK_EQUAL(DS(insert)(head, key, key), DS_SUCCESS);
}

static bool corrupt_in_kernel(void *link, __u64 value)
{
	__u64 *word = link, good = *word;
	int result;

	*word = value;
	result = in_kernel(DS_OP_VERIFY, 0, 0);
	*word = good;
	CHECK_EQUAL(in_kernel(DS_OP_VERIFY, 0, 0), DS_SUCCESS);
	return result == DS_ERROR_CORRUPT;
}

#define TREE_list 0
#define TREE_tree 1
#define IS_TREE PASTE(TREE_, STRUCTURE, )

int main(int argc, char **argv)
{
	__u64 live, first;
	DS_HEAD *head;
	void *link;
	int result;

	CHECK(argc == 4); /* object, log, elements of the long verify */
	load(argv[1], argv[2]);
	CHECK_EQUAL(in_kernel(DS_OP_INIT, 0, 0), DS_SUCCESS);
	head = (DS_HEAD *)arena_header()->root;
	live = live_objects();
	both_sides(head);
	fill(head, 100);
	CHECK_EQUAL(in_kernel(DS_OP_VERIFY, 0, 0), DS_SUCCESS);

	link = head;
	first = *(__u64 *)link;
#if IS_TREE
	link = &head->root->left;
#else
	link = &((DS_NODE *)first)->next;
#endif
	CHECK(corrupt_in_kernel(link, 0));
	CHECK(corrupt_in_kernel(link, first));
	CHECK(corrupt_in_kernel(link, 0x10));
	CHECK(corrupt_in_kernel(link, ~0xfULL));
	CHECK(corrupt_in_kernel(link, *(__u64 *)link + 8));
	CHECK(corrupt_in_kernel(link, ARENA_BASE | (PAGES - 1) << 12 | 16));

	/* A way without an end: the kernel lane comes back, having done nothing,
	 * outside of its operation and without the lock. */
	result = IS_TREE ? DS_ERROR_CORRUPT : DS_ERROR_BUSY;
	live = live_objects();
#if IS_TREE
	link = &head->root;
	while (head->root->left)
		head->root = head->root->left;
	link = &head->root->left;
	*(__u64 *)link = (__u64)head->root;
#else
	*(__u64 *)link = first;
#endif
	CHECK_EQUAL(in_kernel(DS_OP_SEARCH, IS_TREE ? 0 : 1000, 0), result);
	CHECK_EQUAL(in_kernel(DS_OP_INSERT, IS_TREE ? 0 : 1000, 0), result);
	CHECK_EQUAL(in_kernel(DS_OP_DELETE, IS_TREE ? 0 : 1000, 0), result);
	CHECK_EQUAL(live_objects(), live);
	CHECK_EQUAL(arena_lane(KERNEL_LANE)->nesting, 0);
	CHECK_EQUAL(arena_lane(KERNEL_LANE)->epoch, 0);
#if IS_TREE
	CHECK_EQUAL(head->lock.holder, 0);
#endif

	/* A long one is seen whole, or the answer says that it was not. */
	CHECK_EQUAL(in_kernel(DS_OP_INIT, 0, 0), DS_SUCCESS);
	fill(head, strtoull(argv[3], NULL, 0));
	result = in_kernel(DS_OP_VERIFY, 0, 0);
	printf("verify: %d\n", result);
	CHECK(result == DS_SUCCESS || result == DS_ERROR_BUSY);
	CHECK_EQUAL(arena_header()->fault_count, 0);
	bpf_loader_close(loader);
	return 0;
}
