// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* damage_tree.c - ds_tree_verify() notices each kind of damage, and survives. */
#include "arena_memory.h"
#include "ds_tree.h"

#define NODES 15 /* a full tree of four levels */

static struct ds_tree_head *head;

static void noticed(const char *what)
{
	if (ds_tree_verify(head) == DS_ERROR_CORRUPT)
		return;
	fprintf(stderr, "not noticed: %s\n", what);
	exit(1);
}

static void damaged(struct ds_tree_node **link, void *value, const char *what)
{
	struct ds_tree_node *good = *link;

	CHECK_EQUAL(ds_tree_verify(head), DS_SUCCESS);
	*link = value;
	noticed(what);
	*link = good;
	CHECK_EQUAL(ds_tree_verify(head), DS_SUCCESS);
}

int main(void)
{
	struct ds_tree_node *root, *inner, *leaf, *freed;
	void *stray;
	__u64 key;

	make_arena(4096, 2);
	head = bpf_arena_alloc(sizeof(*head));
	ds_tree_init(head);
	for (key = 1; key <= NODES; key++)
		CHECK_EQUAL(ds_tree_insert(head, key * 10, key), DS_SUCCESS);
	root = head->root;
	CHECK_EQUAL(root->height, 4);
	inner = root->left;
	leaf = inner->left->left;
	freed = bpf_arena_alloc(sizeof(*freed));
	*freed = *leaf;
	bpf_arena_free(freed);
	stray = bpf_arena_alloc(100);
	memcpy(stray, leaf, sizeof(*leaf));

	damaged(&inner->left, NULL, "a subtree lost");
	damaged(&inner->left, inner, "a node below itself");
	damaged(&inner->left, root, "a way back to the root");
	damaged(&inner->left, inner->right, "one subtree twice");
	damaged(&inner->left->left, freed, "a freed node");
	damaged(&inner->left->left, stray, "an object of another size");
	damaged(&leaf->left, root->right, "a subtree below two nodes");
	damaged(&leaf->left, (void *)0x10, "a small number");
	damaged(&leaf->right, (void *)~0xfULL, "a large number");
	damaged(&leaf->right, arena_ptr(void, 4095 * PAGE_SIZE + 16),
		"a page never used");
	damaged(&leaf->parent, root, "a parent that is none");
	damaged(&leaf->parent, NULL, "no parent");
	damaged(&leaf->parent, (void *)0x10, "a parent out of the arena");
	damaged(&root->parent, leaf, "a root with a parent");
	damaged(&head->root, NULL, "all lost");
	damaged(&head->root, inner, "half lost");
	damaged(&head->root, freed, "a freed root");

	leaf->height = 2;
	noticed("a leaf too high");
	leaf->height = 1;
	root->height = 5;
	noticed("a root too high");
	root->height = 4;
	leaf->key = inner->key;
	noticed("a duplicate");
	leaf->key = root->key + 5;
	noticed("keys out of order, right below their parent");
	leaf->key = 10;
	inner->left->right->key = inner->key + 5;
	noticed("keys out of order, two levels apart");
	inner->left->right->key = 30;
	head->count++;
	noticed("a count too large");
	head->count -= 2;
	noticed("a count too small");
	head->count++;

	/* Too deep on one side, with heights that are right. */
	leaf->left = bpf_arena_alloc(sizeof(*leaf));
	*leaf->left =
		(struct ds_tree_node){.parent = leaf, .key = 5, .height = 2};
	leaf->left->left = bpf_arena_alloc(sizeof(*leaf));
	*leaf->left->left = (struct ds_tree_node){
		.parent = leaf->left, .key = 4, .height = 1};
	leaf->height = 3;
	inner->left->height = 4;
	inner->height = 5;
	root->height = 6;
	head->count += 2;
	noticed("a tree out of balance");

	/* Whoever meets a tree without an end answers, and lets go of the lock. */
	head->count = NODES;
	leaf->left = leaf;
	CHECK_EQUAL(ds_tree_search(head, 1, NULL), DS_ERROR_CORRUPT);
	CHECK_EQUAL(ds_tree_insert(head, 1, 1), DS_ERROR_CORRUPT);
	CHECK_EQUAL(ds_tree_delete(head, 1), DS_ERROR_CORRUPT);
	CHECK_EQUAL(head->lock.holder, 0);

	/* And who does not get the lock says so. */
	head->lock.holder = 2;
	CHECK_EQUAL(ds_tree_search(head, 10, NULL), DS_ERROR_BUSY);
	CHECK_EQUAL(ds_tree_verify(head), DS_ERROR_BUSY);
	return 0;
}
