# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every state of the screen looks as it did when it was looked at; `--snapshot-update` keeps how it looks now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pictures
import pytest
from pictures import PICTURES, Picture
from textual.pilot import Pilot


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_the_screen_looks_as_it_did(picture: Picture, home: Path, snap_compare: Callable[..., bool]) -> None:
    app, services = pictures.app(home)

    async def pose(pilot: Pilot[Any]) -> None:
        await pictures.pose(picture, app, services, pilot)

    assert snap_compare(app, terminal_size=picture.size, run_before=pose)
