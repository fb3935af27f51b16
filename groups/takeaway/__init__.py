"""A run to take away: as a page in one file, as Markdown, as JSON that can be opened again (docs/takeaway.md)."""

from groups.takeaway.parcel import FORMS, Parcel, take

__all__ = ["FORMS", "Parcel", "take"]
