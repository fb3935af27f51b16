"""Contract of every persistence layer: its limits, its end, and what a restart finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from state.persistence.base import PersistenceLayer
from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from state.refusals import Closed, StoreDown, WrongKey
from state.values import Filters
from tests.persistence.backends import KEY, LASTING, PLAIN, PRIVATE, Backend, at_once
from tests.persistence.build import (
    SPACE,
    a_conflict,
    a_state,
    a_tx,
    a_write,
    an_audit,
    an_op,
    at,
    commit,
    essence,
    grow,
    put,
    some,
)
from tests.persistence.picture import picture, rich

Reopen = Callable[..., PersistenceLayer]


def calls(layer: PersistenceLayer, folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every public call of the contract that goes to the store."""
    yield "open_space", lambda: layer.open_space(SPACE)
    yield "spaces", layer.spaces
    yield "load_states", lambda: layer.load_states(SPACE, ["plan"])
    yield "load_state", lambda: layer.load_state(SPACE, "plan")
    yield "data_at", lambda: layer.data_at(SPACE, "plan", 1)
    yield "list_states", lambda: layer.list_states(SPACE, Filters(), limit=1)
    yield "history", lambda: layer.history(SPACE, "plan", limit=1)
    yield "latest", lambda: layer.latest(SPACE, "plan", limit=1)
    yield "read_log", lambda: layer.read_log(SPACE, after=0, limit=1)
    yield "commit", lambda: layer.commit(SPACE, [a_tx(a_write(expect=1))])
    yield "find_op", lambda: layer.find_op(SPACE, "agent:wim", "op-1")
    yield "enqueue", lambda: layer.enqueue(an_op())
    yield "queued", lambda: layer.queued(SPACE)
    yield "note_retry", lambda: layer.note_retry(an_op(), "away")
    yield "forget_ops", lambda: layer.forget_ops(SPACE, before=at(0))
    yield "find_conflict", lambda: layer.find_conflict(SPACE, "c-1")
    yield "conflicts", lambda: layer.conflicts(SPACE)
    yield "open_conflicts", lambda: layer.open_conflicts(1)
    yield "newest", lambda: layer.newest(1)
    yield "find_states", lambda: layer.find_states([SPACE], "plan", limit=1)
    yield "read_audit", lambda: layer.read_audit(SPACE, after=0, limit=1)
    yield "compact", lambda: layer.compact(SPACE, 1)
    yield "oldest_within", lambda: layer.oldest_within(SPACE, at(0))
    yield "counts", layer.counts
    yield "dump", lambda: list(layer.dump(SPACE))
    yield "fill", lambda: layer.fill({}, replace=False)
    yield "rekey", layer.rekey
    yield "backup", lambda: layer.backup(folder / "made.backup")
    yield "save_state", lambda: layer.save_state(a_state("new"))
    yield "update_state", lambda: layer.update_state(a_state())
    yield "delete_state", lambda: layer.delete_state(SPACE, "plan")
    yield "drop_space", lambda: layer.drop_space(SPACE)


def test_the_calls_of_these_tests_are_those_of_the_contract(layer: PersistenceLayer) -> None:
    named = {name for name, _ in calls(layer, Path())}
    public = {
        name
        for name, value in vars(PersistenceLayer).items()
        if callable(value) and not name.startswith("_")
    }
    assert named == public - {"close", "hold", "restore"}


def test_a_closed_layer_refuses_every_call(layer: PersistenceLayer, tmp_path: Path) -> None:
    put(layer, a_write())
    layer.close()
    layer.close()
    for name, call in calls(layer, tmp_path):
        with pytest.raises(Closed):
            call()
            pytest.fail(f"{name} does not know that it is closed")
    with pytest.raises(Closed), layer.hold(SPACE, ["plan"]):
        pytest.fail("hold does not know that it is closed")


