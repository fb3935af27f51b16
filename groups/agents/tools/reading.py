"""The process behind `web.fetch`: a page's bytes from standard input, its text to standard output. Run as a program:
parsers and codecs take minutes for some pages of two megabytes, and a process can be ended."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from typing import Final

_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})


def main() -> None:
    """Read one page, of the media type and the charset that the arguments name."""
    media_type, charset = sys.argv[1:]
    text = text_of(sys.stdin.buffer.read(), media_type, charset)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


def text_of(body: bytes, media_type: str, charset: str) -> str:
    """The page's text; of HTML what a person would read. For some pages it takes very long."""
    try:
        text = body.decode(charset or "utf-8")
    except (LookupError, UnicodeError):
        from charset_normalizer import from_bytes

        best = from_bytes(body[: 64 * 1024]).best()
        text = body.decode(best.encoding if best else "utf-8", "replace")
    if media_type not in _HTML:
        return text
    reader = _Words()
    reader.feed(text)
    reader.close()
    return reader.text


class _Words(HTMLParser):
    """What a person would read of a page, with the addresses of its links."""

    _UNSEEN: Final = frozenset({"script", "style", "noscript", "template", "svg"})
    _BLOCKS: Final = frozenset(
        {"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article"}
        | {"header", "footer", "table", "ul", "ol", "pre"}
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._hidden = 0

    @property
    def text(self) -> str:
        """Lines without blanks around them, none of them empty."""
        lines = (" ".join(line.split()) for line in "".join(self._pieces).split("\n"))
        return "\n".join(line for line in lines if line)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Blocks begin a line; a link's address stands before its words."""
        self._hidden += tag in self._UNSEEN
        if tag in self._BLOCKS:
            self._pieces.append("\n")
        href = dict(attrs).get("href") if tag == "a" else None
        if href and href.startswith(("http:", "https:", "/")) and not self._hidden:
            self._pieces.append(f" <{href}> ")

    def handle_endtag(self, tag: str) -> None:
        """Blocks end a line."""
        self._hidden -= tag in self._UNSEEN and self._hidden > 0
        if tag in self._BLOCKS:
            self._pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Words, unless nobody sees them."""
        if not self._hidden:
            self._pieces.append(data)


if __name__ == "__main__":
    main()
