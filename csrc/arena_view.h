/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_view.h - an observer's look into the arena: its pages, and the links
 * between objects.
 *
 * Reads a mapping that may be read-only, anywhere, and changing meanwhile.
 * Touches no page that is not known to be populated, for the touch would
 * populate it. Everything here survives any content of the arena: all is
 * checked when it is used, and all loops are bounded. (Python reads this file
 * as its declarations: apart from the preprocessor's lines, plain C.)
 */
#pragma once

#include <linux/types.h>

/** arena_view_map - map @fd read-only and say where; 0 or an errno
 *
 * The kernel wants an arena of its own at the arena's address in every process
 * (EEXIST: something is there already); other memory may be anywhere.
 */
int arena_view_map(int fd, __u64 size, void **base);
int arena_view_unmap(void *base, __u64 size);

/**
 * enum view_kind - arena_page_kind, and for an observer only:
 * @VIEW_APART: not the allocator's: left for a program's own globals. Whether
 *              it is populated is not known, so it is not looked at
 */
enum view_kind {
	VIEW_UNPOPULATED = 0,
	VIEW_FREE = 1,
	VIEW_SMALL = 2,
	VIEW_RUN = 3,
	VIEW_RUN_TAIL = 4,
	VIEW_META = 5,
	VIEW_APART = 6,
	VIEW_KINDS = 7,
};

/** struct page_map - what is known of every page, kept between refreshes */
struct page_map;

struct page_map *page_map_new(void);
void page_map_close(struct page_map *map);

/**
 * struct page_refresh - what a refresh found
 * @status: 0, -1: no arena there or its header is damaged, -2: no memory
 * @tick: the display's clock now
 * @changed: pages whose descriptor changed since the last refresh
 * @counted: pages whose slots were counted now
 * @due: pages whose slots are still to be counted: the budget was spent
 */
struct page_refresh {
	__s32 status;
	__u32 pages;
	__u32 pages_first;
	__u32 limit;
	__u32 frontier;
	__u32 tick;
	__u32 changed;
	__u32 counted;
	__u32 due;
};

/** page_map_refresh - read all descriptors; count slots where they changed
 *
 * @count_ns: stop counting slots after so long; the rest is due next time.
 */
void page_map_refresh(struct page_map *map, const void *base, __u64 size,
		      __u64 count_ns, struct page_refresh *out);

/**
 * struct page_cell - one or more pages as one cell of a map
 * @kind: the most telling one: SMALL or RUN (with its TAILs), whichever are
 *        more, else FREE, META, UNPOPULATED, APART
 * @fill: bytes in live objects of those that could be, 0..255; 0 only if no
 *        object is live, 255 only if all are
 * @size_class: that most pages have, 0: runs or none
 * @kernel: whether a kernel lane was the first to change it in that tick
 * @age: ticks since the last change, 255: that many or more, or never
 * @flags: 1: some slots have not been counted yet
 * @lane: who took the page that changed last
 * @kinds: pages of each enum view_kind
 */
struct page_cell {
	__u8 kind;
	__u8 fill;
	__u8 size_class;
	__u8 kernel;
	__u8 age;
	__u8 flags;
	__u16 lane;
	__u32 kinds[7];
	__u32 live;
	__u32 retired;
	__u32 carved;
	__u32 capacity;
	__u32 spare;
	__u64 live_bytes;
	__u64 room_bytes;
};

/** page_map_cells - @count cells of @per_cell pages each, from @first on
 *
 * Returns how many there were before the arena ended.
 */
__u32 page_map_cells(const struct page_map *map, __u32 first, __u32 per_cell,
		     __u32 count, struct page_cell *out);

/** struct page_class - pages of one size class (class 0: runs) */
struct page_class {
	__u32 slot_size;
	__u32 pages;
	__u32 empty_pages; /* carved, and no object live or retired */
	__u32 spare;
	__u64 capacity;
	__u64 carved;
	__u64 live;
	__u64 retired;
};

/**
 * struct page_totals - fragmentation
 * @free_runs: stretches of free pages; @longest_free: pages of the longest
 * @idle_bytes: in slots handed out before and free now
 * @fresh_bytes: in slots of taken pages never handed out
 * @lost_bytes: slot headers and the ends of pages
 */
struct page_totals {
	__u32 kinds[7];
	__u32 free_runs;
	__u32 longest_free;
	__u32 due;
	__u64 live_bytes;
	__u64 retired_bytes;
	__u64 idle_bytes;
	__u64 fresh_bytes;
	__u64 lost_bytes;
	struct page_class classes[26];
};

void page_map_totals(const struct page_map *map, struct page_totals *out);

/**
 * struct page_detail - one page and its content
 * @status: 0, -1 no arena there, -2 no such page, -3 its content is not to be
 *          looked at (not populated, or not the allocator's)
 * @run_first, @run_pages: of a RUN or a RUN_TAIL
 * @slot_size, @slots, @carved: of a SMALL page
 */
struct page_detail {
	__s32 status;
	__u32 page;
	__u32 kind;
	__u32 size_class;
	__u32 lane;
	__u32 state;
	__u32 stamp;
	__u32 tick;
	__u32 run_first;
	__u32 run_pages;
	__u32 slot_size;
	__u32 slots;
	__u32 carved;
	unsigned char content[4096];
};

void arena_view_page(const void *base, __u64 size, __u32 page,
		     struct page_detail *out);

/** struct view_object - an object as the allocator knows it */
struct view_object {
	__u32 offset;
	__u32 size;
	__u32 size_class;
	__u32 state; /* enum arena_state */
	__u32 lane; /* who allocated it, of a LIVE one */
};

/** arena_view_slot_size - bytes from one object of a class to the next, 0: none */
__u32 arena_view_slot_size(__u32 size_class);

/** arena_view_class - the size class of an object of @size bytes, 0: a run */
__u32 arena_view_class(__u64 size);

/** arena_view_object - the object that contains @offset; 0, or -1: none */
int arena_view_object(const void *base, __u64 size, __u32 offset,
		      struct view_object *out);

/** arena_view_read - copy from populated pages only; bytes copied */
__u32 arena_view_read(const void *base, __u64 size, __u32 offset, __u32 count,
		      void *out);

/** enum walk_kind - how a field leads to an object */
enum walk_kind {
	WALK_POINTER = 0, /* an address; low 3 bits: marks */
	WALK_COUNTED = 1, /* 64 bits: address, or an offset and a tag */
	WALK_OFFSET = 2, /* 32 bits: an offset */
	WALK_ADDRESS = 3, /* 64 bits of any use: a link if it is an address */
	WALK_LENGTH4 = 4, /* no link: perhaps the length of an array */
	WALK_LENGTH8 = 5,
};

#define WALK_UNTYPED 0xffffU

/**
 * struct walk_field - a link in a type
 * @count: of an array of links; 0: a flexible one at the end of the object
 * @target: index of the type it leads to, or WALK_UNTYPED
 * @back: by its name it leads back (prev, parent): followed last
 */
struct walk_field {
	__u32 offset;
	__u32 count;
	__u32 stride;
	__u32 target;
	__u32 kind;
	__u32 back;
};

/** struct walk_embed - a type inside another: links may lead to its place */
struct walk_embed {
	__u32 type;
	__u32 offset;
};

/**
 * struct walk_type - @fields: links first, @links of them, then lengths
 * @single: never an array, however large the object: its end is flexible
 */
struct walk_type {
	__u32 size;
	__u32 single;
	__u32 first_field;
	__u32 links;
	__u32 fields;
	__u32 first_embed;
	__u32 embeds;
};

/**
 * struct walk_request - what to walk by, from the structure's head
 * @default_type: of untyped links to objects of its size class
 * @max_*: bounds, after which the walk is cut off
 */
struct walk_request {
	const void *base;
	__u64 size;
	const struct walk_type *types;
	const struct walk_field *fields;
	const struct walk_embed *embeds;
	__u32 type_count;
	__u32 field_count;
	__u32 embed_count;
	__u32 root_type;
	__u32 default_type;
	__u32 max_nodes;
	__u64 max_steps;
	__u64 max_ns;
};

/** enum walk_link - where a link leads; from WALK_FREED to WALK_CYCLE: bad */
enum walk_link {
	WALK_OK = 0,
	WALK_NULL = 1,
	WALK_FREED = 2,
	WALK_RETIRED = 3,
	WALK_OUTSIDE = 4, /* of the arena */
	WALK_UNPOPULATED = 5, /* or never handed out */
	WALK_NO_OBJECT = 6, /* begins there */
	WALK_CYCLE = 7, /* back to where the walk came from, and should not */
	WALK_APART = 8, /* a program's own globals: not looked at */
	WALK_LINKS = 9,
};

/**
 * struct walk_node - an object that was reached
 * @parent: index of the node it was reached from first; of the root: its own
 * @via: the link in the parent: its number in the type, and of an array of
 *       the type, element * links of the type + number
 * @subtree: nodes first reached through this one, itself among them
 * @elements: more than 1: an array of the type
 * @size: usable bytes of the object
 */
struct walk_node {
	__u32 offset;
	__u32 parent;
	__u32 via;
	__u32 depth;
	__u32 subtree;
	__u32 elements;
	__u32 size;
	__u16 type;
	__u16 children;
};

/** struct walk_edge - one link, read just now
 *
 * @slot: as @via. @target: the object's offset; @inside: how far into it
 * @link: enum walk_link. @marks: low bits that were set
 * @counted: it is a counted pointer; @tag: its other half
 */
struct walk_edge {
	__u64 value;
	__u32 slot;
	__u32 field;
	__u32 target;
	__u32 inside;
	__u32 size;
	__u32 elements;
	__u32 tag;
	__u16 type;
	__u8 link;
	__u8 marks;
	__u8 counted;
	__u8 spare;
};

/** struct walk_bad - a bad link that was found, and the node that has it */
struct walk_bad {
	__u32 node;
	__u32 offset;
	struct walk_edge edge;
};

/** struct walk_field_tally - what the links of one field were like */
struct walk_field_tally {
	__u32 null;
	__u32 fresh; /* led to a node not seen before */
	__u32 parent; /* to the node that this one was reached from */
	__u32 entry; /* to the root, or the first node behind it */
	__u32 ancestor; /* to another one on the way here */
	__u32 self;
	__u32 visited; /* to any other node seen before */
	__u32 marked;
	__u32 counted;
	__u32 bad;
};

/** struct walk_type_tally - nodes of one type; @children: with 0, 1, 2, more */
struct walk_type_tally {
	__u32 nodes;
	__u32 children[4];
	__u32 elements;
};

/**
 * struct walk_summary - what a walk found
 * @status: 0, -1 no arena there, -2 no memory, -3 no head, -4 bad request
 * @cut: 0: it came to its end; 1 nodes, 2 steps, 3 time were too many
 * @moved: links that changed while they were followed (lanes are at work)
 * @links: by enum walk_link; cycles of fields that lead back are no cycles
 * @bad: how many of the bad ones were kept
 */
struct walk_summary {
	__s32 status;
	__u32 cut;
	__u32 nodes;
	__u32 max_depth;
	__u64 steps;
	__u64 ns;
	__u64 links[9];
	__u32 moved;
	__u32 bad;
};

struct walk;
struct walk *walk_new(void);
void walk_close(struct walk *walk);

/** walk_run - walk from the root; what the walk before found is forgotten */
void walk_run(struct walk *walk, const struct walk_request *request,
	      struct walk_summary *out);

/** walk_nodes, walk_bads - copy results; how many were copied */
__u32 walk_nodes(const struct walk *walk, __u32 first, __u32 count,
		 struct walk_node *out);
__u32 walk_bads(const struct walk *walk, struct walk_bad *out, __u32 count);

/** walk_tallies - copy a tally for each field and each type of the request */
void walk_tallies(const struct walk *walk, struct walk_field_tally *fields,
		  struct walk_type_tally *types);

/** walk_index - the node at an object's offset, ~0: not reached */
__u32 walk_index(const struct walk *walk, __u32 offset);

/** walk_path - indices from @node up to the root, at most @count */
__u32 walk_path(const struct walk *walk, __u32 node, __u32 *out, __u32 count);

/** walk_children - nodes first reached from @node; how many there are
 *
 * The first @count of them in @out, in the order of its links.
 */
__u32 walk_children(const struct walk *walk, __u32 node, __u32 *out,
		    __u32 count);

/** walk_last - the node that the walk reached in the deepest place */
__u32 walk_last(const struct walk *walk);

/** walk_search - nodes of @type with @value in the @width bytes at @offset
 *
 * From node @from on; how many were found, the first @count of them in @out.
 */
__u32 walk_search(const struct walk *walk, const struct walk_request *request,
		  __u32 type, __u32 offset, __u32 width, __u64 value,
		  __u32 from, __u32 *out, __u32 count);

/** walk_edges - links of one object as they are now, from @first_slot on
 *
 * Returns how many slots the object has; at most @count are copied.
 */
__u32 walk_edges(const struct walk_request *request, __u32 offset, __u32 type,
		 __u32 elements, __u32 first_slot, struct walk_edge *out,
		 __u32 count);