def test_no_call_exceeds_the_connections(backend: Backend, tmp_path: Path) -> None:
    layer = backend.open(max_connections=2, timeout=timedelta(milliseconds=30))
    with ExitStack() as busy:
        for _ in range(2):
            busy.enter_context(layer._call())
        for name, call in calls(layer, tmp_path):
            with pytest.raises(StoreDown):
                call()
                pytest.fail(f"{name} takes no connection")
    layer.open_space(SPACE)
    for n in range(5):  # none is left taken, whatever became of a call
        put(layer, a_write(f"s{n}"))
        with pytest.raises(LookupError), layer._call():
            raise LookupError
    assert list(tmp_path.glob("*.backup*")) == []


def test_few_connections_serve_many_threads(backend: Backend) -> None:
    layer = backend.open(max_connections=2)
    layer.open_space(SPACE)

    at_once(*[partial(grow, layer, f"s{number}", until=5) for number in range(8)])
    assert layer.open_space(SPACE).revision == 40


# -- restarts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", LASTING, indirect=True)
@pytest.mark.parametrize("codec", [PLAIN, PRIVATE], ids=["plain", "private"])
def test_a_restart_finds_everything(backend: Backend, reopen: Reopen, codec: Codec) -> None:
    layer = backend.open(codec)
    rich(layer)
    before = picture(layer)
    spaces = layer.spaces()
    again = reopen(layer, codec)
    assert again.spaces() == spaces, "the epoch too"
    assert picture(again) == before
    revision = again.open_space(SPACE).revision
    assert put(again, a_write("after the restart")).revision == revision + 1
    waiting = again.queued(SPACE)
    assert again.enqueue(an_op("after the restart")).n > max(each.n for each in waiting)


@pytest.mark.parametrize("backend", LASTING, indirect=True)
def test_settings_may_change_while_old_data_stay_readable(backend: Backend, reopen: Reopen) -> None:
    layer = backend.open(PLAIN)
    rich(layer)
    before = picture(layer)
    for codec in (PRIVATE, Codec(True, False, Keyring.parse(KEY)), PRIVATE):
        layer = reopen(layer, codec)
        assert picture(layer) == before
        state = layer.load_state(SPACE, "plan")
        put(layer, a_write("plan", {"long": "x" * 2000}, expect=state.version))
        assert layer.data_at(SPACE, "plan", state.version) == state.data
        before = picture(layer)


# -- encryption -------------------------------------------------------------------------------------------------------


def secrets_in(layer: PersistenceLayer, secret: str) -> None:
    """The secret in every value that is written, the long way and the short way."""
    for n, value in enumerate((secret, secret * 50)):
        data = {"s": value}
        request = {"ops": [{"op": "set", "path": "/s", "value": value}]}
        layer.enqueue(an_op(f"waits-{n}", request=request))
        commit(
            layer,
            a_tx(
                a_write(f"plan-{n}", data, metadata=data, name=value[:60]),
                op=an_op(f"done-{n}", settled=True, outcome=data),
                conflicts=(a_conflict(f"c-{n}", current=data, incoming=data),),
                audit=(an_audit(metadata=data),),
            ),
        )


@pytest.mark.parametrize("backend", LASTING, indirect=True)
@pytest.mark.parametrize("private", [True, False], ids=["private", "plain"])
def test_what_is_encrypted_lies_nowhere_in_the_clear(backend: Backend, private: bool) -> None:
    secret = f"marzipan-{'private' if private else 'plain'}-{id(backend)}"
    layer = backend.open(PRIVATE if private else PLAIN)
    layer.open_space(SPACE)
    secrets_in(layer, secret)
    layer.compact(SPACE, 1)
    assert layer.load_state(SPACE, "plan-1").data == {"s": secret * 50}
    layer.close()
    assert (secret.encode() in backend.kept()) == (not private)


@pytest.mark.parametrize("backend", LASTING, indirect=True)
@pytest.mark.parametrize(
    "wrong",
    [Keyring.generate("first"), Keyring.generate("second"), ""],
    ids=["another by its name", "another", "none"],
)
def test_a_wrong_key_is_refused_at_the_start(backend: Backend, wrong: str) -> None:
    layer = backend.open(PRIVATE)
    layer.open_space(SPACE)
    put(layer, a_write())
    layer.close()
    for encryption in {bool(wrong), False}:
        with pytest.raises(WrongKey, match="'first'"):
            backend.open(Codec(True, encryption, Keyring.parse(wrong)))
    assert backend.open(PRIVATE).load_state(SPACE, "plan").version == 1, "and nothing is harmed"


