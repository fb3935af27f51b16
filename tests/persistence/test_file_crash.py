"""The file store loses nothing that it acknowledged, wherever it is killed and whatever the disk forgets."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest

from state.errors import StarsError
from tests.persistence.build import a_write, put
from tests.persistence.forgetful import (
    SURVIVALS,
    ForgetfulDisk,
    Killed,
    abandon,
    everything,
    store,
    without_epochs,
    work,
)


class Crash(NamedTuple):
    """A run of the work that was killed."""

    disk: ForgetfulDisk
    #: How many steps of the work were acknowledged.
    acknowledged: int
    #: Of the spaces, after the last of them.
    epochs: dict[str, str]


def crash(root: Path, dies_at: int = 0, lies: str = "") -> Crash:
    """Run the work on a new store until the disk dies."""
    root.mkdir()
    disk = ForgetfulDisk(root, dies_at, lies)
    layer = None
    done, epochs = 0, dict[str, str]()
    try:
        layer = store(root, disk=disk)
        for _ in work(layer, disk):
            done += 1
            if not layer._closed:
                epochs = {space.id: space.epoch for space in layer.spaces()}
    except Killed:
        pass
    disk.let_go()
    if layer is not None:
        layer._lock.release()
    return Crash(disk, done, epochs)


@cache
def course() -> tuple[int, list[dict[str, Any]]]:
    """How many steps the disk makes under the work, and what is to be seen after each step of the work."""
    seen: list[dict[str, Any]] = [{}]
    with TemporaryDirectory() as folder:
        root = Path(folder)
        disk = ForgetfulDisk(root)
        layer = store(root, disk=disk)
        for _ in work(layer, disk):
            seen.append(seen[-1] if layer._closed else without_epochs(everything(layer))[0])
    return disk.steps, seen


def judge(found: dict[str, Any], crashed: Crash) -> None:
    """What was recovered is what was acknowledged, or that and the step that was under way."""
    seen = course()[1]
    plain, epochs = without_epochs(found)
    if (plain, epochs) != (seen[crashed.acknowledged], crashed.epochs):
        following = seen[crashed.acknowledged + 1 :][:1]
        assert [plain] == following, f"after {crashed.acknowledged} steps"


def recovered(left: Path) -> dict[str, Any]:
    """What a store shows when it is opened again."""
    layer = store(left)
    found = everything(layer)
    abandon(layer)
    return found


def works_on(left: Path) -> None:
    """The recovered store takes what is new, and opens once more with all it had."""
    layer = store(left)
    found = everything(layer)
    layer.open_space("After")
    put(layer, a_write("plan", space="After"), space="After")
    layer.drop_space("After")
    abandon(layer)
    assert recovered(left) == found


KILLS = 8


@pytest.mark.parametrize("part", range(KILLS))
def test_killed_at_every_step_of_the_disk_it_recovers_what_it_acknowledged(
    tmp_path: Path, part: int
) -> None:
    steps, seen = course()
    assert steps > 80
    assert len({str(each) for each in seen}) > 14, "the work should change something at each step"
    for dies_at in range(1 + part, steps + 1, KILLS):
        crashed = crash(tmp_path / f"{dies_at}", dies_at)
        for number, survival in enumerate(SURVIVALS):
            left = tmp_path / f"{dies_at}-{number}"
            crashed.disk.leave(survival, tmp_path / f"{dies_at}", left)
            judge(recovered(left), crashed)
            if number == dies_at % len(SURVIVALS):
                works_on(left)


@pytest.mark.parametrize("survival", [("lost", "lost"), ("torn", "kept")])
def test_killed_again_while_it_recovers_it_recovers_still(
    tmp_path: Path, survival: tuple[str, str]
) -> None:
    steps, _ = course()
    for dies_at in range(10, steps, 23):
        root, left = tmp_path / f"{dies_at}", tmp_path / f"{dies_at}-left"
        crashed = crash(root, dies_at)
        crashed.disk.leave(survival, root, left)
        for again in range(1, 100):
            target = tmp_path / f"{dies_at}-{again}"
            crashed.disk.leave(survival, root, target)
            disk = ForgetfulDisk(target, again)
            try:
                layer = store(target, disk=disk)
            except Killed:
                disk.let_go()
            else:
                layer.close()
                break
            final = tmp_path / f"{dies_at}-{again}-final"
            disk.leave(survival, target, final)
            judge(recovered(final), crashed)
        else:
            pytest.fail("recovery never ended")


@pytest.mark.parametrize("lie", ["sync", "sync_directory"])
def test_this_very_check_notices_a_disk_that_does_not_sync(tmp_path: Path, lie: str) -> None:
    steps, _ = course()
    noticed = 0
    for dies_at in range(30, steps, 13):
        root, left = tmp_path / f"{dies_at}", tmp_path / f"{dies_at}-left"
        crashed = crash(root, dies_at, lies=lie)
        crashed.disk.leave(("lost", "lost"), root, left)
        try:
            judge(recovered(left), crashed)
        except (AssertionError, StarsError):
            noticed += 1
    assert noticed
