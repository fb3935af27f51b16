"""Cursors and dead letters, in memory and in the database alike."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from state.bus import Cursor, CursorStore, DeadLetter, DeadLetterNotFound, InMemoryCursorStore
from state.bus.database import DatabaseCursorStore
from state.models import BusCursor
from state.models import DeadLetter as Row
from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from tests.bus.build import NOON, Bench, Ear, until

OLD, NEW = Keyring.generate("old"), Keyring.generate("new")


def codec(keys: str = "") -> Codec:
    return Codec(compression=True, encryption=bool(keys), keyring=Keyring.parse(keys))


@pytest.fixture(params=[InMemoryCursorStore, lambda: DatabaseCursorStore(codec(NEW))])
def store(request: pytest.FixtureRequest, db: None) -> CursorStore:
    make: Callable[[], CursorStore] = request.param
    return make()


def letter(n: int, name: str = "mail") -> DeadLetter:
    return DeadLetter(
        id=f"00000000-0000-7000-8000-{n:012}",
        name=name,
        event=Bench("memory").one(value={"secret": "seagull" * 200}),
        error="ValueError: no",
        attempts=6,
        at=NOON,
    )


def test_the_last_cursor_of_a_name_and_space_is_known(store: CursorStore) -> None:
    assert store.load("mail", "Harbour") is None
    for revision in (3, 8):
        cursor = Cursor(name="mail", space="Harbour", revision=revision, audit=2, epoch="e7")
        store.keep(cursor)
        store.keep(msgspec.structs.replace(cursor, name="post", revision=50))
        store.keep(msgspec.structs.replace(cursor, space="", revision=60))
    assert store.load("mail", "Harbour") == cursor
    assert store.load("post", "Lighthouse") is None


def test_dead_letters_are_kept_until_dropped(store: CursorStore) -> None:
    first, second, other = letter(1), letter(2), letter(3, name="post")
    for each in (first, other, second):
        store.bury(each)
    assert store.letters("mail") == [first, second]
    assert store.letter(other.id) == other
    store.drop(first.id)
    assert store.letters("mail") == [second]
    for unknown in (first.id, "no such id"):
        with pytest.raises(DeadLetterNotFound):
            store.letter(unknown)
        with pytest.raises(DeadLetterNotFound):
            store.drop(unknown)


def test_a_dead_letter_replaces_the_one_with_its_id(store: CursorStore) -> None:
    store.bury(letter(1))
    worse = msgspec.structs.replace(letter(1), attempts=7, error="ValueError: still no")
    store.bury(worse)
    assert store.letters("mail") == [worse]


def test_the_database_keeps_events_encrypted_and_rekeys_them(db: None) -> None:
    DatabaseCursorStore(codec(OLD)).bury(letter(1))
    assert b"seagull" not in bytes(Row.objects.get().body)
    both = DatabaseCursorStore(codec(f"{NEW},{OLD}"))
    assert both.letters("mail") == [letter(1)]
    assert (both.rekey(), both.rekey()) == (1, 0)
    assert DatabaseCursorStore(codec(NEW)).letters("mail") == [letter(1)]


@pytest.mark.django_db(transaction=True)
def test_a_durable_handler_goes_on_from_the_database(log: Bench) -> None:
    """Written and read on the handlers' own threads."""
    log.cursors = DatabaseCursorStore(codec())
    ear, later = Ear(fail=6), Ear()
    bus = log.bus()
    bus.subscribe("*", ear, durable_name="mail")
    refused, taken = log.one(), log.one()
    bus.publish_async(taken)
    until(lambda: ear.heard)
    bus.close()
    missed = log.one()
    again = log.bus()
    again.subscribe("*", later, durable_name="mail")
    until(lambda: later.heard)
    again.close()
    assert (ear.heard, later.heard) == ([taken], [missed])
    assert [each.event for each in again.dead_letters("mail")] == [refused]
    assert BusCursor.objects.get(name="mail", space="Harbour").revision == 3
