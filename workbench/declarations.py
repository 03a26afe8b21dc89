# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a preprocessed header declares: functions with their parameters, records with their fields, typedefs.

The text comes from `cc -E`, so macros are gone and line markers say which file each line is from. Attributes and
function bodies are blanked before parsing: compilers' own syntax is found there, and nothing else that is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

ARENA_MARK = "_Nonnull"
"""What `__arena` is defined as before preprocessing: a qualifier that the C grammar knows and no header uses."""


class Field(msgspec.Struct, frozen=True):
    """A member of a record or a parameter of a function: its name and its type as C has it, with `__arena`."""

    name: str
    type: str


class Function(msgspec.Struct, frozen=True):
    """A function by its prototype, and where it stands."""

    name: str
    returns: str
    parameters: tuple[Field, ...]
    file: str
    line: int
    defined: bool


class Declarations(msgspec.Struct, frozen=True):
    """What one side of a header declares. Records are keyed by type ("struct ds_list_node", or a typedef's name)."""

    functions: dict[str, Function]
    records: dict[str, tuple[Field, ...]]
    typedefs: dict[str, str]
    metadata: dict[str, dict[str, str]]
    """Initialisers of `struct ds_metadata`, keyed by the function they are in ("" for file scope)."""

    def resolve(self, type_name: str) -> str:
        """A type with its typedefs replaced as far as they are known; qualifiers but `__arena` dropped."""
        text = plain_type(type_name)
        for _ in range(16):
            base = re.match(r"\w+", text)
            if not base or base[0] not in self.typedefs:
                break
            text = plain_type(self.typedefs[base[0]] + text[base.end() :])
        return text


class _Source(msgspec.Struct):
    """The lines that are from the user's files, and where each of them is from."""

    text: str
    origins: list[tuple[str, int]]


_MARKER = re.compile(r'^#\s*(?:line\s+)?(\d+)\s+"((?:[^"\\]|\\.)*)"((?:\s+\d+)*)\s*$')
_TYPEDEF = re.compile(r"\btypedef\s+((?:\w+\s+)*\w+)\s+(\w+)\s*;")
_TOKEN = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    r"|\b(?:__attribute__|__attribute|__asm__|__asm|asm|__declspec)\b|\b__extension__\b|[{}()]|\S"
)
_ATTRIBUTES = frozenset({"__attribute__", "__attribute", "__asm__", "__asm", "asm", "__declspec"})


def read(preprocessed: str, is_users: Callable[[str], bool]) -> Declarations:
    """Declarations in the user's files of a preprocessed text; `is_users(path)` says which files those are.

    Typedefs are taken from the library and the system too, for resolving.
    """
    source = _users_lines(preprocessed, is_users)
    bodies: list[tuple[int, str]] = []
    text = _simplify(source.text, bodies)
    tree = _parser().parse(text.encode("latin-1"))
    functions: dict[str, Function] = {}
    records: dict[str, tuple[Field, ...]] = {}
    typedefs = {name: target for target, name in _TYPEDEF.findall(preprocessed)}
    metadata: dict[str, dict[str, str]] = {}
    spans: list[tuple[int, str]] = []
    for node in _top_level(tree.root_node):
        if node.type in ("function_definition", "declaration"):
            _take_functions(node, source, functions, spans)
            if "ds_metadata" in _text(node):
                metadata.update(_initialiser(node, ""))
        if node.type == "type_definition":
            _take_typedef(node, typedefs, records)
        for record in _records(node):
            name = record.child_by_field_name("name")
            kind = "union" if record.type == "union_specifier" else "struct"
            if name is not None:
                records[f"{kind} {_text(name)}"] = _fields(record)
    for start, body in bodies:
        if "ds_metadata" in body:
            inside = [name for position, name in spans if position < start]
            metadata.update(
                _initialiser(_parser().parse(body.encode("latin-1")).root_node, inside[-1] if inside else "")
            )
    return Declarations(functions, records, typedefs, metadata)


def plain_type(text: str) -> str:
    """A type in one spelling: `const struct x __arena * restrict` becomes "struct x __arena *"."""
    words = re.findall(r"\w+|[^\w\s]", text.replace(ARENA_MARK, "__arena"))
    drop = {"const", "volatile", "restrict", "__restrict", "__restrict__", "register", "__extension__"}
    return _join(word for word in words if word not in drop)


