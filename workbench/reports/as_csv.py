# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The report for spreadsheets: a row a lane, then one of totals, with the run on every row so that files join."""

from __future__ import annotations

import csv
import io

from workbench.reports.model import Latency, Report

COUNTS = ("operations", "inserts", "deletes", "searches", "pops", "failures", "ops_per_sec")
COLUMNS = (
    *("structure", "backend", "seed", "lane", "context", "trigger", "cpu"),
    *COUNTS,
    "failures_by_code",
    *(f"latency_{field}_ns" if field != "samples" else "latency_samples" for field in Latency.__struct_fields__),
)


def render(report: Report) -> str:
    """The CSV text with a header line; what does not apply to a row is left empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    run = {"structure": report.structure, "backend": report.backend, "seed": report.seed}
    for lane in report.lanes:
        row = run | {"lane": lane.name, "context": lane.context, "trigger": lane.trigger, "cpu": lane.cpu}
        latency = lane.latency_ns
        if latency is not None:
            values = [getattr(latency, field) for field in Latency.__struct_fields__]
            row |= dict(zip(COLUMNS[-len(values) :], values, strict=True))
        writer.writerow(row | _counts(lane) | {"failures_by_code": _codes(lane.failures_by_code)})
    totals = report.totals
    writer.writerow(run | {"lane": "TOTAL"} | _counts(totals) | {"failures_by_code": _codes(totals.failures_by_code)})
    return out.getvalue()


def _counts(of: object) -> dict[str, object]:
    return {name: getattr(of, name) for name in COUNTS}


def _codes(codes: dict[str, int]) -> str:
    return " ".join(f"{code}={count}" for code, count in sorted(codes.items()))
