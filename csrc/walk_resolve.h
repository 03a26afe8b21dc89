/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * walk_resolve.h - what a word in an object leads to.
 *
 * The types say where words lie and what they should be; the allocator's own
 * records say what they are. Nothing is believed that was not looked up.
 */
#pragma once

#include "view_reader.h"

#define WALK_NONE 0xffffffffU
#define WALK_MARKS 7ULL /* objects are 16-byte aligned, their parts mostly 8 */

/** struct walk_types - the request's types, checked, and what follows of them
 * @slots: links of one element; without a flexible array's
 */
struct walk_types {
	struct arena_reader reader;
	const struct walk_request *request;
	__u32 *slots;
};

/** struct walk_record - an object seen as a type */
struct walk_record {
	__u32 offset;
	__u32 size;
	__u32 elements;
	__u32 type;
};

/** struct walk_slot - one place in it where a link lies */
struct walk_slot {
	const struct walk_field *field;
	__u32 at; /* its offset in the arena */
	__u32 element; /* offset of the element that it is in */
};

/** walk_types_open - check the request; 0, -1 no arena, -2 memory, -4 wrong */
int walk_types_open(struct walk_types *types,
		    const struct walk_request *request);
void walk_types_close(struct walk_types *types);

static inline const struct walk_type *walk_type_of(
	const struct walk_types *types, __u32 type)
{
	return type < types->request->type_count ? &types->request->types[type]
						 : NULL;
}

static inline const struct walk_field *walk_links(
	const struct walk_types *types, const struct walk_type *type)
{
	return &types->request->fields[type->first_field];
}

/* The flexible array of links at a type's end, or NULL. */
static inline const struct walk_field *walk_flexible(
	const struct walk_types *types, const struct walk_type *type)
{
	const struct walk_field *last;

	if (!type->links)
		return NULL;
	last = &walk_links(types, type)[type->links - 1];
	return last->count ? NULL : last;
}

/** walk_slots - how many places for links a record has */
static inline __u32 walk_slots(const struct walk_types *types,
			       const struct walk_record *record)
{
	const struct walk_type *type = walk_type_of(types, record->type);
	const struct walk_field *flexible;

	if (!type)
		return 0;
	flexible = walk_flexible(types, type);
	if (likely(!flexible))
		return record->elements * types->slots[record->type];
	if (record->size <= flexible->offset)
		return types->slots[record->type];
	return types->slots[record->type] +
	       (record->size - flexible->offset) / flexible->stride;
}

static inline __u32 walk_width(const struct walk_field *field)
{
	return field->kind == WALK_OFFSET || field->kind == WALK_LENGTH4 ? 4
									 : 8;
}

/** walk_slot_at - where slot number @number lies; false: beyond the object */
static inline bool walk_slot_at(const struct walk_types *types,
				const struct walk_record *record, __u32 number,
				struct walk_slot *out)
{
	const struct walk_type *type = &types->request->types[record->type];
	const struct walk_field *field = walk_links(types, type);
	__u32 element = 0, offset;

	if (record->elements > 1) {
		element = number / types->slots[record->type];
		number -= element * types->slots[record->type];
		element *= type->size;
	}
	while (field->count && number >= field->count) {
		number -= field->count;
		field++;
	}
	offset = element + field->offset + number * field->stride;
	if (unlikely(offset + walk_width(field) > record->size))
		return false;
	out->field = field;
	out->at = record->offset + offset;
	out->element = record->offset + element;
	return true;
}

static inline __u64 walk_load(const struct walk_types *types, __u32 at,
			      __u32 width)
{
	const unsigned char *from = reader_at(&types->reader, at);
	__u64 value = 0;

	/* Acquire: pairs with whatever published the link: the object behind
	 * it is seen as it was then. */
	if (likely(width == 8 && at % 8 == 0))
		return __atomic_load_n((const __u64 *)from, __ATOMIC_ACQUIRE);
	if (likely(width == 4 && at % 4 == 0))
		return __atomic_load_n((const __u32 *)from, __ATOMIC_ACQUIRE);
	memcpy(&value, from, width); /* of a packed type */
	return value;
}

/**
 * walk_resolve - where @value, read from @slot of @record, leads
 *
 * @known: type and elements of an object that is known already, by its offset
 */
struct walk_known {
	bool (*find)(const void *context, __u32 offset, __u32 *type,
		     __u32 *elements);
	const void *context;
};

void walk_resolve(const struct walk_types *types,
		  const struct walk_record *record,
		  const struct walk_slot *slot, __u64 value,
		  const struct walk_known *known, struct walk_edge *out);

static inline bool walk_is_bad(__u32 link)
{
	return link >= WALK_FREED && link <= WALK_CYCLE;
}
