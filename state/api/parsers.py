"""Reading bodies: strict JSON of bounded size and depth, under the media types that states understand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework.parsers import BaseParser

from state import conf, jsonvalue

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
#: Levels of a request around the documents in it.
ENVELOPE: Final = 8


class JsonBody(BaseParser):
    """JSON as `state.jsonvalue` means it: no key twice, no NaN, nothing that a store could not keep."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value. Raises DocumentTooLarge, Malformed, DuplicateKey, JsonDomain."""
        limits = conf.manager().limits
        raw = stream.read(limits.request_bytes + 1)
        depth = limits.document_depth + ENVELOPE
        return jsonvalue.loads(raw, max_bytes=limits.request_bytes, max_depth=depth)


class JsonPatchBody(JsonBody):
    """RFC 6902."""

    media_type = JSON_PATCH


class MergePatchBody(JsonBody):
    """RFC 7386."""

    media_type = MERGE_PATCH
