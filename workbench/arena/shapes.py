# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which figure a structure makes, told from a census: how many ways lead on from its nodes, and back."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from workbench.arena.links import Census, FieldTally
from workbench.arena.schema import UNTYPED, Schema, is_late

_ROWS_LEAST = 4
_TOO_FEW = 8  # nodes, of which a tree may happen to be a chain
_ROTATED_SHARE = 12  # of a tree's nodes, one in so many may have been met twice: lanes rotate it during the walk


class Figure(StrEnum):
    """How a person would draw it."""

    EMPTY = "empty"
    CHAIN = "chain"
    RING = "ring"
    TREE = "tree"
    BUCKETS = "buckets"
    SKIP_LIST = "skip list"
    ARRAY = "array"
    UNKNOWN = "unknown"


class Shape(msgspec.Struct, frozen=True):
    """The figure that nodes of type `main` make. `container`: of buckets, the type whose links begin the rows."""

    figure: Figure
    main: int
    container: int
    doubly: bool


def recognise(census: Census, schema: Schema) -> Shape:
    """The shape that a census shows; by the types alone where there are too few nodes to tell."""
    main = _main(census, schema)
    if main is None:
        return _without_nodes(census, schema)
    own = [field for field in census.fields if field.type == main and _leads_to(schema, field, main)]
    ways = [field for field in own if not _goes_back(field)]
    doubly = any(_goes_back(field) and field.parent for field in own)

    def shape(figure: Figure, container: int = UNTYPED) -> Shape:
        return Shape(figure, main, container, doubly)

    towers = [field for field in ways if field.count != 1]
    if any(field.visited for field in towers):
        return shape(Figure.SKIP_LIST)
    container = _container(census, schema, main)
    if container is not None:
        return shape(Figure.BUCKETS, container)
    crossing = sum(field.visited for field in ways)
    if crossing <= census.moved + census.types[main].nodes // _ROTATED_SHARE:
        crossing = 0
    used = [field for field in ways if field.fresh or field.entry]
    if len(ways) > 1 and (len(used) > 1 or census.types[main].nodes <= _TOO_FEW) and not crossing:
        return shape(Figure.TREE)
    if len(used) > 1 or crossing:
        return shape(Figure.UNKNOWN)
    return shape(Figure.RING if any(field.entry for field in used) else Figure.CHAIN)


def _main(census: Census, schema: Schema) -> int | None:
    """The type of the elements: that of most nodes that can have a neighbour of their own type, the head apart."""
    best, most = None, 0
    for number, tally in enumerate(census.types):
        nodes = tally.nodes - (number == schema.head)
        linked = any(_leads_to(schema, field, number) for field in census.fields if field.type == number)
        if linked and nodes > most:
            best, most = number, nodes
    return best


def _without_nodes(census: Census, schema: Schema) -> Shape:
    """No element: an array is one if something longer than one lies behind the head."""
    for number, tally in enumerate(census.types):
        if tally.elements > tally.nodes and number != schema.head:
            linked = any(field.type == number and field.count and field.fresh for field in census.fields)
            return Shape(Figure.UNKNOWN if linked else Figure.ARRAY, number, UNTYPED, False)
    return Shape(Figure.EMPTY if census.nodes <= 2 else Figure.UNKNOWN, schema.node, UNTYPED, False)


def _leads_to(schema: Schema, field: FieldTally, target: int) -> bool:
    for shape_field in schema.shapes[field.type].links:
        if shape_field.name == field.name:
            guessed = shape_field.target == UNTYPED and bool(field.fresh or field.visited or field.counted)
            inside = any(type_ == shape_field.target for type_, _ in schema.shapes[target].embeds)
            return shape_field.target == target or guessed or inside
    return False


def _goes_back(field: FieldTally) -> bool:
    back = field.parent + field.entry + field.ancestor
    return field.back or back > field.fresh > 0 or (not field.fresh and field.parent > 0)


def _container(census: Census, schema: Schema, main: int) -> int | None:
    """The type that rows begin in: an array of it, or one with an array of links, or several, to elements."""
    for number, tally in enumerate(census.types):
        if number == main or not tally.nodes:
            continue
        fields = [field for field in census.fields if field.type == number and _leads_to(schema, field, main)]
        if not fields:
            continue
        in_array = tally.elements > tally.nodes or any(
            field.count >= _ROWS_LEAST or not field.count for field in fields
        )
        # A queue's tail may have been ahead of where the walk from its head ended: no row of its own.
        if in_array or sum(1 for field in fields if field.fresh and not is_late(field.name)) > 1:
            return number
    return None
