"""Acknowledging in time, waiting before trying again, keeping to a pace, and what is kept on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from state.errors import Invalid
from state.sync import heart
from state.sync.client import backoff
from state.sync.client.acks import Acks
from state.sync.client.backoff import Backoff, Pace, Resets
from state.sync.client.connection import address
from state.sync.client.refusals import ForeignStore
from state.sync.client.replica import Saved
from state.sync.client.store import ENDS, Kept, Store, key_of
from state.sync.client.values import State
from state.sync.protocol import Ack, Window
from tests.sync.client.test_outbox import write


def test_acknowledgements_are_urgent_before_the_window_closes() -> None:
    acks = Acks(Window(entries=256, bytes=1000))
    acks.came(1, 63, 100)
    assert not acks.are_urgent
    acks.came(2, 1, 1)
    assert acks.are_urgent
    acks.applied(1, 70)
    acks.applied(2, 71)
    assert acks.take() == [Ack(sub=1, rev=70), Ack(sub=2, rev=71)]
    assert not acks.are_urgent
    assert acks.take() == []
    acks.came(1, 1, 500)
    assert acks.are_urgent
    small = Acks(Window(entries=4, bytes=1000))
    small.came(1, 2, 0)
    assert small.are_urgent


def test_a_frame_of_the_same_revision_is_acknowledged_again_and_one_that_is_held_is_not() -> None:
    acks = Acks(Window())
    for _ in range(2):
        acks.came(1, 10, 10)
        acks.applied(1, 5)
        assert acks.take() == [Ack(sub=1, rev=5)]
    acks.came(1, 10, 10)
    acks.held(1)
    assert acks.take() == []
    acks.applied(1, 9)
    assert acks.take() == [Ack(sub=1, rev=9)]


def test_pauses_grow_with_full_jitter_up_to_the_cap_and_never_below_what_was_asked() -> None:
    longest = []
    for failed in range(12):
        seen = []
        for _ in range(200):
            pauses = Backoff()
            for _ in range(failed):
                pauses.pause()
            seen.append(pauses.pause())
        assert all(0 <= each <= min(30, 0.5 * 2**failed) for each in seen)
        assert min(seen) < max(seen) / 2, "full jitter"
        longest.append(max(seen))
    assert longest[0] <= 0.5 < longest[3] < longest[6] <= 30
    pauses = Backoff()
    assert pauses.pause(at_least=45) == 45
    pauses.succeeded()
    assert pauses.pause() <= 0.5


def test_three_resets_in_thirty_seconds_are_too_many() -> None:
    resets = Resets()
    assert [resets.are_too_many(at) for at in (0, 20, 31, 49, 61)] == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_frames_keep_to_a_pace() -> None:
    pace = Pace()
    assert all(pace.wait(100.0, 0) == 0 for _ in range(500))
    assert pace.wait(100.0, 0) == pytest.approx(1 / 300)
    assert pace.wait(110.0, 0) == 0
    assert pace.wait(110.0, 498 * 8192) == 0
    assert pace.wait(110.0, 0, 3) == pytest.approx(4 / 300)


def test_the_pace_is_within_what_the_server_allows() -> None:
    assert backoff.BURST < heart.BURST
    assert backoff.RATE < heart.RATE
    assert (backoff.SIZE, backoff.SUB_COST) == (heart.SIZE, heart.SUB_COST)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000/ws/v1/spaces/dev%20team/sync"),
        ("https://stars.example/", "wss://stars.example/ws/v1/spaces/dev%20team/sync"),
        ("http://stars.example/a", "ws://stars.example/a/ws/v1/spaces/dev%20team/sync"),
    ],
)
def test_addresses_of_a_site_lead_to_the_socket(url: str, found: str) -> None:
    assert address(url, "dev team") == found


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "ws://", ""])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(Invalid, match="begins with ws://"):
        address(url, "lab")


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "kept", "lab", "wim")
    plan = State(id="plan", uid="u", version=3, revision=9, data={"a": 1}, frozen=True)
    saved = Saved(token="t.9", revision=9, states=(plan,))
    kept = Kept(space="lab", agent="wim", session="s", replicas={key_of(("plan",), "all"): saved})
    store.keep(kept)
    for op_id in "abc":
        store.add(write(op_id, base=4))
    store.end("b", lambda: ())
    store.close()
    again = Store(tmp_path / "kept", "lab", "wim")
    assert again.kept == kept
    assert again.writes == (write("a", base=4), write("c", base=4))
    again.close()
    for other in (("lab", "wes"), ("other", "wim")):
        with pytest.raises(ForeignStore):
            Store(tmp_path / "kept", *other)


def test_a_torn_last_line_is_passed_over_and_the_file_stays_small(tmp_path: Path) -> None:
    store = Store(tmp_path, "lab", "wim")
    store.add(write("a"))
    store.close()
    path = tmp_path / "outbox.ndjson"
    path.write_bytes(path.read_bytes() + b'{"write":{"t":"wri')
    store = Store(tmp_path, "lab", "wim")
    assert [each.op_id for each in store.writes] == ["a"]
    for number in range(ENDS):
        store.add(write(f"w{number}"))
        store.end(f"w{number}", lambda: (write("a"),))
    store.close()
    assert len(path.read_bytes().splitlines()) == 1
    assert [each.op_id for each in Store(tmp_path, "lab", "wim").writes] == ["a"]
