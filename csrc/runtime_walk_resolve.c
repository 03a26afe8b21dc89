// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* runtime_walk_resolve.c - see walk_resolve.h. */
#include <stdlib.h>

#include "walk_resolve.h"

#define WALK_TYPE_BYTES_MAX (1U << 30)

static bool type_is_sound(const struct walk_request *request, __u32 at)
{
	const struct walk_type *type = &request->types[at];

	if (!type->size || type->size > WALK_TYPE_BYTES_MAX ||
	    type->links > type->fields ||
	    (__u64)type->first_field + type->fields > request->field_count ||
	    (__u64)type->first_embed + type->embeds > request->embed_count)
		return false;
	for (__u32 i = 0; i < type->fields; i++) {
		const struct walk_field *field =
			&request->fields[type->first_field + i];

		if ((i < type->links) != (field->kind <= WALK_ADDRESS) ||
		    field->kind > WALK_LENGTH8 || !field->stride ||
		    (!field->count && i + 1 != type->links) ||
		    (__u64)field->offset + (__u64)field->count * field->stride >
			    WALK_TYPE_BYTES_MAX)
			return false;
	}
	for (__u32 i = 0; i < type->embeds; i++)
		if (request->embeds[type->first_embed + i].type >=
		    request->type_count)
			return false;
	return true;
}

int walk_types_open(struct walk_types *types,
		    const struct walk_request *request)
{
	memset(types, 0, sizeof(*types));
	types->request = request;
	if (reader_open(&types->reader, request->base, request->size) ||
	    types->reader.header->limit > types->reader.pages)
		return -1;
	if (request->type_count >= WALK_UNTYPED)
		return -4;
	for (__u32 i = 0; i < request->type_count; i++)
		if (!type_is_sound(request, i))
			return -4;
	types->slots = calloc(request->type_count + 1, sizeof(*types->slots));
	if (!types->slots)
		return -2;
	for (__u32 i = 0; i < request->type_count; i++) {
		const struct walk_type *type = &request->types[i];

		for (__u32 f = 0; f < type->links; f++)
			types->slots[i] += walk_links(types, type)[f].count;
	}
	return 0;
}

void walk_types_close(struct walk_types *types)
{
	free(types->slots);
	types->slots = NULL;
}

static bool fits(const struct reader_object *object, __u64 bytes)
{
	if (!bytes || bytes > object->size)
		return false;
	if (object->size_class)
		return arena_class_of(bytes) == object->size_class;
	return ARENA_PAGES_FOR(bytes) == object->size / PAGE_SIZE;
}

/*
 * How many elements of @size bytes an object has been allocated for: as many as
 * fit, or fewer if a number beside the link says so and agrees with the size.
 * It may be kept as a mask or as a logarithm.
 */
static __u32 count_elements(const struct walk_types *types,
			    const struct walk_record *record, __u32 element,
			    const struct reader_object *object, __u32 inside,
			    __u32 size)
{
	const struct walk_type *type = &types->request->types[record->type];
	__u32 most = (object->size - inside) / size;

	if (most < 2)
		return 1;
	if (inside)
		return most;
	for (__u32 i = type->links; i < type->fields; i++) {
		const struct walk_field *field = &walk_links(types, type)[i];
		__u32 at = element + field->offset;
		__u64 number;

		if (at + walk_width(field) > record->offset + record->size)
			continue;
		number = walk_load(types, at, walk_width(field));
		if (number > most && number >= 32)
			continue;
		if (fits(object, number * size))
			return (__u32)number;
		if (fits(object, (number + 1) * size))
			return (__u32)number + 1;
		if (number < 32 && fits(object, (1ULL << number) * size))
			return 1U << number;
	}
	return most;
}

static bool embeds(const struct walk_types *types, __u32 container,
		   __u32 inside, __u32 target)
{
	const struct walk_type *type = &types->request->types[container];
	const struct walk_embed *embed =
		&types->request->embeds[type->first_embed];

	for (__u32 i = 0; i < type->embeds; i++)
		if (embed[i].offset == inside &&
		    (embed[i].type == target || target == WALK_UNTYPED))
			return true;
	return false;
}

/* Whether a link to @inside of a known object is one to be expected. */
static bool belongs(const struct walk_types *types, __u32 container,
		    __u32 elements, __u32 inside, __u32 target)
{
	const struct walk_type *type = walk_type_of(types, container);

	if (!inside)
		return true;
	if (!type)
		return target == WALK_UNTYPED;
	if (elements > 1) {
		if (inside / type->size >= elements)
			return false;
		inside %= type->size;
		if (!inside)
			return true;
	}
	return embeds(types, container, inside, target);
}

/* What an object not seen before is, reached at @inside by a link to @target. */
static bool make_out(const struct walk_types *types,
		     const struct walk_record *record, __u32 element,
		     const struct reader_object *object, __u32 target,
		     struct walk_edge *out)
{
	const struct walk_request *request = types->request;
	const struct walk_type *type;

