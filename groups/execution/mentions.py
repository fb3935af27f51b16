"""Who is meant by a message: `@agent`, `@role:worker`, `@tag:python`, `@all`. Pure.

Only whoever is meant wakes; the others are aware of the message and stay quiet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from groups.execution.plan import Assignable

#: Not within an address (`mail@example.com`), nor in code; Chinese has no blanks between words.
_MENTION: Final = re.compile(
    r"(?<![A-Za-z0-9_@./`])@(?:(?P<what>role|tag):)?(?P<name>[^\s@:,;!?()\[\]{}<>\"'`*，。；：！？、（）]{1,130})"
)
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
ALL: Final = "all"


def mentioned(text: str, members: Sequence[Assignable], *, sender: str = "") -> list[str]:
    """Ids of the members that the text addresses, in the order of the members and without its sender.

    An id is matched whole, in any case; a full stop that ends the sentence is no part of it. What names nobody is
    text.
    """
    found: set[str] = set()
    for _said, meant in _found(text, members):
        found |= meant
    return [member.agent_id for member in members if member.agent_id in found - {sender}]


def strangers(text: str, members: Sequence[Assignable]) -> list[str]:
    """What the text says like addresses and names nobody, each once, as it is written."""
    return list(dict.fromkeys(said for said, meant in _found(text, members) if not meant))


def without(text: str) -> str:
    """The text without whom it addresses, for those who count its words."""
    return re.sub(r" {2,}", " ", _MENTION.sub(" ", text)).strip(" ,，:：")


def _found(text: str, members: Sequence[Assignable]) -> Iterator[tuple[str, set[str]]]:
    """Every mention as it is written, without the full stop that ends its sentence, and whom it means."""
    known = _names(members)
    for match in _MENTION.finditer(_CODE.sub(" ", text)):
        what, name = match["what"] or "", match["name"].casefold()
        # Ids may have full stops in them, so the longest that names somebody counts.
        while name and (what, name) not in known:
            name = name[:-1] if name[-1] in ".-_" else ""
        yield match[0].rstrip(".-_"), known[what, name] if name else set()


def _names(members: Sequence[Assignable]) -> dict[tuple[str, str], set[str]]:
    """Whom each name means, after "" (ids and ALL), "role" or "tag"; looked up once, for a text may have thousands."""
    known: dict[tuple[str, str], set[str]] = {}
    for member in members:
        tags = [("tag", tag.casefold()) for tag in member.tags]
        for key in (("", member.agent_id.casefold()), ("role", member.role), *tags):
            known.setdefault(key, set()).add(member.agent_id)
    known["", ALL] = {member.agent_id for member in members}
    return known
