"""What was searched for, marked where it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def marked(text: str, words: Sequence[str]) -> SafeString:
    """The text with every occurrence of the words in <mark>, everything escaped."""
    wanted = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    pieces = re.split(f"({wanted})", str(text), flags=re.IGNORECASE) if wanted else [str(text)]
    # Every second piece is what was split by.
    tags = [("<mark>", "</mark>") if number % 2 else ("", "") for number in range(len(pieces))]
    return format_html_join(
        "",
        "{}{}{}",
        ((SafeString(a), piece, SafeString(b)) for (a, b), piece in zip(tags, pieces, strict=True)),
    )
