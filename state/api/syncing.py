"""Syncing over HTTP in the OpenAPI document: its bodies, and the addresses that are no views of DRF."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import msgspec
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from msgspec import Meta

from state.api import schema, waiting
from state.sync.protocol import MAX_PATTERNS, SnapState, WireEntry
from state.values import AgentConnection, ConnectionType, Json, SyncTask, SyncTaskType

Method = TypeVar("Method", bound=Callable[..., Any])

SPACE: Final = "/api/v1/spaces/{space}/"
#: States or prefixes, as subscriptions name them.
Patterns = Annotated[tuple[str, ...], Meta(min_length=1, max_length=MAX_PATTERNS)]


class ConnectionNewRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A connection that no socket opens: with an `address`, a webhook; of type `pull`, an agent that polls."""

    #: The agent; that of the header Stars-Agent, or you, if it is left out.
    agent: str = ""
    name: str = ""
    #: An http or https URL, whose host must not be a private one unless the installation allows it.
    address: str = ""
    type: ConnectionType = ConnectionType.PUSH
    #: Ids, or prefixes like "notes/*".
    states: Patterns = ("*",)
    metadata: dict[str, Json] = {}


class ConnectionMade(AgentConnection, frozen=True, kw_only=True):
    """A connection that was made."""

    #: Of the webhook's signatures (Standard Webhooks): told this once, and nowhere else.
    secret: str
    #: States that are not there for the agent now; it gets them as soon as they are.
    missing: tuple[str, ...]


class SyncTaskNewRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A push of one state, as it stands when the task starts."""

    type: SyncTaskType
    #: The state's id.
    state: str
    #: Ids of agents: one for `unicast`, one or more for `multicast`, none for `broadcast`.
    target_agents: tuple[str, ...] = ()
    #: 0 to 9; higher ones go first.
    priority: int = 1
    #: Attempts for each target after the first; as the installation says, if it is left out.
    max_retries: int | None = None
    metadata: dict[str, Json] = {}


class ChangesPage(msgspec.Struct, frozen=True, kw_only=True):
    """What is new. First take `states` over (with `snapshot` they replace all that you had), then apply `entries` in
    their order, dropping those whose `v` you have already; then keep `token`."""

    snapshot: bool
    states: tuple[SnapState, ...]
    entries: tuple[WireEntry, ...]
    #: You may read these no more: forget them.
    revoked: tuple[str, ...]
    #: Those that you named and that are not there for you now; they come as soon as they are.
    missing: tuple[str, ...]
    #: To go on from, as `since`. Keep it as it is.
    token: str
    #: There is more already: ask again at once.
    more: bool


_SHAPES: Final = (
    AgentConnection,
    ConnectionNewRequest,
    ConnectionMade,
    SyncTask,
    SyncTaskNewRequest,
    ChangesPage,
)
#: Fields that hold a point in time.
_TIMES: Final = frozenset(
    {
        "acked_at",
        "at",
        "completed_at",
        "connected_at",
        "created_at",
        "expires_at",
        "last_heartbeat",
        "started_at",
        "timestamp",
    }
)

_EXAMPLES: Final[dict[type[Any], dict[str, Any]]] = {
    ConnectionNewRequest: {
        "agent": "worker-1",
        "name": "crm",
        "address": "https://example.com/hooks/stars",
        "type": "push",
        "states": ["plan", "notes/*"],
    },
    SyncTaskNewRequest: {
        "type": "multicast",
        "state": "plan",
        "target_agents": ["worker-1", "worker-2"],
        "priority": 5,
    },
}


def making(
    name: str,
    *parameters: OpenApiParameter,
    request: type[Any] | None,
    answer: type[Any] | None,
    status: int = 200,
    refuses: tuple[int, ...] = (400, 403, 404, 429, 503),
) -> Callable[[Method], Method]:
    """An operation on connections or sync tasks that changes something."""
    responses: dict[Any, Any] = {status: None if answer is None else schema.ref(answer)}
    responses |= {
        (code, schema.PROBLEM): OpenApiResponse(
            schema.ref("Problem"), description=schema.refusal(code)
        )
        for code in refuses
    }
    body = None if request is None else {"application/json": schema.ref(request)}
    found: Callable[[Method], Method] = extend_schema(
        operation_id=name,
        tags=["syncing"],
        request=body,
        responses=responses,
        parameters=[schema.AGENT, *parameters],
    )
    return found


def add_syncing(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Postprocessing hook, after `schema.add_states`: the shapes of syncing, and its asynchronous addresses."""
    template = "#/components/schemas/{name}"
    _, shapes = msgspec.json.schema_components(_SHAPES, ref_template=template)
    schemas = result["components"]["schemas"]
    for name in shapes.keys() - schemas.keys():
        shape = schemas[name] = shapes[name]
        if "description" in shape:
            shape["description"] = inspect.cleandoc(shape["description"])
        for field, form in shape.get("properties", {}).items():
            if field in _TIMES:
                for each in form.get("anyOf", [form]):
                    if each.get("type") == "string":
                        each["format"] = "date-time"
    for kind, example in _EXAMPLES.items():
        schemas[kind.__name__]["examples"] = [example]
    for path, methods in result["paths"].items():
        if path.startswith((f"{SPACE}connections/", f"{SPACE}sync-tasks/")):
            for operation in methods.values():
                operation["tags"] = ["syncing"]
    page = result["paths"][f"{SPACE}states/"]["get"]
    refusals = {code: page["responses"][code] for code in ("400", "401", "404", "503")}
    space = [each for each in page["parameters"] if each["name"] == "space"]
    for path, operation in waiting.operations(space, schema.ref(ChangesPage), refusals).items():
        operation |= {"security": page["security"], "tags": ["syncing"]}
        result["paths"][SPACE + path] = {"get": operation}
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result