def _join(words: Iterator[str]) -> str:
    text = " ".join(words)
    text = re.sub(r"(?<=[(\[]) | (?=[)\],;])|(?<=\*) (?=\*)|(?<=\)) (?=\()", "", text)
    return re.sub(r" \[", "[", text)


@cache
def _parser() -> Parser:
    import tree_sitter  # only when a header is new: a warm start parses nothing
    import tree_sitter_c

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))


def _users_lines(preprocessed: str, is_users: Callable[[str], bool]) -> _Source:
    lines: list[str] = []
    origins: list[tuple[str, int]] = []
    file, line, wanted = "", 1, False
    system: set[str] = set()
    for text in preprocessed.split("\n"):
        marker = _MARKER.match(text)
        if marker:
            line, file = int(marker[1]), marker[2].replace("\\\\", "\\").replace('\\"', '"')
            # Flag 3 at a file's start says that it is the system's; later on gcc gives it to each expansion of a
            # system macro, such as `true`, in the user's file.
            if {"1", "3"} <= set(marker[3].split()):
                system.add(file)
            wanted = file not in system and is_users(file)
            continue
        if wanted:
            lines.append(text)
            origins.append((file, line))
        line += 1
    return _Source("\n".join(lines), origins)


def _simplify(text: str, bodies: list[tuple[int, str]]) -> str:
    """Blank attributes and function bodies, leaving every newline where it is; bodies go to the list with their place.

    The result has one character a byte of UTF-8, so that the parser's offsets, in bytes, are offsets in it.
    """
    text = text.encode().decode("latin-1")
    out = list(text)
    depth = 0
    before = ""
    tokens = _TOKEN.finditer(text)
    for token in tokens:
        word = token[0]
        if word in _ATTRIBUTES and (word.startswith(("__attr", "__decl")) or before == ")"):
            _blank(out, token.start(), _close(text, token.end(), tokens))
            continue
        if word == "__extension__":
            _blank(out, token.start(), token.end())
            continue
        if word == "{":
            if depth == 0 and before == ")":
                end = _close(text, token.start(), tokens)
                bodies.append((token.start(), text[token.start() : end]))
                _blank(out, token.start() + 1, end - 1)
                word = "}"
            else:
                depth += 1
        elif word == "}":
            depth = max(0, depth - 1)
        before = word
    return "".join(out)


def _close(text: str, start: int, tokens: Iterator[re.Match[str]]) -> int:
    """Where the bracket that opens at or after `start` closes; `tokens` is moved past it."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if token[0] in ("(", "{"):
            depth += 1
        elif token[0] in (")", "}"):
            depth -= 1
            if depth <= 0:
                end = token.end()
                break
    else:
        end = len(text)
    for token in tokens:
        if token.end() >= end:
            break
    return end


def _blank(out: list[str], start: int, end: int) -> None:
    for at in range(start, end):
        if out[at] != "\n":
            out[at] = " "


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _top_level(root: Node) -> Iterator[Node]:
    """Declarations of a file, also those that the parser could only keep inside an error."""
    for node in root.named_children:
        if node.type in ("ERROR", "linkage_specification", "declaration_list"):
            yield from _top_level(node)
        else:
            yield node


def _records(node: Node) -> Iterator[Node]:
    """Records with a body in a declaration, nested ones too."""
    if node.type in ("struct_specifier", "union_specifier") and node.child_by_field_name("body") is not None:
        yield node
    for child in node.named_children:
        if child.type != "compound_statement":
            yield from _records(child)


def _specifiers(node: Node) -> str:
    """The type before the declarators: storage class and function specifiers dropped, a record's body too."""
    words = []
    for child in node.children:
        if child.type in ("storage_class_specifier", "typedef", ";", ",") or "declarator" in child.type:
            continue
        if child in node.children_by_field_name("declarator") or child.type in (
            "compound_statement",
            "bitfield_clause",
        ):
            continue
        name = child.child_by_field_name("name")
        if child.type in ("struct_specifier", "union_specifier", "enum_specifier") and name is not None:
            words.append(f"{child.type.split('_')[0]} {_text(name)}")
        else:
            words.append(_text(child))
    return " ".join(word for word in words if word not in ("inline", "__inline", "__inline__", "_Noreturn"))


