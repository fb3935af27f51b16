"""Any sequence of calls on any store against a model of two hundred lines (L2 of shared-state 4)."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from state.errors import StarsError
from state.manager import (
    Base,
    Compare,
    StateManager,
    TransactionResult,
    WriteResult,
    WriteStatus,
    verifying,
)
from state.manager.compacting import compact
from state.persistence import new_persistence_layer
from state.policy import Caller
from state.values import PersistenceConfig, PersistenceType
from tests.persistence.picture import called_anew
from tests.servers import RedisServer
from tests.states.build import Office, agent, at
from tests.states.drawing import (
    BEHIND,
    DOCUMENTS,
    IDS,
    KINDS,
    OPS,
    REQUESTS,
    operation,
)
from tests.states.model import Came, Model, Op, Outcome, Refused, applied

#: What calls came to, over all sequences.
came: Counter[Outcome] = Counter()

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
#: Sequences per store; those that write to a disk are slower.
EXAMPLES = {"memory": 40, "file": 12, "redis": 12}
OTHERS = 6


class Machine(RuleBasedStateMachine):
    """Two managers on one store, and the model."""

    numbers = count()

    def __init__(self, office: Office, folder: Path, server: RedisServer | None) -> None:
        super().__init__()
        self.office, self.folder, self.server = office, folder, server
        space = f"space-{next(self.numbers)}"
        self.lena: Caller = agent("lena", "role:leader", space=space)
        self.space = space
        self.model = Model()
        self.ops = count()
        #: Requests that may come again under their op_id, with what they came to.
        self.sent: list[tuple[Callable[[], object], Outcome]] = []
        self.turn = 0
        self.managers: list[StateManager] = []

    @initialize(kind=KINDS, data=DOCUMENTS)
    def start(self, kind: tuple[str, str], data: dict[str, Any]) -> None:
        self.managers = [self.office.manager(drains=False) for _ in range(2)]
        self._create("s1", data, kind)
        self._create("s2", data, ("eventual", "merge"))

    @property
    def manager(self) -> StateManager:
        """One process, then the other."""
        self.turn = 1 - self.turn
        return self.managers[self.turn]

    # -- both at once -----------------------------------------------------------------------------------------------

    def both(self, real: Callable[[], object], expected: Callable[[], Outcome]) -> Outcome:
        """What the manager says, once the model has said the same."""
        found = outcome(real)
        try:
            want = expected()
        except Refused as refusal:
            want = ("refused", *refusal.args)
        assert found == want
        came[want if want[0] == "refused" else want[:1]] += 1
        return want

    def base(self, state_id: str, behind: int | None) -> int | None:
        state = self.model.states.get(state_id)
        if behind is None or state is None:
            return None
        return max(1, state.version - behind)

    # -- rules ------------------------------------------------------------------------------------------------------

    @rule(state_id=IDS, data=DOCUMENTS, kind=KINDS)
    def create(self, state_id: str, data: dict[str, Any], kind: tuple[str, str]) -> None:
        self._create(state_id, data, kind)

    def _create(self, state_id: str, data: dict[str, Any], kind: tuple[str, str]) -> None:
        manager = self.manager
        self.both(
            lambda: manager.create_state(
                self.lena, state_id, data=data, consistency=kind[0], resolution=kind[1]
            ),
            lambda: self.model.create(state_id, data, kind),
        )

    @rule(writes=st.lists(st.tuples(IDS, REQUESTS, BEHIND), min_size=1, max_size=4))
    def write(self, writes: list[tuple[str, list[Op], int | None]]) -> None:
        for each in writes:
            self._write(*each)

    @rule(state_id=IDS, requests=st.lists(REQUESTS, min_size=2, max_size=4))
    def write_at_once(self, state_id: str, requests: list[list[Op]]) -> None:
        """Several writers have seen the same version."""
        for behind, ops in enumerate(requests):
            self._write(state_id, ops, behind)

    def _write(self, state_id: str, ops: list[Op], behind: int | None) -> None:
        manager, base, op_id = self.manager, self.base(state_id, behind), f"op{next(self.ops)}"
        request = [operation(op) for op in ops]
        by = at(base) if base else None

        def real() -> object:
            return manager.update_state(self.lena, state_id, request, base=by, op_id=op_id)

        found = self.both(
            real, lambda: self.model.write(state_id, ops, base, op_id, self.led_to(op_id))
        )
        if found not in (("queued",), ("refused", 428)):
            self.sent.append((real, found))

    def led_to(self, op_id: str) -> Came:
        """The document that an operation led to; None: it was refused."""
        op = self.office.layer.find_op(self.space, self.lena.name, op_id)
        if op is None or op.outcome is None or op.outcome.get("refused"):
            return None
        version = op.outcome["version"]
        return self.office.layer.data_at(self.space, op.state_id, version)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        again, came = data.draw(st.sampled_from(self.sent[-5:]))
        assert outcome(again) == came

    @rule(state_id=st.sampled_from(["s2", "deep/s3"]), behind=BEHIND)
    def delete(self, state_id: str, behind: int | None) -> None:
        manager, base = self.manager, self.base(state_id, behind)
        by = at(base) if base else None
        self.both(
            lambda: manager.delete_state(self.lena, state_id, base=by),
            lambda: self.model.delete(state_id, base),
        )

    @rule(state_id=IDS, tag=st.sampled_from(["red", "green"]))
    def tag(self, state_id: str, tag: str) -> None:
        manager, state = self.manager, self.model.states.get(state_id)
        self.both(
            lambda: manager.configure(self.lena, state_id, {"tags": [tag]}),
            lambda: self.model.configure(
                state_id, tags=(tag,), frozen=state is not None and state.frozen
            ),
        )

    @rule(state_id=IDS, frozen=st.sampled_from([False, False, False, True]))
    def freeze(self, state_id: str, frozen: bool) -> None:
        manager = self.manager
        self.both(
            lambda: manager.freeze(self.lena, state_id, frozen=frozen),
            lambda: self.model.configure(state_id, tags=None, frozen=frozen),
        )

    @rule(
        state_id=IDS,
        behind=st.sampled_from([1, 2, 3, 4, 6, 9, 0, -1]),
        seen=st.sampled_from([0, 0, 0, None, 1]),
    )
    def restore_version(self, state_id: str, behind: int, seen: int | None) -> None:
        manager, version = self.manager, self.base(state_id, behind) or 1
        base = self.base(state_id, seen)
        given = None if base is None else Base(version=base)
        self.both(
            lambda: manager.restore_version(self.lena, state_id, version, base=given),
            lambda: self.model.restore_version(state_id, version, base),
        )

    @rule(
        compared=st.dictionaries(IDS, st.sampled_from([0, 0, 0, 1]), max_size=3),
        ops=st.dictionaries(
            IDS,
            st.one_of(st.lists(OPS, min_size=1, max_size=2), st.just([("delete", "")])),
            min_size=1,
            max_size=3,
        ),
    )
    def transact(self, compared: dict[str, int], ops: dict[str, list[Op]]) -> None:
        manager, compare = self.manager, {}
        for state_id, off in compared.items():
            state = self.model.states.get(state_id)
            gone = state is None or state.deleted
            compare[state_id] = off + (0 if gone or state is None else state.version)
        real = {state_id: [operation(op) for op in own] for state_id, own in ops.items()}
        guards = [Compare(state_id, version) for state_id, version in compare.items()]
        self.both(
            lambda: manager.transact(self.lena, guards, real),
            lambda: self.model.transact(compare, ops),
        )

    @precondition(lambda self: self.model.journal)
    @rule()
    def drain(self) -> None:
        manager = self.manager
        manager.journal.drain(self.space)
        for op_id, end in self.model.drain(self.led_to).items():
            found = str(manager.operation(self.lena, op_id).status)
            assert {"applied": "written", "merged": "written"}.get(found, found) == end

    @rule(keep=st.integers(0, 6))
    def compact(self, keep: int) -> None:
        floor = self.model.revision - keep
        if floor > 0:
            compact(self.office.layer, self.space, floor=floor)
            self.model.compact(floor)

    @rule(state_id=IDS, old=st.integers(1, 12), new=st.integers(1, 12))
    def diff(self, state_id: str, old: int, new: int) -> None:
        if state_id not in self.model.states:
            return
        try:
            before, after = (self.model.shown_at(state_id, each) for each in (old, new))
        except Refused as refusal:
            found = outcome(lambda: self.manager.diff(self.lena, state_id, old, new))
            assert found[0] == "refused"
            assert refusal.args[0] in (404, 410)
            return
        changes = self.manager.diff(self.lena, state_id, old, new)
        ops: list[Op] = [
            ("delete", each.path) if each.kind == "removed" else ("set", each.path, each.new)
            for each in changes
        ]
        assert applied(before, ops) == after
        paths = [each.path for each in changes]
        assert len(set(paths)) == len(paths)

    @rule()
    def crash(self) -> None:
        """Both processes are gone, and the machine was switched off; nobody has closed anything."""
        office = self.office
        if not office.backend.keeps:
            return
        image = self.folder / "image"
        if office.backend.name == "file":
            store = Path(office.backend._at)
            shutil.copytree(store, image)
            office.layer.close()
            shutil.rmtree(store)
            image.rename(store)
        if self.server is not None:
            self.server.stop()
            self.server.start()
        if office.backend.name != "file":
            office.layer.close()
        office.layer = office.backend.open()
        self.managers = [office.manager(drains=False) for _ in range(2)]
        self.sent.clear()

    @rule(replace=st.booleans())
    def move(self, replace: bool) -> None:
        """Back up, restore into another store, and sometimes into the same one."""
        path, layer = self.folder / "backup", self.office.layer
        layer.open_space(self.space)
        layer.backup(path)
        other = new_persistence_layer(PersistenceConfig(type=PersistenceType.MEMORY))
        other.restore(path)
        assert verifying.verify(other, self.space).faults == ()
        ids = list(self.model.states)
        ours, theirs = (each.load_states(self.space, ids) for each in (layer, other))
        assert called_anew(ours) == called_anew(theirs)
        assert other.open_space(self.space).epoch != layer.open_space(self.space).epoch
        other.close()
        if replace:
            layer.restore(path, replace=True)
        path.unlink()

    # -- always -----------------------------------------------------------------------------------------------------

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        if not self.managers:
            return
        layer = self.office.layer
        info = layer.open_space(self.space)
        assert (info.revision, info.compact_revision) == (self.model.revision, self.model.floor)
        states = layer.load_states(self.space, self.model.states)
        assert set(states) == set(self.model.states)
        for state_id, state in states.items():
            known = self.model.states[state_id]
            assert (state.version, state.data) == (known.version, known.head.data)
            assert (state.deleted, state.revision) == (known.deleted, known.head.revision)
            assert state.compacted_version == known.oldest
            if not state.deleted:
                assert (state.frozen, state.tags) == (known.frozen, known.tags)
        waiting = [each.op_id for each in layer.queued(self.space)]
        assert waiting == [each.op_id for each in self.model.journal]
        assert verifying.verify(layer, self.space).faults == ()

    def teardown(self) -> None:
        layer = self.office.layer
        for state_id, known in self.model.states.items():
            history = layer.history(self.space, state_id, limit=1000)
            assert [(each.version, str(each.kind), each.revision) for each in history] == [
                (n, each.kind, each.revision)
                for n, each in sorted(known.versions.items())
                if each.revision > self.model.floor
            ]
            for version in range(known.oldest, known.version + 1):
                data = layer.data_at(self.space, state_id, version)
                assert data == known.versions[version].data
        layer.drop_space(self.space)


def outcome(call: Callable[[], object]) -> Outcome:
    """What a call came to, as the model tells it."""
    try:
        found = call()
    except StarsError as error:
        return ("refused", error.status)
    if isinstance(found, TransactionResult):
        return ("written",) if found.revision else ("unchanged",)
    assert isinstance(found, WriteResult)
    if found.status is WriteStatus.QUEUED:
        return ("queued",)
    return ("written" if found.changed else "unchanged", found.version)


@pytest.mark.timeout(3600 if DEEP else 60)
def test_any_sequence_of_calls_does_what_the_model_says(
    office: Office, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name = office.backend.name
    server = request.getfixturevalue("durable_redis") if name == "redis" else None

    class Here(Machine):
        def __init__(self) -> None:
            super().__init__(office, tmp_path, server)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=300 if DEEP else EXAMPLES.get(name, OTHERS),
            stateful_step_count=60 if DEEP else 25,
            deadline=None,
            report_multiple_bugs=False,
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    if name == "memory":  # the longest run; without these it would prove nothing
        for kind in (("written",), ("unchanged",), ("queued",), ("refused", 404), ("refused", 409)):
            assert came[kind], kind
