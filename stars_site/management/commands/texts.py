"""`manage.py texts`: bring the catalogs in `locale/` up to date with the code and compile them, without GNU gettext.

For development: it needs Babel. Translations are kept by their English text; new ones are left empty and listed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils.translation.template import templatize

from groups import errors
from groups.agents.builtin import SKILLS
from groups.agents.registry import WORDS
from groups.execution.modes import MODES
from state import refusals
from state.errors import StarsError
from state.sync import filters, tokens
from state.sync import refusals as sync_refusals
from state.sync.webhooks import addresses

ROOT: Final = Path(settings.BASE_DIR)
CATALOGS: Final = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES"
#: Functions that mark a text, and which of their arguments are texts (None: the first).
KEYWORDS: Final[dict[str, Any]] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
#: Where errors are that pages show; what only sockets say, they say in English.
REFUSALS: Final = frozenset(
    each.__name__ for each in (errors, refusals, sync_refusals, filters, tokens, addresses)
) | {StarsError.__module__}
#: Domain -> the folders it is drawn from, the files in them, and Babel's method of reading those.
SOURCES: Final = {
    "django": [
        ("groups", "**/*.py", "python"),
        ("stars_site", "**/*.py", "python"),
        ("templates", "**/*.html", "template"),
    ],
    "djangojs": [("static/js", "**/*.js", "javascript")],
}


class Command(BaseCommand):
    """Extract, update, compile."""

    help = "Update and compile the catalogs in locale/ (development only; needs Babel)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write .po and .mo of both domains. Raises CommandError while a text lacks its translation."""
        missing = []
        for domain in SOURCES:
            catalog = updated(domain)
            path = CATALOGS / f"{domain}.po"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                write_po(file, catalog, width=100, include_lineno=False)
            path.with_suffix(".mo").write_bytes(compiled(catalog))
            missing += [f"{domain}: {m.id}" for m in catalog if not is_translated(m)]
        if missing:
            raise CommandError("\n".join(["Still to be translated:", *missing]))


def texts(domain: str) -> Iterator[tuple[str, str | tuple[str, ...], str | None]]:
    """Every marked text of the code: the file it stands in, its id (one, or singular and plural), its context."""
    for folder, names, method in SOURCES[domain]:
        for path in sorted((ROOT / folder).glob(names)):
            source = path.read_text()
            if method == "template":
                # Django turns a template into calls of gettext between blanked-out text; Python's tokenizer
                # reads them once the indentation, which means nothing there, is gone.
                source = re.sub(r"^\s+", "", templatize(source), flags=re.MULTILINE)
            file = io.BytesIO(source.encode())
            reader = "python" if method == "template" else method
            found = extract(reader, file, KEYWORDS, options={"parse_template_string": True})
            for _line, message, _comments, context in found:
                text = tuple(message) if isinstance(message, list | tuple) else message
                yield path.relative_to(ROOT).as_posix(), text, context
    if domain == "django":
        # Code without Django cannot mark its texts; pages translate them where they show them.
        yield from (("groups/errors.py", text, None) for text in _sentences_of(StarsError))
        yield from (("groups/agents/builtin/script.py", text, None) for text in SKILLS.values())
        kinds = (text for words in WORDS.values() for text in words)
        yield from (("groups/agents/registry.py", text, None) for text in kinds)
        modes = (text for mode in MODES.values() for text in (mode.words, mode.about))
        yield from (("groups/execution/modes", text, None) for text in modes)


def _sentences_of(family: type[StarsError]) -> Iterator[str]:
    """The sentences that the errors of groups and of states and their families say by themselves."""
    if family.__module__ in REFUSALS:
        yield family().message
    for error in family.__subclasses__():
        yield from _sentences_of(error)


def kept(domain: str) -> Catalog:
    """The catalog as it stands in the repository; empty when there is none yet."""
    path = CATALOGS / f"{domain}.po"
    if not path.exists():
        return Catalog(locale="zh_Hans", domain=domain)
    with path.open("rb") as file:
        return read_po(file, locale="zh_Hans", domain=domain)


def updated(domain: str) -> Catalog:
    """A catalog with exactly the texts of the code, and the translations that are kept for them."""
    old = kept(domain)
    new = Catalog(
        locale="zh_Hans",
        domain=domain,
        project="Stars",
        version="1",
        header_comment="# Simplified Chinese texts of Stars; `make messages` updates and compiles them.",
        creation_date=old.creation_date,
        revision_date=old.creation_date,
        msgid_bugs_address="-",
        last_translator="Stars",
        language_team="zh_Hans",
        fuzzy=False,
    )
    for file, text, context in texts(domain):
        known = old.get(text, context=context)
        empty = "" if isinstance(text, str) else ("",)
        new.add(text, known.string if known else empty, locations=[(file, 0)], context=context)
    return new


def compiled(catalog: Catalog) -> bytes:
    """The catalog as gettext reads it (.mo)."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def is_translated(message: Message) -> bool:
    """Whether the text has its translation, in every number that the language knows."""
    string = message.string or ""
    return bool(string) if isinstance(string, str) else all(string)
