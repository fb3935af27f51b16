"""The OpenAPI document: problems on every operation, and the event catalogue as schemas."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

from groups.api.errors import MEDIA_TYPE
from groups.api.serializers.problems import ProblemSerializer
from groups.events import CATALOGUE
from groups.execution.statuses import RunStatus, SubtaskStatus
from groups.roster import Health

#: What the parts of addresses mean.
PATH_PARAMETERS: Final = {
    "agent_id": "The agent's id, as it was registered.",
    "group_id": "The group's id.",
    "run_id": "The run's id (UUID).",
    "subtask_id": "The subtask's id (UUID) or its key in the plan.",
    "credential_id": "The credential's id (UUID).",
    "attachment_id": "The attachment's id (UUID).",
    "template_id": "The template's id (UUID).",
    "username": "The user's name.",
    "space": "The space's id: a group's, or `_global`.",
    "state_id": "The state's id, which may hold slashes.",
    "op_id": "The operation's id, as its author chose it (`Idempotency-Key`).",
    "conflict_id": "The conflict's id (UUID).",
    "connection_id": "The connection's id, as its session has it.",
    "task_id": "The sync task's id (UUID).",
    "token_id": "The API token's id.",
    "name": "The name of the MCP server.",
    "token": "The secret part of the address that the request named (`callback.url`).",
}

#: Named in SPECTACULAR_SETTINGS, since other things stand in fields called `status` and `health`, too.
RUN_STATUSES: Final = [status.value for status in RunStatus]
SUBTASK_STATUSES: Final = [status.value for status in SubtaskStatus]
AGENT_HEALTHS: Final = [health.value for health in Health]

EVENT_REF: Final = {"$ref": "#/components/schemas/Event"}
EVENT_PAGE: Final = {
    "type": "object",
    "required": ["results", "next"],
    "properties": {
        "results": {"type": "array", "items": EVENT_REF},
        "next": {
            "type": ["string", "null"],
            "format": "uri",
            "description": "Where the log goes on; null when this is all there is by now.",
        },
    },
}


def problems(*codes: int) -> dict[Any, Any]:
    """Responses for `extend_schema`: beside those of StarsSchema, these statuses come as problems."""
    return {(code, MEDIA_TYPE): _PROBLEM[code] for code in codes}


_PROBLEM: Final = {
    code: OpenApiResponse(ProblemSerializer, description=text)
    for code, text in {
        400: "What was sent is not valid; `errors` names the fields.",
        401: "Not signed in.",
        403: "Not allowed: your level is too low, or the CSRF token is missing.",
        404: "There is nothing by that name that you may see.",
        409: "It cannot be done in the present state.",
        410: "Too late: it has expired.",
        413: "What was sent is larger than allowed.",
        429: "Too many tries; `Retry-After` says when to come back.",
    }.items()
}


class StarsSchema(AutoSchema):
    """Adds to each operation the problems that its kind can always answer with."""

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        responses = super()._get_response_bodies(direction)
        codes = set()
        if {} not in self.get_auth():
            codes |= {401} if self.method == "GET" else {401, 403}
        if "{" in self.path:
            codes |= {404}
        if self._get_request_body() or self._is_list_view():  # type: ignore[no-untyped-call]
            codes |= {400}
        for code in sorted(codes - {int(known) for known in responses}):
            responses[str(code)] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                _PROBLEM[code], str(code), [MEDIA_TYPE], direction
            )
        return dict(sorted(responses.items()))

    def _resolve_path_parameters(self, variables: Any) -> Any:
        parameters = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for parameter in parameters:
            parameter["description"] = PATH_PARAMETERS[parameter["name"]]
        return parameters


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a token is sent."""

    target_class = "groups.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """An API key in a header, since OpenAPI has no scheme named Token."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Bearer …` or `Token …`, from `POST /api/v1/auth/token/` or `/auth/tokens/`.",
        }


def add_events(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Postprocessing hook: `Event` as one of the catalogue's types, each with its typed data."""
    kinds = list(CATALOGUE.values())
    _, shapes = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}Data"
    )
    schemas = result["components"]["schemas"]
    for name, data in shapes.items():
        schemas[f"{name}Data"] = data
    for kind in kinds:
        schemas[f"{kind.__name__}Event"] = {
            "type": "object",
            "required": ["seq", "type", "at", "agent_id", "subtask", "data"],
            "properties": {
                "seq": {"type": "integer", "minimum": 1, "description": "Gap-free within the run."},
                "type": {"type": "string", "const": kind.TYPE},
                "at": {"type": "string", "format": "date-time"},
                "agent_id": {"type": ["string", "null"]},
                "subtask": {"type": ["string", "null"], "format": "uuid"},
                "data": {"$ref": f"#/components/schemas/{kind.__name__}Data"},
            },
        }
    refs = {kind.TYPE: f"#/components/schemas/{kind.__name__}Event" for kind in kinds}
    schemas["Event"] = {
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "type", "mapping": refs},
        "description": "A fact in a run's log.",
    }
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    # The stream is asynchronous and therefore no view of DRF; its twin says the rest.
    page = result["paths"]["/api/v1/runs/{run_id}/events/"]["get"]
    refusals = {code: page["responses"][code] for code in ("400", "401", "404")}
    done = {"description": "The run has ended and there is nothing after `after`."}
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    stream = {
        **page,
        "operationId": "follow_events",
        "description": "Follow the log as server-sent events: `id` is the `seq`, `data` an Event. "
        "Goes on after `Last-Event-ID`, else `after`; ends when the run has ended.",
        "parameters": [item for item in page["parameters"] if item["name"] != "limit"],
        "responses": {"200": {"content": content, "description": ""}, "204": done, **refusals},
    }
    result["paths"]["/api/v1/runs/{run_id}/events/stream"] = {"get": stream}
    return result
