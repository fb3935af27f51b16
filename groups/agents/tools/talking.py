"""Tools that speak to members of the group and to people, and the calculator."""

from __future__ import annotations

from groups.agents.surroundings import NeedsPerson, ToolResult
from groups.agents.tools import calculator
from groups.agents.tools.base import Fault, Use, brief


async def send(use: Use) -> ToolResult:
    """A message to one member, or to all."""
    to, text = use.arguments.get("to", ""), use.arguments["text"]
    await use.world.settle()
    fresh = await use.world.send(to, text)
    whom = to or "everyone in the group"
    words = f"Sent to {whom}." if fresh else f"This was sent to {whom} before; not again."
    return ToolResult(text=words, summary=brief(f"to {whom}: {text}"))


async def ask(use: Use) -> ToolResult:
    """A person's words."""
    if use.answer is None:
        raise NeedsPerson(
            use.arguments["question"],
            options=tuple(use.arguments.get("options", ())),
            patience=use.grant.patience,
        )
    return ToolResult(text=f"The person answered: {use.answer}", summary=brief(use.answer))


async def calculate(use: Use) -> ToolResult:
    """The value of an expression."""
    try:
        value = calculator.calculate(use.arguments["expression"])
    except calculator.Incalculable as error:
        raise Fault(str(error)) from None
    return ToolResult(text=value, summary=brief(f"{use.arguments['expression']} = {value}"))
