"""States: listing and making them; reading, replacing, patching and removing one."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import msgspec
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from state import conflicts, jsonvalue, patching
from state.api import bodies, schema
from state.api.answers import shown
from state.api.base import REVISION, StateView
from state.api.parsers import JSON_PATCH, MERGE_PATCH, JsonBody, JsonPatchBody, MergePatchBody
from state.api.patches import JsonPatch
from state.api.preconditions import check_read, is_known, must_create, refuse_if_match
from state.api.queries import Query
from state.errors import Invalid, NotFound, StarsError
from state.manager.reading import blame
from state.policy import canonical
from state.refusals import Stale, StateExists
from state.values import ConsistencyLevel, Filters, SharedState, StateType, SyncStatus

#: A client may keep what it read, and asks each time whether it still holds.
CACHING: Final = "private, no-cache"


class NothingThere(NotFound):
    """There is nothing at this path of the document."""


class StatesView(StateView):
    @schema.described(
        "list_states",
        *schema.FILTERS,
        schema.REVISION,
        answer=schema.page(schema.ref(SharedState), revision={"type": "integer"}),
        refuses=(400, 404, 503),
    )
    def get(self, request: Request, space: str) -> Response:
        """The states that you may read, by id; all of a page as of `revision`.

        `next` is null when there are no more. Without `data=true` the documents are left out.
        """
        single = ("type", "sync_status", "updated_since", "prefix", "text", "deleted")
        query = Query(request, *single, "data", "limit", "continue", many=("owner", "tag"))
        filters = Filters(
            type=query.choice("type", StateType),
            owners=tuple(name for text in query.texts("owner") for name in _names(text)),
            tags=query.texts("tag"),
            sync_status=query.choice("sync_status", SyncStatus),
            updated_since=query.moment("updated_since"),
            prefix=query.text("prefix") or "",
            text=query.text("text") or "",
            deleted=query.flag("deleted"),
        )
        with_data = query.flag("data")
        page = self.manager.list_states(
            self.caller,
            filters,
            limit=query.limit(100, self.manager.limits.entries_per_page),
            after=query.position(),
            with_data=with_data,
        )
        body = {
            "results": [shown(each, with_data=with_data) for each in page.states],
            "revision": page.revision,
            "next": query.following(page.next),
        }
        return Response(body, headers={REVISION: str(page.revision)})

    @schema.writing(
        "create_state",
        schema.ETAG,
        schema.REVISION,
        schema.location(201),
        request=bodies.StateNewRequest,
        status=(201,),
        on_state=False,
    )
    def post(self, request: Request, space: str) -> Response:
        """Make a state. You become one of its owners. `409 exists` when there is one by that id."""
        Query(request)
        refuse_if_match(request)
        must_create(request)  # which is what this does, asked or not
        given = self.given(bodies.StateNewRequest)
        settings = given.settings()
        result = self.manager.create_state(
            self.caller,
            given.id,
            settings.pop("name", ""),
            given.type,
            settings.pop("owners", ()),
            data=given.data,
            op_id=self.op_id(given.op_id),
            **settings,
        )
        return self.answer(result, status=201)


class StateDetailView(StateView):
    parser_classes = (JsonBody, JsonPatchBody, MergePatchBody)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Says which patches are understood (RFC 5789, 3.1)."""
        return {**super().default_response_headers, "Accept-Patch": f"{JSON_PATCH}, {MERGE_PATCH}"}

    @schema.described(
        "get_state",
        *schema.READING,
        schema.header("If-None-Match", "The entity tag that you have; 304 if it still holds."),
        schema.IF_MATCH,
        schema.ETAG,
        schema.REVISION,
        answer={
            "anyOf": [
                schema.ref(SharedState),
                schema.thing(
                    id={"type": "string"},
                    uid={"type": "string"},
                    version=schema.VERSION,
                    revision={"type": "integer"},
                    etag={"type": "string"},
                    path={"type": "string"},
                    value={},
                ),
            ]
        },
        status=(200, 304),
        refuses=(400, 404, 409, 410, 412, 503),
    )
    def get(self, request: Request, space: str, state_id: str) -> Response:
        """One state, as it stands or as of an older version; or what stands at one path of it."""
        query = Query(request, "version", "path", "min_revision", "consistency", "blame")
        version, path = query.number("version"), query.text("path")
        query.choice("consistency", ConsistencyLevel)
        with_blame = query.flag("blame")
        if with_blame and version is not None:
            raise Invalid(fields={"blame": ["Only of the present version."]})
        tokens = None if path is None else _tokens(path)
        state = self.manager.get_state(
            self.caller,
            state_id,
            version=version,
            min_revision=query.number("min_revision", least=0),
            with_status=version is None and tokens is None,
        )
        check_read(request, state)
        etag = conflicts.etag(state)
        headers = {"ETag": etag, REVISION: str(state.revision), "Cache-Control": CACHING}
        if is_known(request, state):
            return Response(status=304, headers=headers)
        if with_blame:
            found = blame(self.manager.store, state)
            state = msgspec.structs.replace(state, blame=found)
        body = shown(state) if tokens is None else _part(state, tokens)
        return Response(body, headers=headers)

    @schema.writing(
        "replace_state",
        schema.header("If-None-Match", "`*`: make the state, if there is none."),
        schema.location(201, 202),
        request={"application/json": {"type": "object"}},
        status=(200, 201, 202),
    )
    def put(self, request: Request, space: str, state_id: str) -> Response:
        """Put another document in the place of the whole one; with `If-None-Match: *`, make the state with it."""
        self._accept("application/json")
        if must_create(request):
            return self._create(state_id)
        ops = patching.from_put(self.body)
        result = self.manager.update_state(
            self.caller, state_id, ops, base=self.base(state_id), op_id=self.op_id()
        )
        return self.answer(result)

    @schema.writing(
        "patch_state",
        request={
            JSON_PATCH: {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["op", "path"],
                    "properties": {
                        "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
                        "path": {"type": "string"},
                        "from": {"type": "string"},
                        "value": {},
                    },
                },
            },
            MERGE_PATCH: {"type": "object"},
        },
        status=(200, 202),
    )
    def patch(self, request: Request, space: str, state_id: str) -> Response:
        """Change the document by a JSON Patch (RFC 6902; a failing `test` is a conflict) or a JSON Merge Patch
        (RFC 7386)."""
        if self._accept(JSON_PATCH, MERGE_PATCH) == MERGE_PATCH:
            ops = patching.from_merge_patch(self.body)
            result = self.manager.update_state(
                self.caller, state_id, ops, base=self.base(state_id), op_id=self.op_id()
            )
        else:
            patch = JsonPatch(self.manager, self.caller, state_id, self.body)
            result = patch.carry_out(self.base(state_id), self.op_id())
        return self.answer(result)

    @schema.writing("delete_state", request=None)
    def delete(self, request: Request, space: str, state_id: str) -> Response:
        """Remove the state. Its version goes on, should it be made again."""
        Query(request)
        result = self.manager.delete_state(
            self.caller, state_id, base=self.base(state_id), op_id=self.op_id()
        )
        return self.answer(result)

    def _create(self, state_id: str) -> Response:
        document = self.body
        patching.from_put(document)
        try:
            result = self.manager.create_state(
                self.caller, state_id, data=document, op_id=self.op_id()
            )
        except StarsError as error:
            if error.reason != StateExists.reason:
                raise
            # The precondition stood in a header.
            raise Stale(error.message, extra=error.extra) from None
        return self.answer(result, status=201)

    def _accept(self, *kinds: str) -> str:
        """The body's media type, if it is one of these. Raises UnsupportedMediaType; no query is known either."""
        Query(self.request)
        given = (self.request.content_type or "").partition(";")[0].strip().lower()
        if given not in kinds:
            _refuse(given, kinds)
        return given


def _names(owner: str) -> set[str]:
    """An owner as it may be written: a bare word is an agent."""
    return {owner, canonical(owner), owner.removeprefix("agent:")}


def _refuse(given: str, kinds: tuple[str, ...]) -> NoReturn:
    wanted = " or ".join(kinds)
    raise UnsupportedMediaType(given, f"Not {given or 'nothing'}: send this as {wanted}.")


def _tokens(path: str) -> tuple[str, ...]:
    try:
        return jsonvalue.parse(jsonvalue.seed_key(path))
    except Invalid as error:
        raise Invalid(fields={"path": [error.message]}) from None


def _part(state: SharedState, tokens: tuple[str, ...]) -> dict[str, Any]:
    value = jsonvalue.follow(state.data, tokens)
    path = jsonvalue.pointer(tokens)
    if value is jsonvalue.MISSING:
        raise NothingThere(fields={"path": [f"There is nothing at “{path}”."]})
    return {
        "id": state.id,
        "uid": state.uid,
        "version": state.version,
        "revision": state.revision,
        "etag": conflicts.etag(state),
        "path": path,
        "value": value,
    }
