"""Spaces as a whole: opening, dropping, giving up old history, renewing keys."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Model, OuterRef, Subquery

from state.models import Entry, Snapshot, Space, State, StoreSetting
from state.persistence.database.reading import Reading
from state.persistence.database.rows import PACKED, SPACE, STATE, space_of
from state.persistence.database.statements import insert
from state.refusals import Compacted, SpaceNotFound
from state.values import SpaceInfo

#: Name of the setting that tells whether the keyring has the right key.
PROOF = "proof"


class Keeping(Reading):
    """What is done to whole spaces."""

    def open_space(self, space: str) -> SpaceInfo:
        """As the contract says."""
        with self._call():
            found = self._read(lambda: self._info(space))
            if found is None:
                self._run(lambda: self._make(space))
                found = self._read(lambda: self._info(space))
            if found is None:  # dropped at the same moment
                raise SpaceNotFound
            return found

    def _make(self, space: str) -> None:
        row = {"id": space, "epoch": uuid.uuid4().hex, "revision": 0, "compact_revision": 0}
        with self._transaction() as connection:
            insert(connection, Space, [row | {"audit": 0, "journal": 0}], key=("id",))

    def _info(self, space: str) -> SpaceInfo | None:
        row = Space.objects.using(self.alias).filter(id=space).values(*SPACE).first()
        return space_of(row) if row else None

    def spaces(self) -> list[SpaceInfo]:
        """As the contract says."""
        query = Space.objects.using(self.alias).order_by("id").values(*SPACE)
        with self._call():
            return [space_of(row) for row in self._read(lambda: list(query))]

    def drop_space(self, space: str) -> None:
        """As the contract says."""
        with self._call():
            self._run(lambda: self._change(lambda: self._drop(space)))

    def _drop(self, space: str) -> None:
        """Remove all rows of the space, those first that refer to others; within a transaction."""
        states = State.objects.using(self.alias).filter(space=space).order_by("id")
        with self._connection.cursor() as cursor:
            cursor.execute("DELETE FROM state_op WHERE space_id = %s", [space])
            list(states.select_for_update(no_key=True).values_list("id"))
            for table in ("entry", "snapshot", "conflict", "audit", "state"):
                cursor.execute(f"DELETE FROM state_{table} WHERE space_id = %s", [space])
            cursor.execute("DELETE FROM state_space WHERE id = %s", [space])

    # -- compaction -------------------------------------------------------------------------------------------------

    def compact(self, space: str, floor: int) -> SpaceInfo:
        """As the contract says. Also removes what an earlier one, interrupted, has left."""
        with self._call():
            while True:
                info = self._read(lambda: self._info(space))
                if info is None:
                    raise SpaceNotFound
                target = min(floor, info.revision)
                if target <= info.compact_revision:
                    break
                try:
                    self._keep_data(space, target)
                except Compacted:
                    continue  # another compactor has gone further
                self._run(partial(self._raise_floor, info, target))
            self._delete_in_parts(
                Entry.objects.using(self.alias).filter(
                    space=space, revision__lte=info.compact_revision
                )
            )
            self._delete_in_parts(
                Snapshot.objects.using(self.alias).filter(
                    space=space, version__lt=F("state__compacted_version")
                )
            )
            return info

    def _keep_data(self, space: str, floor: int) -> None:
        """A snapshot of each state's version as of the floor, where the entries that led to it will go."""
        with self._transaction() as connection, connection.cursor() as cursor:
            # Those that have not changed since: their data stands in their rows.
            cursor.execute(
                "INSERT INTO state_snapshot (space_id, state_id, version, uid, data)"
                " SELECT space_id, id, version, uid, data FROM state_state AS s"
                " WHERE space_id = %s AND revision <= %s AND EXISTS"
                " (SELECT 1 FROM state_entry AS e WHERE e.state_id = s.id)"
                " ON CONFLICT (state_id, version) DO NOTHING",
                [space, floor],
            )
        entries = Entry.objects.using(self.alias).filter(space=space, revision__lte=floor)
        newer = entries.filter(state=OuterRef("state"), version__gt=OuterRef("version"))
        kept = Snapshot.objects.using(self.alias).filter(
            state=OuterRef("state"), version=OuterRef("version")
        )
        last = entries.filter(~Exists(newer), ~Exists(kept))
        for entry in self._read(lambda: list(last.values("state_id", "key", "uid", "version"))):
            self._keep_version(space, entry)

    def _keep_version(self, space: str, entry: Mapping[str, Any]) -> None:
        key, version = entry["key"], entry["version"]
        data = self._run(lambda: self._data_at(space, key, version))
        row = {
            "space_id": space,
            "state_id": entry["state_id"],
            "version": version,
            "uid": entry["uid"],
            "data": self._rows.codec.pack(data, space, entry["uid"], version, "data"),
        }
        with self._transaction() as connection:
            insert(connection, Snapshot, [row], key=("state_id", "version"))

    def _raise_floor(self, info: SpaceInfo, floor: int) -> None:
        """Commit the new floor, unless another compactor has moved it meanwhile."""
        entries = Entry.objects.using(self.alias).filter(space=info.id, revision__lte=floor)
        states = State.objects.using(self.alias).filter(id__in=entries.values("state_id"))
        version = entries.filter(state=OuterRef("id")).order_by("-version").values("version")[:1]
        spaces = Space.objects.using(self.alias).filter(
            id=info.id, compact_revision=info.compact_revision
        )
        with self._transaction():
            list(states.order_by("id").select_for_update(no_key=True).values_list("id"))
            states.update(compacted_version=Subquery(version))
            if not spaces.update(compact_revision=floor):
                transaction.set_rollback(True, using=self.alias)

    # -- keys ---------------------------------------------------------------------------------------------------------

    def rekey(self) -> int:
        """As the contract says."""
        codec = self._rows.codec
        proof = {"name": PROOF, "value": codec.proof()}
        with self._call():
            total = sum(
                self._rekey(model, column, place, word) for model, column, place, word in PACKED
            )
            total += sum(self._run(partial(self._reword, part)) for part in self._parts(State))
            # Only now: until here a process that starts must have the old key as well.
            with self._transaction() as connection:
                insert(connection, StoreSetting, [proof], key=("name",), change=("value",))
            return total

    def _rekey(self, model: type[Model], column: str, place: tuple[str, ...], word: str) -> int:
        """Renew one column, some rows at a time."""
        total = 0
        for part in self._parts(model):
            total += self._run(partial(self._renew, model, part, column, place, word))
        return total

    def _reword(self, part: list[Any]) -> int:
        """Have names stand in what is searched while nothing is encrypted, and then only."""
        changed = 0
        rows = State.objects.using(self.alias)
        with self._transaction():
            locked = rows.filter(pk__in=part).order_by("pk").select_for_update(no_key=True)
            for row in locked.values("pk", "text", *STATE):
                text = self._rows.text(self._rows.state_of(row))
                if text != row["text"]:
                    rows.filter(pk=row["pk"]).update(text=text)
                    changed += 1
        return changed

    def _parts(self, model: type[Model]) -> Iterator[list[Any]]:
        """The keys of all rows, `batch_size` at a time."""
        query = model._default_manager.using(self.alias).order_by("pk")
        last: Any = None
        while True:
            rest = query.filter(pk__gt=last) if last is not None else query
            page = rest.values_list("pk", flat=True)[: self.config.batch_size]
            part: list[Any] = self._read(partial(list, page))
            if not part:
                return
            yield part
            last = part[-1]

    def _renew(
        self, model: type[Model], part: list[Any], column: str, place: tuple[str, ...], word: str
    ) -> int:
        codec = self._rows.codec
        rows = model._default_manager.using(self.alias)
        columns = [name for name in place if name]
        changed = 0
        with self._transaction():
            locked = rows.filter(pk__in=part).order_by("pk").select_for_update(no_key=True)
            for pk, packed, *found in locked.values_list("pk", column, *columns):
                if codec.needs_rekey(bytes(packed)):
                    values = dict(zip(columns, found, strict=True))
                    where = [values.get(name, "") for name in place]
                    renewed = codec.repack(bytes(packed), *where, word)
                    rows.filter(pk=pk).update(**{column: renewed})
                    changed += 1
        return changed
