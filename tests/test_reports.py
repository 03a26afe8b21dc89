# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reports: the guide's text block to the letter, columns that stay in line, JSON that keeps its schema, CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from workbench.reports import as_csv, as_json, as_text
from workbench.reports.model import (
    ArenaReport,
    CheckResult,
    Fault,
    KernelReport,
    LaneReport,
    Latency,
    Leak,
    Report,
    TriggerReport,
    total,
)

# "Understanding Test Output" of the guide, with the figures of its own example.
GUIDE = """\
============================================================
                    TEST STATISTICS                         \n\
============================================================

Per-Thread Results:
Thread   Operations    Inserts    Deletes   Searches  Failures      Ops/sec
--------------------------------------------------------------------
0              1000        500        200        300         5       45231
1              1000        498        202        300         8       44892
2              1000        502        198        300         3       45567
3              1000        499        201        300         6       45123
--------------------------------------------------------------------
TOTAL          4000       1999        801       1200        22      180813

Kernel-Side Operations:
  Total operations: 145
  Total failures:   3

Arena Memory Statistics:
  Allocations:      2144
  Frees:            801
  Current allocs:   1343
  Failed allocs:    0

Data Structure State:
  Elements in list: 1343

Test Duration: 0.09 seconds
============================================================
"""
FIGURES = [(500, 200, 5, 45231), (498, 202, 8, 44892), (502, 198, 3, 45567), (499, 201, 6, 45123)]


def user(number: int, **fields: Any) -> LaneReport:
    return LaneReport(id=number, name=f"user {number}", context="user", **fields)


def kernel(number: int, name: str, trigger: str, **fields: Any) -> LaneReport:
    return LaneReport(id=number, name=name, context="kernel", trigger=trigger, **fields)


def report(lanes: list[LaneReport], **fields: Any) -> Report:
    base: dict[str, Any] = {"backend": "bpf", "structure": "list", "seed": 7, "duration_s": 0.09}
    return Report(lanes=lanes, totals=total(lanes), **(base | fields))


@pytest.fixture
def guide_run() -> Report:
    return report(
        [
            user(i, operations=1000, inserts=ins, deletes=dels, searches=300, failures=bad, ops_per_sec=rate)
            for i, (ins, dels, bad, rate) in enumerate(FIGURES)
        ],
        kernel=KernelReport(operations=145, failures=3),
        arena=ArenaReport(allocations=2144, frees=801, current=1343, failed=0),
        elements=1343,
    )


@pytest.fixture
def full_run() -> Report:
    """Everything that a report can hold, counts of more than seven digits among it."""
    latency = Latency(samples=4000, mean=900.5, p50=850, p90=1100, p99=12_500, p999=1_250_000, max=3_000_000_000)
    return report(
        [
            user(0, operations=123_456_789, inserts=1, searches=23_456_789, failures=4, ops_per_sec=24_691_357.8,
                 failures_by_code={"EXISTS": 4}, latency_ns=latency, cpu=1),
            kernel(1, "kernel 10", "manual", operations=12_345_678, deletes=12_345_678, failures=12_345_678,
                   failures_by_code={"NOT_FOUND": 12_345_677, "BUSY": 1}, ops_per_sec=2_469_135.6, latency_ns=latency),
            kernel(2, "exit_group", "exit_group", operations=3, inserts=3),
        ],
        backend_reason="asked for",
        structure_path="bpf/structures/ds_list.h",
        kernel=KernelReport(
            operations=12_345_681,
            failures=12_345_678,
            by_trigger={
                "manual": TriggerReport(operations=12_345_678, failures=12_345_678),
                "exit_group": TriggerReport(operations=3, missed=2),
            },
        ),
        arena=ArenaReport(pages=65536, pages_used=9, retired=5, double_frees=1, stalled=["user 0"]),
        elements=None,
        notes=["delete is left out of the mix: ds_x.h has none, and this is a note of more than eighty columns."],
        checks={
            "verify_user": CheckResult("ok"),
            "verify_kernel": CheckResult("failed", "DS_ERROR_CORRUPT " + "at a node that is out of order " * 4),
            "key_sum": CheckResult("unknown", "no iterate"),
            "elements": CheckResult("unknown", "it has no iterate"),
        },
        leaks=[Leak(size_class_bytes=32, objects=2, bytes=64, example_address="0x100000001000", example_hex="00" * 32)],
        faults=[Fault(kind="SIGSEGV", address="0x10", lane="user 0", operation="insert", key=2**64 - 1)],
        exit_status=1,
    )  # fmt: skip


