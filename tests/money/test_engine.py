"""Runs whose agents spend: caps hold, the edge is wrapped up, a raised cap lets it go on, and nothing counts twice."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from groups.agents.base import Answered, Request, Usage
from groups.engine import purse
from groups.execution.budget import Account, Cap, Spent
from groups.models import Agent, Group, Run, Spending
from groups.services import budgets, runs, spending
from state.threads import in_thread
from tests.engine.scripted import Said, Scripted, ended, events, log_of, start, statuses, sub
from tests.money.spenders import Spender
from tests.unit.world import item, plan

pytestmark = pytest.mark.usefixtures("engine")


def chain(script: Scripted, *keys: str) -> None:
    """A plan in which each waits for the one before."""
    needs = [()] + [(key,) for key in keys[:-1]]
    script.plan = plan(*(item(key, *need) for key, need in zip(keys, needs, strict=True)))


def test_what_is_used_is_kept_with_the_log(crew: Group, script: Scripted) -> None:
    script.acts["A"] = Spender(calls=2, tokens=30, cost_usd=0.25)
    run = ended(start(crew))
    rows = list(Spending.objects.order_by("id").values_list("run", "group", "agent_id", "cost_usd"))
    assert rows == [(run.pk, "Crew", "wim", 0.25)] * 2
    assert spending.of_run(run.pk) == (60, 0.5, 0)
    assert run.usage["input_tokens"] == 60 and run.usage["cost_usd"] == 0.5


def test_a_run_without_usage_keeps_no_spending(crew: Group) -> None:
    run = ended(start(crew))
    assert (run.status, run.usage, run.stop_reason) == ("completed", {}, "")
    assert not Spending.objects.exists()


def test_a_call_is_allowed_what_is_left_and_none_beyond_it(crew: Group, script: Scripted) -> None:
    spender = script.acts["A"] = Spender(calls=9, tokens=400)
    run = ended(start(crew, max_tokens=1000))
    assert [allowance.tokens for allowance in spender.allowed] == [1000, 600]
    # After 400 of 1,000 there is room for one such call, not for two.
    assert [allowance.last for allowance in spender.allowed] == [False, True]
    assert spending.of_run(run.pk).tokens == 800 and run.status == "completed"


def test_at_the_edge_the_rest_is_skipped_and_the_leader_wraps_up_once(
    crew: Group, script: Scripted
) -> None:
    chain(script, "a", "b", "c")
    script.acts["A"] = script.acts["B"] = Spender(tokens=100)
    wrapping = script.acts["Sum up the results"] = Spender(tokens=50)
    run = ended(start(crew, max_tokens=100))
    assert statuses(run) == {
        **{"plan": "completed", "a": "completed", "b": "failed"},
        **{"c": "skipped", "summary": "completed"},
    }
    reason = "The run's cap of 100 tokens is reached."
    assert (run.status, run.stop_reason, sub(run, "c").error) == ("completed", reason, reason)
    assert run.result.endswith(reason) and [a.last for a in wrapping.allowed] == [True]
    [reached] = events(run, "budget.reached")
    assert reached.data == {"scope": "run", "limit": "tokens", "text": reason}
    assert events(run, "run.completed")[0].data["stop_reason"] == reason
    # The wrap-up turn is beyond the cap, and counted all the same.
    assert spending.of_run(run.pk).tokens == 150
    assert not events(run, "subtask.retrying")


def test_a_leader_who_asks_for_a_second_turn_to_wrap_up_is_refused(
    crew: Group, script: Scripted
) -> None:
    chain(script, "a", "b")
    script.acts["A"] = script.acts["B"] = Spender()

    async def greedy(request: Request) -> AsyncIterator[Said]:
        assert request.purse is not None
        assert (await request.purse.ask()).last
        await request.purse.ask()
        yield Answered("too much")

    script.acts["Sum up the results"] = greedy
    run = ended(start(crew, max_tokens=100))
    assert run.status == "failed" and "cap of 100 tokens" in run.error
    assert len(events(run, "budget.reached")) == 1


def test_a_summary_that_meets_the_cap_becomes_the_turn_that_wraps_up(
    crew: Group, script: Scripted
) -> None:
    script.acts["A"] = Spender(tokens=100)
    wrapping = script.acts["Sum up the results"] = Spender(tokens=10)
    run = ended(start(crew, max_tokens=100))
    assert (run.status, run.stop_reason) == ("completed", "The run's cap of 100 tokens is reached.")
    assert [a.last for a in wrapping.allowed] == [True]
    assert [e.data["cause"] for e in events(run, "subtask.retrying")] == ["budget"]


def test_a_run_whose_plan_cannot_be_paid_fails_with_the_reason(
    crew: Group, script: Scripted
) -> None:
    script.acts["Plan the task"] = Spender()
    run = ended(start(crew, max_cost_usd=0.0))
    reason = "The run's cap of $0.00 is reached."
    assert (run.status, run.stop_reason) == ("failed", reason)
    assert run.error == f"The leader could not plan: {reason}"


def test_a_raised_cap_takes_up_what_was_skipped_and_what_was_used_stays_counted(
    crew: Group, script: Scripted
) -> None:
    chain(script, "a", "b", "c")
    spender = Spender(tokens=100)
    script.acts |= dict.fromkeys("ABC", spender)
    run = ended(start(crew, max_tokens=100))
    runs.raise_budget(actor=None, run=run, max_tokens=250, resume=True)
    run = ended(run)
    # 100 were used before, 100 by b: c has 50.
    assert [a.tokens for a in spender.allowed] == [100, 150, 50]
    assert (run.status, run.stop_reason, run.max_tokens) == ("completed", "", 250)
    assert set(statuses(run).values()) == {"completed"}
    assert events(run, "budget.raised")[0].data["max_tokens"] == 250
    assert len(script.called("A")) == 1


def test_a_resume_without_more_ends_at_the_same_edge(crew: Group, script: Scripted) -> None:
    chain(script, "a", "b")
    script.acts |= {key: Spender() for key in "AB"}
    run = ended(start(crew, max_tokens=100))
    runs.retry(actor=None, run=run)
    run = ended(run)
    assert (run.status, run.stop_reason) == ("completed", "The run's cap of 100 tokens is reached.")
    assert len(events(run, "budget.reached")) == 2


def test_workers_at_once_share_what_is_left(crew: Group, script: Scripted) -> None:
    script.plan = plan(*(item(f"w{n}", assignee="steady") for n in range(8)))
    spender = Spender(tokens=1000, takes=0.05)
    script.acts |= {f"W{n}": spender for n in range(8)}
    run = ended(start(crew, max_tokens=1000))
    assert spender.most_at_once <= 1000
    assert spending.of_run(run.pk).tokens <= 1000
    assert run.status == "completed"


def test_a_money_cap_that_cannot_see_the_price_counts_tokens_and_says_so_once(
    crew: Group, script: Scripted
) -> None:
    script.acts["A"] = Spender(calls=3, tokens=10, cost_usd=None)
    run = ended(start(crew, max_cost_usd=0.5, max_tokens=1000))
    assert (run.status, run.usage["cost_usd"]) == ("completed", None)
    assert spending.of_run(run.pk) == (30, 0.0, 3)
    assert [e.data for e in events(run, "budget.unpriced")] == [{"model": "dear-1"}]
    assert log_of(run).count("usage.recorded a") == 3


def test_months_of_agent_group_and_site_are_capped_over_all_runs(
    crew: Group, script: Scripted
) -> None:
    script.acts["A"] = Spender(tokens=60, cost_usd=0.6)
    ended(start(crew))
    for whose, words in (
        ({"agent": wim_of(crew)}, "The agent's monthly cap of 60 tokens is reached."),
        ({"group": crew}, "The group's monthly cap of 60 tokens is reached."),
        ({}, "The installation's monthly cap of 60 tokens is reached."),
    ):
        budgets.put(actor=None, **whose, max_tokens=60)
        run = ended(start(crew))
        assert run.stop_reason == words and words in run.error
        budgets.put(actor=None, **whose)
    assert ended(start(crew)).stop_reason == ""


def wim_of(group: Group) -> Agent:
    return group.members.get(agent__agent_id="wim").agent


def test_an_agent_s_own_cap_stops_that_agent_only(crew: Group, script: Scripted) -> None:
    script.plan = plan(item("a"), item("b", "a"), item("c", assignee="wes"), item("d", "c"))
    script.acts |= {"A": Spender(), "C": Spender(takes=0.3)}
    budgets.put(actor=None, agent=wim_of(crew), max_cost_usd=0.0)
    run = ended(start(crew))
    assert statuses(run) == {
        **{"plan": "completed", "a": "failed", "b": "skipped", "c": "completed"},
        **{"d": "skipped", "summary": "completed"},
    }
    assert run.stop_reason == "The agent's monthly cap of $0.00 is reached."


def test_an_agent_that_would_use_less_than_nothing_fails(crew: Group, script: Scripted) -> None:
    script.acts["A"] = Spender(tokens=-5)
    run = ended(start(crew, max_tokens=100))
    assert "cannot be logged" in sub(run, "a").error and not Spending.objects.exists()


def test_a_cap_raised_while_an_agent_works_counts_at_its_next_call(
    crew: Group, script: Scripted
) -> None:
    started: list[Run] = []

    async def raises(request: Request) -> AsyncIterator[Said]:
        assert request.purse is not None
        assert (await request.purse.ask()).tokens == 1
        yield Usage(input_tokens=1)
        await in_thread(runs.raise_budget)(actor=None, run=started[0], max_tokens=None)
        assert (await request.purse.ask()).tokens is None
        yield Answered("went on")

    script.acts["A"] = raises
    started.append(start(crew, max_tokens=1))
    run = ended(started[0])
    assert (run.status, run.stop_reason, run.max_tokens) == ("completed", "", None)


def test_attempts_that_come_in_all_the_time_keep_nobody_waiting(
    crew: Group, script: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between each look at what was used and its answer another attempt begins to count."""
    looked = spending.standing

    def busy_site(**asked: Any) -> list[tuple[Cap, Spent]]:
        owners = {"run": "another", "agent": "another", "group": "another", "site": ""}
        purse._accounts.append(Account(uuid4(), owners, ended_at=time.monotonic()))
        return looked(**asked)

    monkeypatch.setattr(purse, "_accounts", [])
    monkeypatch.setattr(spending, "standing", busy_site)
    budgets.put(actor=None, max_tokens=1000)
    spender = script.acts["A"] = Spender(calls=2)
    run = ended(start(crew, max_tokens=200))
    assert [allowance.tokens for allowance in spender.allowed] == [200, 100]
    # And that its own cap is reached is known at once, too.
    script.acts["A"] = Spender(calls=9, tokens=150)
    budgets.put(actor=None)
    run = ended(start(crew, max_tokens=100))
    assert run.stop_reason == "The run's cap of 100 tokens is reached."
