"""Who is meant by a message: `@agent`, `@role:worker`, `@tag:python`, `@all`. Pure.

Only whoever is meant wakes; the others are aware of the message and stay quiet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from groups.execution.plan import Assignable

#: Not within a word or an address (`mail@example.com`), nor in code.
_MENTION: Final = re.compile(
    r"(?<![\w@./`])@(?:(?P<what>role|tag):)?(?P<name>[^\s@:,;!?()\[\]{}<>\"'`*，。；：！？、（）]{1,130})"
)
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
ALL: Final = "all"


def mentioned(text: str, members: Sequence[Assignable], *, sender: str = "") -> list[str]:
    """Ids of the members that the text addresses, in the order of the members and without its sender.

    An id is matched whole, in any case; a full stop that ends the sentence is no part of it. What names nobody is
    text.
    """
    found: set[str] = set()
    for match in _MENTION.finditer(_CODE.sub(" ", text)):
        name = match["name"]
        # Ids may have full stops in them, so the longest that names somebody counts.
        while name and not (meant := _meant(match["what"] or "", name, members)):
            name = name[:-1] if name[-1] in ".-_" else ""
        if name:
            found |= meant
    return [member.agent_id for member in members if member.agent_id in found - {sender}]


def _meant(what: str, name: str, members: Sequence[Assignable]) -> set[str]:
    word = name.casefold()
    if what == "role":
        return {m.agent_id for m in members if m.role == word}
    if what == "tag":
        return {m.agent_id for m in members if word in (tag.casefold() for tag in m.tags)}
    if word == ALL:
        return {m.agent_id for m in members}
    return {m.agent_id for m in members if m.agent_id.casefold() == word}
