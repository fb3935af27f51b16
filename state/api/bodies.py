"""The bodies of requests; what is not known in them is refused by its name, so that a typing error writes nothing."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from state.errors import Invalid
from state.manager import Answer, Compare
from state.manager.settings import Settings
from state.merge import Pick
from state.values import (
    SETTINGS,
    AccessPolicy,
    ConflictResolution,
    Json,
    Operation,
    OperationType,
    StateType,
)

T = TypeVar("T")

Version = Annotated[int, Meta(ge=1, description="A version of the state, at least 1.")]
OpId = Annotated[str, Meta(description="As the header `Idempotency-Key`: chosen by you.")]


class PolicyRequest(
    AccessPolicy, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=None
):
    """Who may do what, as principals: agent:<id>, role:<leader or worker>, tag:<t>, human:<name>, *."""


class OperationRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One operation. A `cas` has exactly one of `expect`, `expect_absent` and `expect_version`."""

    op: OperationType
    path: Annotated[str, Meta(description='A JSON Pointer (RFC 6901); "" is the whole document.')]
    value: Json | UnsetType = UNSET
    expect: Json | UnsetType = UNSET
    expect_absent: bool = False
    expect_version: Version | None = None

    def operation(self) -> Operation:
        """As the manager takes it."""
        return Operation(
            self.op, self.path, self.value, self.expect, self.expect_absent, self.expect_version
        )


class TransactionOperationRequest(
    OperationRequest, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """One operation of a transaction, with the id of its state."""

    state: str


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every write can say."""

    op_id: OpId = ""


class BasedRequest(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A write on one state."""

    #: As `If-Match`, but answered with 409 and merged where the state allows it.
    base_version: Version | None = None


class SettingsRequest(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a state; what is left out stays as it is."""

    access_policy: PolicyRequest | UnsetType = UNSET
    op_id: OpId = ""

    def settings(self) -> dict[str, Any]:
        """Those that are given."""
        found = {name: getattr(self, name) for name in SETTINGS}
        return {name: value for name, value in found.items() if value is not UNSET}


class ConfigRequest(SettingsRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of settings."""

    base_version: Version | None = None


class StateNewRequest(SettingsRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new state; its creator is one of its owners."""

    id: str
    type: StateType | None = None
    data: dict[str, Json] = msgspec.field(default_factory=dict)


class OperationsRequest(BasedRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Operations on one state, all or none: either `ops`, or `updates` with one value per key."""

    ops: tuple[OperationRequest, ...] | UnsetType = UNSET
    updates: dict[str, Json] | UnsetType = UNSET
    #: Paths that the write is based on, or "auto" for the whole document.
    reads: tuple[str, ...] | Literal["auto"] | None = None
    read_mode: Literal["value", "version"] = "value"
    #: op_ids of your own earlier writes whose answers you have not seen.
    after: tuple[str, ...] = ()
    resolution: ConflictResolution | None = None
    #: A note that is kept with the change.
    metadata: dict[str, Json] = {}

    def changes(self) -> dict[str, Json] | list[Operation]:
        """As the manager takes them. Raises Invalid unless exactly one form is given."""
        if (self.ops is UNSET) is (self.updates is UNSET):
            raise Invalid(fields={"ops": ["Give either ops or updates."]})
        if isinstance(self.updates, dict):
            return self.updates
        return [each.operation() for each in self.ops or ()]


class RestoreRequest(BasedRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version shall be the present one again."""

    version: Version


class CompareRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold of a state: it has this `version`, or it is `absent`."""

    state: str
    version: Version | None = None
    absent: bool = False


class TransactionRequest(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Operations on several states of the space at one revision, if everything compared holds."""

    compare: tuple[CompareRequest, ...] = ()
    ops: tuple[TransactionOperationRequest, ...] = ()
    metadata: dict[str, Json] = {}

    def compares(self) -> list[Compare]:
        """As the manager takes them. Raises Invalid."""
        found: dict[str, Compare] = {}
        faults = {}
        for number, each in enumerate(self.compare):
            if (each.version is None) is not each.absent:
                faults[f"compare[{number}]"] = ["Give either version or absent: true."]
            elif each.state in found:
                faults[f"compare[{number}].state"] = ["This state is compared already."]
            found[each.state] = Compare(each.state, each.version or 0)
        if faults:
            raise Invalid(fields=faults)
        return list(found.values())

    def operations(self) -> dict[str, list[Operation]]:
        """By state, in their order."""
        found: dict[str, list[Operation]] = {}
        for each in self.ops:
            found.setdefault(each.state, []).append(each.operation())
        return found


class ResolveRequest(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a conflict is settled: exactly one of `value`, `ops`, `picks` (with `values` or without) and `dismiss`."""

    value: dict[str, Json] | None = None
    ops: tuple[OperationRequest, ...] = ()
    #: Conflicting path to whose value shall stand there.
    picks: dict[str, Pick] | None = None
    #: Conflicting path to a value that shall stand there instead of any of the three.
    values: dict[str, Json] | None = None
    dismiss: bool = False
    #: The version of the state that the answer was made for; only a dismissal needs none.
    expected_head: Version | None = None

    def answer(self) -> Answer:
        """As the manager takes it. Raises Invalid."""
        if self.expected_head is None and not self.dismiss:
            text = "Say which version of the state you have seen (present_version of the conflict)."
            raise Invalid(text, fields={"expected_head": [text]})
        ops = tuple(each.operation() for each in self.ops)
        return Answer(
            value=self.value,
            ops=ops,
            picks=self.picks,
            values=self.values,
            dismiss=self.dismiss,
        )


_AT: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_NAMED: Final = re.compile(r"Object (?:contains unknown|missing required) field `(.+?)`")


def read(data: Any, kind: type[T]) -> T:
    """The body as `kind`. Raises Invalid naming the field at fault, like `ops[2].path`."""
    if not isinstance(data, dict):
        raise Invalid("The body is a JSON object.")
    known = {each.encode_name for each in msgspec.structs.fields(kind)}  # type: ignore[arg-type]
    if unknown := [name for name in data if name not in known]:
        raise Invalid(fields={name: ["There is no such field here."] for name in unknown})
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise Invalid(fields=_faults(str(error))) from None


def _faults(text: str) -> dict[str, list[str]]:
    at = _AT.search(text)
    where = at[1] if at else ""
    if at:
        text = text[: at.start()]
    if named := _NAMED.fullmatch(text):
        where = f"{where}.{named[1]}" if where else named[1]
        unknown = "unknown" in text
        text = "There is no such field here" if unknown else "This field is required"
    return {where: [f"{text}."]}
