"""The wire of A2A 0.3 as a translation from and to 1.0: methods, states, and objects that say their `kind`."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from groups.doors.a2a.errors import InvalidParams
from groups.doors.a2a.telling import AT_REST

Json: TypeAlias = dict[str, Any]

#: 0.3 -> 1.0.
METHODS: Final = {
    "message/send": "SendMessage",
    "message/stream": "SendStreamingMessage",
    "tasks/get": "GetTask",
    "tasks/cancel": "CancelTask",
    "tasks/resubscribe": "SubscribeToTask",
    "tasks/pushNotificationConfig/set": "CreateTaskPushNotificationConfig",
    "tasks/pushNotificationConfig/get": "GetTaskPushNotificationConfig",
    "tasks/pushNotificationConfig/list": "ListTaskPushNotificationConfigs",
    "tasks/pushNotificationConfig/delete": "DeleteTaskPushNotificationConfig",
    "agent/getAuthenticatedExtendedCard": "GetExtendedAgentCard",
}


def params(method: str, given: Json) -> Json:
    """The parameters of a 0.3 method as those of `method` (the name in 1.0). Raises InvalidParams."""
    if method not in ("SendMessage", "SendStreamingMessage"):
        return given
    message, configuration = given.get("message"), given.get("configuration") or {}
    if not isinstance(message, dict) or not isinstance(configuration, dict):
        raise InvalidParams("`message` must be an object, and so must `configuration`.")
    parts = message.get("parts")
    if not isinstance(parts, list):
        raise InvalidParams("`message.parts` must be a list.")
    return {
        "message": {**_without_none(message), "parts": [_part_in(part) for part in parts]},
        "configuration": {
            # 0 is unlimited in 0.3.
            "historyLength": configuration.get("historyLength") or None,
            "returnImmediately": configuration.get("blocking") is False,
            "taskPushNotificationConfig": configuration.get("pushNotificationConfig"),
        },
    }


def task(told: Json) -> Json:
    """A task of 1.0 in the shape of 0.3."""
    found: Json = {**told, "kind": "task", "status": _status(told["status"])}
    if "artifacts" in told:
        found["artifacts"] = [_artifact(each) for each in told["artifacts"]]
    if "history" in told:
        found["history"] = [_message(each) for each in told["history"]]
    return found


def event(told: Json) -> Json:
    """A StreamResponse of 1.0 as an event of 0.3."""
    [(name, content)] = told.items()
    match name:
        case "task":
            return task(content)
        case "statusUpdate":
            final = content["status"]["state"] in AT_REST
            status = _status(content["status"])
            return {**content, "kind": "status-update", "status": status, "final": final}
        case _:
            artifact = _artifact(content["artifact"])
            return {**content, "kind": "artifact-update", "artifact": artifact}


def _status(told: Json) -> Json:
    state = told["state"].removeprefix("TASK_STATE_").lower().replace("_", "-")
    message = {"message": _message(told["message"])} if "message" in told else {}
    return {**told, "state": state, **message}


def _message(told: Json) -> Json:
    role = told["role"].removeprefix("ROLE_").lower()
    parts = [_part_out(part) for part in told["parts"]]
    return {**told, "kind": "message", "role": role, "parts": parts}


def _artifact(told: Json) -> Json:
    return {**told, "parts": [_part_out(part) for part in told["parts"]]}


def _part_out(part: Json) -> Json:
    """Of the kinds that we send."""
    if "data" in part:
        return {"kind": "data", "data": part["data"]}
    return {"kind": "text", "text": part["text"]}


def _part_in(part: object) -> Json:
    kind = part.get("kind") if isinstance(part, dict) else None
    match kind, part:
        case "text", {"text": str(text)}:
            return {"text": text}
        case "data", {"data": data}:
            return {"data": data}
        case "file", {"file": dict(file)}:
            content = {"raw": file["bytes"]} if "bytes" in file else {"url": file.get("uri", "")}
            about = {"filename": file.get("name") or "", "mediaType": file.get("mimeType") or ""}
            return {**content, **about}
    raise InvalidParams("A part is of kind text, file or data, and has a member of that name.")


def _without_none(given: Json) -> Json:
    return {name: value for name, value in given.items() if value is not None}
