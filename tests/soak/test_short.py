"""Three short runs of the soak; `make soak` has all, and for longer. Their histories are kept in data/soak/short."""

from __future__ import annotations

import pytest

from tests.soak.conftest import Run

pytestmark = [pytest.mark.grown, pytest.mark.timeout(180)]


def test_registers_stay_registers_while_a_web_process_is_killed(soak: Run) -> None:
    result = soak("W1xkill-web", 5.0, [(1.0, "kill web0")])
    assert result.findings == []
    assert result.coverage["conflicts"] and result.coverage["unknown outcomes"]


def test_subscribers_miss_nothing_on_a_bad_network_and_slow_ones_hinder_nobody(soak: Run) -> None:
    plan = [
        (0.5, "repeat web0 1.5"),
        (2.1, "hold_down web1 1.0"),
        (3.2, "reset web0"),
        (3.8, "delay web1 1.0"),
        (5.0, "drop web1"),
        (5.5, "hold_up web0 1.0"),
        (6.6, "refuse web1 0.5"),
    ]
    result = soak("W5xproxy", 7.5, plan)
    assert result.findings == []
    seen = result.coverage
    assert seen["repeated"] and seen["resumed"] and seen["revoked"] and seen["made anew"]


def test_giving_history_up_leaves_no_hole(soak: Run) -> None:
    result = soak("W8xnone", 7.0, [])
    assert result.findings == []
    assert result.coverage["compactions"] and result.coverage["reset compacted"]