def test_the_text_begins_with_the_guides_block_to_the_letter(guide_run: Report) -> None:
    assert as_text.render(guide_run).startswith(GUIDE)


def test_what_the_workbench_adds_comes_after_the_guides_block(guide_run: Report) -> None:
    rest = as_text.render(guide_run).removeprefix(GUIDE)
    assert "Backend: bpf" in rest
    assert "Seed: 7" in rest


def test_kernel_lanes_are_rows_too_and_marked(full_run: Report) -> None:
    table = as_text.render(full_run).split("Per-Thread Results:\n")[1].split("\n\n")[0].splitlines()
    assert [row[:12].strip() for row in table if not row.startswith("-")] == [
        "Thread",
        "0",
        "k10 (kernel)",
        "exit_group",
        "TOTAL",
    ]
    assert len(table[1]) == 68


def test_columns_stay_in_line_with_counts_of_any_size(full_run: Report) -> None:
    table = as_text.render(full_run).split("Per-Thread Results:\n")[1].split("\n\n")[0].splitlines()
    header, *rows = [row for row in table if not row.startswith("-")]
    ends = [word.end() for word in re.finditer(r"\S+", header)][1:]
    ends[-1] -= 1  # in the guide, too, rates end one column before their heading
    for row in rows:
        assert len(row) == ends[-1] < 80
        assert [row[:end].split()[-1] for end in ends] == row[12:].split()
    assert rows[0].split()[1:] == ["123456789", "1", "0", "23456789", "4", "24691358"]


def test_pops_get_a_column_only_when_something_was_popped(guide_run: Report) -> None:
    assert "Pops" not in as_text.render(guide_run)
    lines = as_text.render(report([user(0, operations=9, inserts=4, pops=5)])).splitlines()
    header = next(line for line in lines if line.startswith("Thread"))
    row = next(line for line in lines if line.startswith("0 "))
    assert header.split() == ["Thread", "Operations", "Inserts", "Deletes", "Pops", "Searches", "Failures", "Ops/sec"]
    assert row.split() == ["0", "9", "4", "0", "5", "0", "0", "0"]
    assert len(row) < len(header) <= 80


def test_every_line_fits_eighty_columns(full_run: Report) -> None:
    assert [line for line in as_text.render(full_run).splitlines() if len(line) > 80] == []


def test_the_text_tells_latencies_failures_checks_leaks_faults_and_notes(full_run: Report) -> None:
    text = " ".join(as_text.render(full_run).split())
    assert "Latency samples p50 p99 p99.9 max 0 4000 850 ns 12.5 us 1.25 ms 3.00 s" in text
    assert "Failures by code user kernel BUSY 0 1 EXISTS 4 0 NOT_FOUND 0 12345677" in text
    assert "verify (user) ok" in text
    assert "verify (kernel) failed DS_ERROR_CORRUPT at a node" in text
    assert "sum of keys unknown no iterate" in text
    assert "2 objects, 64 bytes, size class 32 for example at 0x100000001000: 00" in text
    assert "SIGSEGV at 0x10, lane user 0, in insert, key 18446744073709551615" in text
    assert "delete is left out of the mix" in text
    assert "exit_group: 3 operations, 0 failures, 2 missed" in text
    assert "Elements in list: unknown (it has no iterate)" in text
    assert "1 double frees" in text
    assert "held up by user 0" in text
    assert "Backend: bpf (asked for)" in text


def test_without_statistics_only_checks_and_findings_are_told(full_run: Report) -> None:
    text = as_text.render(full_run, statistics=False)
    assert "TEST STATISTICS" not in text
    assert "Latency" not in text
    assert "verify (kernel)" in text
    assert "SIGSEGV" in text


