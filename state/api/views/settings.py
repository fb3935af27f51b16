"""Settings of a state: policy, owners, schema, resolution …; and whether it is frozen."""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from state import conflicts
from state.api import schema
from state.api.base import REVISION, StateView
from state.api.bodies import BasedRequest, ConfigRequest
from state.api.queries import Query
from state.values import SETTINGS


class SettingsView(StateView):
    def configured(
        self, state_id: str, changes: dict[str, Any], given: BasedRequest | ConfigRequest
    ) -> Response:
        """The changes, made."""
        Query(self.request)
        result = self.manager.configure(
            self.caller,
            state_id,
            changes,
            base=self.base(state_id, given.base_version),
            op_id=self.op_id(given.op_id),
        )
        return self.answer(result)


class ConfigView(SettingsView):
    @schema.described(
        "get_state_config",
        schema.ETAG,
        schema.REVISION,
        answer=schema.thing(
            id={"type": "string"},
            version=schema.VERSION,
            etag={"type": "string"},
            settings=schema.ref("StateSettings"),
        ),
    )
    def get(self, request: Request, space: str, state_id: str) -> Response:
        """The state's settings."""
        Query(request)
        state = self.manager.get_state(self.caller, state_id)
        etag = conflicts.etag(state)
        settings: dict[str, Any] = {name: getattr(state, name) for name in SETTINGS}
        body = {"id": state.id, "version": state.version, "etag": etag, "settings": settings}
        headers = {"ETag": etag, REVISION: str(state.revision)}
        return Response(msgspec.to_builtins(body), headers=headers)

    @schema.writing("change_state_config", request=ConfigRequest)
    def patch(self, request: Request, space: str, state_id: str) -> Response:
        """Change settings: a new version with the same data. Needs the right `admin`."""
        given = self.given(ConfigRequest)
        return self.configured(state_id, given.settings(), given)


class FreezeView(SettingsView):
    @schema.writing("freeze_state", request=BasedRequest)
    def post(self, request: Request, space: str, state_id: str) -> Response:
        """Allow no more writes of data. Needs the right `admin`."""
        return self.configured(state_id, {"frozen": True}, self.given(BasedRequest))


class UnfreezeView(SettingsView):
    @schema.writing("unfreeze_state", request=BasedRequest)
    def post(self, request: Request, space: str, state_id: str) -> Response:
        """Allow writes of data again. Needs the right `admin`."""
        return self.configured(state_id, {"frozen": False}, self.given(BasedRequest))
