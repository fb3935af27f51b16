"""How a file that is made meanwhile leaves an ASGI server: piece by piece, never in the event loop's thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from groups.downloads import Made


async def test_pieces_are_made_as_they_are_sent_and_beside_the_loop() -> None:
    made: list[str] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            assert threading.current_thread() is not threading.main_thread()
            made.append(f"made {number}")
            yield b"%d" % number

    answer = Made(pieces(), filename="a run.json", content_type="application/json")
    async for piece in answer:
        made.append(f"sent {piece.decode()}")
    assert made == ["made 0", "sent 0", "made 1", "sent 1", "made 2", "sent 2"]
    assert answer["Content-Disposition"] == 'attachment; filename="a run.json"'
