"""The file store loses nothing that it acknowledged, wherever it is killed and whatever the disk forgets."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest

from state.persistence.file.disk import Disk
from state.refusals import Closed, StarsError
from tests.persistence.build import a_write, put
from tests.persistence.forgetful import (
    SURVIVALS,
    ForgetfulDisk,
    Killed,
    everything,
    store,
    without_epochs,
    work,
)


class Crash(NamedTuple):
    """A run of the work that was killed."""

    disk: ForgetfulDisk
    #: How many steps of the work were acknowledged, and what was to be seen after the last of them.
    acknowledged: int
    seen: dict[str, Any]


def crash(root: Path, dies_at: int = 0, lies: str = "") -> Crash:
    """Run the work on a new store until the disk dies."""
    root.mkdir()
    disk = ForgetfulDisk(root, dies_at, lies)
    layer = None
    done, seen = 0, dict[str, Any]()
    try:
        layer = store(root, disk=disk)
        for _ in work(layer):
            done += 1
            try:
                seen = everything(layer)
            except Closed:
                break  # that was the last step; what was to be seen before is what must be there
    except Killed:
        pass
    disk.let_go()
    if layer is not None:
        layer._lock.release()
    return Crash(disk, done, seen)


@cache
def course() -> tuple[int, list[dict[str, Any]]]:
    """How many steps the disk makes under the work, and what is to be seen after each step of the work."""
    seen: list[dict[str, Any]] = [{}]
    with TemporaryDirectory() as folder:
        root = Path(folder)
        disk = ForgetfulDisk(root)
        layer = store(root, disk=disk)
        for _ in work(layer):
            try:
                seen.append(without_epochs(everything(layer)))
            except Closed:
                seen.append(seen[-1])
    return disk.steps, seen


def judge(found: dict[str, Any], crashed: Crash) -> None:
    """What was recovered is what was acknowledged, or that and the step that was under way."""
    if found != crashed.seen:
        following = course()[1][crashed.acknowledged + 1 :][:1]
        assert [without_epochs(found)] == following, f"after {crashed.acknowledged} steps"


def recovered(left: Path, disk: Disk | None = None) -> dict[str, Any]:
    """What a store shows when it is opened again; that it also works on, and opens once more."""
    layer = store(left, disk=disk)
    found = everything(layer)
    layer.open_space("After")
    version = layer.load_states("After", ["plan"])
    assert not version, "this space is new"
    put(layer, a_write("plan", space="After"), space="After")
    layer.drop_space("After")
    layer.close()
    again = store(left)
    assert everything(again) == found
    again.close()
    return found


KILLS = 8


@pytest.mark.parametrize("part", range(KILLS))
def test_killed_at_every_step_of_the_disk_it_recovers_what_it_acknowledged(
    tmp_path: Path, part: int
) -> None:
    steps, seen = course()
    assert steps > 80
    assert len({str(each) for each in seen}) > 15, "the work should change something at each step"
    for dies_at in range(1 + part, steps + 1, KILLS):
        crashed = crash(tmp_path / f"{dies_at}", dies_at)
        for number, survival in enumerate(SURVIVALS):
            left = tmp_path / f"{dies_at}-{number}"
            crashed.disk.leave(survival, tmp_path / f"{dies_at}", left)
            judge(recovered(left), crashed)


@pytest.mark.parametrize("survival", [("lost", "lost"), ("torn", "kept")])
def test_killed_again_while_it_recovers_it_recovers_still(
    tmp_path: Path, survival: tuple[str, str]
) -> None:
    steps, _ = course()
    for dies_at in range(10, steps, 17):
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
    for dies_at in range(30, steps, 9):
        root, left = tmp_path / f"{dies_at}", tmp_path / f"{dies_at}-left"
        crashed = crash(root, dies_at, lies=lie)
        crashed.disk.leave(("lost", "lost"), root, left)
        try:
            judge(recovered(left), crashed)
        except (AssertionError, StarsError):
            noticed += 1
    assert noticed
