"""Subscriptions: their patterns and numbers, and where tokens of every kind lead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from state import jsonvalue
from state.manager import StateManager
from state.sync import catchup, feed, tokens
from state.sync.metrics import counts
from state.values import AccessPolicy
from tests.sync.rules import LENA, create, end_of, error_of, in_other_thread, write
from tests.sync.speaker import Speaker, speaking

pytestmark = pytest.mark.django_db(transaction=True)


async def from_token(speaker: Speaker, token: str | None, *states: str, **fields: Any) -> None:
    """Subscribe from a token; nothing is waited for."""
    await speaker.say("sub", sub=1, states=list(states or ("*",)), **{"from": token}, **fields)


async def reset_of(speaker: Speaker) -> tuple[str, dict[str, Any]]:
    """A reset comes, and a snapshot on the same socket: the reason, and the snapshot as `Speaker.sub` gives it."""
    reset = await speaker.hear("reset")
    assert reset["sub"] == 1
    return reset["reason"], await speaker.snapshot()


async def test_a_pattern_is_an_id_or_a_prefix(manager: StateManager, ada: User) -> None:
    async with speaking(ada) as speaker:
        await speaker.hello()
        for pattern in ("", "a*b", "**", "*a", "a\nb", "\u200f"):
            await speaker.say("sub", sub=3, states=["plan", pattern])
            refusal = await speaker.hear("error")
            assert (refusal["reason"], refusal["sub"]) == ("bad_pattern", 3)
            assert refusal["extra"] == {"pattern": pattern}
        await speaker.say("unsub", sub=3)
        assert await error_of(speaker) == (400, "unknown_subscription")


async def test_what_cannot_be_read_is_named_and_all_else_is_served(
    manager: StateManager, ada: User, bo: User
) -> None:
    await create(manager, "open", access_policy=AccessPolicy(public=True))
    await create(manager, "secret", access_policy=AccessPolicy(read_allow=("agent:wim",)))
    await create(manager, "gone")
    await in_other_thread(manager.delete_state)(LENA, "gone")
    async with speaking(bo) as speaker:
        await speaker.hello()
        await speaker.say("sub", sub=1, states=["open", "secret", "gone", "later", "notes/*"])
        refusal = await speaker.hear("error")
        assert (refusal["code"], refusal["reason"], refusal["sub"]) == (400, "states_not_found", 1)
        assert refusal["extra"] == {"states": ["gone", "later", "secret"]}
        found = await speaker.snapshot()
        assert set(found) == {"open", ""}


async def test_what_was_made_a_moment_ago_is_not_called_absent(
    manager: StateManager, ada: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed.Feed, "wake", lambda self: None)  # it hears of nothing
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        await create(manager, "notes", {"n": 1})
        await speaker.say("sub", sub=1, states=["plan", "notes", "nothing"])
        refusal = await speaker.hear("error")
        assert refusal["extra"] == {"states": ["nothing"]}


async def test_an_absent_state_comes_when_it_is_made_and_an_unreadable_one_when_it_is_shown(
    manager: StateManager, bo: User
) -> None:
    hidden = AccessPolicy(read_allow=("agent:wim",))
    await create(manager, "secret", {"n": 1}, access_policy=hidden)
    async with speaking(bo) as speaker:
        await speaker.hello()
        await speaker.say("sub", sub=1, states=["secret", "later"])
        assert (await speaker.hear("error"))["extra"] == {"states": ["later", "secret"]}
        await speaker.snapshot()
        await create(manager, "later", {"n": 2}, access_policy=AccessPolicy(public=True))
        (entry,) = (await speaker.hear("delta"))["entries"]
        assert (entry["id"], entry["kind"], entry["ops"][0]["value"]) == (
            "later",
            "create",
            {"n": 2},
        )
        public = {"access_policy": AccessPolicy(public=True)}
        await in_other_thread(manager.configure)(LENA, "secret", public)
        (state,) = (await speaker.hear("snap"))["states"]
        assert (state["id"], state["data"]) == ("secret", {"n": 1})


async def test_the_same_number_again_replaces_the_subscription(
    manager: StateManager, ada: User
) -> None:
    for each in ("plan", "notes"):
        await create(manager, each)
    async with speaking(ada) as speaker:
        await speaker.hello()
        assert set(await speaker.sub("plan")) == {"plan", ""}
        assert set(await speaker.sub("notes")) == {"notes", ""}
        await write(manager, "plan", n=1)
        assert await speaker.silent()
        await write(manager, "notes", n=1)
        assert (await speaker.hear("delta"))["entries"][0]["id"] == "notes"


async def test_a_refused_subscription_leaves_the_one_that_had_the_number(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("plan")
        await from_token(speaker, "nonsense", "plan")
        assert await error_of(speaker) == (400, "bad_token")
        await write(manager, "plan", n=1)
        assert (await speaker.hear("delta"))["entries"][0]["v"] == 2


async def test_after_unsub_nothing_more_comes(manager: StateManager, ada: User) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("plan", number=7)
        await speaker.say("unsub", sub=7)
        await speaker.sub("plan", number=8)
        await write(manager, "plan", n=1)
        assert (await speaker.hear("delta"))["sub"] == 8
        assert await speaker.silent()


async def test_there_are_64_subscriptions_and_no_more(manager: StateManager, ada: User) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        for number in range(64):
            await speaker.sub("plan", number=number)
        await speaker.say("sub", sub=64, states=["plan"])
        refusal = await speaker.hear("error")
        assert (refusal["code"], refusal["reason"]) == (429, "too_many_subscriptions")
        await speaker.sub("plan", number=63)
        await speaker.say("unsub", sub=0)
        await speaker.sub("plan", number=64)


async def test_what_is_no_token_is_refused(manager: StateManager, ada: User) -> None:
    lineage = "fHg"  # "|x" in Base64
    wrong = (
        "x",
        ".",
        ".5",
        "e30.",
        "e30.1",
        "!!!!.1",
        "\u00b2.\u00b2",
        "\u00e9.1",
        f"{lineage}.\u00b2",
    )
    odd = (
        f"{lineage}.-1",
        f"{lineage}.1.5",
        f"{lineage}.",
        f"{lineage}. 1",
        f"{lineage}.{'9' * 19}",
    )
    async with speaking(ada) as speaker:
        await speaker.hello()
        for token in (*wrong, *odd):
            await from_token(speaker, token)
            assert await error_of(speaker) == (400, "bad_token"), token
        # Well-formed, and of no epoch that ever was.
        await from_token(speaker, f"{lineage}.7")
        assert (await reset_of(speaker))[0] == "epoch"


async def test_a_token_of_another_filter_mode_or_reader_begins_anew(
    manager: StateManager, ada: User, bo: User
) -> None:
    await create(manager, "plan", {"n": 1}, access_policy=AccessPolicy(public=True))
    async with speaking(ada) as speaker:
        await speaker.hello()
        token = (await speaker.sub("plan"))[""]["token"]
        for states, more in ((("p*",), {}), (("plan", "q"), {}), (("plan",), {"mode": "latest"})):
            await from_token(speaker, token, *states, **more)
            if "q" in states:
                await speaker.hear("error")
            reason, found = await reset_of(speaker)
            assert (reason, found["plan"]["data"]) == ("filter", {"n": 1})
        # The same filter in other words is the same.
        await from_token(speaker, token, "plan", "plan")
        assert (await speaker.hear())["t"] == "mark"
    for user, agent in ((bo, ""), (ada, "wim")):
        async with speaking(user) as other:
            await other.hello(agent=agent)
            await from_token(other, token, "plan")
            assert (await reset_of(other))[0] == "filter"


async def test_a_token_below_the_floor_begins_anew_and_at_the_floor_is_replayed(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        old = (await speaker.sub("*"))[""]["token"]
    for n in range(1, 6):
        await write(manager, "plan", n=n)
    await in_other_thread(manager.store.compact)("lab", 3)
    lineage = old.rpartition(".")[0]
    async with speaking(ada) as speaker:
        await speaker.hello()
        await from_token(speaker, f"{lineage}.2")
        reason, found = await reset_of(speaker)
        assert (reason, found["plan"]["v"], found[""]["rev"]) == ("compacted", 6, 6)
        await from_token(speaker, f"{lineage}.3")
        delta = await speaker.hear("delta")
        assert [each["v"] for each in delta["entries"]] == [4, 5, 6]


async def test_whoever_is_behind_when_history_is_compacted_begins_anew_on_the_same_socket(
    manager: StateManager, ada: User, settings: Any
) -> None:
    settings.STARS_STATE_SYNC = {"queue_buffer_size": 1}
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("*")
        for n in range(1, 6):
            await write(manager, "plan", n=n)
        first = await speaker.hear("delta")
        assert await speaker.silent()
        from state import conf

        (feed,) = conf.sync_pool().feeds._feeds.values()
        feed.ring.clear()
        await in_other_thread(manager.store.compact)("lab", 4)
        await speaker.say("ack", sub=1, rev=first["rev"])
        reason, found = await reset_of(speaker)
        assert (reason, found["plan"]["v"], found[""]["rev"]) == ("compacted", 6, 6)


async def test_a_token_from_the_future_is_waited_for(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catchup, "FUTURE", 5.0)
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        token = (await speaker.sub("*"))[""]["token"]
        ahead = token.rpartition(".")[0] + ".3"
        await from_token(speaker, ahead)
        assert await speaker.silent()
        for n in (1, 2, 3):
            await write(manager, "plan", n=n)
        # Revisions 2 and 3 it has, whoever gave it this token; nothing old is said again.
        frame = await speaker.hear("mark", "delta")
        while frame["t"] == "mark":
            assert frame["rev"] >= 3
            frame = await speaker.hear("mark", "delta")
        assert [each["rev"] for each in frame["entries"]] == [4]


async def test_a_future_that_does_not_come_resets_and_the_connection_goes_on_from_there(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catchup, "FUTURE", 0.1)
    await create(manager, "plan", {"n": 0})
    async with speaking(ada) as speaker:
        session = (await speaker.hello())["session"]
        token = (await speaker.sub("*"))[""]["token"]
        await from_token(speaker, token.rpartition(".")[0] + ".900")
        reason, found = await reset_of(speaker)
        assert (reason, found["plan"]["v"], found[""]["rev"]) == ("future", 1, 1)
        await speaker.say("ack", sub=1, rev=1)
        await write(manager, "plan", n=1)
        assert (await speaker.hear("delta"))["prev"] == 1
        # Where it is said to come back to is where it is, and not in that future.
        async with speaking(ada) as thief:
            await thief.hello(session=session)
            end = await end_of(speaker)
        assert end.bye["tokens"] == {"1": found[""]["token"]}


async def test_a_backup_that_is_restored_is_another_epoch(
    manager: StateManager, ada: User, tmp_path: Path
) -> None:
    await create(manager, "plan", {"n": 0})
    await in_other_thread(manager.store.backup)(tmp_path / "kept")
    for n in range(1, 5):
        await write(manager, "plan", n=n)
    async with speaking(ada) as speaker:
        session = (await speaker.hello())["session"]
        found = await speaker.sub("*")
        assert found["plan"]["data"] == {"n": 4}
        await speaker.say("ack", sub=1, rev=5)
        await in_other_thread(lambda: manager.store.restore(tmp_path / "kept", replace=True))()
        # On the open socket: forget everything, and a snapshot of what there is now.
        await write(manager, "plan", n=100)
        reason, again = await reset_of(speaker)
        assert reason == "epoch"
        if again["plan"]["data"] != {"n": 100}:  # it was noticed before the write
            assert again["plan"]["data"] == {"n": 0}
            (entry,) = (await speaker.hear("delta"))["entries"]
            assert entry["ops"][0]["value"] == 100
        assert again[""]["token"] != found[""]["token"]
        for n in (101, 102):
            await write(manager, "plan", n=n)
        # With the token from before: the same, never old events.
        async with speaking(ada) as second:
            await second.hello()
            await from_token(second, found[""]["token"])
            reason, again = await reset_of(second)
            assert (reason, again["plan"]["data"]) == ("epoch", {"n": 102})
        # Nothing was acknowledged in this epoch.
        async with speaking(ada) as thief:
            await thief.hello(session=session)
            assert (await end_of(speaker)).bye.get("tokens", {}) == {}


async def test_a_hash_that_does_not_fit_is_told_counted_and_mended(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"n": 1.0, "群": "星"})
    before = counts.read().integrity_errors
    async with speaking(ada) as speaker:
        await speaker.hello()
        found = await speaker.sub("plan")
        assert found["plan"]["h"] == jsonvalue.digest(found["plan"]["data"])
        await from_token(speaker, found[""]["token"], "plan", why="integrity")
        reason, again = await reset_of(speaker)
        assert (reason, again["plan"]) == ("integrity", found["plan"])
        assert again[""]["token"] == found[""]["token"]
    assert counts.read().integrity_errors == before + 1


async def test_a_token_says_where_a_filtered_reader_is_even_when_nothing_came(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        token = (await speaker.sub("other*"))[""]["token"]
        for n in range(3):
            await write(manager, "plan", n=n)
        await from_token(speaker, token, "other*")
        mark, prev = await speaker.hear("mark"), 1
        while mark["rev"] < 4:  # the feed was behind the store
            assert (mark["prev"], mark["synced"]) == (prev, True)
            prev = mark["rev"]
            await from_token(speaker, mark["token"], "other*")
            mark = await speaker.hear("mark")
        assert (mark["prev"], mark["rev"], mark["synced"]) == (prev, 4, True)
        assert tokens.decode(mark["token"]).revision == 4
