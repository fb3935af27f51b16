"""What is said to be known of a write is known; faults are drawn alike from the same seed."""

from __future__ import annotations

from random import Random

import pytest

from state.values import Operation, OperationType
from tests.soak import faults
from tests.soak.history import End
from tests.soak.talking import Answer, end_of, insist

OPS = [Operation(OperationType.SET, "/v", 1)]


class Scripted:
    """Answers as it was told, and remembers under which op_ids it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def write(
        self,
        state: str,
        ops: list[Operation],
        *,
        op_id: str,
        base: int | None = None,
        resolution: str | None = None,
    ) -> Answer:
        """The next answer."""
        self.asked.append(op_id)
        return self._answers.pop(0)


UNKNOWN = Answer(end="info", note="ReadTimeout")
NOT_CONNECTED = Answer(end="fail", note="not connected")


@pytest.mark.parametrize(
    ("answers", "end", "times"),
    [
        ([Answer(end="ok", status=200, version=3)], "ok", 1),
        ([NOT_CONNECTED], "fail", 1),
        ([UNKNOWN, Answer(end="ok", status=200, version=3)], "ok", 2),
        ([UNKNOWN, Answer(end="fail", status=409)], "fail", 2),
        ([UNKNOWN, NOT_CONNECTED, NOT_CONNECTED], "info", 3),
        ([UNKNOWN, Answer(end="fail", status=429), UNKNOWN], "info", 3),
    ],
)
async def test_only_a_judgement_ends_what_nobody_knew(
    answers: list[Answer], end: End, times: int
) -> None:
    writer = Scripted(*[Answer(**{n: getattr(a, n) for n in a.__struct_fields__}) for a in answers])
    answer, _ = await insist(writer, "s", OPS, op_id="one")
    assert answer.end == end
    assert writer.asked == ["one"] * times


def test_of_503_only_a_store_that_was_down_is_a_failure() -> None:
    assert end_of(503, "store_down") == "fail"
    assert [end_of(503, reason) for reason in ("outcome_unknown", "unavailable", "")] == [
        "info"
    ] * 3
    assert (end_of(201, ""), end_of(412, "conflict"), end_of(500, "")) == ("ok", "fail", "info")


@pytest.mark.parametrize("kind", sorted(faults.KINDS))
def test_the_same_seed_draws_the_same_faults_and_none_outlasts_the_run(kind: str) -> None:
    plans = [faults.schedule(kind, Random("5"), 60.0) for _ in range(2)]
    assert plans[0] == plans[1]
    assert bool(plans[0]) is bool(faults.KINDS[kind])
    assert all(at < 60.0 - faults.RESTART for at, _ in plans[0])
    assert {what.split()[0] for _, what in plans[0]} == {w.split()[0] for w in faults.KINDS[kind]}
