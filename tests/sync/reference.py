"""What a client of stars.sync.v1 has after the frames of one subscription, by the plain words of docs/sync-protocol.md.

Deliberately simple, and apart from the client that Stars ships: the one checks the other.
"""

from __future__ import annotations

from typing import Any

import msgspec

from state import jsonvalue
from state.values import Operation


class Broken(AssertionError):
    """The server broke a rule of the protocol."""


class Reference:
    """One subscription."""

    def __init__(self, token: str | None = None) -> None:
        #: id: (uid, v, data)
        self.states: dict[str, tuple[str, int, dict[str, Any]]] = {}
        self.gone: dict[str, tuple[str, int]] = {}
        self.token = token
        self.rev: int | None = None
        self.synced = False
        self.resets: list[str] = []
        self.entries = 0
        self.was_latest = False

    def hear(self, frame: dict[str, Any]) -> None:
        """Apply a frame. Raises Broken."""
        match frame["t"]:
            case "snap":
                for each in frame["states"]:
                    mine = self.states.get(each["id"])
                    if mine is None or each["v"] >= mine[1]:
                        self.states[each["id"]] = (each["uid"], each["v"], each["data"])
                        self._check(each["id"], each.get("h"))
                self.rev, self.synced = frame["rev"], False
            case "delta":
                self._chain(frame)
                for each in frame["entries"]:
                    self._entry(each)
            case "mark":
                self._chain(frame)
            case "revoked":
                for each in frame["states"]:
                    self.states.pop(each, None)
            case "reset":
                self.resets.append(frame["reason"])
                self.states.clear()
                self.gone.clear()
                self.token, self.rev, self.synced = None, None, False
            case _:
                pass

    def _chain(self, frame: dict[str, Any]) -> None:
        if self.rev is not None and frame["prev"] != self.rev:
            raise Broken(f"prev {frame['prev']} after {self.rev}")
        if frame["rev"] < frame["prev"]:
            raise Broken("back in time")
        self.rev = frame["rev"]
        self.token = frame.get("token", self.token)
        self.synced = frame.get("synced", False)

    def _entry(self, entry: dict[str, Any]) -> None:
        self.entries += 1
        key, mine = entry["id"], self.states.get(entry["id"])
        if mine is not None and entry["v"] <= mine[1]:
            return  # versions go on from one life of an id to the next
        ops = msgspec.convert(entry.get("ops", []), list[Operation])
        whole = entry["kind"] == "create" or (
            entry.get("coalesced", False) and bool(ops) and ops[0].path == ""
        )
        if entry["kind"] == "delete":
            self.states.pop(key, None)
            return
        if mine is None and not whole:
            return
        if mine is not None and not whole and (mine[1], mine[0]) != (entry["pv"], entry["uid"]):
            raise Broken(f"{key}: {entry['pv']} of {entry['uid']} after {mine[:2]}")
        document = jsonvalue.apply({} if mine is None or whole else mine[2], ops)
        self.states[key] = (entry["uid"], entry["v"], document)
        self._check(key, entry.get("h"))

    def _check(self, key: str, digest: str | None) -> None:
        if digest and jsonvalue.digest(self.states[key][2]) != digest:
            raise Broken(f"{key}: another document than the server's")
