"""Cursors and dead letters in the database. Import it when Django's models are ready."""

from __future__ import annotations

from uuid import UUID

from state.bus.isolation import pack, unpack
from state.bus.letters import Cursor, DeadLetter, DeadLetterNotFound
from state.models import bus as rows
from state.persistence.codec import Codec


class DatabaseCursorStore:
    """Keeps cursors and dead letters in Django's database `using`; events are compressed and encrypted as states
    are."""

    def __init__(self, codec: Codec, using: str = "default") -> None:
        self._codec = codec
        self._cursors = rows.BusCursor.objects.using(using)
        self._letters = rows.DeadLetter.objects.using(using)

    def load(self, name: str, space: str) -> Cursor | None:
        """As CursorStore says. One query."""
        row = self._cursors.filter(name=name, space=space).first()
        if row is None:
            return None
        return Cursor(
            name=name, space=space, revision=row.revision, audit=row.audit, epoch=row.epoch
        )

    def keep(self, cursor: Cursor) -> None:
        """As CursorStore says. One statement."""
        row = rows.BusCursor(
            name=cursor.name,
            space=cursor.space,
            revision=cursor.revision,
            audit=cursor.audit,
            epoch=cursor.epoch,
        )
        self._cursors.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["name", "space"],
            update_fields=["revision", "audit", "epoch"],
        )

    def bury(self, letter: DeadLetter) -> None:
        """As CursorStore says."""
        self._letters.update_or_create(
            id=letter.id,
            defaults={
                "name": letter.name,
                "event_id": letter.event.id,
                "space": letter.event.space,
                "error": letter.error,
                "attempts": letter.attempts,
                "at": letter.at,
                "body": self._codec.seal(pack(letter.event), *_place(letter.id)),
            },
        )

    def letters(self, name: str) -> list[DeadLetter]:
        """As CursorStore says. One query."""
        return [self._value(row) for row in self._letters.filter(name=name).order_by("at", "id")]

    def letter(self, letter_id: str) -> DeadLetter:
        """As CursorStore says."""
        row = self._letters.filter(id=_uuid(letter_id)).first()
        if row is None:
            raise DeadLetterNotFound
        return self._value(row)

    def drop(self, letter_id: str) -> None:
        """As CursorStore says."""
        deleted, _ = self._letters.filter(id=_uuid(letter_id)).delete()
        if not deleted:
            raise DeadLetterNotFound

    def rekey(self) -> int:
        """Encrypt all dead letters as the settings say now; how many were otherwise. Safe to repeat."""
        changed = 0
        for row in self._letters.only("id", "body").iterator(chunk_size=100):
            body = bytes(row.body)
            if self._codec.needs_rekey(body):
                again = self._codec.repack(body, *_place(str(row.id)))
                changed += self._letters.filter(id=row.id).update(body=again)
        return changed

    def _value(self, row: rows.DeadLetter) -> DeadLetter:
        letter_id = str(row.id)
        return DeadLetter(
            id=letter_id,
            name=row.name,
            event=unpack(self._codec.open(bytes(row.body), *_place(letter_id))),
            error=row.error,
            attempts=row.attempts,
            at=row.at,
        )


def _place(letter_id: str) -> tuple[str, str]:
    return "dead_letter", letter_id


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise DeadLetterNotFound from None