def test_a_report_of_nothing_is_still_a_report() -> None:
    text = as_text.render(report([]))
    assert "TOTAL             0" in text
    assert "Checks:" not in text
    assert list(csv.reader(io.StringIO(as_csv.render(report([])))))[1][3] == "TOTAL"


@pytest.mark.parametrize(
    ("nanoseconds", "said"),
    [(0, "0 ns"), (999, "999 ns"), (1000, "1.00 us"), (12_500, "12.5 us"), (125_000, "125 us"), (2e9, "2.00 s")],
)
def test_times_have_three_digits_and_a_unit(nanoseconds: float, said: str) -> None:
    assert as_text.duration(nanoseconds) == said


def test_totals_are_sums_and_tell_the_two_contexts_apart(full_run: Report) -> None:
    totals = full_run.totals
    assert totals.operations == 123_456_789 + 12_345_678 + 3
    assert totals.inserts == 4
    assert totals.failures_by_code == {"EXISTS": 4, "NOT_FOUND": 12_345_677, "BUSY": 1}
    assert totals.user_ops_per_sec == 24_691_357.8
    assert totals.kernel_ops_per_sec == 2_469_135.6
    assert totals.ops_per_sec == 24_691_357.8 + 2_469_135.6


def test_json_comes_back_as_the_same_report(full_run: Report) -> None:
    assert as_json.parse(as_json.render(full_run)) == full_run


def test_json_has_the_names_that_readers_count_on(full_run: Report) -> None:
    data = json.loads(as_json.render(full_run))
    assert {"backend", "structure", "seed", "duration_s", "lanes", "totals", "kernel", "arena", "elements"} <= set(data)
    assert {"checks", "exit_status"} <= set(data)
    assert {"id", "context", "operations", "inserts", "deletes", "searches", "failures", "ops_per_sec"} <= set(
        data["lanes"][0]
    )
    assert data["lanes"][0]["latency_ns"]["p999"] == 1_250_000
    assert data["lanes"][1]["context"] == "kernel"
    assert data["kernel"]["by_trigger"]["exit_group"]["missed"] == 2
    assert data["checks"]["key_sum"] == {"result": "unknown", "reason": "no iterate"}


def test_every_json_report_keeps_the_shipped_schema(guide_run: Report, full_run: Report) -> None:
    schema = json.loads(as_json.SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for one in (guide_run, full_run, report([])):
        jsonschema.validate(json.loads(as_json.render(one)), schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.pop("checks"),
        lambda data: data["lanes"][0].pop("latency_ns"),
        lambda data: data["lanes"][0].update(context="space"),
        lambda data: data["totals"].update(operations="many"),
        lambda data: data["checks"]["key_sum"].update(result="perhaps"),
        lambda data: data.update(schema_version=2),
        lambda data: data.update(elements="all"),
    ],
)
def test_the_schema_refuses_a_report_that_is_not_one(full_run: Report, damage: Any) -> None:
    data = json.loads(as_json.render(full_run))
    damage(data)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, as_json.schema(), jsonschema.Draft202012Validator)


def test_the_shipped_schema_is_the_models() -> None:
    told = "write it anew: python -m workbench.reports.as_json"
    assert as_json.SCHEMA_FILE.read_text() == as_json.schema_text(), told


def test_csv_has_a_row_a_lane_and_one_of_totals(full_run: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv.render(full_run))))
    assert [row["lane"] for row in rows] == ["user 0", "kernel 10", "exit_group", "TOTAL"]
    assert rows[0]["operations"] == "123456789"
    assert rows[0]["latency_p999_ns"] == "1250000"
    assert rows[0]["latency_samples"] == "4000"
    assert rows[1]["failures_by_code"] == "BUSY=1 NOT_FOUND=12345677"
    assert rows[2]["latency_p50_ns"] == ""
    assert int(rows[3]["operations"]) == sum(int(row["operations"]) for row in rows[:3])
    assert {row["seed"] for row in rows} == {"7"}


def test_the_schema_lies_inside_the_package_so_that_it_travels_with_it() -> None:
    import workbench

    assert Path(workbench.__file__).parent in as_json.SCHEMA_FILE.parents
    assert msgspec.json.decode(as_json.SCHEMA_FILE.read_bytes())["title"] == "arena-workbench run report"
