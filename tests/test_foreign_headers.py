# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Headers in the forms that are in use elsewhere (tests/headers): run unchanged, on both backends, from both sides."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import HEADERS, Ran, run

from workbench import structures

FOREIGN = sorted(HEADERS.glob("ds_*.h"))
MAPS = {"expset", "guidetree", "plainlist"}


def ids(header: Path) -> str:
    return header.stem.removeprefix("ds_")


def checked(ran: Ran, header: Path, kernel: bool) -> None:
    """Every check that can be made of such a header is ok, and those that cannot say why."""
    assert ran.status == 0, ran.stderr
    there = structures.find(str(header)).operations
    can = {
        "verify_user": "verify" in there,
        "verify_kernel": "verify" in there and kernel,
        "elements": "iterate" in there,
        "key_sum": "iterate" in there,
        "leaks": True,
        "frees": True,
    }
    assert ran.checks() == {name: "ok" if possible else "skipped" for name, possible in can.items()}
    assert all(ran.reason(name) for name in can)


def test_there_are_headers_to_run() -> None:
    assert {ids(header) for header in FOREIGN} >= {"expset", "fastqueue", "guidetree", "kvring", "mpscq", "tagstack"}


@pytest.mark.parametrize("header", FOREIGN, ids=ids)
def test_a_foreign_header_runs_on_the_native_backend(header: Path) -> None:
    ran = run("--backend", "native", "--structure", str(header), "-t", "2", "-o", "4000", "-k", "300", "-v")
    checked(ran, header, kernel=False)
    assert ran.report["totals"]["operations"] == 8000
    assert ran.report["totals"]["inserts"] > 0
    assert ran.report["totals"]["deletes"] + ran.report["totals"]["pops"] > 0


@pytest.mark.kernel
@pytest.mark.parametrize("header", FOREIGN, ids=ids)
def test_a_foreign_header_runs_from_both_sides_at_once(header: Path) -> None:
    lanes = ("-t", "1", "--kernel-lanes", "1")
    ran = run("--backend", "bpf", "--structure", str(header), *lanes, "-o", "4000", "-k", "300", "-v")
    checked(ran, header, kernel=True)
    assert ran.lane("user 0")["operations"] == ran.lane("kernel 0")["operations"] == 4000
    by_context = [set(ran.lane(name)["failures_by_code"]) for name in ("user 0", "kernel 0")]
    assert all("UNSUPPORTED" not in codes for codes in by_context)


@pytest.mark.parametrize("header", [header for header in FOREIGN if ids(header) not in MAPS], ids=ids)
def test_what_a_header_lacks_is_left_out_and_said(header: Path) -> None:
    ran = run("--backend", "native", "--structure", str(header), "-t", "1", "-o", "2000", "-k", "300")
    assert ran.lane("user 0")["searches"] == 0
    said = [note for note in ran.report["notes"] if "no search (DS_ERROR_UNSUPPORTED)" in note]
    assert len(said) == 1
    assert said[0] in " ".join(ran.stdout.split()).replace("- ", "- ")


@pytest.mark.parametrize("name", ["fastqueue", "kvring"])
def test_a_queue_of_one_producer_and_one_consumer_gets_one_of_each(name: str) -> None:
    header = str(HEADERS / f"ds_{name}.h")
    ran = run("--backend", "native", "--structure", header, "-t", "2", "-o", "20000", "-k", "300")
    assert ran.status == 0, ran.stderr
    producer, consumer = ran.report["lanes"]
    assert (producer["name"], consumer["name"]) == ("user 0", "user 1")
    assert producer["inserts"] == producer["operations"] == 20_000
    assert consumer["inserts"] == 0
    assert consumer["pops"] + consumer["deletes"] == 20_000


def test_more_than_one_of_each_is_refused_with_the_reason() -> None:
    flags = ("--backend", "native", "--structure", str(HEADERS / "ds_kvring.h"), "-t", "4", "-o", "1000")
    refused = run(*flags)
    assert refused.status == 2
    assert "kvring is for one producer and one consumer at a time" in refused.stderr
    forced = run(*flags, "--force")
    assert forced.status in (0, 1)
    assert any("forced: kvring" in note for note in forced.report["notes"])


@pytest.mark.kernel
def test_a_relay_from_user_space_into_the_kernel_loses_nothing() -> None:
    header = str(HEADERS / "ds_kvring.h")
    flags = ("-t", "1", "--kernel-lanes", "1", "-o", "0", "-d", "0.3")
    ran = run("--backend", "bpf", "--structure", header, *flags, "-v")
    assert ran.status == 0, ran.stderr
    put = ran.lane("user 0")["inserts"] - ran.lane("user 0")["failures"]
    taken = ran.lane("kernel 0")["pops"] - ran.lane("kernel 0")["failures"]
    assert put - taken == ran.report["elements"]
    assert put > 0
    assert set(ran.checks().values()) == {"ok"}


@pytest.mark.kernel
def test_the_kernel_makes_a_structure_of_a_large_capacity(tmp_path: Path) -> None:
    profile = tmp_path / "ring.toml"
    profile.write_text(f"structure = {{ path = '{HEADERS / 'ds_kvring.h'}', capacity = 1000000 }}\n")
    ran = run(str(profile), "--backend", "bpf", "-t", "1", "-o", "100", "-w", "insert")
    assert ran.status == 0, ran.stderr
    assert ran.report["elements"] == 100


def test_a_capacity_reaches_a_bounded_structure(tmp_path: Path) -> None:
    profile = tmp_path / "ring.toml"
    profile.write_text(
        f"[structure]\npath = '{HEADERS / 'ds_kvring.h'}'\ncapacity = 32\n"
        "[arena]\nbackend = 'native'\n[lanes]\nuser = 1\n[workload]\ntype = 'insert'\noperations = 100\n"
    )
    ran = run(str(profile))
    assert ran.report["elements"] == 32
    assert ran.lane("user 0")["failures_by_code"] == {"FULL": 68}
