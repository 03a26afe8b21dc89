// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* runtime_pages_cells.c - the page map summed up: cells to draw, and totals. */
#include "page_map.h"

/* What a page can hold and holds, in slots and bytes. */
static void add_use(const struct page_map *map, const struct page_look *look,
		    struct page_cell *cell)
{
	__u32 live = look->live, retired = look->retired, carved = look->state;
	__u32 size, slots;

	cell->room_bytes += PAGE_SIZE;
	if (look->kind == ARENA_PAGE_RUN || look->kind == ARENA_PAGE_RUN_TAIL) {
		live = live == PAGES_UNCOUNTED ? 1 : live;
		cell->live_bytes += live ? PAGE_SIZE : 0;
		if (look->kind == ARENA_PAGE_RUN) {
			cell->live += live;
			cell->retired += retired;
			cell->carved++;
			cell->capacity++;
		}
		return;
	}
	if (look->kind != ARENA_PAGE_SMALL ||
	    look->size_class >= ARENA_CLASSES || !look->size_class)
		return;
	slots = map->slots[look->size_class];
	size = arena_slot_size(look->size_class);
	carved = carved < slots ? carved : slots;
	if (live == PAGES_UNCOUNTED) {
		/* As many as can be, until they have been counted. */
		live = carved;
		retired = 0;
		cell->flags = 1;
	}
	cell->live += live;
	cell->retired += retired;
	cell->carved += carved;
	cell->capacity += slots;
	cell->live_bytes += (__u64)live * size;
	cell->room_bytes -= PAGE_SIZE - slots * size;
}

static __u8 fill_of(const struct page_cell *cell)
{
	__u64 fill;

	if (!cell->live_bytes)
		return 0;
	fill = cell->live_bytes * 255 / cell->room_bytes;
	return (__u8)(fill ? fill : 1);
}

static void finish_cell(const struct page_map *map, struct page_cell *cell,
			__u32 newest, const __u32 *classes)
{
	static const __u8 order[] = {VIEW_SMALL, VIEW_RUN,	   VIEW_FREE,
				     VIEW_META,	 VIEW_UNPOPULATED, VIEW_APART};
	__u32 most = 0, age = map->tick - (newest >> 1);

	for (__u32 i = 0; i < sizeof(order); i++) {
		__u32 count = cell->kinds[order[i]];

		if (order[i] == VIEW_RUN)
			count += cell->kinds[VIEW_RUN_TAIL];
		/* What holds objects tells more than what does not. */
		if (!count)
			continue;
		cell->kind = order[i];
		if (order[i] == VIEW_SMALL &&
		    cell->kinds[VIEW_RUN] + cell->kinds[VIEW_RUN_TAIL] > count)
			cell->kind = VIEW_RUN;
		if (cell->kind == VIEW_RUN && !cell->kinds[VIEW_RUN])
			cell->kind = VIEW_RUN_TAIL;
		break;
	}
	for (__u32 i = 1; i < ARENA_CLASSES; i++) {
		if (classes[i] > most) {
			most = classes[i];
			cell->size_class = (__u8)i;
		}
	}
	cell->fill = fill_of(cell);
	cell->kernel = newest & 1;
	cell->age = (__u8)(!newest || age > 255 ? 255 : age);
}

__u32 page_map_cells(const struct page_map *map, __u32 first, __u32 per_cell,
		     __u32 count, struct page_cell *out)
{
	__u32 done = 0;

	if (!per_cell || !map->looks)
		return 0;
	for (__u64 at = first; done < count && at < map->pages; done++) {
		__u64 end =
			at + per_cell < map->pages ? at + per_cell : map->pages;
		struct page_cell *cell = &out[done];
		__u32 classes[ARENA_CLASSES] = {0}, newest = 0;

		memset(cell, 0, sizeof(*cell));
		for (; at < end; at++) {
			const struct page_look *look = &map->looks[at];

			cell->kinds[look->kind]++;
			if (look->kind >= VIEW_META || !look->kind)
				continue;
			if (look->stamp > newest) {
				newest = look->stamp;
				cell->lane = look->lane;
			}
			if (look->kind == ARENA_PAGE_SMALL)
				classes[look->size_class % ARENA_CLASSES]++;
			add_use(map, look, cell);
		}
		finish_cell(map, cell, newest, classes);
	}
	return done;
}

static void add_totals(const struct page_map *map, const struct page_look *look,
		       struct page_totals *out)
{
	struct page_cell cell = {0};
	struct page_class *class;

	add_use(map, look, &cell);
	if (look->kind == ARENA_PAGE_FREE || !cell.capacity) {
		if (look->kind == ARENA_PAGE_RUN_TAIL) {
			*(look->retired ? &out->retired_bytes
					: &out->live_bytes) += PAGE_SIZE;
			out->classes[0].pages++;
		}
		return;
	}
	class = &out->classes[look->kind == ARENA_PAGE_SMALL ? look->size_class
							     : 0];
	class->pages++;
	class->empty_pages += !cell.live && !cell.retired;
	class->capacity += cell.capacity;
	class->carved += cell.carved;
	class->live += cell.live;
	class->retired += cell.retired;
	if (look->kind == ARENA_PAGE_RUN) {
		*(cell.retired ? &out->retired_bytes : &out->live_bytes) +=
			PAGE_SIZE;
		return;
	}
	class->slot_size = arena_slot_size(look->size_class);
	cell.spare = class->slot_size - sizeof(struct arena_slot);
	out->live_bytes += (__u64)cell.live * cell.spare;
	out->retired_bytes += (__u64)cell.retired * cell.spare;
	out->idle_bytes +=
		(__u64)(cell.carved - cell.live - cell.retired) * cell.spare;
	out->fresh_bytes += (__u64)(cell.capacity - cell.carved) * cell.spare;
	out->lost_bytes += PAGE_SIZE - (__u64)cell.capacity * cell.spare;
}

void page_map_totals(const struct page_map *map, struct page_totals *out)
{
	__u32 run = 0;

	memset(out, 0, sizeof(*out));
	out->due = map->due_count;
	for (__u32 page = 0; page < map->pages; page++) {
		const struct page_look *look = &map->looks[page];

		out->kinds[look->kind]++;
		if (look->kind == ARENA_PAGE_FREE) {
			out->free_runs += !run++;
			if (run > out->longest_free)
				out->longest_free = run;
			continue;
		}
		run = 0;
		if (look->kind == ARENA_PAGE_SMALL ||
		    look->kind == ARENA_PAGE_RUN ||
		    look->kind == ARENA_PAGE_RUN_TAIL)
			add_totals(map, look, out);
	}
}
