"""A real process with a file store is killed under load, and at its system calls; what it acknowledged is there."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.persistence.backends import PLAIN
from tests.persistence.build import SPACE
from tests.persistence.forgetful import store

ROOT = Path(__file__).parents[2]


def hammering(directory: Path, rounds: int, under: Sequence[str] = ()) -> subprocess.Popen[str]:
    """The process at work, its acknowledgements on its standard output."""
    command = [sys.executable, "-m", "tests.persistence.hammer", str(directory), str(rounds)]
    return subprocess.Popen(
        [*under, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def verify(directory: Path, acknowledged: int) -> int:
    """The store holds what was acknowledged, at most one version more, and a whole history."""
    layer = store(directory, PLAIN)
    states = layer.load_states(SPACE, ["plan"])
    version = states["plan"].version if states else 0
    assert version in (acknowledged, acknowledged + 1)
    if version:
        assert states["plan"].data == {"step": version}
        entries = layer.history(SPACE, "plan", limit=100_000)
        assert [each.version for each in entries] == list(range(1, version + 1))
        assert [layer.data_at(SPACE, "plan", n) for n in (1, version)] == [
            {"step": 1},
            {"step": version},
        ]
    layer.close()
    return version


def test_killed_under_load_it_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    version = 0
    for pause in (0.15, 0.3, 0.2):
        with hammering(tmp_path / "store", 100_000) as process:
            assert process.stdout
            first = process.stdout.readline()
            assert first, process.stderr and process.stderr.read()
            time.sleep(pause)
            process.kill()
            lines = [first, *process.stdout.read().splitlines(keepends=True)]
        acknowledged = [int(line) for line in lines if line.endswith("\n")]
        reached = verify(tmp_path / "store", acknowledged[-1])
        assert reached > version
        version = reached
    assert version > 30


if shutil.which("strace"):

    @pytest.mark.parametrize(
        ("calls", "nth"),
        [
            *(("fsync,fdatasync", nth) for nth in (1, 4, 13, 40)),
            *(("rename,renameat,renameat2", nth) for nth in (2, 5, 8)),
            ("unlink,unlinkat", 6),
        ],
    )
    def test_killed_at_the_nth_system_call_it_keeps_what_it_acknowledged(
        tmp_path: Path, calls: str, nth: int
    ) -> None:
        # A call that the machine does not have is a mistake to strace, unless marked with "?".
        marked = ",".join(f"?{each}" for each in calls.split(","))
        inject = f"inject={marked}:signal=SIGKILL:when={nth}"
        strace = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={marked}", "-e", inject]
        with hammering(tmp_path / "store", 120, strace) as process:
            assert process.stdout and process.stderr
            lines = process.stdout.read().splitlines()
            errors = process.stderr.read()
        assert process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), errors
        verify(tmp_path / "store", int(lines[-1]) if lines else 0)
