"""States in the OpenAPI document: what each operation takes and answers, and the shapes of it all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from state.api import answers, bodies
from state.manager import Change, OperationState
from state.policy import Right
from state.values import (
    SETTINGS,
    Blame,
    Cause,
    ConflictRecord,
    ConsistencyLevel,
    Entry,
    SharedState,
    StateType,
    SyncStatus,
)

Method = TypeVar("Method", bound=Callable[..., Any])

PROBLEM: Final = "application/problem+json"
_SHAPES: Final[tuple[type[Any], ...]] = (
    SharedState,
    Entry,
    Change,
    Blame,
    Cause,
    ConflictRecord,
    OperationState,
    answers.Metrics,
    answers.Written,
    answers.TransactionWritten,
    bodies.StateNewRequest,
    bodies.ConfigRequest,
    bodies.BasedRequest,
    bodies.OperationsRequest,
    bodies.RestoreRequest,
    bodies.TransactionRequest,
    bodies.ResolveRequest,
)
#: Fields that hold a point in time.
_TIMES: Final = frozenset(
    {
        "at",
        "created_at",
        "done_at",
        "expires_at",
        "last_sync",
        "last_sync_time",
        "resolved_at",
        "timestamp",
    }
)

_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_COUNT: Final = {"type": "integer", "minimum": 0}
_OBJECT: Final = {"type": "object"}

_REFUSALS: Final = {
    400: "What was sent is not valid or malformed; `errors` names the fields.",
    403: "You may read this state and not do that (`required` names the right), or the CSRF token is missing.",
    404: "There is nothing by that name that you may see.",
    409: "`conflict` (others have written the same: `causes` name each path), `exists`, `compare_failed`, `settled`, …",
    410: "`compacted`: that part of the history is gone; `snapshot` is where the state stands now.",
    412: "`stale`: the state is not what If-Match or If-None-Match demands.",
    413: "What was sent, or the document it would lead to, is larger than allowed.",
    415: "A body of that media type is not understood here.",
    422: "`invalid`, `json_domain` or `op_id_reuse`: well-formed, and impossible with this state.",
    423: "`frozen`: the state can be read and no longer written.",
    428: "`base_required`: the state is strongly consistent; say which version you have seen.",
    429: "`rate` or `too_many`; `Retry-After` says when to come back.",
    503: "`store_down` (nothing was written) or `outcome_unknown` (repeat it with the same `Idempotency-Key`).",
}
#: What every write can be answered with.
_WRITE: Final = (400, 403, 404, 409, 412, 413, 415, 422, 423, 428, 429, 503)
#: What cannot be said about the whole space.
_STATE_ONLY: Final = frozenset({412, 423, 428})


def refusal(code: int) -> str:
    """What a refusal with that status means."""
    return _REFUSALS[code]


def ref(kind: type[Any] | str) -> dict[str, Any]:
    """The component of that shape."""
    name = kind if isinstance(kind, str) else kind.__name__
    return {"$ref": f"#/components/schemas/{name}"}


def thing(**properties: Any) -> dict[str, Any]:
    """An object with these members."""
    return {"type": "object", "required": list(properties), "properties": properties}


def page(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One page of a list."""
    following = {"type": ["string", "null"], "format": "uri"}
    return thing(results={"type": "array", "items": items}, next=following, **more)


def query(name: str, text: str, shape: dict[str, Any] = _TEXT, **more: Any) -> OpenApiParameter:
    """A query parameter."""
    return OpenApiParameter(name, shape, description=text, **more)


LIMIT: Final = query("limit", "How many results a page has at most.", {"type": "integer"})
CONTINUE: Final = query("continue", "Where the page begins; taken from `next`.")
VERSION: Final = {"type": "integer", "minimum": 1}

FILTERS: Final = (
    query("type", "States of this type.", {"type": "string", "enum": list(StateType)}),
    query("owner", "States that one of these principals owns.", _TEXTS),
    query("tag", "States with one of these tags.", _TEXTS),
    query("sync_status", "States that stand so.", {"type": "string", "enum": list(SyncStatus)}),
    query(
        "updated_since",
        "States changed at or after that time.",
        {"type": "string", "format": "date-time"},
    ),
    query("prefix", "States whose ids begin so."),
    query(
        "text",
        "States that have all these words in their id, name, tags or owners; 200 characters at most.",
    ),
    query("deleted", "Tombstones instead of living states.", {"type": "boolean"}),
    query("data", "With their documents.", {"type": "boolean"}),
    LIMIT,
    CONTINUE,
)
READING: Final = (
    query("version", "As of this version.", VERSION),
    query("path", "Only what stands at this JSON Pointer; `a` means `/a`."),
    query("min_revision", "Not older than this revision of the space.", _COUNT),
    query(
        "consistency",
        "What is promised of the answer; reads are linearizable whatever is asked.",
        {"type": "string", "enum": list(ConsistencyLevel)},
    ),
    query("blame", "With who wrote each leaf last.", {"type": "boolean"}),
)


def header(
    name: str, text: str, *, response: list[int] | bool = False, shape: Any = _TEXT
) -> OpenApiParameter:
    """A header of the request, or of these responses."""
    return OpenApiParameter(
        name, shape, location=OpenApiParameter.HEADER, description=text, response=response
    )


