"""Outcomes that no database could hold: the subtask fails and says why, and nobody else suffers."""

from __future__ import annotations

from typing import Any

import pytest

from groups.agents.base import Answered, Usage, Waiting
from groups.engine import attempt as attempts
from groups.engine.engine import Engine
from groups.models import Group
from groups.services import runs, spending
from tests.engine.scripted import Scripted, ended, start, sub, wait_for
from tests.engine.test_bad_agents import beside, saying


def deep() -> dict[str, Any]:
    """Deeper than anything recursive goes."""
    value: dict[str, Any] = {}
    for _ in range(100_000):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "data",
    [{"a": object()}, {"long": "x" * attempts.MAX_OUTPUT}, deep()],
    ids=["odd", "long", "deep"],
)
def test_data_that_cannot_be_stored_fails_its_subtask_alone(
    crew: Group, script: Scripted, engine: Engine, data: dict[str, Any]
) -> None:
    failed = beside(crew, script, saying(Answered("yes", data)))
    assert (failed.status, failed.attempt) == ("failed", 1)
    assert "data" in failed.error or "stored" in failed.error


def test_what_only_python_knows_is_washed_out_of_data(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    said: Any = {"a\x00": ["\ud800b", float("nan"), 2**70], 7: "key"}
    done = beside(crew, script, saying(Answered("yes", said)))
    assert done.data == {"a": ["?b", None, str(2**70)], "7": "key"}


def test_patience_beyond_the_calendar_is_cut(crew: Group, script: Scripted, engine: Engine) -> None:
    script.acts["A"] = saying(Waiting(question="?", patience=1e18))
    run = start(crew)
    wait_for(lambda: run.subtasks.filter(key="a", status="waiting").exists())
    assert sub(run, "a").due_at is not None
    runs.cancel(actor=None, run=run)
    assert ended(run).status == "cancelled"


@pytest.mark.parametrize(
    "said",
    [Usage(input_tokens=2**62), Usage(requests=2**62), Usage(cost_usd=1e308)],
    ids=["tokens", "requests", "money"],
)
def test_usage_beyond_all_sums_fails_its_subtask_alone(
    crew: Group, script: Scripted, engine: Engine, said: Usage
) -> None:
    honest = Usage(input_tokens=5, output_tokens=2, requests=1, cost_usd=0.5)
    failed = beside(crew, script, saying(honest, said, said, said, Answered("yes")))
    assert (failed.status, failed.attempt) == ("failed", 1)
    assert "cannot be logged" in failed.error
    assert spending.of_run(failed.run_id) == (7, 0.5, 0)
