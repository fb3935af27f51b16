"""What a tool is: its name, what it takes, what its caller must be allowed, and what it does. Knows no protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec

from groups.identity import Identity, must_have
from groups.models import Scope
from state.errors import Invalid, StarsError

Json: TypeAlias = dict[str, Any]
Act: TypeAlias = Callable[[Identity, Any], Awaitable[Json]]
ActT = TypeVar("ActT", bound=Act)


class Arguments(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a tool takes; a subclass per tool."""


#: As tools say what their arguments are.
GroupId: TypeAlias = Annotated[str, msgspec.Meta(description="A group's id; list_groups has them.")]
RunId: TypeAlias = Annotated[str, msgspec.Meta(description="A run's id, as start_run gave it.")]


class ArgumentsInvalid(Invalid):
    """The tool's arguments cannot be used."""

    reason = "malformed"


@dataclass(frozen=True)
class Tool:
    """One tool."""

    name: str
    description: str
    takes: type[Arguments]
    scope: Scope
    act: Act

    @property
    def reads_only(self) -> bool:
        """Whether it changes nothing."""
        return self.scope is Scope.READ

    @property
    def schema(self) -> Json:
        """The JSON Schema of its arguments."""
        _, components = msgspec.json.schema_components([self.takes])
        described = components[self.takes.__name__]
        # Neither the name of our class nor its docstring is anything to a model.
        return {name: value for name, value in described.items() if name in _KEPT}

    async def call(self, who: Identity, arguments: Json) -> Json:
        """Do it for that caller. Raises ArgumentsInvalid, ScopeMissing, and what services refuse."""
        must_have(who.user, self.scope)
        try:
            given = msgspec.convert(arguments, self.takes)
        except msgspec.ValidationError as error:
            raise ArgumentsInvalid(f"The arguments cannot be used: {error}") from None
        return await self.act(who, given)


_KEPT: Final = frozenset({"type", "properties", "required", "additionalProperties"})
#: By name.
TOOLS: Final[dict[str, Tool]] = {}


def tool(takes: type[Arguments], scope: Scope) -> Callable[[ActT], ActT]:
    """Make a tool of a coroutine function: its name is the tool's, its docstring what models read of it."""

    def register(act: ActT) -> ActT:
        description = " ".join((act.__doc__ or "").split())
        TOOLS[act.__name__] = Tool(act.__name__, description, takes, scope, act)
        return act

    return register


def in_words(error: StarsError) -> str:
    """A refusal as a model reads it: what was wrong, where, and what scripts would be told."""
    lines = [error.message]
    lines += [f"{name}: {' '.join(texts)}" for name, texts in error.fields.items()]
    if error.extra:
        lines.append(msgspec.json.encode(error.extra).decode())
    return "\n".join(lines)