AGENT: Final = header("Stars-Agent", "Act in the name of this member of the group.")
IF_MATCH: Final = header("If-Match", "The entity tag of the version you have seen; else 412.")
IDEMPOTENCY: Final = header(
    "Idempotency-Key", "Names the request: repeated, it is answered as the first time."
)
ETAG: Final = header("ETag", "The version's entity tag.", response=[200, 201])
REVISION: Final = header(
    "Stars-Revision",
    "Of the space, to be asked for by `min_revision`.",
    response=[200, 201],
    shape=_COUNT,
)
REPLAYED: Final = header(
    "Idempotency-Replayed", "`true`: this was answered before.", response=[200, 201, 202]
)


def location(*codes: int) -> OpenApiParameter:
    """Where what was made, or what came of it, is found."""
    return header("Location", "Where to look.", response=list(codes))


def described(
    name: str,
    *parameters: OpenApiParameter,
    answer: dict[str, Any],
    status: tuple[int, ...] = (200,),
    refuses: tuple[int, ...] = (400, 503),
    request: Any = None,
    in_space: bool = True,
) -> Callable[[Method], Method]:
    """An operation that reads."""
    responses: dict[Any, Any] = {code: answer if code != 304 else None for code in status}
    responses |= {
        (code, PROBLEM): OpenApiResponse(ref("Problem"), description=_REFUSALS[code])
        for code in refuses
    }
    given = [*([AGENT] if in_space else []), *parameters]
    found: Callable[[Method], Method] = extend_schema(
        operation_id=name, tags=["states"], request=request, responses=responses, parameters=given
    )
    return found


def writing(
    name: str,
    *parameters: OpenApiParameter,
    request: type[Any] | dict[str, Any] | None,
    answer: type[Any] = answers.Written,
    status: tuple[int, ...] = (200,),
    on_state: bool = True,
) -> Callable[[Method], Method]:
    """An operation that writes: one state, or (`on_state` false) something of the space."""
    given = request if isinstance(request, dict | None) else {"application/json": ref(request)}
    headers = (IDEMPOTENCY, REPLAYED, *((IF_MATCH, ETAG, REVISION) if on_state else ()))
    refuses = tuple(code for code in _WRITE if on_state or code not in _STATE_ONLY)
    return described(
        name,
        *headers,
        *parameters,
        *([location(202)] if 202 in status else []),
        request=given,
        answer=ref(answer),
        status=status,
        refuses=refuses,
    )


CONFIG: Final = thing(
    id=_TEXT,
    version=VERSION,
    etag=_TEXT,
    settings=ref("StateSettings"),
)


def add_states(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Postprocessing hook: the shapes of states, and what their refusals add to a problem."""
    _, shapes = msgspec.json.schema_components(_SHAPES, ref_template="#/components/schemas/{name}")
    for shape in shapes.values():
        if "description" in shape:
            shape["description"] = inspect.cleandoc(shape["description"])
        for name, field in shape.get("properties", {}).items():
            if name in _TIMES:
                for form in field.get("anyOf", [field]):
                    if form == _TEXT:
                        form["format"] = "date-time"
    state = shapes["SharedState"]["properties"]
    state["etag"] = {**_TEXT, "description": "As in the header ETag."}
    shapes["StateSettings"] = {
        "type": "object",
        "description": "What an admin of a state may change without touching its data.",
        "properties": {name: state[name] for name in SETTINGS},
    }
    schemas = result["components"]["schemas"]
    assert not schemas.keys() & shapes.keys()
    schemas |= shapes
    schemas["Problem"]["properties"] |= {
        "conflict_id": _TEXT,
        "conflict_type": ref("ConflictType"),
        "state": {**_TEXT, "description": "The state's id."},
        "base_version": {"type": ["integer", "null"], "description": "What the writer had seen."},
        "head_version": {"type": "integer", "description": "What stands now."},
        "etag": {**_TEXT, "description": "Of what stands now."},
        "resolution": ref("ConflictResolution"),
        "causes": {
            "type": "array",
            "items": ref("Cause"),
            "description": "Each conflicting path once per type.",
        },
        "current": {**_OBJECT, "description": "The present document, up to 256 KiB."},
        "current_link": {**_TEXT, "description": "Where a larger one is."},
        "retryable": {"type": "boolean", "description": "Read anew, and try again."},
        "required": {**_TEXT, "enum": list(Right), "description": "The right that is missing."},
        "failed": {
            "type": "array",
            "items": thing(state=_TEXT, expected=_COUNT, version=_COUNT),
            "description": "Every comparison that failed, with the present version (0: none).",
        },
        "snapshot": {**_TEXT, "description": "Where the state stands now."},
        "compacted_version": {**VERSION, "description": "The oldest version that is kept."},
        "head": {**_COUNT, "description": "The space's revision."},
        "outcome_unknown": {"type": "boolean"},
        "replayed": {"type": "boolean", "description": "It was refused before, by this op_id."},
        "retry_after": {**_COUNT, "description": "Seconds."},
    }
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result
