"""A backup's lives under uids of their own: a token of what stood before a restore never fits what stands after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID, uuid5

import msgspec

from state.values import Json, Row


class Lineage:
    """One restore: the same uid becomes the same other one in every row of it, and in no other restore."""

    def __init__(self, lineage: UUID) -> None:
        """`lineage` is random."""
        self._lineage = lineage

    def spaces(self, spaces: Mapping[str, Iterable[Row]]) -> dict[str, Iterable[Row]]:
        """The rows by space, each to be iterated as often as what is given."""
        return {space: _Renamed(self, rows) for space, rows in spaces.items()}

    def row(self, row: Row) -> Row:
        """The row with other uids, wherever one stands that is not somebody's data."""
        return msgspec.structs.replace(row, value=self._value(row.kind, row.value))

    def uid(self, uid: str) -> str:
        """What a life is called in this lineage; "" names none."""
        return uuid5(self._lineage, uid).hex if uid else uid

    def _value(self, kind: str, value: dict[str, Any]) -> dict[str, Any]:
        if kind == "audit":
            return {**value, "event": self._event(value["event"])}
        if kind == "op":
            return {
                **value,
                "request": self._request(value.get("request")),
                "outcome": self._outcome(value.get("outcome")),
            }
        return self._life(value)

    def _life(self, value: dict[str, Any]) -> dict[str, Any]:
        """What has a `uid` (or None) of its own."""
        return {**value, "uid": self.uid(value["uid"])} if value.get("uid") else value

    def _event(self, event: dict[str, Any]) -> dict[str, Any]:
        made = self._life(event)
        if event.get("state"):
            made = {**made, "state": self._life(event["state"])}
        if event.get("conflict"):
            conflict = event["conflict"]
            states = {key: self._life(each) for key, each in conflict.get("states", {}).items()}
            made = {**made, "conflict": {**conflict, "states": states}}
        return made

    def _request(self, request: Json) -> Json:
        """What waits in the journal says which life its writer saw."""
        if not request or not request.get("base"):
            return request
        return {**request, "base": self._life(request["base"])}

    def _outcome(self, outcome: Json) -> Json:
        """An answer to one write or to several; a refusal tells the ETag of what stood there."""
        if not outcome:
            return outcome
        made = self._life(outcome)
        if outcome.get("results"):
            made = {**made, "results": [self._life(each) for each in outcome["results"]]}
        etag = (outcome.get("extra") or {}).get("etag")
        if isinstance(etag, str):
            made = {**made, "extra": {**outcome["extra"], "etag": self._etag(etag)}}
        return made

    def _etag(self, etag: str) -> str:
        """Of the form `"uid-version"`, as `conflicts.etag` makes it."""
        uid, dash, version = etag.strip('"').rpartition("-")
        return f'"{self.uid(uid)}{dash}{version}"'


class _Renamed:
    """Rows that are read, and renamed, anew at each iteration."""

    def __init__(self, lineage: Lineage, rows: Iterable[Row]) -> None:
        self._lineage, self._rows = lineage, rows

    def __iter__(self) -> Iterator[Row]:
        return map(self._lineage.row, self._rows)
