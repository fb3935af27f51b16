"""The writes of the StateManager."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from state import jsonvalue
from state.errors import Invalid
from state.manager import settings
from state.manager.answers import (
    Recorded,
    TransactionResult,
    WriteResult,
    WriteStatus,
)
from state.manager.core import Core
from state.manager.jobs import Job
from state.manager.transactions import Compare, Transact
from state.manager.updating import Update, WaitsInJournal
from state.manager.writes import Base, Configure, Create, Delete, Restore
from state.policy import Caller
from state.values import (
    ConflictResolution,
    Incoming,
    Json,
    Operation,
    OperationType,
    OpRecord,
    SharedState,
    StateType,
)


class Writing(Core):
    """Every write is a job on the space's lane; what it means stands in `writes`, `updating`, `transactions`."""

    def create_state(
        self,
        caller: Caller,
        state_id: str,
        name: str = "",
        state_type: StateType | None = None,
        owners: Sequence[str] = (),
        *,
        data: dict[str, Json] | None = None,
        op_id: str = "",
        note: dict[str, Json] | None = None,
        **given: Any,
    ) -> WriteResult:
        """A new state; its creator is one of its owners. `given` are further settings (`values.SETTINGS`).

        Without a type it is one that does not expire.

        Raises StateExists, Invalid (id, settings), Unprocessable (data, schema), TooMany, DocumentTooLarge.
        """
        kind = state_type or (
            StateType.GLOBAL if caller.space == settings.GLOBAL_SPACE else settings.UNLESS_SAID
        )
        settings.check_id(state_id, kind, caller.space)
        changes_ = {**given, **({"name": name} if name else {})}
        if owners:
            changes_["owners"] = tuple(owners)
        found = settings.checked(changes_)
        document = {} if data is None else data
        jsonvalue.check(document, max_depth=self.limits.document_depth)
        job = Create(
            caller,
            state_id,
            kind,
            document,
            found,
            config=self.config,
            limits=self.limits,
            note=note or {},
            op_id=op_id,
            digest=self._digest(
                op_id, "create", state_id, kind=kind, data=document, given=changes_
            ),
        )
        return self._result(job)

    def update_state(
        self,
        caller: Caller,
        state_id: str,
        updates: Mapping[str, Json] | Sequence[Operation],
        metadata: dict[str, Json] | None = None,
        *,
        base: Base | None = None,
        reads: tuple[str, ...] | Literal["auto"] | None = None,
        read_mode: Literal["value", "version"] = "value",
        after: tuple[str, ...] = (),
        resolution: ConflictResolution | None = None,
        op_id: str = "",
        asked: Json = None,
    ) -> WriteResult:
        """Operations on the data; a flat dict (the seed's form) is one `set` per key, all or none.

        `metadata` is the writer's note, kept in the log. `asked` is the request in its own words where the operations
        were derived from it and from the state of that moment: by it, a repeated `op_id` is recognised. An eventual
        state's write without preconditions is journalled (`status` queued; `operation` tells the rest).

        Raises Conflicting, Stale, BaseRequired, Frozen, Compacted, Unprocessable, Invalid, DocumentTooLarge,
        OpIdReuse.
        """
        ops = self._operations(updates)
        base = base or Base()
        if len(ops) == 1 and ops[0].op is OperationType.DELETE and ops[0].path == "":
            return self.delete_state(caller, state_id, base=base, op_id=op_id, note=metadata)
        request: dict[str, Json] = {
            "ops": msgspec.to_builtins(list(ops)),
            "base": msgspec.to_builtins(base),
            "reads": list(reads) if isinstance(reads, tuple) else reads,
            "read_mode": read_mode,
            "after": list(after),
            "resolution": None if resolution is None else str(resolution),
            "note": metadata or {},
        }
        jsonvalue.check(request, max_depth=self.limits.document_depth + 8)
        digest = self._digest(op_id, "update", state_id, request=asked or request)
        job = self._update_job(caller, state_id, request, op_id=op_id, digest=digest)
        job.may_wait = not base.exact and all(op.op is not OperationType.CAS for op in ops)
        try:
            return self._result(job)
        except WaitsInJournal as eventual:
            return self._journalled(caller, eventual.state, op_id, digest, request)

    def delete_state(
        self,
        caller: Caller,
        state_id: str,
        *,
        base: Base | None = None,
        reason: str = "",
        op_id: str = "",
        note: dict[str, Json] | None = None,
    ) -> WriteResult:
        """Leave a tombstone: the version goes on, and a state created anew under the id continues it.

        Raises Stale, Conflicting (the base is not the present version), BaseRequired, Frozen.
        """
        digest = self._digest(op_id, "delete", state_id, base=base)
        job = Delete(
            caller, state_id, base or Base(), reason=reason, note=note, op_id=op_id, digest=digest
        )
        return self._result(job)

    def configure(
        self,
        caller: Caller,
        state_id: str,
        changes: Mapping[str, Any],
        *,
        base: Base | None = None,
        op_id: str = "",
    ) -> WriteResult:
        """Change settings (`values.SETTINGS`): policy, owners, schema, metadata, frozen … A new version, same data.

        Raises Invalid, LastOwner, Unprocessable (the data do not fit a new schema), Stale, Conflicting.
        """
        given = settings.checked(changes)
        digest = self._digest(op_id, "configure", state_id, given=dict(changes), base=base)
        job = Configure(caller, state_id, given, base or Base(), op_id=op_id, digest=digest)
        return self._result(job)

    def freeze(self, caller: Caller, state_id: str, *, frozen: bool = True) -> WriteResult:
        """Allow no more writes of data (or allow them again)."""
        return self.configure(caller, state_id, {"frozen": frozen})

    def restore_version(
        self,
        caller: Caller,
        state_id: str,
        version: int,
        *,
        base: Base | None = None,
        op_id: str = "",
    ) -> WriteResult:
        """An old version's data as a new version. Raises VersionNotFound, Compacted, Frozen, Stale, Conflicting."""
        digest = self._digest(op_id, "restore", state_id, version=version, base=base)
        job = Restore(
            caller,
            state_id,
            version,
            base or Base(),
            limits=self.limits,
            op_id=op_id,
            digest=digest,
        )
        return self._result(job)

    def transact(
        self,
        caller: Caller,
        compare: Sequence[Compare],
        ops: Mapping[str, Sequence[Operation]],
        *,
        op_id: str = "",
        note: dict[str, Json] | None = None,
    ) -> TransactionResult:
        """Operations on several states, by state id, at one revision, if all compares hold.

        Raises TransactionRefused naming every failing compare with its present version, and whatever a write on one
        of the states would raise; nothing is written then.
        """
        ids = {*ops, *(each.state for each in compare)}
        if not 0 < len(ids) <= self.limits.states_per_transaction:
            most = self.limits.states_per_transaction
            raise Invalid(fields={"ops": [f"A transaction is about 1 to {most} states."]})
        checked = {state_id: self._operations(list(each)) for state_id, each in ops.items()}
        if sum(map(len, checked.values())) > self.limits.ops_per_request:
            most = self.limits.ops_per_request
            raise Invalid(fields={"ops": [f"At most {most} operations at once."]})
        plain = msgspec.to_builtins(
            {"compare": list(compare), "ops": {k: list(v) for k, v in checked.items()}}
        )
        jsonvalue.check(plain, max_depth=self.limits.document_depth + 8)
        job = Transact(
            caller,
            tuple(compare),
            checked,
            detector=self.detector,
            config=self.config,
            limits=self.limits,
            note=note or {},
            op_id=op_id,
            digest=self._digest(op_id, "txn", "", request=plain),
        )
        self._carry_out([job])
        job.result_or_raise()
        return job.result

    def _update_job(
        self,
        caller: Caller,
        state_id: str,
        request: dict[str, Json],
        *,
        op_id: str,
        digest: str,
        journalled: bool = False,
    ) -> Update:
        base = msgspec.convert(request["base"], Base)
        reads = request["reads"]
        incoming = Incoming(
            state_id=state_id,
            agent=caller.name,
            op_id=op_id or str(uuid.uuid4()),
            ops=msgspec.convert(request["ops"], tuple[Operation, ...]),
            at=self._clock(),
            base_version=base.version,
            base_uid=base.uid,
            exact=base.exact,
            reads=tuple(reads) if isinstance(reads, list) else reads,
            read_mode=request["read_mode"],
            after=tuple(request["after"]),
            resolution=request["resolution"] and ConflictResolution(request["resolution"]),
            metadata=request["note"],
        )
        return Update(
            caller,
            state_id,
            incoming,
            base,
            detector=self.detector,
            limits=self.limits,
            op_id=op_id,
            digest=digest,
            journalled=journalled,
        )

    def _journalled(
        self,
        caller: Caller,
        state: SharedState,
        op_id: str,
        digest: str,
        request: dict[str, Json],
    ) -> WriteResult:
        """Accept an eventual state's write, or tell how it ended when its op_id is known."""
        op_id = op_id or str(uuid.uuid4())
        digest = digest or self._digest(op_id, "update", state.id, request=request)
        kept = self.journal.accept(caller, state.id, op_id, digest, request)
        if kept.outcome is not None:
            if kept.outcome.get("refused"):
                raise Recorded(kept.outcome)
            return msgspec.convert({**kept.outcome, "revision": 0, "replayed": True}, WriteResult)
        return WriteResult(
            status=WriteStatus.QUEUED,
            state_id=state.id,
            uid=state.uid,
            version=state.version,
            revision=state.revision,
            op_id=op_id,
            state=state,
        )

    def _queued_job(self, record: OpRecord) -> Job:
        request = dict(record.request or {})
        caller = msgspec.convert(request.pop("caller"), Caller)
        job = self._update_job(
            caller,
            record.state_id,
            request,
            op_id=record.op_id,
            digest=record.digest,
            journalled=True,
        )
        job.expired = record.error == "expired"
        return job
