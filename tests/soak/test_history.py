"""Histories can be read again as they were written, and judged as registers."""

from __future__ import annotations

from pathlib import Path

from tests.soak import history
from tests.soak.by_hand import good
from tests.soak.history import Header, Recorder
from tests.soak.validators import judge
from tests.states.checker import faults


def test_operations_are_read_as_they_ended_and_unknown_when_nobody_saw_the_end(
    tmp_path: Path,
) -> None:
    header = Header(seed=7, name="W1", config={"clients": 3}, schedule=[(1.5, "kill web 0")])
    recorder = Recorder(tmp_path, header)
    one = recorder.invoke(0, "write", "a", "x")
    recorder.fault("kill web 0")
    two = recorder.invoke(1, "cas", "a", "y", base=2)
    recorder.end(one, "ok", version=2, rev=6)
    recorder.invoke(2, "write", "a", "z")
    recorder.end(two, "fail", note="412")
    crashed, ops = history.read_ops(tmp_path)  # as if it had died here
    assert crashed == header
    assert [(op.type, op.value, op.version) for op in ops] == [
        ("ok", "x", 2),
        ("fail", "y", None),
        ("info", "z", None),
    ]
    recorder.close()
    assert [op.type for op in history.read_ops(tmp_path)[1]] == ["ok", "fail", "info"]
    assert len(recorder.ops) == 3


def test_registers_begin_at_nothing_whatever_their_first_version(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, Header(seed=7, name="W1"))

    def run(f: str, value: str, base: int | None, version: int, rev: int | None) -> None:
        op = recorder.invoke(0, f, "a", value, base)
        recorder.end(op, "ok", version=version, rev=rev)

    run("write", "x", None, 4, 11)
    run("cas", "y", 4, 5, 12)
    run("read", "y", None, 5, None)
    recorder.close()
    _, ops = history.read_ops(tmp_path)
    assert faults(history.registers(ops, {"a": 3}, head=10)) == []
    run_back = [op for op in ops if op.f != "write"]
    assert "version_gap" in faults(history.registers(run_back, {"a": 3}, head=10))


def test_watches_and_logs_are_read_as_they_were(tmp_path: Path) -> None:
    watch, log = good()
    history.save_watch(tmp_path, watch)
    history.save_log(tmp_path, log.entries, {"agent:r": {"b": [(0, True), (9, False), (11, True)]}})
    (again,) = history.read_watches(tmp_path)
    assert again == watch
    assert judge(again, history.read_log(tmp_path)) == []
