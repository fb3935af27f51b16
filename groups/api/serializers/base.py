"""What all request bodies have in common: no unknown fields, text as it was written, objects of bounded depth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rest_framework import serializers

#: Deeper JSON than this is a mistake or an attack.
MAX_DEPTH: Final = 32


class StrictSerializer(serializers.Serializer[Any]):
    """A request body: a field that it does not know is an error naming that field, so that typing errors show."""

    def to_internal_value(self, data: Any) -> Any:
        """The validated values. Raises ValidationError with every fault at once."""
        unknown: dict[str, Any] = {}
        if isinstance(data, dict):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = {
                str(name): ["There is no such field here."] for name in data if name not in known
            }
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            detail = (
                error.detail
                if isinstance(error.detail, dict)
                else {"non_field_errors": error.detail}
            )
            raise serializers.ValidationError({**detail, **unknown}) from None
        if unknown:
            raise serializers.ValidationError(unknown)
        return values


class EmptySerializer(StrictSerializer):
    """An action that needs nothing said."""


class Text(serializers.CharField):
    """Text kept as it was written; whether it may be empty or how long it may be is the service's to say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "allow_blank": True, **kwargs})


class ObjectField(serializers.JSONField):
    """A JSON object, not nested too deeply for those who walk through it; what it may hold is the service's to say."""

    def to_internal_value(self, data: Any) -> Any:
        """The object. Raises ValidationError."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be a JSON object.")
        level: list[Any] = [data]
        for _ in range(MAX_DEPTH):
            level = [child for item in level for child in _children(item)]
        if level:
            raise serializers.ValidationError(f"This is nested more than {MAX_DEPTH} levels deep.")
        return data


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
