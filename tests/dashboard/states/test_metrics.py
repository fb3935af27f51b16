"""The page of metrics: figures beside every line, of spaces only those that one may see."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest

from groups.models import Group
from groups.views.states.sparklines import amount, duration, number, rate
from state import conf
from state.errors import StarsError
from state.manager import Base, StateManager
from state.policy import Caller
from state.sync.metrics import SyncCounts
from state.sync.metrics import counts as counts_of_process
from tests.dashboard.conftest import Browser
from tests.dashboard.states.conftest import agent, put, words

PAGE = "/states/metrics/"
FIGURES = "/states/metrics/figures/"


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> SyncCounts:
    """A process that begins now."""
    fresh = SyncCounts()
    fresh.convergence = conf.manager().counts.convergence
    for name, value in vars(fresh).items():
        monkeypatch.setattr(counts_of_process, name, value)
    return counts_of_process


def chart(answer: Any, title: str) -> str:
    """The source of one chart."""
    for article in re.findall(r"<article.*?</article>", answer.content.decode(), re.DOTALL):
        if f">{title}</h3>" in article:
            return str(article)
    raise AssertionError(title)


def test_everybody_who_is_signed_in_may_look(outsider: Browser, nobody: Browser) -> None:
    for address in (PAGE, FIGURES):
        assert outsider.get(address).status_code == 200
        assert nobody.get(address)["Location"].startswith("/login/?next=")
        assert outsider.post(address).status_code == 405


def test_every_line_has_its_numbers_and_says_what_it_is(
    viewer: Browser, manager: StateManager, counts: SyncCounts
) -> None:
    for n in range(120):
        manager.create_state(agent("wim"), f"day/{n}")
    counts.acked(30, 0.2)
    counts.converged(1.5)
    counts.connected(+1)
    counts.connected(+1)
    answer = viewer.get(PAGE)
    writes = chart(answer, "Writes")
    assert ">2/s<" in writes, "120 within a minute"
    assert "<dd>120</dd>" in writes
    assert "Writes: Commits of states per second. Now 2/s, at most " in writes
    assert ">200 ms<" in chart(answer, "Latency")
    assert ">1.5 s<" in chart(answer, "Sync lag")
    assert ">2<" in chart(answer, "Connections")
    assert chart(answer, "Latency").count("<circle") == 1, "what stands alone is a point"
    assert answer.content.decode().count('class="chart-drawing"') == 8


def test_what_was_not_measured_is_a_dash_and_no_line(viewer: Browser, counts: SyncCounts) -> None:
    latency = chart(viewer.get(PAGE), "Latency")
    assert '<p class="metric-now">–</p>' in latency
    assert 'class="chart-drawing"' in latency and "<circle" not in latency


def test_numbers_tell_what_they_consist_of(viewer: Browser, counts: SyncCounts) -> None:
    counts.reset("compacted")
    counts.reset("compacted")
    counts.parked(+1)
    text = words(viewer.get(PAGE))
    assert "Begun anew 2 history was too short 2" in text
    assert "Parked 1 do not keep up; 1 since the start" in text
    assert "Integrity errors 0" in text
    assert "This should never happen" not in text
    counts.integrity_error()
    assert "This should never happen" in words(viewer.get(PAGE))


def test_conflicts_that_are_open_are_told_from_those_that_were_found(
    harbour: Group, viewer: Browser, manager: StateManager, counts: SyncCounts
) -> None:
    manager.create_state(agent("wim"), "plan", data={"n": 1}, resolution="custom", resolver="park")
    for value in (2, 3):
        with suppress(StarsError):  # the second one, which waits
            manager.update_state(agent("wim"), "plan", [put("/n", value)], base=Base(version=1))
    counts.conflict()
    text = words(viewer.get(PAGE))
    assert "Conflicts open now 1 wait for somebody" in text
    assert "Conflicts found since the start 1 both changed the same place (" in text
    assert "Conflicts of subscribers 1 in what they wrote, since the start" in text


def test_only_spaces_that_one_may_see_are_named(
    harbour: Group, viewer: Browser, outsider: Browser, manager: StateManager
) -> None:
    manager.create_state(agent("wim"), "plan")
    manager.create_state(Caller(space="Secret", name="agent:x", admin=True), "plan")
    assert "Harbour 1 0 1" in words(viewer.get(FIGURES))
    assert "Secret" not in words(viewer.get(FIGURES))
    assert "Harbour" not in words(outsider.get(FIGURES))


def test_the_figures_alone_are_a_fragment(viewer: Browser) -> None:
    answer = viewer.get(FIGURES)
    assert "<html" not in answer.content.decode()
    assert answer.content.decode().lstrip().startswith("<section")


def test_the_ways_that_lead_to_it(viewer: Browser, admin_client: Any) -> None:
    for page in ("/states/", "/"):
        assert f'href="{PAGE}"' in viewer.get(page).content.decode()
    assert PAGE in admin_client.get("/admin/", follow=True).content.decode()


def test_numbers_have_the_digits_that_are_worth_reading() -> None:
    assert [number(n) for n in (0, 0.004, 0.94, 0.96, 7.77, 9.96, 56.4, 1234.5, 3)] == [
        "0",
        "0.00",
        "0.94",
        "1.0",
        "7.8",
        "10",
        "56",
        "1,234",
        "3",
    ]
    assert [duration(s) for s in (None, 0.0005, 0.9994, 0.9996, 12.3)] == [
        "–",
        "0.50 ms",
        "999 ms",
        "1.0 s",
        "12 s",
    ]
    assert (rate(None), rate(2.5), amount(None)) == ("–", "2.5/s", "–")