	if (target == WALK_UNTYPED && !out->inside) {
		type = walk_type_of(types, request->default_type);
		if (type && fits(object, type->size))
			target = request->default_type;
	}
	type = walk_type_of(types, target);
	out->elements = 1;
	if (!out->inside) {
		out->type = (__u16)target;
		if (type && !type->single)
			out->elements = count_elements(types, record, element,
						       object, 0, type->size);
		return true;
	}
	for (__u32 i = 0; i < request->type_count; i++) {
		if (!fits(object, request->types[i].size) ||
		    !embeds(types, i, out->inside, target))
			continue;
		out->type = (__u16)i;
		return true;
	}
	if (!type || type->single || out->inside % type->size ||
	    object->size < 2 * (__u64)type->size)
		return false;
	out->type = (__u16)target;
	out->elements = object->size / type->size;
	return true;
}

static __u32 where_no_object_is(const struct arena_reader *reader, __u32 offset)
{
	__u32 page = offset / PAGE_SIZE;
	const struct arena_page *descriptor;

	if (page >= reader->header->limit || (page && page < ARENA_HEADER_PAGE))
		return page < reader->pages ? WALK_APART : WALK_OUTSIDE;
	if (page >= reader->frontier || !page)
		return WALK_UNPOPULATED;
	if (page < reader->pages_first)
		return WALK_NO_OBJECT;
	descriptor = reader_page(reader, page);
	switch (READ_ONCE(descriptor->kind)) {
	case ARENA_PAGE_FREE:
		return WALK_FREED;
	case ARENA_PAGE_SMALL:
		if (offset % PAGE_SIZE < ARENA_FIRST_OBJECT ||
		    !descriptor->size_class ||
		    descriptor->size_class >= ARENA_CLASSES)
			return WALK_NO_OBJECT;
		/* Between or behind the slots handed out so far. */
		return (offset % PAGE_SIZE - ARENA_FIRST_OBJECT) /
					       arena_slot_size(
						       descriptor
							       ->size_class) >=
				       reader_slots(descriptor)
			       ? WALK_UNPOPULATED
			       : WALK_NO_OBJECT;
	default:
		return WALK_NO_OBJECT;
	}
}

static void resolve_offset(const struct walk_types *types,
			   const struct walk_record *record,
			   const struct walk_slot *slot, __u32 offset,
			   const struct walk_known *known,
			   struct walk_edge *out)
{
	struct reader_object object;
	__u32 type, elements;

	out->target = offset;
	if (!reader_object_at(&types->reader, offset, &object)) {
		out->link = (__u8)where_no_object_is(&types->reader, offset);
		return;
	}
	out->target = object.offset;
	out->size = object.size;
	out->inside = offset - object.offset;
	if (object.state != ARENA_LIVE) {
		out->link = object.state == ARENA_FREED	    ? WALK_FREED
			    : object.state == ARENA_RETIRED ? WALK_RETIRED
							    : WALK_UNPOPULATED;
		return;
	}
	out->link = WALK_OK;
	if (known &&
	    known->find(known->context, object.offset, &type, &elements)) {
		out->type = (__u16)type;
		out->elements = elements;
		if (!belongs(types, type, elements, out->inside,
			     slot->field->target))
			out->link = WALK_NO_OBJECT;
		return;
	}
	if (!make_out(types, record, slot->element, &object,
		      slot->field->target, out))
		out->link = WALK_NO_OBJECT;
}

/* An offset, and whether it can only be meant as one: an object begins there. */
static bool resolve_half(const struct walk_types *types,
			 const struct walk_record *record,
			 const struct walk_slot *slot, __u32 offset,
			 const struct walk_known *known, struct walk_edge *out)
{
	if (!offset)
		return false;
	resolve_offset(types, record, slot, offset, known, out);
	return !out->inside && out->size &&
	       (out->link == WALK_OK || out->link == WALK_FREED ||
		out->link == WALK_RETIRED);
}

void walk_resolve(const struct walk_types *types,
		  const struct walk_record *record,
		  const struct walk_slot *slot, __u64 value,
		  const struct walk_known *known, struct walk_edge *out)
{
	__u32 kind = slot->field->kind;
	bool address;

	memset(out, 0, sizeof(*out));
	out->value = value;
	out->type = WALK_UNTYPED;
	out->field = (__u32)(slot->field - types->request->fields);
	out->link = WALK_NULL;
	if (!value)
		return;
	address = value >> 32 == ARENA_BASE >> 32;
	if (kind == WALK_POINTER || (address && kind == WALK_COUNTED)) {
		out->marks = (__u8)(value & WALK_MARKS);
		value &= ~WALK_MARKS;
		if (!value) /* a marked NULL */
			return;
		if (!address) {
			out->link = WALK_OUTSIDE;
			return;
		}
		resolve_offset(types, record, slot, (__u32)value, known, out);
		return;
	}
	/* Of any other use perhaps: a link only if that cannot be chance. */
	if (kind == WALK_ADDRESS) {
		if (address && value % 8 == 0 &&
		    resolve_half(types, record, slot, (__u32)value, known, out))
			return;
	} else {
		out->counted = kind == WALK_COUNTED;
		out->tag = (__u32)(value >> 32);
		if (resolve_half(types, record, slot, (__u32)value, known, out))
			return;
		out->tag = (__u32)value;
		if (kind == WALK_COUNTED &&
		    resolve_half(types, record, slot, (__u32)(value >> 32),
				 known, out))
			return;
	}
	out->link = WALK_NULL;
	out->target = out->inside = out->size = 0;
	out->type = WALK_UNTYPED;
}