@pytest.mark.parametrize("backend", LASTING, indirect=True)
def test_rekeying_makes_the_old_key_needless(backend: Backend, reopen: Reopen) -> None:
    layer = backend.open(PRIVATE)
    rich(layer)
    second = Keyring.generate("second")
    layer = reopen(layer, Codec(True, True, Keyring.parse(f"{second},{KEY}")))
    put(layer, a_write("with the second key"))
    layer.delete_state(SPACE, "with the second key")
    expected = picture(layer)
    assert layer.rekey() > 0
    assert layer.rekey() == 0
    assert picture(layer) == expected
    layer = reopen(layer, Codec(True, True, Keyring.parse(second)))
    assert picture(layer) == expected
    layer.close()
    with pytest.raises(WrongKey, match="'second'"):
        backend.open(PRIVATE)


@pytest.mark.parametrize("backend", LASTING, indirect=True)
def test_what_lay_in_the_clear_is_encrypted_by_rekeying(backend: Backend, reopen: Reopen) -> None:
    layer = backend.open(PLAIN)
    layer.open_space(SPACE)
    put(layer, a_write())
    layer.close()
    layer = reopen(layer, PRIVATE)
    assert layer.rekey() > 0
    assert layer.rekey() == 0
    assert essence(layer.load_state(SPACE, "plan")) == essence(a_write().state)
    layer.close()
    with pytest.raises(WrongKey):
        backend.open(PLAIN)


@pytest.mark.parametrize("backend", LASTING, indirect=True)
def test_rekeying_takes_names_out_of_what_is_searched_and_puts_them_back(
    backend: Backend, reopen: Reopen
) -> None:
    layer = backend.open(PLAIN)
    layer.open_space(SPACE)
    put(layer, a_write(name="Lighthouse"))
    layer = reopen(layer, PRIVATE)
    assert [each.id for each in layer.find_states([SPACE], "house", limit=5)] == ["plan"]
    assert layer.rekey() > 0
    assert layer.rekey() == 0
    assert layer.load_state(SPACE, "plan").name == "Lighthouse"
    assert [each.id for each in layer.find_states([SPACE], "plan tide", limit=5)] == ["plan"]
    # A store of files looks into what it holds in memory.
    found = layer.find_states([SPACE], "house", limit=5)
    assert (found == []) == (backend.name != "file")
    layer = reopen(layer, Codec(True, False, Keyring.parse(KEY)))
    assert layer.rekey() > 0
    assert [each.id for each in layer.find_states([SPACE], "house", limit=5)] == ["plan"]


@pytest.mark.parametrize("backend", LASTING, indirect=True)
def test_rekeying_goes_on_while_others_write(backend: Backend, reopen: Reopen) -> None:
    layer = backend.open(PRIVATE)
    layer.open_space(SPACE)
    for n in range(30):
        grow(layer, f"s{n}", until=3)
    second = Keyring.generate("second")
    layer = reopen(layer, Codec(True, True, Keyring.parse(f"{second},{KEY}")), batch_size=5)

    def write() -> None:
        for n in range(30):
            grow(layer, f"s{n}", until=6)
            layer.enqueue(an_op(f"op-{n}"))

    at_once(write, layer.rekey)
    layer.rekey()
    layer = reopen(layer, Codec(True, True, Keyring.parse(second)))
    for n in range(30):
        assert layer.load_state(SPACE, f"s{n}").data == {"step": 6}
        assert [layer.data_at(SPACE, f"s{n}", version)["step"] for version in (1, 3, 6)] == [
            1,
            3,
            6,
        ]
        assert some(layer.find_op(SPACE, "agent:wim", f"op-{n}")).digest


def test_memory_has_nothing_to_rekey(tmp_path: Path) -> None:
    layer = Backend("memory", "", bytes).open(PRIVATE)
    layer.open_space(SPACE)
    put(layer, a_write())
    assert layer.rekey() == 0