def _name_node(node: Node) -> Node | None:
    """The identifier that a declarator declares."""
    found: Node | None = node
    while found is not None and found.type not in ("identifier", "field_identifier", "type_identifier"):
        inner = found.child_by_field_name("declarator")
        if inner is None and found.type in ("parenthesized_declarator", "ERROR"):
            inner = next(iter(found.named_children), None)
        found = inner
    return found


def _entity(specifiers: str, declarator: Node | None) -> Field:
    """Name and type of one declarator: the type is the text with the name taken out."""
    if declarator is None:
        return Field("", plain_type(specifiers))
    name, text = _name_node(declarator), _text(declarator)
    if name is None:
        return Field("", plain_type(f"{specifiers} {text}"))
    start, end = name.start_byte - declarator.start_byte, name.end_byte - declarator.start_byte
    return Field(_text(name), plain_type(f"{specifiers} {text[:start]} {text[end:]}"))


def _fields(record: Node) -> tuple[Field, ...]:
    body = record.child_by_field_name("body")
    fields: list[Field] = []
    for node in body.named_children if body else []:
        if node.type != "field_declaration":
            continue
        declarators = node.children_by_field_name("declarator")
        fields += [_entity(_specifiers(node), declarator) for declarator in declarators]
        if not declarators:
            nested = next((child for child in node.named_children if child.type.endswith("_specifier")), None)
            inner = nested.child_by_field_name("body") if nested else None
            fields += _fields(nested) if nested and inner else []
    return tuple(fields)


def _take_typedef(node: Node, typedefs: dict[str, str], records: dict[str, tuple[Field, ...]]) -> None:
    for declarator in node.children_by_field_name("declarator"):
        entity = _entity(_specifiers(node), declarator)
        base = node.child_by_field_name("type")
        unnamed = base is not None and base.child_by_field_name("name") is None and base.type.endswith("_specifier")
        if base is not None and unnamed and base.child_by_field_name("body") is not None:
            records[entity.name] = _fields(base)
            typedefs.pop(entity.name, None)
        else:
            typedefs[entity.name] = entity.type


def _take_functions(node: Node, source: _Source, functions: dict[str, Function], spans: list[tuple[int, str]]) -> None:
    for declarator in node.children_by_field_name("declarator"):
        stars, inner = "", declarator
        while inner.type == "pointer_declarator":
            following = inner.child_by_field_name("declarator")
            if following is None:
                return
            stars, inner = stars + "*", following
        name = inner.child_by_field_name("declarator")
        parameters = inner.child_by_field_name("parameters")
        if inner.type != "function_declarator" or name is None or name.type != "identifier" or parameters is None:
            continue
        defined = node.type == "function_definition"
        if defined:
            spans.append((name.start_byte, _text(name)))
        elif _text(name) in functions:
            continue
        file, line = source.origins[min(name.start_point[0], len(source.origins) - 1)]
        functions[_text(name)] = Function(
            _text(name), plain_type(f"{_specifiers(node)} {stars}"), _parameters(parameters), file, line, defined
        )


def _parameters(node: Node) -> tuple[Field, ...]:
    found = []
    for child in node.named_children:
        if child.type == "parameter_declaration":
            found.append(_entity(_specifiers(child), child.child_by_field_name("declarator")))
        elif child.type == "variadic_parameter":
            found.append(Field("", "..."))
    return () if [field.type for field in found] == ["void"] else tuple(found)


def _initialiser(root: Node, function: str) -> dict[str, dict[str, str]]:
    """The designated initialisers of the first `struct ds_metadata` below a node, as text by member."""
    kind = root.child_by_field_name("type") if root.type == "declaration" else None
    if kind is not None and "ds_metadata" in _text(kind):
        said: dict[str, str] = {}
        declarator = root.child_by_field_name("declarator")
        values = declarator.child_by_field_name("value") if declarator else None
        for pair in values.named_children if values else []:
            name, value = pair.child_by_field_name("designator"), pair.child_by_field_name("value")
            if name is not None and value is not None:
                said[_text(name).lstrip(".")] = _value(value)
        return {function: said} if said else {}
    for child in root.named_children:
        if found := _initialiser(child, function):
            return found
    return {}


def _value(node: Node) -> str:
    if node.type in ("string_literal", "concatenated_string"):
        parts = re.findall(r'"((?:\\.|[^"\\])*)"', _text(node))
        return "".join(parts).replace('\\"', '"').replace("\\\\", "\\").replace("\\n", " ")
    return " ".join(_text(node).split())
