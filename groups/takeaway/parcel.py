"""The forms in which a run is taken away, each as a file that is made while it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from django.utils import translation
from django.utils.translation import get_language

from groups.models import Run
from groups.takeaway import as_html, as_json, as_markdown
from groups.takeaway.gather import gather
from groups.takeaway.record import Taken
from state.errors import Invalid


class Form(NamedTuple):
    """How a form is made and what it is called."""

    render: Callable[[Taken], Iterator[str]]
    extension: str
    content_type: str


FORMS: Final[dict[str, Form]] = {
    "html": Form(as_html.render, "html", "text/html; charset=utf-8"),
    "markdown": Form(as_markdown.render, "md", "text/markdown; charset=utf-8"),
    "json": Form(as_json.render, "json", "application/json"),
}


class Parcel(NamedTuple):
    """A file on its way."""

    pieces: Iterator[bytes]
    filename: str
    content_type: str


def take(run: Run, form: str) -> Parcel:
    """The run in that form, in the language that is active now. Raises Invalid, RunNotFound.

    The run is read here, its log while the pieces are taken: as it stood here, whatever happens to it meanwhile.
    """
    chosen = FORMS.get(form)
    if chosen is None:
        raise Invalid(fields={"as": ["Choose 'html', 'markdown' or 'json'."]})
    taken = gather(run)
    pieces = _spoken(chosen.render(taken), get_language() or "en")
    name = f"{run.group_id}-{run.created_at:%Y%m%d-%H%M}-{str(run.id)[-6:]}.{chosen.extension}"
    return Parcel(pieces, name, chosen.content_type)


def _spoken(pieces: Iterator[str], language: str) -> Iterator[bytes]:
    """Each piece made in that language: by the time they are, the request's is another's."""
    while True:
        with translation.override(language):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece.encode()
