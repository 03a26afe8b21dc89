# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every structure that is found answers as its abstract type must, from user space and from the kernel, also when there
is no memory or no room, and tells when a link is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis.configuration
import models
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from performing import Performer

from workbench import structures, telemetry
from workbench.structures import Structure

STRUCTURES = {found.name: found for found in structures.discover()}
KINDS = {name: telemetry.OPERATIONS.index(name) for name in telemetry.OPERATIONS}
WORDS = st.one_of(st.integers(0, 7), st.sampled_from([1 << 32, (1 << 63) + 1, (1 << 64) - 1]))
OPERATIONS = ("insert", "insert", "insert", "delete", "pop", "search", "verify")
ROOM = 8192  # pages: every example takes a new structure's
SIDES = [pytest.param(["user"], id="user"), pytest.param(["kernel", "user"], id="kernel", marks=pytest.mark.kernel)]


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keeps what hypothesis notes out of the checkout."""
    hypothesis.configuration.set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))


Perform = Callable[..., Performer]


@pytest.fixture
def perform(tmp_path: Path) -> Iterator[Perform]:
    """Starts performers, and ends them."""
    started: list[Performer] = []

    def start(name: str, sides: list[str], room: int = ROOM) -> Performer:
        started.append(Performer(STRUCTURES[name], sides, room, tmp_path / "log"))
        return started[-1]

    yield start
    for each in started:
        each.close()


def compare(structure: Structure, capacity: int, wanted: list[tuple[str, str, int, int]], call: Performer) -> None:
    """Perform operations on a new structure, and compare each answer and what is in it at the end with the model's."""
    kind = structure.metadata.abstract_type
    model = models.of(kind, capacity if structure.metadata.bounded else None)
    steps = [(side, KINDS[name], key, value) for side, name, key, value in wanted]
    codes = call("operations", [[wanted[0][0] if wanted else "user", KINDS["init"], capacity, 0], *steps])
    assert codes[0][0] == models.SUCCESS
    for (side, name, key, value), answered in zip(wanted, codes[1:], strict=True):
        answer = (answered[0], answered[1], answered[2])
        able = structure.kernel_operations if side == "kernel" else structure.operations
        wrong: str | None = None
        if name not in able or name == "verify":
            right = models.SUCCESS if name in able else models.UNSUPPORTED
            wrong = None if answer[0] == right else f"wanted code {right}"
        elif name == "insert":
            wrong = model.insert(key, value, answer)
        elif name == "pop":
            wrong = model.pop(answer)
        else:
            wrong = getattr(model, name)(key, answer)
        assert wrong is None, f"{side} {name}({key}, {value}) answered {answer}: {wrong}"
    keys = model.keys()
    assert call("walk") == [0, len(keys), sum(keys) % (1 << 64)]
    assert call("faults") == 0


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("name", STRUCTURES)
def test_any_operations_are_answered_as_by_the_model(name: str, sides: list[str], perform: Perform) -> None:
    call = perform(name, sides)
    step = st.tuples(st.sampled_from(sides), st.sampled_from(OPERATIONS), WORDS, WORDS)

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(1, 9), st.lists(step, max_size=60))
    def answers(capacity: int, wanted: list[tuple[str, str, int, int]]) -> None:
        compare(STRUCTURES[name], capacity, wanted, call)

    answers()


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("name", STRUCTURES)
def test_no_memory_or_no_room_is_told_and_over_when_there_is_some(
    name: str, sides: list[str], perform: Perform
) -> None:
    structure, capacity, first = STRUCTURES[name], 500, 1 << 20
    bounded = structure.metadata.bounded
    call = perform(name, sides, room=48)
    takes = KINDS["delete" if "delete" in structure.operations else "pop"]

    assert call("one", sides[0], KINDS["init"], capacity, 0)[0] == models.SUCCESS
    least = 1000
    for side in [*sides, *sides]:  # what one gives back, the other one gets
        code, fitted = call("fill", side, first)
        assert code == (models.FULL if bounded else models.NOMEM)
        # Lanes keep a little for themselves.
        assert fitted == capacity if bounded else fitted > least
        least = fitted * 9 // 10
        assert call("one", side, KINDS["insert"], 1, 1)[0] == code
        for each in sides:
            assert call("one", each, KINDS["verify"], 0, 0)[0] == models.SUCCESS
        assert call("walk")[1] == fitted
        assert call("empty", side, first, fitted, takes) == [models.SUCCESS, fitted]
        assert call("walk")[1] == 0
        assert call("drain") == 0
    assert call("faults") == 0


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("name", STRUCTURES)
def test_verify_tells_of_every_damaged_link(name: str, sides: list[str], perform: Perform) -> None:
    call = perform(name, sides)
    assert call("one", sides[0], KINDS["init"], 300, 0)[0] == models.SUCCESS
    for key in range(101, 113):
        assert call("one", sides[0], KINDS["insert"], key, key * 3)[0] == models.SUCCESS

    found = call("damage", sides)

    assert found["missed"] == []
    assert found["links"] > 0
    for side in sides:
        assert call("one", side, KINDS["verify"], 0, 0)[0] == models.SUCCESS
