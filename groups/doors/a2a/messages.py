"""What a client sends, in the shapes of A2A 1.0 (ProtoJSON), and what a run is made of from it."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final, TypeVar

import msgspec
from django.core.files.uploadedfile import SimpleUploadedFile
from msgspec import UNSET, UnsetType

from groups.doors.a2a.errors import ContentTypeNotSupported, InvalidParams
from groups.services.attachments import MEDIA_TYPES

T = TypeVar("T")
#: Longest id of a message, and of a context (which is a run's `conversation`).
MAX_ID: Final = 128
_EXTENSIONS: Final = {media_type: ext for ext, media_type in reversed(MEDIA_TYPES.items())}


class Shape(msgspec.Struct, rename="camel", kw_only=True):
    """A message of the protocol; fields that are not named are passed over, as it demands."""


class Part(Shape):
    text: str | None = None
    #: Base64.
    raw: str | None = None
    url: str | None = None
    data: Any | UnsetType = UNSET
    filename: str = ""
    media_type: str = ""


class Message(Shape):
    message_id: str
    parts: list[Part]
    context_id: str = ""
    task_id: str = ""
    metadata: dict[str, Any] = {}


class Configuration(Shape):
    history_length: int | None = None
    return_immediately: bool = False
    task_push_notification_config: dict[str, Any] | None = None


class SendMessage(Shape):
    message: Message
    configuration: Configuration = msgspec.field(default_factory=Configuration)


class TaskId(Shape):
    """Of GetTask, CancelTask and SubscribeToTask."""

    id: str
    history_length: int | None = None


class ListTasks(Shape):
    context_id: str = ""
    status: str = ""
    page_size: int = 50
    page_token: str = ""
    history_length: int = 0
    status_timestamp_after: str = ""
    include_artifacts: bool = False


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What `metadata.stars` of a message may say about the run; left out, the server's defaults."""

    mode: str = "leader_worker"
    approve_plan: bool = False
    time_limit: float | None = None
    max_tokens: int | None = None
    max_cost_usd: float | None = None


def read(params: object, kind: type[T], *, strict: bool = True) -> T:
    """The parameters as `kind`; not `strict`: numbers and booleans may be text, as in a query. Raises InvalidParams."""
    try:
        return msgspec.convert(params, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise InvalidParams(f"The parameters cannot be used: {error}") from None


def checked(sent: SendMessage) -> SendMessage:
    """The same, if it can be made a task or an answer of. Raises InvalidParams."""
    message = sent.message
    if not message.message_id or len(message.message_id) > MAX_ID:
        raise InvalidParams(f"`messageId` must have 1 to {MAX_ID} characters.")
    if len(message.context_id) > MAX_ID:
        raise InvalidParams(f"`contextId` must have at most {MAX_ID} characters.")
    if not message.parts:
        raise InvalidParams("The message has no parts.")
    return sent


def text_of(message: Message) -> str:
    """What it says in words; data are written out as JSON."""
    said: list[str] = []
    for part in message.parts:
        if part.text is not None:
            said.append(part.text)
        elif part.data is not UNSET:
            said.append(f"```json\n{json.dumps(part.data, ensure_ascii=False, indent=1)}\n```")
    return "\n\n".join(said)


def data_of(message: Message) -> dict[str, Any]:
    """The members of all its data parts that are objects."""
    found: dict[str, Any] = {}
    for part in message.parts:
        if isinstance(part.data, dict):
            found |= part.data
    return found


def files_of(message: Message) -> list[SimpleUploadedFile]:
    """Its files. Raises ContentTypeNotSupported, InvalidParams."""
    files: list[SimpleUploadedFile] = []
    for part in message.parts:
        if part.url is not None:
            raise ContentTypeNotSupported("Stars fetches no files; send the file's bytes (`raw`).")
        if part.raw is None:
            continue
        name = part.filename
        if not name:
            extension = _EXTENSIONS.get(part.media_type.partition(";")[0].strip())
            if extension is None:
                raise ContentTypeNotSupported("A file needs a `filename` with an extension.")
            name = f"attachment-{len(files) + 1}.{extension}"
        files.append(SimpleUploadedFile(name, _bytes(part.raw), part.media_type))
    return files


def settings_of(message: Message) -> dict[str, Any]:
    """What `metadata.stars` says about the run, as arguments of `services.runs.start`. Raises InvalidParams."""
    given = message.metadata.get("stars", {})
    return msgspec.structs.asdict(read(given, Settings, strict=False))


def _bytes(text: str) -> bytes:
    """Base64 of either alphabet, padded or not (ProtoJSON)."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParams("`raw` must be Base64.") from None
