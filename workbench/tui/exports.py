# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is shown, as files: where they go, what they are called, and the snapshot as JSON and CSV."""

from __future__ import annotations

import csv
import io
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from workbench.errors import UsageError
from workbench.person import Person, acting_as
from workbench.snapshots import LaneRow, Snapshot
from workbench.tui.panes import Offer
from workbench.tui.run_state import RunState


def write(offer: Offer, person: Person, clock: Callable[[], time.struct_time] = time.localtime) -> Path:
    """Write an offer to a new file here, or where here is not writable, at home. Raises UsageError."""
    stem = f"arena-workbench-{offer.name}-{time.strftime('%Y%m%d-%H%M%S', clock())}"
    text = offer.text()
    why = ""
    with acting_as(person):
        for folder in (Path.cwd(), person.home):
            try:
                return _new_file(folder, stem, offer.suffix, text)
            except OSError as error:
                why = why or f"{folder}: {error.strerror}"
    raise UsageError(f"cannot write {stem}{offer.suffix}: {why}")


def snapshot_json(snapshot: Snapshot) -> str:
    """The whole snapshot, indented."""
    return msgspec.json.format(msgspec.json.encode(snapshot), indent=2).decode() + "\n"


def snapshot_csv(snapshot: Snapshot) -> str:
    """A row a lane, then the totals."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["elapsed_s", *LaneRow.__struct_fields__])
    for row in (*snapshot.lanes, snapshot.total):
        writer.writerow([snapshot.elapsed_s, *msgspec.structs.astuple(row)])
    return out.getvalue()


def of_run(run: RunState) -> list[Offer]:
    """What a run has to export in its present state."""
    offers = []
    if (snapshot := run.snapshot) is not None:
        offers += [
            Offer("This moment's counters, as JSON", "snapshot", ".json", lambda: snapshot_json(snapshot)),
            Offer("This moment's counters, as CSV", "snapshot", ".csv", lambda: snapshot_csv(snapshot)),
        ]
    if (report := run.report) is not None:
        from workbench.reports import as_csv, as_json, as_text

        offers += [
            Offer("The report, as text", "report", ".txt", lambda: as_text.render(report)),
            Offer("The report, as JSON", "report", ".json", lambda: as_json.render(report)),
            Offer("The report, as CSV", "report", ".csv", lambda: as_csv.render(report)),
        ]
    return offers


def _new_file(folder: Path, stem: str, suffix: str, text: str) -> Path:
    for number in itertools.count(1):
        path = folder / f"{stem}{'' if number == 1 else f'-{number}'}{suffix}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return path
    raise AssertionError("unreachable")
