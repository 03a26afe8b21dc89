# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The report for programs, and the JSON Schema that says what they may count on.

`python -m workbench.reports.as_json` writes the shipped schema anew from the model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from workbench.reports.model import SCHEMA_VERSION, Report

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "schemas" / "report.schema.json"


def render(report: Report) -> str:
    """The report as indented JSON, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def parse(text: str | bytes) -> Report:
    """A report that `render` wrote. Raises msgspec.ValidationError or msgspec.DecodeError."""
    return msgspec.json.decode(text, type=Report)


def schema() -> dict[str, Any]:
    """The JSON Schema of `render`'s output; a written report holds every field, defaults too."""
    made = msgspec.json.schema(Report)
    for definition in made["$defs"].values():
        if definition.get("type") == "object" and "properties" in definition:
            definition["required"] = list(definition["properties"])
            for one in definition["properties"].values():
                one.pop("default", None)  # nothing is ever left out, so there is nothing to assume
    made["$defs"]["Report"]["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause",
        "title": "arena-workbench run report",
        **made,
    }


def schema_text() -> str:
    """What the shipped schema file must hold."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.parent.mkdir(exist_ok=True)
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
