"""Typed readers of the environment for `settings.py`. A wrong value stops the start and names the variable.

Every variable may also be given as `NAME_FILE`, the path of a file that holds the value (secrets of containers).
"""

from __future__ import annotations

import math
import os
import secrets
from pathlib import Path
from typing import Any, Final

import environs
from django.core.exceptions import ImproperlyConfigured

_source: Final = environs.FileAwareEnv(strip_whitespace=True)

TRUE: Final = frozenset({"1", "true", "yes", "on"})
FALSE: Final = frozenset({"0", "false", "no", "off"})


def text(name: str, default: str = "") -> str:
    """The variable as it stands, without surrounding whitespace; an empty one counts as not given.

    Raises ImproperlyConfigured if `NAME_FILE` names a file that cannot be read.
    """
    try:
        value: str = _source.str(name, default)
    except (environs.EnvError, ValueError) as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error
    return value.strip() or default


def boolean(name: str, default: bool) -> bool:
    """True for 1/true/yes/on, False for 0/false/no/off (any case); other spellings are refused."""
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def integer(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    """A whole number within the bounds, both included."""
    value = text(name)
    try:
        number = int(value) if value else default
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from error
    _check_bounds(name, number, minimum, maximum)
    return number


def seconds(name: str, default: float, *, minimum: float = 0.0) -> float:
    """A length of time in seconds, fractions allowed, not shorter than `minimum`."""
    value = text(name)
    try:
        number = float(value) if value else default
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a number of seconds, not {value!r}.") from error
    _check_bounds(name, number, minimum, None)
    return number


def words(name: str, default: list[str]) -> list[str]:
    """A list separated by commas; empty items are dropped."""
    value = text(name)
    return [word.strip() for word in value.split(",") if word.strip()] if value else default


def local_url(host: str, port: int) -> str:
    """The address under which this machine itself reaches a server that listens there."""
    shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def database(name: str, default: str) -> dict[str, Any]:
    """Django's settings of the database that the URL stands for, such as postgres://user:password@host/name."""
    try:
        return dict(_source.dj_db_url(name, default))
    except (environs.EnvError, ValueError) as error:
        raise ImproperlyConfigured(
            f"{name} must be a database URL such as postgres://user:password@host:5432/name ({error})."
        ) from error


def kept_secret(path: Path) -> str:
    """The secret kept in this file, readable by its owner only; made up at the first call.

    Safe when several processes make it up at once: the first file that is complete stays.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def _check_bounds(name: str, number: float, minimum: float, maximum: float | None) -> None:
    if not math.isfinite(number) or number < minimum or (maximum is not None and number > maximum):
        bounds = f"at least {minimum}" if maximum is None else f"between {minimum} and {maximum}"
        raise ImproperlyConfigured(f"{name} must be {bounds}, not {number}.")
