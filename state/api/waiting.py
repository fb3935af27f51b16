"""The asynchronous addresses in the OpenAPI document: no views of DRF, so nobody else describes them."""

from __future__ import annotations

from typing import Any, Final

from state.sync.changes import MAX_LIMIT, MAX_WAIT

_PAGE: Final = {
    "snapshot": False,
    "states": [],
    "entries": [
        {
            "id": "plan",
            "uid": "5f2a",
            "rev": 1043,
            "pv": 7,
            "v": 8,
            "kind": "update",
            "by": "agent:worker-2",
            "at": "2026-01-31T09:30:00Z",
            "ops": [{"op": "set", "path": "/done", "value": 3}],
            "h": "ab12",
        }
    ],
    "revoked": [],
    "missing": [],
    "token": "ZTd8YWJj.1043",
    "more": False,
}
_SNAPSHOT: Final = {
    **_PAGE,
    "snapshot": True,
    "states": [
        {"id": "plan", "uid": "5f2a", "v": 8, "rev": 1043, "data": {"done": 3}, "h": "ab12"}
    ],
    "entries": [],
}
_EVENT: Final = """id: ZTd8YWJj.1043
event: delta
data: {"t":"delta","sub":1,"prev":1041,"rev":1043,"token":"ZTd8YWJj.1043","synced":true,"entries":[]}

"""


_LOST: Final = (
    "`reason` is `compacted`, `epoch`, `filter` or `future`: this token cannot be continued."
    " Forget what you have, and go on from `snapshot`."
)


def _parameter(name: str, text: str, shape: dict[str, Any], place: str = "query") -> dict[str, Any]:
    return {"in": place, "name": name, "description": text, "schema": shape}


def operations(
    space: list[dict[str, Any]], page: dict[str, Any], refusals: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """By path within a space: what `GET` takes and answers.

    `space` is the parameter of the path, `page` the shape of an answer, `refusals` those that all have."""
    text = {"type": "string"}
    common = [
        *space,
        _parameter(
            "states", "Ids, or prefixes like `notes/*`, separated by commas; all if absent.", text
        ),
        _parameter(
            "mode",
            "`latest`: of several changes of a state only what they come to.",
            {"type": "string", "enum": ["all", "latest"], "default": "all"},
        ),
        _parameter("Stars-Agent", "Read in the name of this member of the group.", text, "header"),
        _parameter("agent", "The same, where no header can be sent.", text),
    ]
    since = _parameter(
        "since", "A token; or `now`: only what comes from now on. Absent: a snapshot.", text
    )
    token = {"description": "As `token` in the body.", "schema": text}

    def answer(example: dict[str, Any]) -> dict[str, Any]:
        content = {"schema": page, "example": example}
        return {
            "description": "",
            "headers": {"Stars-Token": token},
            "content": {"application/json": content},
        }

    return {
        "changes": {
            "operationId": "list_changes",
            "description": "What is new after `since`: whole revisions, in order, each once. When there is nothing it"
            " is waited for. Sees everything that was committed before it was asked.",
            "parameters": [
                *common,
                since,
                _parameter(
                    "limit",
                    "About so many entries; with `mode=latest` all states that changed.",
                    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 256},
                ),
                _parameter(
                    "wait",
                    "Seconds to wait for something new.",
                    {"type": "integer", "minimum": 0, "maximum": int(MAX_WAIT), "default": 25},
                ),
                _parameter(
                    "connection",
                    "A connection of type `pull` that this keeps alive; its states, if `states` is absent.",
                    text,
                ),
            ],
            "responses": {
                "200": answer(_PAGE),
                "204": {
                    "description": "Nothing came. The token is newer all the same: go on from it.",
                    "headers": {"Stars-Token": token},
                },
                **refusals,
                "410": {**refusals["400"], "description": _LOST},
            },
        },
        "changes/stream": {
            "operationId": "follow_changes",
            "description": "The frames of `stars.sync.v1` as server-sent events: `snap`, `delta`, `mark`, `reset`,"
            " `revoked`, `conflict`, `missing` (states that were named and are not there) and `bye`. `id` is a token;"
            " an EventSource comes back to it by itself.",
            "parameters": [
                *common,
                since,
                _parameter("Last-Event-ID", "A token, before `since`.", text, "header"),
            ],
            "responses": {
                "200": {
                    "description": "",
                    "content": {"text/event-stream": {"schema": text, "example": _EVENT}},
                },
                **refusals,
            },
        },
        "snapshot": {
            "operationId": "get_snapshot",
            "description": "The states as they stand, and the token from which `changes` goes on.",
            "parameters": common,
            "responses": {"200": answer(_SNAPSHOT), **refusals},
        },
    }
