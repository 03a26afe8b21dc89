# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who may do what: a queue of one producer or one consumer gets no more, and a run that asks for more is refused.

A structure's metadata says how many lanes may insert and how many may take out at once. Where that is one, the first
lane inserts or the last one takes out; a trigger runs on every CPU at once and is never the one. A lane for which
nothing is left of what it was asked to do is one too many.
"""

from __future__ import annotations

from collections.abc import Sequence

_WORDS = {
    "spsc": "one producer and one consumer",
    "mpsc": "many producers and one consumer",
    "spmc": "one producer and many consumers",
}
_INSTEAD = {
    "spsc": "Ask for two lanes, of which the first then inserts and the second takes out, or for one that does both",
    "mpsc": "Ask for a workload that inserts as well, or for one lane",
    "spmc": "Ask for a workload that takes out as well, or for one lane",
}
_PUTS = {"insert"}
_TAKES = {"delete", "pop"}


def share(concurrency: str, own: int, triggers: int, mix: dict[str, int]) -> list[dict[str, int]]:
    """The weights of each lane: of `own` ones (user and kernel lanes, in order), then of `triggers`.

    A lane that may do nothing of the mix gets {}.
    """
    if concurrency not in _WORDS:
        return [mix] * (own + triggers)
    one_puts, one_takes = concurrency[0] == "s", concurrency[2] == "s"
    lanes = []
    for lane in range(own + triggers):
        puts = not one_puts or lane == 0 < own
        takes = not one_takes or lane == own - 1
        if own > 1 and lane == own - 1:
            puts = puts and not one_takes  # the one that takes out has enough to do
        if own > 1 and lane == 0:
            takes = takes and not one_puts
        weights = {
            name: weight
            for name, weight in mix.items()
            if (name not in _PUTS or puts) and (name not in _TAKES or takes) and (puts or takes)
        }
        lanes.append(weights)
    return lanes


def refusal(concurrency: str, structure: str, lanes: Sequence[tuple[str, bool]], mix: dict[str, int]) -> str:
    """Why lanes that all do `mix` are too many, and what to ask for; each with its name and whether it is a trigger."""
    names = [name for name, _ in lanes]
    jobs = [word for word, kinds in (("producer", _PUTS), ("consumer", _TAKES)) if kinds & set(mix)]
    if any(trigger for _, trigger in lanes):
        would = f"would be a {' and a '.join(jobs)} on every CPU, as triggers are"
    else:
        would = f"would be {' and '.join(f'{len(lanes)} {job}s' for job in jobs)}"
    return (
        f"lanes: {structure} is for {_WORDS[concurrency]} at a time, and {_list(names)} with this workload {would}. "
        f"{_INSTEAD[concurrency]}, without triggers; or run it all the same with --force (lanes.force)"
    )


def warning(concurrency: str, structure: str) -> str:
    """What to know of a run that `refusal` did not stop."""
    return f"forced: {structure} is for {_WORDS[concurrency]} at a time, so what goes wrong may be no fault of its own"


def explain(concurrency: str, structure: str, lanes: Sequence[tuple[str, dict[str, int]]]) -> str:
    """What `share` decided for lanes, each with its name, in words; "" where it had nothing to decide."""
    if concurrency not in _WORDS or (len(lanes) < 2 and lanes[0][1]):
        return ""
    puts = [name for name, mix in lanes if _PUTS & set(mix)]
    takes = [name for name, mix in lanes if _TAKES & set(mix)]
    idle = [name for name, mix in lanes if not mix]
    parts = [
        f"{_list(puts)} insert{'s' if len(puts) == 1 else ''}" if puts else "",
        f"{_list(takes)} take{'s' if len(takes) == 1 else ''} out" if takes else "",
        f"{_list(idle)} {'is' if len(idle) == 1 else 'are'} left out" if idle else "",
    ]
    return f"{structure} is for {_WORDS[concurrency]} at a time: {', '.join(filter(None, parts))}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
